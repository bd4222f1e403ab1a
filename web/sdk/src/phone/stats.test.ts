import { describe, expect, it } from 'vitest';
import { dropOrphanFeedback } from './quirks';
import { SetupClock } from './setup_clock';
import { judge, summarise } from './stats';

const report = (at: number, packets: number, lost: number, rtt = 0.02): [string, unknown][] => [
  ['in', { id: 'in', type: 'inbound-rtp', kind: 'audio', timestamp: at, packetsReceived: packets, packetsLost: lost, bytesReceived: packets * 100, jitter: 0.0012, codecId: 'codec' }],
  ['codec', { id: 'codec', type: 'codec', timestamp: at, mimeType: 'audio/opus' }],
  ['t', { id: 't', type: 'transport', timestamp: at, dtlsState: 'connected', selectedCandidatePairId: 'p' }],
  ['p', { id: 'p', type: 'candidate-pair', timestamp: at, currentRoundTripTime: rtt, localCandidateId: 'l', remoteCandidateId: 'r' }],
  ['l', { id: 'l', type: 'local-candidate', timestamp: at, candidateType: 'host', protocol: 'udp', address: '192.0.2.7', port: 5000 }],
];

describe('statistics', () => {
  it('gives rates for the interval', () => {
    const first = summarise(report(1000, 100, 0));
    const second = summarise(report(3000, 190, 10), first);
    expect(second.streams[0]).toMatchObject({ kind: 'audio', direction: 'in', codec: 'opus', bitrate: 36_000, lossPercent: 10, jitterMs: 1.2 });
    expect(second).toMatchObject({ rttMs: 20, dtls: 'connected', localCandidate: 'host udp 192.0.2.7:5000' });
  });

  it('judges by the worst of loss, delay and silence', () => {
    const first = summarise(report(1000, 100, 0));
    expect(judge(first, null)).toBe('unknown');
    const later = (packets: number, lost: number, rtt?: number) => judge(summarise(report(3000, packets, lost, rtt), first), first);
    expect(later(200, 0)).toBe('good');
    expect(later(200, 5)).toBe('fair');
    expect(later(200, 15)).toBe('poor');
    expect(later(200, 0, 0.4)).toBe('fair');
    expect(later(200, 0, 0.7)).toBe('poor');
    expect(later(100, 0)).toBe('poor');
  });

  it('takes an empty report', () => {
    expect(summarise([])).toEqual({ at: 0, streams: [] });
  });
});

describe('set-up clock', () => {
  it('keeps first ends, in order of the press', () => {
    let now = 100;
    const clock = new SetupClock(() => now);
    clock.begin('token');
    now = 130;
    clock.end('token');
    now = 150;
    clock.end('token');
    clock.end('ice');
    expect(clock.first('firstFrame')).toBe(true);
    expect(clock.first('firstFrame')).toBe(false);
    expect(clock.report).toEqual({ parts: { token: { start: 0, duration: 30 } }, firstFrame: 50 });
  });
});

describe('quirks', () => {
  it('drops feedback lines of payload types that are gone', () => {
    const lines = ['v=0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=rtcp-fb:111 transport-cc', 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=rtcp-fb:96 nack', 'a=rtcp-fb:126 nack', 'a=rtcp-fb:111 nack', ''];
    expect(dropOrphanFeedback(lines.join('\r\n')).split('\r\n')).toEqual([...lines.slice(0, 5), '']);
  });
});
