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
  if (available && (await agent.state(agent.test('availability')))?.state !== 'available') await agent.click('availability');
  if (available) await agent.is('availability', 'available');
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

export async function endedWith(page, reason, ms = 20000) {
  if (page.person === 'consumer') {
    await page.is('call-panel', 'ended', ms);
    const got = await page.attribute('call-panel', 'data-reason');
    assert(got === reason, `${page.name}: ended with ${got}, expected ${reason}`);
    const words = (await page.state(page.test('call-state')))?.text ?? '';
    assert(words.length > 3 && !words.includes('_'), `${page.name}: no words for the end: "${words}"`);
  } else {
    await page.appears('last-call', ms);
    await until(`${page.name}: last call ended with ${reason}`, async () => {
      const got = await page.attribute('last-call', 'data-reason');
      return got === reason || Promise.reject(new Error(got));
    }, ms);
    const words = (await page.state(page.test('last-call')))?.text ?? '';
    assert(words.length > 3 && !words.includes('_'), `${page.name}: no words for the end: "${words}"`);
  }
}
