import { beforeEach, describe, expect, it } from 'vitest';
import { ParleyError } from '../common/index';
import { FakeAed } from '../testing/fake_aed';
import { FakeEnvironment, settle } from '../testing/index';
import { Aed, AedConflict, type Change, type Topic } from './index';
import { kOutbox, Outbox } from './outbox';

let server: FakeAed;

function page(): { aed: Aed; env: FakeEnvironment } {
  const own = new FakeEnvironment();
  own.openSocket = server.open as never;
  own.random = Math.random;
  own.replies['POST /assistserver/session'] = { status: 201, body: { token: 'call', assist: { token: 'a', cid: 'c1' }, aed: { token: 'aed-token' } } };
  return { aed: new Aed({ environment: own }), env: own };
}

async function connected(name = 'orders'): Promise<{ aed: Aed; env: FakeEnvironment; topic: Topic; changes: Change[] }> {
  const { aed, env: own } = page();
  await aed.connect();
  const topic = await aed.topic(name);
  const changes: Change[] = [];
  topic.on('data', (c) => changes.push(c));
  return { aed, env: own, topic, changes };
}

const code = (promise: Promise<unknown>) => promise.then(() => 'fine', (e: unknown) => ParleyError.from(e).code);

beforeEach(() => {
  server = new FakeAed();

});

describe('Aed', () => {
  it('gets a token, its session, and the same topic twice', async () => {
    const { aed, env: own, topic } = await connected('c1');
    expect(own.requests[0]).toMatchObject({ method: 'POST', body: { cobrowseOnly: true } });
    expect([aed.cid, aed.party]).toEqual(['c1', 'p1']);
    expect(await aed.topic()).toBe(topic);
    expect(await code(aed.topic('no such name'))).toBe('argument.invalid');
    expect(await code(aed.topic('elsewhere', { create: false }))).toBe('aed.unknown_topic');
  });

  it('shares data: who comes later has all of it, who is there is told', async () => {
    const a = await connected();
    const first = await a.topic.submit({ n: 1 }, { id: 'one' });
    await a.topic.submit('two');
    const b = await connected();
    expect([...b.topic.items.values()].map((i) => i.value)).toEqual([{ n: 1 }, 'two']);
    const changed = await b.topic.submit({ n: 2 }, { id: 'one' });
    expect(changed.version).toBeGreaterThan(first.version);
    await settle();
    expect(a.topic.get('one')).toEqual({ n: 2 });
    expect(a.changes.at(-1)).toMatchObject({ id: 'one', previous: { value: { n: 1 } }, item: { value: { n: 2 }, by: { party: 'p2' } } });
    await a.topic.delete('one');
    await settle();
    expect(b.topic.items.has('one')).toBe(false);
    expect(b.changes.at(-1)).toMatchObject({ id: 'one', item: null });
  });

  it('answers a conflict with what is there, and update starts over', async () => {
    const a = await connected();
    const b = await connected();
    await a.topic.submit(1, { id: 'n' });
    await settle();
    const stale = b.topic.items.get('n')!.version;
    await a.topic.submit(2, { id: 'n' });
    const conflict = await b.topic.submit(9, { id: 'n', version: stale }).catch((e: unknown) => e as AedConflict);
    expect(conflict).toBeInstanceOf(AedConflict);
    expect((conflict as AedConflict).item?.value).toBe(2);
    await Promise.all([1, 2, 3].flatMap(() => [a, b].map(({ topic }) => topic.update('n', (v) => (v as number) + 1))));
    await settle();
    expect([a.topic.get('n'), b.topic.get('n')]).toEqual([8, 8]);
  });

  it('passes messages on to the others', async () => {
    const a = await connected();
    const b = await connected();
    const heard: unknown[] = [];
    for (const [who, { topic }] of Object.entries({ a, b })) topic.on('message', (m) => heard.push([who, m.value, m.by.party]));
    await a.topic.send({ hello: true });
    expect(heard).toEqual([['b', { hello: true }, 'p1']]);
  });

  it.each([false, true])('loses and doubles nothing over a break (session forgotten: %s)', async (forget) => {
    const a = await connected();
    const b = await connected();
    await a.topic.submit('old', { id: 'old' });
    await settle();
    server.loseAnswers = true;
    const writes = [1, 2, 3].map((n) => a.topic.submit(n, { id: `i${n}` }));
    await settle();
    server.loseAnswers = false;
    server.drop({ forget });
    writes.push(a.topic.submit(4, { id: 'i4' }));
    server.items.get('orders')!.delete('old'); // While both were away.
    for (const { env: own } of [a, b]) await own.clock.advance(1000);
    if (!forget) server.drop({ forget: true });
    for (const { env: own } of [a, b]) await own.clock.advance(1000);
    expect((await Promise.all(writes)).map((i) => i.value)).toEqual([1, 2, 3, 4]);
    for (const { topic } of [a, b]) expect([...topic.items.keys()].sort()).toEqual(['i1', 'i2', 'i3', 'i4']);
    expect(b.changes.filter((c) => c.id === 'i1')).toHaveLength(1);
    expect(b.changes.at(-1)).toMatchObject({ id: 'old', item: null });
    expect(new Set(server.done).size).toBe(server.done.length);
    // Another token would be somebody else's, and the session not this page's.
    expect(a.env.requests).toHaveLength(1);
  });

  it('keeps below the server’s rate, however fast the page asks', async () => {
    const a = await connected();
    const sends = Array.from({ length: 200 }, (_, n) => a.topic.send(n));
    await settle();
    expect(server.done.length).toBeLessThanOrEqual(kOutbox.burst);
    await a.env.clock.advance(8000);
    await Promise.all(sends);
    expect(server.done).toHaveLength(200);
    const many = Array.from({ length: kOutbox.waiting + 1 }, () => code(a.topic.send(0)));
    expect(await many.at(-1)).toBe('rate.exceeded');
    a.aed.close();
    expect(new Set(await Promise.all(many.slice(0, -1)))).toContain('session.closed');
  });

  it('refuses what JSON cannot say and what is too large', async () => {
    const { topic } = await connected();
    const loop: { self?: unknown } = {};
    loop.self = loop;
    expect(await code(topic.submit(undefined as never))).toBe('argument.invalid');
    expect(await code(topic.submit(loop as never))).toBe('argument.invalid');
    expect(await code(topic.send('ä'.repeat(40_000)))).toBe('aed.value_too_large');
  });

  it('says when a topic is over', async () => {
    const { aed, topic } = await connected();
    const over: unknown[] = [];
    topic.on('disconnected', (e) => over.push(e));
    await topic.disconnect();
    expect(over).toEqual([null]);
    expect(await code(topic.submit(1))).toBe('aed.not_connected');
    const again = await aed.topic('orders');
    expect(again).not.toBe(topic);
    const gone = new Promise((done) => again.on('disconnected', done));
    aed.close();
    expect(await gone).toMatchObject({ code: 'session.closed' });
    expect(await code(aed.topic('orders'))).toBe('session.closed');
  });

  it('a request that is never answered ends', async () => {
    const a = await connected();
    server.loseAnswers = true;
    const asked = code(a.topic.send(1));
    await a.env.clock.advance(kOutbox.patience);
    expect(await asked).toBe('request.timeout');
  });

  it('takes an item that is gone for deleted when the request was repeated, and only then', async () => {
    const sent: { request?: string }[] = [];
    const outbox = new Outbox(new FakeEnvironment(), 'x', (m) => sent.push(m as { request?: string }));
    const conflict = (request?: string) => ({ type: 'error', reason: 'aed.conflict', text: '', fatal: false, item: null, request }) as const;
    outbox.opened(false);
    const first = outbox.request({ type: 'data-delete', topic: 't', id: 'i', version: 1 });
    outbox.closed();
    outbox.opened(true);
    outbox.answered(conflict(sent.at(-1)!.request));
    expect(await code(first)).toBe('fine');
    const second = outbox.request({ type: 'data-delete', topic: 't', id: 'i', version: 1 });
    outbox.answered(conflict(sent.at(-1)!.request));
    expect(await code(second)).toBe('aed.conflict');
  });
});
