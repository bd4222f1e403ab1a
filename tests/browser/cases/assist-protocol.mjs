// /assistserver/topic against the real server, without browsers: what each side may say, what it gets, what is refused.
import { assert } from '../lib/call.mjs';
import { Session, agentToken, sdp } from '../lib/session.mjs';
import { request } from '../lib/stack.mjs';
import { Topic, agentTopicToken, consumerTopic } from '../lib/topic.mjs';

async function shared(stack, body = { name: 'Ada' }) {
  const made = await consumerTopic(stack, body);
  const consumer = await Topic.open(stack, made.assist.token);
  const agent = await Topic.open(stack, await agentTopicToken(stack), { cid: made.assist.cid });
  await consumer.consents();
  consumer.send('share', { state: 'on' });
  await agent.sharing('on');
  return { made, consumer, agent, cid: made.assist.cid };
}

const records = async (stack, path = '') =>
  (await request(`${stack.url}/web_plugin_framework/webcontroller/api/assist/sessions${path}`, { headers: await stack.admin() })).json;

export const cases = [{
  name: 'topic: consent, pictures, a late joiner, pause, a lost network, control, the record', async run({ stack }) {
    const { consumer, agent, cid } = await shared(stack, { name: 'Ada', cid: 'shared-1', cobrowseOnly: true });
    assert(cid === 'shared-1' && consumer.welcome.role === 'consumer', 'the cid that was asked for');
    assert(agent.welcome.settings.features.includes('control') && agent.welcome.settings.maskSelectors === undefined, 'an agent learns its features, not the masks');
    consumer.send('view', { w: 800, h: 600, scale: 1, title: 'Account', path: '/account', page: 1 });
    consumer.picture(1, { whole: true });
    for (let frame = 2; frame <= 12; frame++) consumer.picture(frame);
    await agent.wait((m) => m.type === 'picture' && m.frame === 12);

    const second = await Topic.open(stack, await agentTopicToken(stack, 'agent2'), { cid });
    assert(second.pictures.length === 0, 'nothing without consent');
    await consumer.consents();
    await second.wait((m) => m.type === 'picture' && m.frame === 12);
    assert(second.pictures.length === 12 && second.pictures[0] === 1, `all at once: ${second.pictures}`);

    consumer.send('share', { state: 'paused' });
    await agent.sharing('paused');
    consumer.picture(13);
    const refused = await consumer.wait('error');
    assert(refused.reason === 'assist.not_sharing', refused.reason);
    consumer.send('share', { state: 'on' });
    await agent.sharing('on');
    consumer.picture(14, { whole: true });
    await agent.wait((m) => m.type === 'picture' && m.frame === 14);
    assert(!agent.pictures.includes(13), 'what was paused is seen by nobody');

    await agent.refusedWith('assist.no_control', 'click', { x: 1, y: 2 });
    agent.send('control', { want: true });
    assert((await consumer.consents()).what === 'control', 'asked for control');
    await agent.wait((m) => m.type === 'session' && m.control === agent.party);
    agent.send('click', { x: 10, y: 20, button: 0, detail: 1 });
    assert((await consumer.wait('click')).party === agent.party, 'who clicks is known');

    await consumer.breakOff();
    await agent.wait((m) => m.type === 'session' && !m.consumer.present);
    await agent.refusedWith('assist.consumer_away', 'click', { x: 1, y: 2 });
    const back = await consumer.again();
    assert(back.welcome.resumed && back.party === consumer.party, 'the same party');
    await back.wait('refresh');
    back.picture(1, { whole: true, epoch: 2 });
    await agent.wait((m) => m.type === 'picture' && m.frame === 1);
    agent.send('click', { x: 10, y: 20 });
    await back.wait('click');
    agent.seen = agent.seen.filter((m) => m.type !== 'session');  // Of before.
    back.send('control', { take: true });
    await agent.wait((m) => m.type === 'session' && m.control === 'none');

    agent.send('draw', { id: 's1', tool: 'pen', width: 3, points: [[1, 2], [3, 4]], done: true });
    assert((await second.wait('draw')).party === agent.party, 'drawn for all');
    await agent.breakOff();
    const agentBack = await agent.again();
    assert(agentBack.welcome.resumed, 'an agent comes back, too');
    await agentBack.wait((m) => m.type === 'picture' && m.frame === 1);
    back.send('receipt', { at: new Date().toISOString(), masked: [{ label: 'PIN', rule: 'password', count: 1 }] });
    back.send('end');
    assert((await agentBack.wait('ended')).reason === 'consumer_ended' && await agentBack.closed === 4020, 'over for all');
    assert(await second.closed === 4020, 'for all');
    const list = await records(stack);
    assert(list.current.length === 0 && list.recent[0].cid === cid && list.recent[0].receipts === 1, JSON.stringify(list));
    const record = await records(stack, `/${cid}`);
    assert(record.receipts[0].masked[0].label === 'PIN' && record.timeline.some((e) => e.what === 'takes control back'), JSON.stringify(record.timeline));
  },
}, {
  name: 'topic: hostile agents and customers get a reason and nothing else', settings: { 'assist.features': 'view,pointer,control,push_link,annotate' }, async run({ stack }) {
    const stranger = await Topic.open(stack, await agentTopicToken(stack), { cid: 'nobody-there' });
    assert(stranger.refused === 'assist.unknown_session' && await stranger.closed === 4021, stranger.refused);
    const { made, consumer, agent, cid } = await shared(stack);
    const thief = await Topic.open(stack, (await consumerTopic(stack, { cid })).assist.token);
    assert(thief.refused === 'assist.cid_taken' && await thief.closed === 4023, 'a session has one customer');
    const other = await Topic.open(stack, made.assist.token, { cid: 'another' });
    assert(other.refused === 'token.invalid', 'a token is for one session');
    const wrong = await Topic.open(stack, await agentToken(stack, 'agent2'), { cid });
    assert(wrong.refused === 'token.invalid', 'a token for calls opens no page');
    const forged = await Topic.open(stack, made.assist.token, { resume: { party: agent.party, key: 'guess', ack: 0 } });
    assert(!forged.refused && !forged.welcome.resumed && await consumer.closed === 4001, 'the same customer on a new page');
    forged.send('share', { state: 'on' });
    await agent.sharing('on');

    await agent.refusedWith('assist.feature_off', 'form-get');
    await agent.refusedWith('assist.feature_off', 'push', { kind: 'document', content: 'x' });
    await agent.refusedWith('message.malformed', 'push', { kind: 'link', url: 'javascript:alert(1)' });
    await agent.refusedWith('message.malformed', 'click', { x: 1e300, y: 1 });
    await agent.refusedWith('message.unknown_type', 'evaluate', { code: '1' });
    await agent.refusedWith('assist.not_allowed', 'share', { state: 'off' });
    await agent.refusedWith('assist.not_allowed', 'consent', { id: 'q1', grant: true });
    await agent.refusedWith('assist.not_allowed', 'receipt', { masked: [] });
    await forged.refusedWith('assist.not_allowed', 'push', { kind: 'link', url: 'https://example.com/' });
    agent.send('push', { kind: 'link', url: 'https://example.com/', name: 'Terms' });
    assert((await forged.wait('push')).src === 'https://example.com/', 'what is allowed goes through');

    forged.picture(1, { whole: true, width: 200 });
    assert((await forged.wait('error')).reason === 'assist.frame_refused', 'a part beyond the edge');
    forged.picture(2, { whole: true });
    await agent.wait((m) => m.type === 'picture' && m.frame === 2);
    assert(agent.pictures.length === 1, `only the good one: ${agent.pictures}`);
    agent.socket.send(Buffer.alloc(50));
    agent.send('pointer', { x: 1, y: 1 });
    await forged.wait('pointer');
    forged.socket.send(Buffer.alloc(3 << 20));
    assert(await forged.closed === 1009, 'a huge message ends the connection');
    agent.raw({ type: 'click', seq: 99, ack: 0, x: 1, y: 1 });
    assert(await agent.closed === 4005, 'a number that cannot be');
    assert(await stack.metric('parley_link_refused_total', '{part="assist",reason="assist.feature_off"}') === 2, 'counted');
  },
}, {
  name: 'topic: a call becomes a shared session', async run({ stack }) {
    const made = await consumerTopic(stack, { destination: 'agent1' });
    const agentPage = await Session.open(stack, await agentToken(stack, 'agent1'));
    const page = await Session.open(stack, made.token);
    page.send({ type: 'dial', destination: 'agent1', sdp: sdp('actpass'), media: { audio: true, video: true } });
    const { call } = await agentPage.wait((m) => m.type === 'incoming');
    page.send({ type: 'assist', call, cid: made.assist.cid });
    agentPage.send({ type: 'answer', call, sdp: sdp('active') });
    const told = await agentPage.wait((m) => m.type === 'call' && m.assist);
    assert(told.assist.cid === made.assist.cid, JSON.stringify(told.assist));
    const consumer = await Topic.open(stack, made.assist.token);
    const agent = await Topic.open(stack, await agentTopicToken(stack), { cid: told.assist.cid });
    await consumer.consents();
    consumer.send('share', { state: 'on' });
    await agent.sharing('on');
    agent.send('draw', { id: 's1', tool: 'arrow', points: [[1, 2]], done: true });
    await consumer.wait('draw');
    agentPage.send({ type: 'hold', call, held: true });
    await page.wait((m) => m.type === 'call' && m.peerHeld);
    agentPage.send({ type: 'hold', call, held: false });
    assert((await consumer.wait('erase')).why === 'hold', 'cleared on retrieve');
    await page.bye();
  },
}];
