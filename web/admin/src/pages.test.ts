import { describe, expect, it } from 'vitest';
import type { BrokerLeg, CallDetail, CallSummary, TimelineEntry } from './api';
import { matches, reasonWords, shortTime } from './call_filter';
import { findings, whyDown, whyEnded } from './diagnose';
import { kAssistLanes, lanesOf } from './lanes';
import { ceiling, lasting, points, sum, trunkTransport } from './performance';

const entry = (from: string, to: string): TimelineEntry => ({ at: '', ms: 0, from, to, what: 'x', level: 'info', detail: {} });

describe('lanes of a call', () => {
  it('are those that take part, the customer’s side at the left', () => {
    expect(lanesOf([entry('consumer', 'gateway'), entry('gateway', 'agent')])).toEqual(['consumer', 'gateway', 'broker', 'agent']);
    expect(lanesOf([entry('trunk', 'gateway'), entry('gateway', 'customer phone'), entry('gateway', 'agent')])).toEqual(['customer phone', 'trunk', 'gateway', 'broker', 'agent']);
    expect(lanesOf([entry('consumer', 'gateway'), entry('gateway', 'trunk'), entry('agent phone', 'gateway')])).toEqual(['consumer', 'gateway', 'broker', 'agent phone', 'trunk']);
  });
  it('are others in a co-browse session', () => {
    expect(lanesOf([entry('server', 'supervisor')], kAssistLanes)).toEqual(['consumer', 'server', 'agent', 'supervisor']);
  });
  it('may be unknown: then they stand at the right', () => {
    expect(lanesOf([entry('gateway', 'edge')])).toEqual(['gateway', 'broker', 'edge']);
  });
});

describe('charts', () => {
  it('end at a round number', () => {
    expect([0, 0.4, 1, 1.1, 3, 7, 10, 11, 420, 1001].map(ceiling)).toEqual([1, 1, 1, 2, 5, 10, 10, 20, 500, 2000]);
  });
  it('stay within their field', () => {
    expect(points([0, 5, 10, 20], 10)).toBe('0.00,100.00 33.33,50.00 66.67,0.00 100.00,0.00');
    expect(points([3], 10)).toBe('0.00,70.00');
    expect(points([], 1)).toBe('');
  });
});

describe('performance', () => {
  it('adds up what happened', () => {
    const sample = { at: '', sessions: 9, calls: 9, started: 2, ended: 1, failed: 1, sipIn: 0, sipOut: 0, sipServersUp: 1, sipServersDown: 0, brokerLoad: {} };
    expect([sum([sample, sample], 'started'), sum([], 'failed')]).toEqual([4, 0]);
  });
  it('says how long a server has been up', () => {
    const now = Date.parse('2026-01-31T12:00:00Z');
    const spans = ['2026-01-31T11:59:48Z', '2026-01-31T11:57:30Z', '2026-01-31T09:50:00Z', '2026-01-28T09:00:00Z', 'nonsense'];
    expect(spans.map((s) => lasting(s, now))).toEqual(['12 s', '2 min 30 s', '2 h 10 min', '3 d 3 h', '–']);
  });
  it('knows the transport from the address', () => {
    const of = (uri: string, transport?: string) => trunkTransport({ uri, transport });
    expect([of('sip:a', 'tcp'), of('sip:a;transport=TLS'), of('sips:a'), of('sip:a')]).toEqual(['TCP', 'TLS', 'TLS', 'UDP']);
  });
});

describe('search', () => {
  const call: CallSummary = {
    call: 'abc', state: 'ended', reason: 'phone_busy', startedAt: '', correlationId: 'k-77',
    consumer: { name: 'Frida Holm', kind: 'phone', number: '+49 30 901820' }, agent: { name: 'Robin Vale', address: 'agent1' },
  };
  const found = (text: string, kind: 'all' | 'phone' | 'failed' = 'all') => matches(call, { text, kind });
  it('finds what the list says', () => {
    const left: CallSummary = { ...call, reason: 'consumer_left' };
    expect(reasonWords(left.reason)).toBe('customer left');
    expect(['customer left', 'consumer_left'].map((text) => matches(left, { text, kind: 'all' }))).toEqual([true, true]);
  });
  it('names the day only of calls that are not of today', () => {
    const now = new Date(2026, 0, 31, 12);
    const day = String(now.getFullYear());
    expect(shortTime(new Date(2026, 0, 31, 9).toISOString(), now)).not.toContain(day);
    expect(shortTime(new Date(2026, 0, 30, 9).toISOString(), now)).toContain(day);
    expect(shortTime('nonsense', now)).toBe('–');
  });
  it('finds names, numbers as written or dialled, reasons and ids; all words must be there', () => {
    expect(['', 'frida', '+4930901820', '30 9018', 'busy', 'phone busy', 'K-77', 'robin frida'].map((t) => found(t))).toEqual(Array(8).fill(true));
    expect([found('frida noa'), found('4931')]).toEqual([false, false]);
  });
  it('narrows to telephones and failures', () => {
    expect([found('', 'phone'), found('', 'failed')]).toEqual([true, true]);
    expect(matches({ ...call, reason: 'hung_up', consumer: { name: 'Ada' } }, { text: '', kind: 'phone' })).toBe(false);
    expect(matches({ ...call, reason: 'transferred' }, { text: '', kind: 'failed' })).toBe(false);
    expect(matches({ ...call, state: 'connected', reason: undefined }, { text: '', kind: 'failed' })).toBe(false);
  });
});

describe('a telephone’s leg', () => {
  const flow = (packets: number, lost = 0) => ({ packets, bytes: 0, lost });
  const phone = (packets: number, lost = 0): BrokerLeg => ({ id: 'consumer', kind: 'rtp', security: 'none', sections: [{ index: 0, kind: 'audio', fromPeer: flow(packets, lost), toPeer: flow(100) }] });
  const call = (leg: BrokerLeg): CallDetail => ({ call: 'c', state: 'ended', startedAt: '', answeredAt: '2026-01-31T12:00:00Z', reason: 'hung_up', by: 'agent', legs: [], timeline: [], media: { legs: [leg] } });
  it('has neither ICE nor DTLS, and nothing is wrong with that', () => {
    expect(findings(call(phone(100)))).toEqual([{ level: 'info', text: 'Media flowed both ways on both legs.' }]);
  });
  it('that sends nothing points at firewall and address', () => {
    expect(findings(call(phone(0)))[0]).toMatchObject({ level: 'error', text: expect.stringMatching(/No RTP came from the customer’s phone at all.*firewall/) as string });
  });
  it('keeps its side under another name after a transfer', () => {
    const moved = { ...call({ ...phone(0), id: 'p7', selected: { remote: '192.0.2.1:4' } }), legs: [{ id: 'agent', leg: 'p7' }] };
    expect(findings(moved)[0]!.text).toMatch(/^No RTP came from the agent’s phone\./);
  });
  it('loses packets like any other', () => {
    expect(findings(call(phone(90, 10)))[0]!.text).toBe('10.0 % of the packets with sound from the customer’s phone were lost.');
  });
  it('tells of a trunk what its reason means', () => {
    expect(whyDown('sip.transport_tls_failed')).toMatch(/certificate is not trusted/);
    expect(whyDown('sip.something')).toBe('');
    expect(whyDown(undefined)).toBe('');
  });
  it('ends calls with reasons of its own', () => {
    expect(whyEnded({ ...call(phone(1)), reason: 'trunk_down', answeredAt: undefined })).toMatch(/No outbound SIP server answered/);
  });
});
