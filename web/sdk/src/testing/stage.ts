// An agent's stage in the page that a test is in, over a connection that is played.
import { Cobrowse, PageStage } from '../assist/agent/index';
import { encodeFrame } from '../assist/frame';
import { browserEnvironment } from '../common/index';
import { FakeLink, kAllFeatures, sessionOf } from './fake_link';

export { sessionOf };

export const link = new FakeLink();
export let stage: PageStage;
export let session: Cobrowse;
export const heard: string[] = [];

/** A session that the consumer agreed to; its worker cannot be had here. */
export function openStage(container: HTMLElement): void {
  session = new Cobrowse({ environment: browserEnvironment(), cid: 'c1', link: () => link });
  stage = new PageStage(session, { container, server: 'https://parley.test' });
  stage.on('released', () => heard.push('released'));
  session.start();
  link.welcomes(sessionOf('joined'), kAllFeatures);
}

/** A whole picture of 800 × 600, all in a colour; once it is drawn. */
export async function showPicture(frame: number, colour: string): Promise<void> {
  const canvas = new OffscreenCanvas(800, 600);
  const g = canvas.getContext('2d')!;
  g.fillStyle = colour;
  g.fillRect(0, 0, 800, 600);
  const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer());
  const drawn = new Promise<void>((done) => stage.once('drawn', () => done()));
  link.emit('binary', encodeFrame({
    whole: true, lossless: true, endOfBurst: true, frame, epoch: 0, width: 800, height: 600, scale: 1, scrollX: 0, scrollY: 50,
    ops: [{ op: 'image', x: 0, y: 0, w: 800, h: 600, codec: 'png', keyframe: true, bytes }],
  }));
  await drawn;
}

/** What went out since the last time, without acknowledgements. */
export const sent = (): Record<string, unknown>[] => link.sent.splice(0) as unknown as Record<string, unknown>[];

export function pixel(x: number, y: number): number[] {
  const g = new OffscreenCanvas(800, 600).getContext('2d')!;
  g.drawImage(stage.canvas, 0, 0);
  return [...g.getImageData(x, y, 1, 1).data].slice(0, 3);
}
