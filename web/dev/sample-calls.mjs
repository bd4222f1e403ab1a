// Calls for looking at the call page without a server: one that went well, one without a media path, one that runs.
const kStart = Date.parse('2026-01-31T12:00:00.000Z');
const at = (ms) => new Date(kStart + ms).toISOString();
const entry = (ms, from, to, what, level = 'info', detail = {}) => ({ at: at(ms), ms, from, to, what, level, detail });
const direction = (packets, bitrate, extra = {}) => ({ packets, bytes: packets * 120, lost: 0, fractionLost: 0, jitterMs: 1.4, bitrate, nacks: 0, retransmitted: 0, plis: 0, firs: 0, keyFrames: 0, ...extra });
const party = (name, address, user = '') => ({ name, address, user });
const leg = (id, remote, lossy = {}) => ({
  id, ice: 'connected', dtls: 'connected', srtp: 'AEAD_AES_128_GCM', selected: { remote, local: '198.51.100.20:16001' }, rttMs: 24.3, remb: 2100000,
  sections: [
    { index: 0, kind: 'audio', mid: '0', codec: 'opus', fromPeer: direction(6648, 41000), toPeer: direction(6630, 40200) },
    { index: 1, kind: 'video', mid: '1', codec: 'VP8', fromPeer: direction(24110, 1480000, { nacks: 14, retransmitted: 14, plis: 3, keyFrames: 4, ...lossy }), toPeer: direction(23980, 1390000, { plis: 2, keyFrames: 3 }) },
  ],
  drops: {},
});

const setup = (ms, from) => entry(ms, from, 'gateway', 'stats', 'info', {
  kind: 'setup', firstFrame: ms - 20, waitedForAnswer: 4210,
  parts: { getUserMedia: { start: 0, duration: 310 }, token: { start: 0, duration: 24 }, webSocket: { start: 24, duration: 31 }, offer: { start: 312, duration: 18 }, dial: { start: 330, duration: 22 }, ringing: { start: 352, duration: 4210 }, sdp: { start: 4562, duration: 9 }, ice: { start: 4563, duration: 38 }, dtls: { start: 4601, duration: 47 }, firstFrame: { start: 4648, duration: 210 } },
});

const begin = [
  entry(0, 'consumer', 'gateway', 'dial'),
  entry(1, 'gateway', 'consumer', 'call', 'info', { state: 'ringing' }),
  entry(2, 'gateway', 'broker', 'make call'),
  entry(9, 'broker', 'gateway', 'call made'),
  entry(10, 'gateway', 'broker', 'offer of the consumer', 'info', { sdpBytes: 5412 }),
  entry(16, 'broker', 'gateway', 'offer for the agent'),
  entry(17, 'gateway', 'agent', 'incoming', 'info', { state: 'ringing' }),
  entry(4210, 'agent', 'gateway', 'answer', 'info', { sdpBytes: 3120 }),
  entry(4211, 'gateway', 'broker', 'answer of the agent', 'info', { sdpBytes: 3120 }),
  entry(4218, 'broker', 'gateway', 'answer for the consumer'),
  entry(4219, 'gateway', 'consumer', 'sdp answer', 'info', { sdpBytes: 2890 }),
];

const good = {
  summary: { call: 'sample-good', state: 'ended', phase: 'ended', consumer: party('Ada Marlow', 'consumer'), agent: party('Robin Vale', 'agent1', 'agent1'), broker: 'broker-1', startedAt: at(0), answeredAt: at(4210), connectedAt: at(4310), endedAt: at(137000), reason: 'hung_up', by: 'consumer', text: 'Ada Marlow ended the call.' },
  detail: {
    legs: [{ id: 'consumer', name: 'Ada Marlow', muted: { audio: false, video: false } }, { id: 'agent', name: 'Robin Vale', muted: { audio: false, video: false } }],
    dropped: 0,
    timeline: [
      ...begin,
      entry(4240, 'broker', 'agent', 'ice-connected', 'info', { remote: '203.0.113.9:50112', local: '198.51.100.20:16001' }),
      entry(4262, 'broker', 'consumer', 'ice-connected', 'info', { remote: '192.0.2.7:51000', local: '198.51.100.20:16001' }),
      entry(4281, 'broker', 'agent', 'dtls-connected', 'info', { srtp: 'AEAD_AES_128_GCM', role: 'server' }),
      entry(4310, 'broker', 'consumer', 'dtls-connected', 'info', { srtp: 'AEAD_AES_128_GCM', role: 'server' }),
      entry(4312, 'gateway', 'consumer', 'call', 'info', { state: 'connected' }),
      entry(4312, 'gateway', 'agent', 'call', 'info', { state: 'connected' }),
      entry(4340, 'broker', 'agent', 'first-media', 'info', { kind: 'audio', direction: 'to-peer' }),
      setup(4880, 'consumer'),
      entry(41200, 'consumer', 'gateway', 'mute', 'info', { audio: false, video: true }),
      entry(63020, 'consumer', 'consumer', 'connection lost', 'warn'),
      entry(63100, 'broker', 'consumer', 'ice-disconnected', 'warn'),
      entry(67410, 'consumer', 'consumer', 'connection resumed'),
      entry(67460, 'consumer', 'gateway', 'restart', 'info', { sdpBytes: 5420 }),
      entry(67461, 'gateway', 'broker', 'restart of the consumer', 'info', { sdpBytes: 5420 }),
      entry(67466, 'broker', 'gateway', 'restart answered'),
      entry(67467, 'gateway', 'consumer', 'sdp answer', 'info', { sdpBytes: 2890 }),
      entry(67520, 'broker', 'consumer', 'ice-connected', 'info', { remote: '203.0.113.80:40022', local: '198.51.100.20:16001' }),
      entry(136999, 'consumer', 'gateway', 'end'),
      entry(137000, 'gateway', 'agent', 'call', 'info', { state: 'ended', reason: 'hung_up' }),
      entry(137001, 'gateway', 'broker', 'remove call'),
    ],
    media: { call: 'sample-good', worker: 1, ageSeconds: 137, legs: [{ ...leg('consumer', '203.0.113.80:40022', { lost: 712 }), drops: { srtp_replay: 2, 'ice.unknown_source': 11 } }, leg('agent', '203.0.113.9:50112')] },
  },
};

const failed = {
  summary: { ...good.summary, call: 'sample-blocked', consumer: party('Jonas Brandt', 'consumer'), answeredAt: at(4210), connectedAt: undefined, endedAt: at(24230), reason: 'media_failed', by: 'system', text: 'Voice and video could not be connected.' },
  detail: {
    legs: [{ id: 'consumer', name: 'Jonas Brandt' }, { id: 'agent', name: 'Robin Vale' }],
    dropped: 0,
    timeline: [
      ...begin,
      entry(4240, 'broker', 'agent', 'ice-connected', 'info', { remote: '203.0.113.9:50112' }),
      entry(4281, 'broker', 'agent', 'dtls-connected', 'info', { srtp: 'AEAD_AES_128_GCM' }),
      entry(24220, 'gateway', 'gateway', 'media time is over', 'error'),
      entry(24230, 'gateway', 'consumer', 'call', 'warn', { state: 'ended', reason: 'media_failed' }),
      entry(24230, 'gateway', 'agent', 'call', 'warn', { state: 'ended', reason: 'media_failed' }),
      entry(24231, 'gateway', 'broker', 'remove call'),
    ],
    media: { call: 'sample-blocked', worker: 0, legs: [{ id: 'consumer', ice: 'new', dtls: 'new', sections: [], drops: {} }, { ...leg('agent', '203.0.113.9:50112'), drops: {} }] },
  },
};

const running = {
  summary: { ...good.summary, call: 'sample-running', state: 'connected', phase: 'connected', consumer: party('Mira Castellan', 'consumer'), endedAt: undefined, reason: undefined, by: undefined, text: undefined },
  detail: { ...good.detail, legs: good.detail.legs, timeline: good.detail.timeline.slice(0, 18), media: good.detail.media },
};

const rtpLeg = (id, remote, extra = {}) => ({
  id, kind: 'rtp', rtp: 'connected', security: 'sdes-preferred', srtp: 'AES_CM_128_HMAC_SHA1_80', selected: { remote, local: '198.51.100.20:17004' },
  sections: [{ index: 0, kind: 'audio', codec: 'PCMU', fromPeer: direction(6201, 64000, { jitterMs: 3.1 }), toPeer: direction(6188, 64000) }],
  drops: {}, ...extra,
});

const phone = {
  summary: {
    ...good.summary, call: 'sample-phone', consumer: { name: 'Frida Holm', address: 'sip:+4930901820@sbc1.lindhaven.example', kind: 'phone', number: '+49 30 901820' },
    correlationId: 'b7f1c9', startedAt: at(-420000), answeredAt: at(-415000), connectedAt: at(-414900), endedAt: at(-291000), text: 'Frida Holm ended the call.',
  },
  detail: {
    legs: [{ id: 'consumer', name: 'Frida Holm', kind: 'phone' }, { id: 'agent', name: 'Robin Vale', muted: { audio: false, video: false } }],
    dropped: 0,
    timeline: [
      entry(0, 'trunk', 'gateway', 'INVITE sip:8000@parley', 'info', { trunk: 'sbc1.lindhaven.example', callId: '8f0c2a@192.0.2.20' }),
      entry(1, 'gateway', 'trunk', '100 Trying'),
      entry(2, 'gateway', 'broker', 'make call'),
      entry(6, 'broker', 'gateway', 'call made'),
      entry(7, 'gateway', 'broker', 'offer of the customer phone', 'info', { sdpBytes: 812 }),
      entry(11, 'broker', 'gateway', 'offer for the agent'),
      entry(12, 'gateway', 'agent', 'incoming', 'info', { state: 'ringing', group: 'Claims' }),
      entry(14, 'gateway', 'customer phone', '180 Ringing'),
      entry(5010, 'agent', 'gateway', 'answer', 'info', { sdpBytes: 3120 }),
      entry(5016, 'gateway', 'customer phone', '200 OK (INVITE)', 'info', { sdpBytes: 640 }),
      entry(5030, 'customer phone', 'gateway', 'ACK'),
      entry(5044, 'broker', 'agent', 'ice-connected', 'info', { remote: '203.0.113.9:50112' }),
      entry(5071, 'broker', 'customer phone', 'rtp-connected', 'info', { remote: '192.0.2.44:11802' }),
      entry(5100, 'gateway', 'agent', 'call', 'info', { state: 'connected' }),
      entry(48000, 'agent', 'gateway', 'hold', 'info', { held: true }),
      entry(48009, 'gateway', 'customer phone', 'INVITE (sendonly)'),
      entry(48031, 'customer phone', 'gateway', '200 OK (INVITE)'),
      entry(64000, 'agent', 'gateway', 'hold', 'info', { held: false }),
      entry(64008, 'gateway', 'customer phone', 'INVITE (sendrecv)'),
      entry(64027, 'customer phone', 'gateway', '491 Request Pending', 'warn'),
      entry(66430, 'gateway', 'customer phone', 'INVITE (sendrecv)'),
      entry(66451, 'customer phone', 'gateway', '200 OK (INVITE)'),
      entry(128990, 'customer phone', 'gateway', 'BYE', 'info', { reason: 'Q.850;cause=16' }),
      entry(128991, 'gateway', 'customer phone', '200 OK (BYE)'),
      entry(129000, 'gateway', 'agent', 'call', 'info', { state: 'ended', reason: 'hung_up' }),
    ],
    media: { call: 'sample-phone', worker: 0, ageSeconds: 129, legs: [rtpLeg('consumer', '192.0.2.44:11802'), { ...leg('agent', '203.0.113.9:50112'), sections: [leg('agent', '').sections[0]] }] },
  },
};

const busy = {
  summary: {
    ...good.summary, call: 'sample-busy', agent: { name: '', address: 'sip:2001@pbx.lindhaven.example', kind: 'phone', number: '2001' }, answeredAt: undefined, connectedAt: undefined,
    startedAt: at(-7200000), endedAt: at(-7198200), reason: 'phone_busy', by: 'system', text: 'The line is busy.',
  },
  detail: {
    legs: [{ id: 'consumer', name: 'Ada Marlow' }, { id: 'agent', kind: 'phone' }],
    dropped: 0,
    timeline: [
      ...begin.slice(0, 6),
      entry(18, 'gateway', 'trunk', 'INVITE sip:2001@pbx.lindhaven.example', 'info', { trunk: 'sbc2.lindhaven.example' }),
      entry(3019, 'gateway', 'trunk', 'no answer within 3000 ms', 'warn', { trunk: 'sbc2.lindhaven.example' }),
      entry(3020, 'gateway', 'trunk', 'INVITE sip:2001@pbx.lindhaven.example', 'info', { trunk: 'sbc1.lindhaven.example' }),
      entry(3041, 'trunk', 'gateway', '100 Trying'),
      entry(3400, 'agent phone', 'gateway', '486 Busy Here', 'warn'),
      entry(3401, 'gateway', 'agent phone', 'ACK'),
      entry(3402, 'gateway', 'consumer', 'call', 'warn', { state: 'ended', reason: 'phone_busy' }),
    ],
    media: null,
  },
};

const more = [['no_answer', 'system', 'Elif Aydin'], ['rejected', 'agent', 'Sam Okafor'], ['consumer_lost', 'system', 'Lena Vogt']].map(([reason, by, name], i) => ({
  summary: { ...good.summary, call: `sample-${reason}`, consumer: party(name, 'consumer'), startedAt: at(-3600000 * (i + 1)), answeredAt: undefined, connectedAt: undefined, endedAt: at(-3600000 * (i + 1) + 30000), reason, by, text: '' },
  detail: { legs: [], dropped: 0, timeline: begin.slice(0, 7), media: null },
}));

export const sampleCalls = [running, good, failed, phone, busy, ...more];
