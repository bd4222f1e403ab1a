// Figures from RTCPeerConnection.getStats in the few numbers that a person or a timeline needs. Pure functions.

export type QualityLevel = 'good' | 'fair' | 'poor' | 'unknown';

export interface StreamStats {
  kind: 'audio' | 'video';
  direction: 'in' | 'out';
  packets: number;
  bytes: number;
  lost: number;
  /** In the time since the summary before. */
  bitrate: number;
  lossPercent: number;
  jitterMs?: number;
  codec?: string;
  width?: number;
  height?: number;
  framesPerSecond?: number;
  frames?: number;
}

export interface StatsSummary {
  /** Milliseconds, clock of the statistics. */
  at: number;
  rttMs?: number;
  availableOutgoingBitrate?: number;
  localCandidate?: string;
  remoteCandidate?: string;
  dtls?: string;
  streams: StreamStats[];
}

type Entry = Record<string, unknown> & { id: string; type: string; timestamp: number };

const num = (value: unknown): number | undefined => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const milliseconds = (seconds: unknown): number | undefined => {
  const value = num(seconds);
  return value === undefined ? undefined : Math.round(value * 10_000) / 10;
};

/** `before` gives rates their interval; without it bit rate and loss in percent are 0. */
export function summarise(report: Iterable<[string, unknown]>, before?: StatsSummary | null): StatsSummary {
  const entries = new Map<string, Entry>();
  for (const [id, entry] of report) entries.set(id, entry as Entry);
  const summary: StatsSummary = { at: 0, streams: [] };
  for (const entry of entries.values()) {
    summary.at = Math.max(summary.at, entry.timestamp ?? 0);
    if (entry.type === 'inbound-rtp') summary.streams.push(stream(entry, 'in', entries));
    if (entry.type === 'outbound-rtp') summary.streams.push(stream(entry, 'out', entries));
    if (entry.type === 'transport') summary.dtls = text(entry.dtlsState);
  }
  const pair = selectedPair(entries);
  if (pair) {
    summary.rttMs = milliseconds(pair.currentRoundTripTime);
    summary.availableOutgoingBitrate = num(pair.availableOutgoingBitrate);
    summary.localCandidate = candidate(entries.get(String(pair.localCandidateId)));
    summary.remoteCandidate = candidate(entries.get(String(pair.remoteCandidateId)));
  }
  for (const now of summary.streams) {
    const then = before?.streams.find((s) => s.kind === now.kind && s.direction === now.direction);
    const seconds = (summary.at - (before?.at ?? summary.at)) / 1000;
    if (!then || seconds <= 0) continue;
    now.bitrate = Math.max(0, Math.round(((now.bytes - then.bytes) * 8) / seconds));
    const lost = Math.max(0, now.lost - then.lost);
    const all = lost + Math.max(0, now.packets - then.packets);
    now.lossPercent = all > 0 ? Math.round((lost / all) * 1000) / 10 : 0;
  }
  return summary;
}

function stream(entry: Entry, direction: 'in' | 'out', entries: Map<string, Entry>): StreamStats {
  const incoming = direction === 'in';
  // What the other side lost of ours is in its receiver report.
  const remote = entries.get(String(entry.remoteId));
  return {
    kind: entry.kind === 'video' ? 'video' : 'audio',
    direction,
    packets: num(incoming ? entry.packetsReceived : entry.packetsSent) ?? 0,
    bytes: num(incoming ? entry.bytesReceived : entry.bytesSent) ?? 0,
    lost: Math.max(0, num(incoming ? entry.packetsLost : remote?.packetsLost) ?? 0),
    bitrate: 0,
    lossPercent: 0,
    jitterMs: milliseconds(incoming ? entry.jitter : remote?.jitter),
    codec: text(entries.get(String(entry.codecId))?.mimeType)?.split('/')[1],
    width: num(entry.frameWidth),
    height: num(entry.frameHeight),
    framesPerSecond: num(entry.framesPerSecond),
    frames: num(incoming ? entry.framesDecoded : entry.framesEncoded),
  };
}

function selectedPair(entries: Map<string, Entry>): Entry | undefined {
  for (const entry of entries.values()) {
    if (entry.type === 'transport' && entry.selectedCandidatePairId) return entries.get(String(entry.selectedCandidatePairId));
  }
  for (const entry of entries.values()) {
    if (entry.type === 'candidate-pair' && (entry.selected === true || (entry.nominated === true && entry.state === 'succeeded'))) {
      return entry;
    }
  }
  return undefined;
}

function candidate(entry: Entry | undefined): string | undefined {
  if (!entry) return undefined;
  const address = text(entry.address) ?? text(entry.ip) ?? '?';
  return `${text(entry.candidateType) ?? ''} ${text(entry.protocol) ?? ''} ${address}:${String(entry.port ?? '?')}`.trim();
}

/** How it sounds and looks, by the worst of loss and delay in the last interval. */
export function judge(summary: StatsSummary, before: StatsSummary | null): QualityLevel {
  if (!before) return 'unknown';
  const incoming = summary.streams.filter((s) => s.direction === 'in');
  const packets = (of: StatsSummary) => of.streams.reduce((sum, s) => sum + (s.direction === 'in' ? s.packets : 0), 0);
  if (incoming.length > 0 && packets(summary) === packets(before)) return 'poor';
  const loss = Math.max(0, ...summary.streams.map((s) => s.lossPercent));
  const rtt = summary.rttMs ?? 0;
  if (loss > 8 || rtt > 600) return 'poor';
  if (loss > 3 || rtt > 300) return 'fair';
  return incoming.length > 0 ? 'good' : 'unknown';
}
