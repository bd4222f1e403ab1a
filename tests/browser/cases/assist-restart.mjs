// A shared page outlives the server's process: nobody is asked again, pictures go on, and short codes that were given out
// before are good after.
import { colourAt } from '../lib/assist_people.mjs';
import { until } from '../lib/browsers.mjs';
import { assert } from '../lib/call.mjs';
import { near } from '../lib/measure.mjs';
import { request } from '../lib/stack.mjs';
import { agentTopicToken, consumerTopic, Topic } from '../lib/topic.mjs';

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
}, {
  name: 'assist: an open document and its page outlive the server, and end with the session', async run({ stack }) {
    const made = await consumerTopic(stack, { cobrowseOnly: true });
    let consumer = await Topic.open(stack, made.assist.token);
    let agent = await Topic.open(stack, await agentTopicToken(stack), { cid: made.assist.cid });
    await consumer.consents();
    const pdf = `%PDF-1.7\n${'x'.repeat(700_000)}`;
    const kept = await request(`${stack.url}/assistserver/content?name=Offer.pdf`, { method: 'POST', body: pdf, headers: { cookie: await cookieOf(stack, 'agent1') } });
    assert(kept.status === 201, kept.text);
    agent.send('push', { kind: 'document', content: kept.json.id });
    const { id, src } = await agent.wait('push');
    for (const [signal, page] of [['SIGKILL', 3], ['SIGTERM', 5]]) {
      agent.send('document', { id, page, zoom: 2, pages: 9 });
      await consumer.wait((m) => m.type === 'document' && m.page === page);
      await new Promise((done) => setTimeout(done, 1500));  // It is written with the next tick.
      await restart(stack, signal);
      await stack.startServer();
      [consumer, agent] = [await consumer.again(), await agent.again()];
      for (const { document } of [consumer.welcome.session, agent.welcome.session]) {
        assert(document?.id === id && document.src === src && document.page === page && document.zoom === 2 && document.pages === 9, JSON.stringify(document));
      }
      assert((await request(stack.url + src)).text === pdf, 'the content after a restart');
    }
    consumer.send('end');
    await agent.closed;
    assert((await request(stack.url + src)).status === 404, 'it ends with the session');
  },
}];
