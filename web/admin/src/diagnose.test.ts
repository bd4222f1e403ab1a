import { describe, expect, it } from 'vitest';
import type { BrokerLeg, CallDetail, Direction } from './api';
import { findings, span, talkTime, whyEnded } from './diagnose';

const flow = (packets: number, lost = 0): Direction => ({ packets, bytes: 0, lost });
const leg = (id: string, extra: Partial<BrokerLeg> = {}): BrokerLeg => ({
  id, ice: 'connected', dtls: 'connected', selected: { remote: '192.0.2.1:5' },
  sections: [{ index: 0, kind: 'audio', fromPeer: flow(100), toPeer: flow(100) }], ...extra,
});
const call = (extra: Partial<CallDetail> = {}, legs = [leg('consumer'), leg('agent')]): CallDetail => ({
  call: 'c', state: 'ended', startedAt: '2026-01-31T12:00:00Z', answeredAt: '2026-01-31T12:00:05Z', endedAt: '2026-01-31T12:02:18Z', reason: 'hung_up', by: 'agent', legs: [], timeline: [], media: { legs }, ...extra,
});
const texts = (c: CallDetail) => findings(c).map((f) => f.text).join('\n');

describe('why a call ended', () => {
  it('names who, why and after how long', () => {
    expect(whyEnded(call())).toBe('The agent hung up. It had lasted 2 min 13 s since the answer.');
    expect(whyEnded(call({ reason: 'no_answer', answeredAt: undefined }))).toBe('The agent did not answer within the ringing time.');
    expect(whyEnded(call({ reason: 'new_reason', text: 'In its words.', answeredAt: undefined }))).toBe('In its words.');
    expect(whyEnded(call({ state: 'connected' }))).toBe('The call is running.');
    expect(talkTime(call({ answeredAt: undefined }))).toBe('');
    expect([span(12), span(1500), span(61_000), span(NaN)]).toEqual(['12 ms', '1.5 s', '1 min 1 s', '–']);
  });

  it('finds nothing wrong with a good call', () => {
    expect(findings(call())).toEqual([{ level: 'info', text: 'Media flowed both ways on both legs.' }]);
  });

  it('takes a leg that was closed at the end for what it was', () => {
    const closed = { dtls: 'closed', srtp: 'AEAD_AES_128_GCM' };
    expect(findings(call({}, [leg('consumer', closed), leg('agent', closed)]))).toMatchObject([{ level: 'info' }]);
    expect(texts(call({}, [leg('consumer', { dtls: 'closed' }), leg('agent')]))).toMatch(/keys with the customer/);
  });

  it('tells a blocked path from failed keys from a silent microphone', () => {
    expect(texts(call({}, [leg('consumer', { ice: 'new', selected: undefined }), leg('agent')]))).toMatch(/Nothing from the customer’s browser.*firewall/);
    expect(texts(call({}, [leg('consumer', { dtls: 'failed' }), leg('agent')]))).toMatch(/keys with the customer’s browser.*DTLS: failed/);
    const silent = [leg('consumer'), leg('agent', { sections: [{ index: 0, kind: 'audio', fromPeer: flow(0), toPeer: flow(9) }] })];
    expect(texts(call({}, silent))).toMatch(/No sound came from the agent: no microphone/);
    expect(texts(call({ legs: [{ id: 'agent', muted: { audio: true, video: false } }] }, silent))).toMatch(/it was muted/);
  });

  it('misses a picture only where both sides agreed on video', () => {
    const dark = [leg('consumer', { sections: [{ index: 0, kind: 'audio', fromPeer: flow(9), toPeer: flow(9) }, { index: 1, kind: 'video', fromPeer: flow(0), toPeer: flow(0) }] }), leg('agent')];
    expect(texts(call({ video: false }, dark))).toBe('Media flowed both ways on both legs.');
    expect(texts(call({ video: true }, dark))).toMatch(/^No picture came from the customer: there was no camera/);
  });

  it('counts loss and drops', () => {
    const lossy = leg('consumer', { sections: [{ index: 0, kind: 'video', fromPeer: flow(90, 10), toPeer: flow(100, 1) }], drops: { srtp_replay: 300, rtp_duplicate: 900, on_hold: 4000, no_peer: 900 } });
    expect(texts(call({}, [lossy, leg('agent')]))).toBe('10.0 % of the packets with picture from the customer were lost.\nMany packets of the customer were dropped: 300 × srtp_replay.');
  });

  it('says when there is no report', () => {
    expect(texts(call({ media: null }))).toMatch(/no report/);
    expect(findings(call({ media: null, answeredAt: undefined }))).toEqual([]);
  });
});
