// Calls between a page and a telephone, as both take part in them.
import { assert, assist, signIn } from '../../browser/lib/call.mjs';
import { until } from '../../browser/lib/browsers.mjs';
import { people } from '../../browser/lib/media.mjs';
import { agentToken, consumerToken, sdp, Session } from '../../browser/lib/session.mjs';
import { request } from '../../browser/lib/stack.mjs';

export { agentToken, assert, assist, consumerToken, people, sdp, Session, signIn, until };

/** Settings of a server that serves SIP in the test's network and sends calls to `servers` (addresses or URIs). */
export const sipSettings = (lan, servers, more = {}) => ({
  'sip.listen': `udp:${lan.host}:5060,tcp:${lan.host}:5060,tls:${lan.host}:5061`,
  'gateway.consumer_access_number_regex': '.*',
  'sip.outbound_servers': servers.map((s) => (/^sips?:/.test(s) ? s : `sip:${s}`)).join(','),
  ...more,
});
/** Signs in to the administration and shows the servers and counts. */
export async function performancePage(page, stack) {
  await stack.admin();
  await page.goto(`${stack.url}/web_plugin_framework/webcontroller/`);
  await page.fill('user', 'admin');
  await page.fill('password', stack.adminPassword);
  await page.click('sign-in');
  await page.appears('nav-performance');
  await page.click('nav-performance');
}

/** What the administration is told of the outbound servers and of strangers. */
export const trunksOf = async (stack) => (await request(`${stack.url}/web_plugin_framework/webcontroller/api/trunks`, { headers: await stack.admin() })).json;

export const mediaSettings = (lan) => ({ mediaSettings: { 'media.rtp_address': lan.host } });

/** The page plays this tone. */
export const pageHears = (page, hertz, ms = 20000) => until(`${page.name} hears ${hertz} Hz`, async () => {
  const heard = await page.hear('remote-video');
  return Math.abs(heard.hertz - hertz) < 15 && heard.db > -60 ? heard : Promise.reject(new Error(JSON.stringify(heard)));
}, ms);

/** Of these levels (dB by tone) the ones asked for are there, and the others are not. */
function mixOf(levels, present) {
  const there = Object.entries(levels).filter(([hertz]) => present.includes(Number(hertz))).map(([, db]) => db);
  const absent = Object.entries(levels).filter(([hertz]) => !present.includes(Number(hertz))).map(([, db]) => db);
  const floor = there.length > 0 ? Math.min(...there) - 20 : -75;
  return there.every((db) => db > -60) && absent.every((db) => db < floor) ? levels : Promise.reject(new Error(JSON.stringify(levels)));
}
const byTone = (tones, levels) => Object.fromEntries(tones.map((hertz, i) => [hertz, Math.round(levels[i])]));

/** The page hears these of all `tones`, at once, and none of the others. `id`: as in `Page.levels`. */
export const pageHearsMix = (page, present, tones, id = 'remote-video', ms = 20000) => until(`${page.name} hears ${present.join(' and ') || 'nothing'} of ${tones}`,
  async () => mixOf(byTone(tones, await page.levels(id, tones)), present), ms);
export const phoneHearsMix = (phone, present, tones, ms = 20000) => until(`${phone.user} hears ${present.join(' and ') || 'nothing'} of ${tones}`,
  () => mixOf(byTone(tones, phone.levels(tones)), present), ms);

/** Both hear each other: the page the phone's tone, the phone the person's. */
export const bothHear = (page, phone) => Promise.all([pageHears(page, phone.tone), phone.hearsTone(people[page.person].tone)]);

export async function pageCalls(t, number, options = {}) {
  const page = await t.browser('chromium', 'consumer');
  await assist(page, t.stack, { destination: number, ...options });
  return page;
}

/** A page's call without a browser: no media, but all of the signalling. */
export async function dial(stack, destination, more = {}, token = {}) {
  const session = await Session.open(stack, await consumerToken(stack, token));
  session.send({ type: 'dial', destination, sdp: sdp('actpass'), media: { audio: true, video: true }, ...more });
  return session;
}
/** The call that a session dialled is in one of these states (of those it passes: messages are not kept in order). */
export const reaches = (session, states, ms = 30000) => session.wait((m) => m.type === 'call' && states.includes(m.state), ms);
export async function endsWith(session, reason, ms = 40000) {
  const call = await reaches(session, ['ended'], ms);
  assert(call.reason === reason, `ended with ${call.reason} (${call.text}), expected ${reason}`);
  assert(call.text?.length > 3, 'no sentence for the end');
  return call;
}
