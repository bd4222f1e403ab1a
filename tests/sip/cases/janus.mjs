// Janus' SIP plugin as one more peer: a person in a browser on either side, and SIP in between.
import { assert, mediaSettings, pageCalls, pageHears, people, sipSettings, until } from '../lib/call.mjs';
import { Janus } from '../lib/janus.mjs';
import { Kamailio } from '../lib/kamailio.mjs';

export const cases = [{
  name: 'janus: a page calls a person behind Janus, both hear each other, the person hangs up', async run(t) {
    const kamailio = await t.start(Kamailio, t.peer());
    const janus = await t.start(Janus, t.peer(), { user: '2001', registrar: kamailio, page: await t.browser('chromium', 'second') });
    await t.parley(sipSettings(t.lan, [kamailio.address]), mediaSettings(t.lan));
    const page = await pageCalls(t, '2001');
    await page.is('call-panel', 'connected');
    await Promise.all([pageHears(page, janus.tone), pageHears(janus.page, people.consumer.tone)]);
    await janus.hangUp();
    await page.is('call-panel', 'ended');
    const call = (await t.stack.calls()).recent[0];
    assert(call.reason === 'hung_up', `ended with ${call.reason}`);
    await until('Janus knows', async () => (await janus.page.evaluate(() => window.janusEvents)).includes('hangup'));
  },
}];
