// Where browsers differ, by feature and never by name. One row per quirk; an empty row is removed.

export const quirks = {
  /** No requestVideoFrameCallback (Firefox before 132): the first frame is known by `loadeddata` instead. */
  frameCallback: () => typeof HTMLVideoElement !== 'undefined' && 'requestVideoFrameCallback' in HTMLVideoElement.prototype,
  /** No setSinkId (Safari, Firefox for Android): the loudspeaker is the system's choice. */
  speakerChoice: () => typeof HTMLMediaElement !== 'undefined' && 'setSinkId' in HTMLMediaElement.prototype,
  /** Firefox leaves rtcp-fb lines of payload types that its m-line no longer has; Chromium refuses such an offer. */
  cleanSdp: dropOrphanFeedback,
} as const;

/** Removes `a=rtcp-fb:PT` lines whose PT the m-line does not list. */
export function dropOrphanFeedback(sdp: string): string {
  let types: string[] = [];
  return sdp
    .split('\r\n')
    .filter((line) => {
      if (line.startsWith('m=')) types = line.split(' ').slice(3);
      const feedback = /^a=rtcp-fb:(\d+) /.exec(line);
      return !feedback || types.includes(feedback[1]!);
    })
    .join('\r\n');
}
