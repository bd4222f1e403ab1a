import { describe, expect, it } from 'vitest';
import { sessionOf } from '../../testing/fake_link';
import { FakeEnvironment } from '../../testing/index';
import { AgentAssist } from './agent_assist';

const kLogin = { status: 200, body: { user: 'agent1', name: 'Robin', roles: ['Agent'] } };

function begin(replies: FakeEnvironment['replies'] = {}, options: ConstructorParameters<typeof AgentAssist>[0] = {}) {
  const env = new FakeEnvironment();
  Object.assign(env.replies, { 'POST /expertassist/agent/login': kLogin, ...replies });
  return { env, desk: new AgentAssist({ environment: env, ...options }) };
}

describe('signing in', () => {
  it('says who it is, and why not, with a code and the seconds to wait', async () => {
    const { desk } = begin();
    expect(await desk.signIn('agent1', 'x')).toEqual({ user: 'agent1', name: 'Robin' });
    const locked = { status: 429, body: { error: { reason: 'login.locked', text: 'Wait.' } }, headers: { 'Retry-After': '30' } };
    await expect(begin({ 'POST /expertassist/agent/login': locked }).desk.signIn('agent1', 'x')).rejects.toMatchObject({ code: 'login.locked', message: 'Wait.', retryAfter: 30 });
    await expect(begin({ 'POST /expertassist/agent/login': null }).desk.signIn('agent1', 'x')).rejects.toMatchObject({ code: 'server.unreachable' });
    await expect(begin({ 'POST /expertassist/agent/login': { status: 200, body: {} } }).desk.signIn('agent1', 'x')).rejects.toMatchObject({ code: 'server.malformed' });
  });
  it('is at the server that was named, in the role that was chosen', async () => {
    const { env, desk } = begin({ 'POST /expertassist/supervisor/login': kLogin }, { server: 'https://other.test/', role: 'supervisor' });
    await desk.signIn('supervisor1', 'x');
    expect(env.requests[0]).toEqual({ method: 'POST', url: 'https://other.test/expertassist/supervisor/login', body: { user: 'supervisor1', password: 'x' } });
  });
});

describe('joining', () => {
  const code = { 'GET /assistserver/shortcode/agent': { status: 200, body: { cid: 'c-7' } } };

  it('takes six digits as people write them, and ids', async () => {
    const { env, desk } = begin(code);
    expect([(await desk.join('482 913')).cid, (await desk.join({ code: '48-29-13' })).cid]).toEqual(['c-7', 'c-7']);
    expect(env.requests.filter(({ url }) => url.includes('shortcode')).map(({ url }) => new URL(url).search)).toEqual(['?appkey=482913', '?appkey=482913']);
    expect([(await desk.join(' my-session ')).cid, (await desk.join({ cid: '123456' })).cid]).toEqual(['my-session', '123456']);
  });
  it('takes digits that are no code as the id of a session that is open', async () => {
    const wrong = { 'GET /assistserver/shortcode/agent': { status: 404, body: { error: { reason: 'shortcode.unknown', text: 'No.' } } }, 'GET /expertassist/agent/token': { status: 200, body: { token: 'mine' } } };
    const { env, desk } = begin(wrong);
    env.gateway.role = 'agent';
    env.gateway.welcome = { session: sessionOf('asking'), settings: { features: [] } };
    const session = await desk.join('20260001');
    await env.clock.advance(10);
    expect([session.cid, session.phase]).toEqual(['20260001', 'asking']);
    // One party: the customer is asked once.
    expect(env.gateway.hellos).toMatchObject([{ cid: '20260001' }, { cid: '20260001', resume: { party: 'session-1' } }]);
    const none = begin(wrong);
    none.env.gateway.errors.push({ reason: 'assist.unknown_session', text: 'No.', code: 4021 });
    await expect(none.desk.join('000000')).rejects.toMatchObject({ code: 'shortcode.unknown' });
    await expect(none.desk.join('000 000')).rejects.toMatchObject({ code: 'shortcode.unknown' });
    expect(none.env.gateway.hellos).toHaveLength(1);
  });
  it('rejects with the reason', async () => {
    const wrong = { status: 404, body: { error: { reason: 'shortcode.unknown', text: 'No.' } } };
    await expect(begin({ 'GET /assistserver/shortcode/agent': wrong }).desk.join('000 000')).rejects.toMatchObject({ code: 'shortcode.unknown' });
    await expect(begin().desk.join('not an id')).rejects.toMatchObject({ code: 'shortcode.unknown' });
    await expect(begin().desk.join({ cid: '../x' })).rejects.toMatchObject({ code: 'argument.invalid' });
    await expect(begin({ 'GET /assistserver/shortcode/agent': { status: 200, body: {} } }).desk.join('482913')).rejects.toMatchObject({ code: 'server.malformed' });
  });
  it('connects with the agent’s token, or with the application’s', async () => {
    const { env, desk } = begin({ 'GET /expertassist/agent/token': { status: 200, body: { token: 'mine' } } });
    desk.open('c1');
    await env.clock.advance(10);
    expect(env.requests.map(({ url }) => url)).toEqual(['https://parley.test/expertassist/agent/token?for=assist']);
    let asked = 0;
    const own = begin({}, { token: () => Promise.resolve(`t${++asked}`) });
    own.desk.open('c1');
    await own.env.clock.advance(10);
    expect([asked, own.env.requests.length]).toEqual([1, 0]);
  });
});
