// What a person expects on both sides when things go other than well. Chromium on both sides.
import { assert, assist, beAvailable, endedWith, establish, perceives, signIn, silent } from '../lib/call.mjs';
import { attribute, difference, escalate, hidden, onLoad } from '../lib/assist_people.mjs';
import { hear, see } from '../lib/measure.mjs';
import { people } from '../lib/media.mjs';
import { until } from '../lib/browsers.mjs';
import { request } from '../lib/stack.mjs';
import WebSocket from 'ws';

const pair = async ({ browser }) => [await browser('chromium', 'consumer'), await browser('chromium', 'agent')];

/** Tab until the focus is there, as somebody without a mouse does. */
async function tabTo(page, id) {
  const focused = () => page.evaluate(() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at?.dataset?.test ?? '';
  });
  const met = [];
  for (let i = 0; i < 60; i++) {
    met.push(await focused());
    if (met.at(-1) === id) return;
    await page.press('Tab');
  }
  throw new Error(`${page.name}: Tab does not come to ${id}, but to ${[...new Set(met)].join()}`);
}
/** The agent looks at the sample's page in this session, after the customer's yes. */
async function seesSample(consumer, agent, cid) {
  await consumer.appears('consent');
  await consumer.click('consent-yes');
  await attribute(agent, 'workspace', 'data-phase', 'joined');
  await hidden(agent, 'assist-cover');
  assert((await agent.attribute('workspace', 'data-cid')) === cid, 'another session');
  await until('the agent sees what the customer sees', async () => { const d = await difference(consumer, agent); return d < 6 || Promise.reject(new Error(`${d} grey values`)); });
}

/** In a running call: the picture of another camera arrives, and nothing more comes from the one before. */
async function anotherCamera(consumer, agent) {
  const moves = () => until('the sample sees a green picture, which moves', async () => {
    const frames = () => consumer.evaluate(() => document.getElementById('remote').getVideoPlaybackQuality().totalVideoFrames);
    const before = await frames();
    const { colour: [r, g, b] } = await consumer.evaluate(see, '#remote', 400);
    const came = (await frames()) - before;
    return (g > r + 60 && g > b + 60 && came >= 3) || Promise.reject(new Error(`${[r, g, b]}, ${came} frames`));
  });
  await moves();
  // Chromium's first camera and its third; the second one is for depths, of which nothing can be sent.
  const first = await agent.evaluate(() => (window.__first = window.__deep('video[data-test=local-video]').srcObject.getVideoTracks()[0]).label);
  const select = agent.raw.locator(agent.test('camera-select')).first();
  await select.selectOption({ label: first === 'fake_device_2' ? 'fake_device_0' : 'fake_device_2' });
  await until('the chosen camera is used, and the other one is off', () => agent.evaluate(() => {
    const { label, readyState } = window.__deep('video[data-test=local-video]').srcObject.getVideoTracks()[0];
    return label !== window.__first.label && /^fake_device_/.test(label) && readyState === 'live' && window.__first.readyState === 'ended';
  }));
  await moves();
}
const title = (page) => page.evaluate(() => document.title);

export const cases = [
  {
    name: 'a whole call by keyboard; it rings aloud and in the title', async run(t) {
      const [consumer, agent] = await pair(t);
      await agent.goto(`${t.stack.url}/expertassist/agent/?audioProcessing=off`);
      await agent.appears('login');
      await tabTo(agent, 'user');
      await agent.raw.keyboard.type('agent1');
      await tabTo(agent, 'password');
      await agent.raw.keyboard.type('agent1');
      await agent.press('Enter');
      await agent.is('availability', 'available');
      await agent.evaluate(() => {
        window.__tones = 0;
        const original = AudioContext.prototype.createOscillator;
        AudioContext.prototype.createOscillator = function () { window.__tones++; return original.call(this); };
      });
      const plain = await title(agent);
      await consumer.goto(`${t.stack.url}/assistsample/?audioProcessing=off&name=Ada&destination=agent1`);
      await tabTo(consumer, 'assist');
      await consumer.press('Enter');
      await agent.appears('ringing');
      await until('the title says who calls', async () => /Ada is calling/.test(await title(agent)));
      await until('it rings', () => agent.evaluate(() => window.__tones >= 4));
      await tabTo(agent, 'answer');
      await agent.press('Enter');
      await Promise.all([consumer.is('call-panel', 'connected'), agent.is('call', 'connected')]);
      await until('the title is as before', async () => (await title(agent)) === plain);
      const rung = await agent.evaluate(() => window.__tones);
      await tabTo(agent, 'mute-audio');
      await agent.press('Space');
      await until('muted', async () => (await agent.attribute('mute-audio', 'aria-pressed')) === 'true');
      await tabTo(consumer, 'end');
      await consumer.press('Enter');
      await Promise.all([endedWith(agent, 'hung_up'), endedWith(consumer, 'hung_up')]);
      assert(rung === await agent.evaluate(() => window.__tones), 'it went on ringing');
    },
  },
  {
    name: 'agent rejects', async run(t) {
      const [consumer, agent] = await pair(t);
      await signIn(agent, t.stack);
      await assist(consumer, t.stack);
      await agent.says('caller-name', /Ada Lovelace/);
      await t.shots(agent, 'ringing-agent');
      await t.shots(consumer, 'ringing-consumer');
      await agent.click('reject');
      await endedWith(consumer, 'rejected');
      await t.shots(consumer, 'rejected-consumer');
      await agent.gone('ringing');
    },
  },
  {
    name: 'nobody answers', settings: { 'gateway.ring_seconds': 5 }, async run(t) {
      const [consumer, agent] = await pair(t);
      await signIn(agent, t.stack);
      await assist(consumer, t.stack);
      await agent.appears('ringing');
      await endedWith(consumer, 'no_answer');
      await agent.gone('ringing');
    },
  },
  {
    name: 'consumer cancels while it rings', async run(t) {
      const [consumer, agent] = await pair(t);
      await signIn(agent, t.stack);
      await assist(consumer, t.stack);
      await agent.appears('ringing');
      await consumer.click('end');
      await agent.gone('ringing');
      await consumer.is('call-panel', 'ended');
      await agent.is('availability', 'available');
    },
  },
  {
    name: 'agent not signed in, unknown, away', async run(t) {
      const [consumer, agent] = await pair(t);
      await assist(consumer, t.stack);
      await endedWith(consumer, 'agent_not_signed_in');
      await t.shots(consumer, 'not-signed-in-consumer');
      await assist(consumer, t.stack, { destination: 'nobody' });
      await endedWith(consumer, 'destination_unknown');
      await signIn(agent, t.stack);
      await agent.click('availability');
      await agent.is('availability', 'away');
      await assist(consumer, t.stack);
      await endedWith(consumer, 'agent_away');
    },
  },
  {
    name: 'agent busy', async run(t) {
      const [consumer, agent] = await pair(t);
      const second = await t.browser('chromium', 'consumer');
      await signIn(agent, t.stack);
      await establish(consumer, agent, t.stack);
      await assist(second, t.stack, { name: 'Second' });
      await endedWith(second, 'busy');
      await perceives(consumer, agent);
    },
  },
  {
    name: 'destination refused by the number regex', settings: { 'gateway.consumer_access_number_regex': '^agent1$' }, async run(t) {
      const [consumer, agent] = await pair(t);
      await signIn(agent, t.stack);
      await assist(consumer, t.stack, { destination: 'agent2' });
      await consumer.is('call-panel', 'ended');
      assert(/destination[._]refused/.test(await consumer.attribute('call-panel', 'data-reason')), await consumer.attribute('call-panel', 'data-reason'));
      await establish(consumer, agent, t.stack);
    },
  },
  {
    name: 'consumer closes the tab', async run(t) {
      const [consumer, agent] = await pair(t);
      await signIn(agent, t.stack);
      await establish(consumer, agent, t.stack);
      await consumer.closeTab();
      await endedWith(agent, 'consumer_left');
      await t.shots(agent, 'consumer-left-agent');
      await agent.is('availability', 'available');
    },
  },
  {
    name: 'consumer follows a link and reloads in a call with a shared page', async run(t) {
      const [consumer, agent] = await pair(t);
      await signIn(agent, t.stack);
      await establish(consumer, agent, t.stack);
      await perceives(consumer, agent);
      await escalate(consumer, agent);
      const call = await consumer.attribute('call-panel', 'data-call');
      const frame = () => agent.attribute('assist-picture', 'data-frame').then(Number);
      const again = async (way) => {
        const [before] = await Promise.all([frame(), way()]);
        await Promise.all([consumer.is('call-panel', 'connected', 30000), agent.is('call', 'connected', 30000)]);
        assert((await consumer.attribute('call-panel', 'data-call')) === call, 'another call');
        await Promise.all([perceives(consumer, agent), perceives(agent, consumer)]);
        await attribute(consumer, 'assist-bar', 'data-look', 'on');
        await until('the agent sees the new page', async () => (await frame()) !== before);
        await attribute(agent, 'workspace', 'data-phase', 'joined');
      };
      await again(() => consumer.clickAt('nav a[href="/assistsample/claim.html"]'));
      assert(/claim/.test(await consumer.evaluate(() => location.pathname)), 'the link was not followed');
      await again(() => consumer.reload());
      // Muted is muted on the next page, too; a page in another tab, with a copy of what this one keeps, has no part in the call.
      await consumer.click('mute-audio');
      const copy = consumer.raw.context().waitForEvent('page');
      await consumer.evaluate(() => void window.open('/assistsample/'));
      const other = await copy;
      await other.waitForLoadState('load');
      await until('the copy keeps nothing', () => other.evaluate(() => sessionStorage.getItem('parley.call') === null));
      assert((await other.locator('parley-call-panel').count()) === 0, 'the call was taken by another tab');
      await other.close();
      await consumer.reload();
      await Promise.all([consumer.is('call-panel', 'connected', 30000), agent.is('call', 'connected', 30000)]);
      await agent.appears('peer-muted');
      await silent(agent);
      await perceives(consumer, agent);
      // A page without Parley, and then one with it, too late: both read how it ended.
      await consumer.goto('about:blank');
      await agent.is('call', 'reconnecting');
      await t.shots(agent, 'next-page-agent');
      const meanwhile = (await agent.state(agent.test('call-state')))?.text ?? '';
      assert(/has left the page\. Reconnecting/.test(meanwhile), `the agent reads "${meanwhile}"`);
      await endedWith(agent, 'consumer_left', 25000);
      await consumer.goto(`${t.stack.url}/assistsample/`);
      await endedWith(consumer, 'consumer_lost');
      await t.shots(consumer, 'next-page-late');
      await consumer.reload();
      assert((await consumer.state(consumer.test('call-panel'))) === null, 'a call that is over comes again');
      assert(agent.errors.length + consumer.errors.length === 0, [...agent.errors, ...consumer.errors].join('; '));
    },
  },
  {
    name: 'consumer in firefox reloads while it rings, and in the call', settings: { 'gateway.next_page_seconds': 4 }, async run(t) {
      const [consumer, agent] = await Promise.all([t.browser('firefox', 'consumer'), t.browser('chromium', 'agent')]);
      await signIn(agent, t.stack);
      await assist(consumer, t.stack);
      await agent.appears('ringing');
      await consumer.reload();
      await consumer.is('call-panel', 'calling');
      await agent.click('answer');
      for (let again = 0; again < 2; again++) {
        if (again) await consumer.reload();
        await Promise.all([consumer.is('call-panel', 'connected', 30000), agent.is('call', 'connected', 30000)]);
        await Promise.all([perceives(consumer, agent), perceives(agent, consumer)]);
      }
      // On the way back she may not use the microphone any more: the call is over, with words for both.
      await onLoad(consumer, () => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError')); });
      await consumer.reload();
      await consumer.is('call-panel', 'ended');
      await consumer.says('call-state', /microphone/i);
      await endedWith(agent, 'hung_up');
    },
  },
  {
    name: 'agent reloads the page in a call', async run(t) {
      const [consumer, agent] = await pair(t);
      await signIn(agent, t.stack);
      await establish(consumer, agent, t.stack);
      await perceives(consumer, agent);
      await agent.reload();
      await agent.is('call', 'connected', 30000);
      await perceives(agent, consumer);
      // The same slowly: the customer reads meanwhile what happened.
      await agent.goto('about:blank');
      await consumer.is('call-panel', 'reconnecting');
      const meanwhile = (await consumer.state(consumer.test('call-state')))?.text ?? '';
      assert(/has lost the connection\. Waiting/.test(meanwhile), `the customer reads "${meanwhile}"`);
      await agent.goto(`${t.stack.url}/expertassist/agent/?audioProcessing=off`);
      await agent.is('call', 'connected', 30000);
      await perceives(agent, consumer);
      await perceives(consumer, agent);
      await consumer.is('call-panel', 'connected');
      await consumer.click('end');
      await endedWith(agent, 'hung_up');
    },
  },
  {
    name: 'the SDK’s own sample calls: keys, mute, how good the connection is, another microphone and camera; shares its page in a call and without', async run(t) {
      const [consumer, agent] = [await t.browser('chromium', 'consumer'), await t.browser('chromium', 'agent', { cameras: 3 })];
      await signIn(agent, t.stack);
      await consumer.goto(`${t.stack.url}/csdk-sample/?agent=sip:agent1@localhost&cid=sample-1`);
      const press = (selector) => consumer.raw.locator(selector).first().click();
      await consumer.raw.locator('#name').fill('Ada');
      await press('#call');
      await agent.appears('ringing');
      await agent.click('answer');
      await agent.is('call', 'connected');
      await perceives(agent, consumer);
      await until('the sample hears the agent', async () => Math.abs((await consumer.evaluate(hear, '#remote', 800)).hertz - people.agent.tone) < 15);
      await press('#keys button:has-text("5")');
      await agent.says('dtmf-received', /^5$/);
      await press('#mute');
      await silent(agent);
      await press('#mute');
      await agent.appears('quality');
      assert(/good|fair|poor/.test(await agent.attribute('quality', 'data-level')), 'no word for the quality');
      // Another microphone in the running call; the same tone comes from each.
      const device = () => agent.evaluate(() => window.__deep('video[data-test=local-video]')?.srcObject?.getAudioTracks()[0]?.getSettings().deviceId ?? '');
      const before = await device();
      await agent.click('settings');
      const select = agent.raw.locator(agent.test('microphone-select')).first();
      const other = await select.evaluate((e, now) => [...e.options].map((o) => o.value).find((id) => id && id !== now && id !== 'default'), before);
      await select.selectOption(other);
      await until('the chosen microphone is used', async () => (await device()) === other);
      await until('the sample hears it', async () => Math.abs((await consumer.evaluate(hear, '#remote', 800)).hertz - people.agent.tone) < 15);
      await anotherCamera(consumer, agent);
      await press('#share');
      await agent.appears('assist-ask');
      await agent.click('assist-ask');
      await seesSample(consumer, agent, 'sample-1');
      await press('#end');
      await endedWith(agent, 'hung_up');
      await until('the sample says so', async () => /hung_up, by consumer/.test(await consumer.evaluate(() => document.getElementById('state').textContent)));
      // The page was shared in the call: that ends with it.
      await attribute(consumer, 'assist-bar', 'data-look', 'ended');
      await consumer.goto(`${t.stack.url}/csdk-sample/?cid=sample-2&cobrowseOnly=true`);
      await attribute(consumer, 'assist-bar', 'data-look', 'waiting');
      await agent.goto(`${t.stack.url}/expertassist/agent/?cid=sample-2`);
      await seesSample(consumer, agent, 'sample-2');
    },
  },
  {
    name: 'the server is stopped in a call: both read when it ends, and why', async run(t) {
      const [consumer, agent] = await pair(t);
      await signIn(agent, t.stack);
      await establish(consumer, agent, t.stack);
      t.stack.server.kill('SIGTERM');
      await consumer.says('notice', /is being restarted\. Calls can go on for up to 15 seconds/);
      await agent.says('toast', /is being restarted/);
      await t.shots(consumer, 'server-stops-consumer');
      await endedWith(consumer, 'server_stopping');
      await endedWith(agent, 'server_stopping');
    }, settings: { 'server.drain_seconds': 15 },
  },
  {
    name: 'agent opens the console in a second page: the old one is told', async run(t) {
      const first = await t.browser('chromium', 'agent'), second = await t.browser('chromium', 'agent');
      await signIn(first, t.stack);
      await signIn(second, t.stack);
      await until('old page told', async () => (await first.attribute('console', 'data-connection')) === 'replaced');
      await t.shots(first, 'replaced-agent');
    },
  },
  {
    name: 'consumer without a camera and one without any device', async run(t) {
      const [consumer, agent] = await pair(t);
      await signIn(agent, t.stack);
      await consumer.goto(`${t.stack.url}/assistsample/?audioProcessing=off&name=Ada&destination=agent1`);
      await consumer.evaluate(() => { window.__noCamera = true; });
      await consumer.click('assist');
      await agent.appears('ringing');
      await agent.click('answer');
      await agent.is('call', 'connected');
      await perceives(consumer, agent);
      await until('voice', async () => Math.abs((await agent.hear('remote-video')).hertz - 440) < 15);
      await consumer.click('end');
      await endedWith(agent, 'hung_up');
      await consumer.goto(`${t.stack.url}/assistsample/?destination=agent1`);
      await consumer.evaluate(() => { window.__denyMedia = true; });
      await consumer.click('assist');
      const told = await consumer.appears('call-error');
      assert(told.text.length > 10, 'refused permission must be told in words');
      await t.shots(consumer, 'permission-denied-consumer');
    },
  },
  {
    name: 'wrong password is told, then rate-limited', async run(t) {
      const agent = await t.browser('chromium', 'agent');
      await agent.goto(`${t.stack.url}/expertassist/agent/`);
      await agent.fill('user', 'agent1');
      await agent.fill('password', 'wrong');
      await agent.click('sign-in');
      const told = await agent.appears('login-error');
      assert(told.text.length > 10, told.text);
      await t.shots(agent, 'login-error-agent');
      const statuses = [];
      for (let i = 0; i < 8; i++) {
        statuses.push((await request(`${t.stack.url}/expertassist/agent/login`, { method: 'POST', body: { user: 'agent1', password: 'wrong' } })).status);
      }
      assert(statuses.includes(401) && statuses.at(-1) === 429, statuses.join());
    },
  },
  {
    name: 'keypad digits reach the other side', async run(t) {
      const [consumer, agent] = await pair(t);
      await signIn(agent, t.stack);
      await establish(consumer, agent, t.stack);
      await consumer.click('keypad-toggle');
      for (const key of ['key-1', 'key-5', 'key-hash']) await consumer.click(key);
      await agent.says('dtmf-received', /1.*5.*#/s);
    },
  },
  {
    name: 'broker dies in a call: both are told', async run(t) {
      const [consumer, agent] = await pair(t);
      await signIn(agent, t.stack);
      await establish(consumer, agent, t.stack);
      t.stack.media.expectKilled = true;
      t.stack.media.kill('SIGKILL');
      await endedWith(consumer, 'broker_lost', 60000);
      await endedWith(agent, 'broker_lost', 60000);
      await assist(consumer, t.stack);
      await endedWith(consumer, 'broker_down');
      await t.shots(consumer, 'broker-down-consumer');
      await t.stack.startMedia();
      await until('the broker is used again', async () => (await request(`${t.stack.url}/health/ready`)).status === 200);
      await until('a call works again', async () => {
        await assist(consumer, t.stack);
        await agent.appears('ringing', 4000);
        return true;
      }, 30000);
      await agent.click('answer');
      await agent.is('call', 'connected');
    },
  },
  {
    name: 'server restarts while the pages are open: they come back', async run(t) {
      const [consumer, agent] = await pair(t);
      await signIn(agent, t.stack);
      t.stack.server.kill('SIGTERM');
      await t.stack.server.ended;
      assert(t.stack.server.over === 0, `exit ${t.stack.server.over}`);
      await until('noticed', async () => (await agent.attribute('console', 'data-connection')) === 'reconnecting');
      await t.stack.startServer();
      await until('back', async () => (await agent.attribute('console', 'data-connection')) === 'connected', 40000);
      await beAvailable(agent);
      await establish(consumer, agent, t.stack);
    },
  },
  {
    name: 'call page: ladder, statistics and why', async run(t) {
      const [consumer, agent] = await pair(t);
      await signIn(agent, t.stack);
      await establish(consumer, agent, t.stack);
      await perceives(agent, consumer);
      const admin = await t.browser('chromium', 'agent');
      await t.stack.admin();
      await admin.goto(`${t.stack.url}/web_plugin_framework/webcontroller/`);
      await admin.appears('login');
      await admin.fill('user', 'admin');
      await admin.fill('password', t.stack.adminPassword);
      await admin.click('sign-in');
      await admin.appears('current-row');
      assert(/^\d+\.\d+\.\d+$/.test((await admin.state(admin.test('version')))?.text), 'the page says no version');
      await t.shots(admin, 'admin-calls');
      await admin.click('call-link');
      await admin.appears('ladder');
      await admin.appears('leg');
      await t.shots(admin, 'admin-call-running', true);
      await consumer.click('end');
      await endedWith(agent, 'hung_up');
      await until('why', async () => (await admin.attribute('why', 'data-reason')) === 'hung_up', 30000);
      const whats = await admin.evaluate(() => {
        const all = [];
        const walk = (root) => { for (const e of root.querySelectorAll('*')) { if (e.dataset?.test === 'ladder-entry') all.push(e.dataset.what); if (e.shadowRoot) walk(e.shadowRoot); } };
        walk(document);
        return all;
      });
      for (const needed of [/dial/, /ring|incoming/, /answer/, /ice/, /dtls/, /end|hung/]) assert(whats.some((w) => needed.test(w)), `no ${needed} in ${whats.join()}`);
      await t.shots(admin, 'admin-call-ended', true);
    },
  },
  {
    name: 'the addresses of the guides, and the pages, are served', async run(t) {
      const kinds = { '.js': 'javascript', '.mjs': 'javascript', '': 'html' };
      for (const address of [
        '/gateway/csdk-sdk.js', '/gateway/csdk-common.js', '/gateway/csdk-phone.js', '/gateway/csdk-aed.js', '/gateway/adapter.js', '/gateway/parley-sdk.mjs',
        '/assistserver/sdk/web/consumer/assist.js', '/assistserver/sdk/web/agent/agent.js', '/assistserver/sdk/web/shared/common.js', '/assistserver/sdk/web/shared/adapter.js',
        '/assistsample/', '/csdk-sample/', '/expertassist/agent/', '/expertassist/supervisor/', '/web_plugin_framework/webcontroller/',
      ]) {
        const { status, headers, text } = await request(`${t.stack.url}${address}`);
        const wanted = kinds[/\.m?js$/.exec(address)?.[0] ?? ''];
        assert(status === 200 && text.length > 300 && headers['content-type']?.includes(wanted), `${address}: ${status} ${headers['content-type']} ${text.length}`);
      }
      for (const address of ['/gateway/aed', '/gateway/aed/topics', '/assistserver/topic', '/assistserver/topic/x']) {
        const socket = new WebSocket(`${t.stack.url.replace('https', 'wss')}${address}`, { rejectUnauthorized: false });
        await new Promise((opened, failed) => socket.on('open', opened).on('error', () => failed(new Error(`${address} takes no WebSocket`))));
        socket.close();
      }
      const missing = await request(`${t.stack.url}/gateway/csdk-none.js`);
      assert(missing.status === 404, `what is not there: ${missing.status}`);
    },
  },
];
