// People behind a reverse proxy with the guides' rules, as a site has that comes from there.
import { until } from '../lib/browsers.mjs';
import { assert, establish, signIn } from '../lib/call.mjs';
import { escalate } from '../lib/assist_people.mjs';
import { behindGuidesProxy } from '../lib/guides_proxy.mjs';
import { pdf } from '../lib/pdfs.mjs';

export const cases = [{
  name: 'assist proxy: the guides’ rules of a reverse proxy are enough for a call, a shared page, a pushed document and application events', async run(t) {
    const { outside, refused, passed } = await behindGuidesProxy(t);
    const [agent, consumer] = await Promise.all([t.browser('chromium', 'agent'), t.browser('chromium', 'consumer')]);
    await signIn(agent, outside);
    await establish(consumer, agent, outside);
    await escalate(consumer, agent);
    await until('a picture', async () => Number(await agent.attribute('assist-picture', 'data-frame')) > 0);
    await agent.click('panel-push');
    await agent.click('source-file');
    await agent.raw.setInputFiles('[data-test=upload-file]', { name: 'offer.pdf', mimeType: 'application/pdf', buffer: Buffer.from(pdf(3), 'latin1') });
    for (const page of [consumer, agent]) await until(`${page.name} shows the document`, () => page.evaluate(() => window.__deep('[data-page="1"][data-drawn=yes]') !== null));
    const shopper = await t.browser('chromium', 'consumer');
    await shopper.goto(`${outside.url}/csdk-sample/aed.html?cid=behind-a-proxy`);
    await until('application events', () => shopper.evaluate(() => document.querySelector('#add')?.disabled === false), 15000);
    assert(refused.length === 0, `the rules refused ${refused.join(', ')}`);
    for (const path of ['/gateway/websocketcall', '/assistserver/topic', '/gateway/aed/topic', '/expertassist/agent/content']) assert(passed.has(path), `${path} was not used`);
  },
}];
