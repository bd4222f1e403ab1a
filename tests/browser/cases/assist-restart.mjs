// A shared page outlives the server's process: nobody is asked again, pictures go on, and short codes that were given out
// before are good after.
import { colourAt } from '../lib/assist_people.mjs';
import { until } from '../lib/browsers.mjs';
import { assert } from '../lib/call.mjs';
import { near } from '../lib/measure.mjs';
import { request } from '../lib/stack.mjs';

const kCid = 'restarted';
const attribute = (page, id, name, value) => until(`${page.name}: ${id} ${name}=${value}`, async () => { const is = await page.attribute(id, name); return is === value || Promise.reject(new Error(String(is))); });

async function meet(stack, consumer, agent) {
  await agent.goto(`${stack.url}/expertassist/agent`);
  await agent.appears('login');
  await agent.fill('user', 'agent1');
  await agent.fill('password', 'agent1');
  await agent.click('sign-in');
  await agent.appears('console');
  await agent.goto(`${stack.url}/expertassist/agent/?cid=${kCid}`);
  await consumer.goto(`${stack.url}/assistsample/claim.html?cid=${kCid}&cobrowseOnly=true&name=Ada`);
  await consumer.click('consent-yes');
  await attribute(agent, 'workspace', 'data-phase', 'joined');
  await until('the first picture', async () => (await agent.attribute('assist-picture', 'data-frame')) !== null);
}

async function restart(stack, signal) {
  stack.server.expectKilled = signal === 'SIGKILL';
  stack.server.kill(signal);
  await stack.server.ended;
}

/** What changes from now on is seen, in a colour that no picture had before. */
async function goesOn(consumer, agent, colour) {
  await consumer.evaluate((c) => {
    const box = document.getElementById('__box') ?? document.body.appendChild(Object.assign(document.createElement('div'), { id: '__box' }));
    box.style.cssText = `position:fixed;left:0;top:300px;width:60px;height:60px;z-index:9;background:rgb(${c})`;
  }, colour);
  await until(`the agent sees rgb(${colour})`, async () => { const seen = await colourAt(agent, 30, 330); return near(seen, colour, 25) || Promise.reject(new Error(String(seen))); });
}

async function cookieOf(stack, user) {
  const login = await request(`${stack.url}/expertassist/agent/login`, { method: 'POST', body: { user, password: user } });
  return login.headers['set-cookie'].map((c) => c.split(';')[0]).join('; ');
}

export const cases = [{
  name: 'assist: the server is killed, and restarted, in a shared session: both go on, a short code stays good (chromium)', async run({ stack, browser }) {
    const consumer = await browser('chromium', 'consumer');
    const agent = await browser('chromium', 'agent');
    await meet(stack, consumer, agent);
    const { shortCode } = (await request(`${stack.url}/assistserver/shortcode/create`, { method: 'POST', body: { cid: kCid } })).json;
    for (const [signal, colour] of [['SIGKILL', [0, 90, 200]], ['SIGTERM', [200, 40, 120]]]) {
      await restart(stack, signal);
      await attribute(consumer, 'assist-bar', 'data-look', 'lost');
      await stack.startServer();
      await attribute(consumer, 'assist-bar', 'data-look', 'on');
      await attribute(agent, 'workspace', 'data-phase', 'joined');
      assert((await consumer.attribute('consent', 'data-test')) === null, 'the customer is asked again');
      await goesOn(consumer, agent, colour);
      const state = (await request(`${stack.url}/web_plugin_framework/webcontroller/api/assist/sessions`, { headers: await stack.admin() })).json;
      assert(state.current.length === 1 && state.current[0].parties.length === 1 && state.current[0].parties[0].state === 'joined', JSON.stringify(state));
      stack.adminCookie = '';
    }
    const redeem = async () => request(`${stack.url}/assistserver/shortcode/agent?appkey=${shortCode}`, { headers: { cookie: await cookieOf(stack, 'agent2') } });
    const answer = await redeem();
    assert(answer.status === 200 && answer.json.cid === kCid, `${answer.status} ${answer.text}`);
    assert((await redeem()).status === 404, 'a code is good once');
    await consumer.click('assist-end');
    await until('it is over', async () => (await agent.attribute('workspace', 'data-phase')) !== 'joined');
  },
}];
