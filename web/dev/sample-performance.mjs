// Figures for looking at the administration's performance page without a server: a day that is busy, with a trunk that is down.
const noise = (i, k) => Math.sin(i / (7 + k)) * 0.5 + Math.sin(i / (23 + 3 * k)) * 0.35 + Math.sin(i * 12.9898 + k) * 0.15;

function row(i, at, scale) {
  const busy = 0.6 + 0.4 * noise(i, 1);
  const calls = Math.max(0, Math.round(38 * busy));
  return {
    at: new Date(at).toISOString(),
    sessions: Math.max(calls, Math.round(90 + 40 * noise(i, 2))),
    calls,
    sipServersUp: i % 40 < 6 ? 1 : 2,
    sipServersDown: i % 40 < 6 ? 1 : 0,
    started: Math.max(0, Math.round(scale * (0.8 + noise(i, 3)))),
    ended: Math.max(0, Math.round(scale * (0.75 + noise(i, 4)))),
    failed: noise(i, 5) > 0.72 ? Math.max(1, Math.round(scale / 6)) : 0,
    sipIn: Math.max(0, Math.round(scale * 9 * (1 + noise(i, 6)))),
    sipOut: Math.max(0, Math.round(scale * 8 * (1 + noise(i, 7)))),
    brokerLoad: { 'broker-1': Math.round(100 * Math.min(1, 0.42 + 0.25 * noise(i, 8))) , 'broker-2': Math.round(100 * Math.min(1, 0.3 + 0.2 * noise(i, 9))) },
  };
}

export function samplePerformance(parameters = new URLSearchParams()) {
  const minutes = Number(parameters.get('minutes') ?? 60);
  const second = Math.floor(Date.now() / 1000);
  return {
    seconds: Array.from({ length: 120 }, (_, k) => row(second - 119 + k, (second - 119 + k) * 1000, 1)),
    minutes: Array.from({ length: minutes }, (_, k) => {
      const minute = Math.floor(second / 60) - minutes + 1 + k;
      return row(minute, minute * 60_000, 24);
    }),
  };
}

const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();

export const sampleTrunks = () => ({
  trunks: [
    { uri: 'sip:sbc1.lindhaven.example:5061;transport=tls', group: 'outbound', transport: 'tls', state: 'up', since: ago(93_812), lastReason: 'OPTIONS 200', rttMs: 4.2, optionsSent: 3127, optionsOk: 3125, requests: 1840, failures: 12, addresses: [{ address: '192.0.2.20:5061', state: 'up' }, { address: '192.0.2.21:5061', state: 'up' }] },
    { uri: 'sip:sbc2.lindhaven.example:5061;transport=tls', group: 'outbound', transport: 'tls', state: 'down', since: ago(412), lastReason: 'no answer to OPTIONS within 3000 ms', rttMs: 0, optionsSent: 3203, optionsOk: 3044, requests: 911, failures: 47, addresses: [{ address: '192.0.2.30:5061', state: 'down' }] },
    { uri: 'sip:pbx.lindhaven.example;transport=udp', transport: 'udp', state: 'unknown', since: ago(8), lastReason: 'not asked yet', optionsSent: 0, optionsOk: 0, requests: 0, failures: 0, addresses: [] },
  ],
});

