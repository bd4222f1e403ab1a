// The steps of a call as a person takes them, and what must be heard and seen.
import { people } from './media.mjs';
import { near } from './measure.mjs';
import { until } from './browsers.mjs';

export const assert = (condition, message) => { if (!condition) throw new Error(message); };
/** What may not happen once, as what is masked in a picture: no second try makes up for it. */
export const never = (happened, message) => { if (happened) throw Object.assign(new Error(message), { final: true }); };

export async function signIn(agent, stack, user = 'agent1', available = true) {
  await agent.goto(`${stack.url}/expertassist/agent/?audioProcessing=off`);
  await agent.appears('login');
  await agent.fill('user', user);
  await agent.fill('password', user);
  await agent.click('sign-in');
  await until(`${agent.name}: console connected`, async () => (await agent.attribute('console', 'data-connection')) === 'connected');
  if (available) await beAvailable(agent);
}

/** Pressed before it is known, the switch would take away what comes by itself. */
export async function beAvailable(agent) {
  const { state } = await agent.is('availability', 'available|away');
  if (state === 'away') await agent.click('availability');
  await agent.is('availability', 'available');
}

/** `to`: the parameter of the sample site that says whom to call. */
export async function assist(consumer, stack, { name = 'Ada Lovelace', destination = 'agent1', to = 'destination', extra = '' } = {}) {
  await consumer.goto(`${stack.url}/assistsample/?audioProcessing=off&name=${encodeURIComponent(name)}&${to}=${encodeURIComponent(destination)}${extra}`);
  await consumer.click('assist');
}

export async function establish(consumer, agent, stack, options) {
  await assist(consumer, stack, options);
  await agent.appears('ringing');
  await agent.click('answer');
  await Promise.all([consumer.is('call-panel', 'connected'), agent.is('call', 'connected')]);
}

/** The listener hears the speaker's tone and sees the speaker's colour and a counter that moves. */
export async function perceives(listener, speaker, ms = 15000) {
  const who = people[speaker.person];
  await until(`${listener.name} hears ${who.tone} Hz`, async () => {
    const heard = await listener.hear('remote-video');
    return Math.abs(heard.hertz - who.tone) < 15 && heard.db > -60 ? heard : Promise.reject(new Error(JSON.stringify(heard)));
  }, ms);
  await until(`${listener.name} sees ${speaker.person}`, async () => {
    const seen = await listener.see('remote-video');
    return near(seen.colour, who.colour) && seen.counters >= 3 ? seen : Promise.reject(new Error(JSON.stringify(seen)));
  }, ms);
}

export const silent = (listener, ms = 10000) => until(`${listener.name} hears nothing`, async () => {
  const heard = await listener.hear('remote-video', 700);
  return heard.last < -85 ? heard : Promise.reject(new Error(JSON.stringify(heard)));
}, ms);

export const blind = (listener, speaker, ms = 10000) => until(`${listener.name} sees nothing of ${speaker.person}`, async () => {
  const seen = await listener.see('remote-video', 900);
  return !near(seen.colour, people[speaker.person].colour) && seen.counters <= 1 ? seen : Promise.reject(new Error(JSON.stringify(seen)));
}, ms);

/** What a person reads at the end, [in a customer's page, in the agent's]. */
const kWords = {
  hung_up: [/\S+ ended the call\.|hung up|The call has ended\./, /\S+ ended the call\.|hung up|The call has ended\./],
  rejected: [/Nobody could take your call/, /You refused the call/],
  no_answer: [/Nobody answered/, /did not answer in time/],
  busy: [/in another call/, /in another call/],
  agent_not_signed_in: [/Nobody is here/, /not signed in/],
  agent_away: [/Nobody is available/, /away/],
  destination_unknown: [/does not exist/, /does not exist/],
  destination_refused: [/cannot be called from here/, /not allowed/],
  consumer_left: [/You left/, /The customer left the page/],
  consumer_lost: [/The connection was gone for too long, so the call has ended/, /customer’s connection was gone for too long/],
  agent_lost: [/agent’s connection was gone for too long, so the call has ended/, /Your connection was gone for too long/],
  broker_down: [/Calls are not possible at the moment/, /No media broker/],
  broker_lost: [/cut off by a fault on our side/, /media broker was lost/],
  answered_elsewhere: [/taken elsewhere/, /A colleague took the call/],
  transferred: [/passed on/, /You passed the call on/],
  server_stopping: [/The service is being restarted/, /The server is stopping/],
};

/** The call is over at this page, for this reason, and says why in the words meant for who sits there. */
export async function endedWith(page, reason, ms = 20000) {
  const words = kWords[reason];
  assert(words, `no words are known for ${reason}`);
  if (page.person === 'consumer') {
    await page.is('call-panel', 'ended', ms);
    const got = await page.attribute('call-panel', 'data-reason');
    assert(got === reason, `${page.name}: ended with ${got}, expected ${reason}`);
    const text = (await page.state(page.test('call-state')))?.text ?? '';
    assert(words[0].test(text), `${page.name}: ${reason} is told as "${text}"`);
  } else {
    await page.appears('last-call', ms);
    await until(`${page.name}: last call ended with ${reason}`, async () => {
      const got = await page.attribute('last-call', 'data-reason');
      return got === reason || Promise.reject(new Error(got));
    }, ms);
    const text = (await page.state(page.test('last-call')))?.text ?? '';
    assert(words[1].test(text), `${page.name}: ${reason} is told as "${text}"`);
  }
}
