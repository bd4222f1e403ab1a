import { beforeEach, describe, expect, it, vi } from 'vitest';
import { onFault } from '../common/index';
import { FakeEnvironment, settle } from '../testing/index';
import { takeRecord } from './record';
import { AssistSession } from './session';
import type { Sharer, SharerHost } from './sharer';

const kAnna = { party: 'p2', role: 'agent', name: 'Anna', color: '#aa3300', state: 'joined' };
const kSettings = { features: ['view', 'pointer', 'control', 'forms'], maskDefault: 'marked' };

let env: FakeEnvironment;
let stored: Map<string, string>;
let sensitive: boolean;
let host: SharerHost;
let sharer: Record<Exclude<keyof Sharer, 'canFilm' | 'sensitive'>, ReturnType<typeof vi.fn>> & { canFilm: boolean; sensitive: boolean };
let loads: number;
let loadFails: boolean;
let loading: Promise<void>;

function make(record: ReturnType<typeof takeRecord> = null): AssistSession {
  return new AssistSession(
    { environment: env, server: 'https://parley.test', name: 'Ada' },
    {
      overlay: {} as HTMLElement, layer: {} as HTMLElement, sensitive: () => sensitive,
      loadSharer: async (given) => {
        loads++;
        if (loadFails) throw new Error('blocked by the policy');
        await loading;
        host = given;
        return sharer as unknown as Sharer;
      },
    },
    record ?? undefined,
  );
}

const state = (extra: object = {}) => ({ type: 'session', cid: 'c1', sharing: 'off', consent: false, control: 'none', parties: [], ...extra });
const sent = (type: string) => env.gateway.messages.filter((m) => m.type === type);

/** Anna asks, the person agrees, the server says that sharing is on. */
async function share(session: AssistSession): Promise<void> {
  env.gateway.send({ type: 'consent-request', id: 'q1', party: 'p2', name: 'Anna', what: 'view' });
  env.gateway.send(state({ parties: [{ ...kAnna, state: 'asking' }] }));
  await settle();
  session.answer(session.requests[0]!, true);
  await settle();
  env.gateway.send(state({ parties: [kAnna], sharing: 'on', consent: true }));
  await settle();
}

beforeEach(() => {
  stored = new Map();
  env = new FakeEnvironment(stored);
  env.gateway.welcome = { session: state(), settings: kSettings };
  env.replies['POST /assistserver/session'] = { status: 201, body: { token: 't', assist: { token: 'assist-1', cid: 'c1', webSocket: '/assistserver/topic' } } };
  sensitive = false;
  loads = 0;
  loadFails = false;
  loading = Promise.resolve();
  sharer = { start: vi.fn(), hold: vi.fn(), stop: vi.fn(), refresh: vi.fn(), release: vi.fn(), quality: vi.fn(), allow: vi.fn(), pace: vi.fn(), act: vi.fn(), annotate: vi.fn(), masked: vi.fn(() => []), canFilm: true, sensitive: false, film: vi.fn(async () => undefined) };
});

describe('AssistSession', () => {
  it('lets nothing leave while a part of the page is private, of which only the sharer knows', async () => {
    const session = make();
    await session.open();
    await share(session);
    const told = () => sent('form').length + sent('activity').length;
    sharer.sensitive = true;
    // Before anybody is told.
    host.reply({ type: 'form', fields: [] });
    host.activity({ type: 'activity', party: 'p2', what: 'click', target: 'x' });
    expect([told(), host.sendFrame(new ArrayBuffer(8))]).toEqual([0, false]);
    host.sensitiveChanged();
    expect(sent('share').at(-1)).toMatchObject({ state: 'sensitive' });
    expect(sharer.hold).toHaveBeenCalled();
    env.gateway.send({ type: 'form-get', party: 'p2' });
    await settle();
    expect(sharer.act).not.toHaveBeenCalled();
    sharer.sensitive = false;
    host.sensitiveChanged();
    expect(sent('share').at(-1)).toMatchObject({ state: 'on' });
    host.reply({ type: 'form', fields: [] });
    expect(told()).toBe(1);
  });

  it('connects with the token that the server gave for the session', async () => {
    const session = make();
    await session.open();
    expect(env.requests[0]).toMatchObject({ method: 'POST', body: { name: 'Ada', cobrowseOnly: true } });
    expect(env.gateway.current.url).toBe('wss://parley.test/assistserver/topic');
    expect(env.gateway.hellos[0]).toMatchObject({ type: 'hello', version: 1, token: 'assist-1', cid: 'c1' });
    expect([session.phase, session.cid, session.sharing]).toEqual(['open', 'c1', 'off']);
  });

  it('loads nothing and shares nothing before the person agreed', async () => {
    const session = make();
    await session.open();
    env.gateway.send({ type: 'consent-request', id: 'q1', party: 'p2', name: 'Anna', what: 'view' });
    env.gateway.send(state({ parties: [{ ...kAnna, state: 'asking' }] }));
    await settle();
    expect(session.requests).toMatchObject([{ id: 'q1', name: 'Anna', what: 'view' }]);
    session.answer(session.requests[0]!, false);
    await settle();
    expect(sent('consent')).toMatchObject([{ id: 'q1', grant: false }]);
    expect(sent('share')).toEqual([]);
    expect(loads).toBe(0);
  });

  it('sends pictures only once the server has heard of consent and sharing', async () => {
    const session = make();
    await session.open();
    env.gateway.send({ type: 'consent-request', id: 'q1', party: 'p2', name: 'Anna', what: 'view' });
    await settle();
    session.answer(session.requests[0]!, true);
    await settle();
    expect(sent('consent').concat(sent('share'))).toMatchObject([{ id: 'q1', grant: true }, { type: 'share', state: 'on' }]);
    expect(loads).toBe(1);
    expect(sharer.start).not.toHaveBeenCalled();
    expect(host.sendFrame(new ArrayBuffer(8))).toBe(false);
    env.gateway.send(state({ parties: [kAnna], sharing: 'on', consent: true }));
    await settle();
    expect(sharer.start).toHaveBeenCalledTimes(1);
    expect(host.sendFrame(new ArrayBuffer(8))).toBe(true);
    expect(env.gateway.current.binary).toHaveLength(1);
  });

  it('lets no picture leave while paused, on a private page, or when the last viewer left', async () => {
    const session = make();
    await session.open();
    await share(session);
    session.pause();
    expect(sharer.hold).toHaveBeenCalledTimes(1);
    expect(host.sendFrame(new ArrayBuffer(8))).toBe(false);
    session.resume();
    env.gateway.send(state({ parties: [kAnna], sharing: 'on', consent: true }));
    await settle();
    expect(host.sendFrame(new ArrayBuffer(8))).toBe(true);
    sensitive = true;
    expect(host.sendFrame(new ArrayBuffer(8))).toBe(false);
    session.sensitiveChanged();
    await settle();
    expect(sent('share').map((m) => m.state)).toEqual(['on', 'paused', 'on', 'sensitive']);
    sensitive = false;
    session.sensitiveChanged();
    env.gateway.send(state({ sharing: 'on', consent: false }));
    await settle();
    expect(host.sendFrame(new ArrayBuffer(8))).toBe(false);
    expect(sharer.hold).toHaveBeenCalledTimes(3);
  });

  it('acts only for the party that has control', async () => {
    const session = make();
    await session.open();
    await share(session);
    const click = { type: 'click', x: 1, y: 2, party: 'p2' };
    env.gateway.send(click);
    await settle();
    expect(sharer.act).not.toHaveBeenCalled();
    env.gateway.send(state({ parties: [kAnna], sharing: 'on', consent: true, control: 'p2' }));
    env.gateway.send({ ...click, party: 'p9' });
    env.gateway.send(click);
    await settle();
    expect(sharer.act).toHaveBeenCalledTimes(1);
    // Over a document the agent points, and the page below is not touched.
    const pointed = vi.fn();
    session.on('pointer', pointed);
    env.gateway.send({ type: 'pointer', x: 1, y: 2, down: true, on: 'd1', page: 3, party: 'p2' });
    await settle();
    expect(pointed).toHaveBeenCalledWith(expect.objectContaining({ party: 'p2', on: 'd1', page: 3 }));
    expect(sharer.act).toHaveBeenCalledTimes(1);
    // No button that the agent held stays pressed, by whichever way control goes.
    sharer.release.mockClear();
    env.gateway.send(state({ parties: [kAnna], sharing: 'on', consent: true, control: 'none' }));
    env.gateway.send(state({ parties: [kAnna], sharing: 'on', consent: true, control: 'p2' }));
    await settle();
    expect(sharer.release).toHaveBeenCalledTimes(2);
    sharer.release.mockClear();
    session.takeControl();
    expect(sharer.release).toHaveBeenCalledTimes(1);
    env.gateway.send(click);
    await settle();
    expect(sent('control')).toMatchObject([{ take: true }]);
    expect(sharer.act).toHaveBeenCalledTimes(1);
  });

  it('holds pictures while the connection is gone and goes on after it came back', async () => {
    const session = make();
    await session.open();
    await share(session);
    env.gateway.drop();
    expect(session.phase).toBe('reconnecting');
    expect(host.sendFrame(new ArrayBuffer(8))).toBe(false);
    env.gateway.welcome = { session: state({ parties: [kAnna], sharing: 'on', consent: true }), settings: kSettings };
    await env.clock.advance(500);
    expect(session.phase).toBe('open');
    expect(sharer.start).toHaveBeenCalledTimes(2);
    expect(host.sendFrame(new ArrayBuffer(8))).toBe(true);
  });

  it('notices a network that says nothing any more', async () => {
    const session = make();
    await session.open();
    await share(session);
    await env.clock.advance(60_000);
    expect(session.phase).toBe('open');
    env.gateway.acknowledge = false;
    env.gateway.mode = 'silent';
    await env.clock.advance(20_000);
    expect(session.phase).toBe('reconnecting');
  });

  it('asks anew when the server has forgotten the session', async () => {
    const session = make();
    await session.open();
    await share(session);
    env.gateway.forget();
    env.gateway.drop();
    await env.clock.advance(500);
    expect([session.phase, session.sharing]).toEqual(['open', 'off']);
    expect(host.sendFrame(new ArrayBuffer(8))).toBe(false);
  });

  it('says so, and takes everything off the page, when the connection stays away', async () => {
    const session = make();
    await session.open();
    await share(session);
    env.gateway.mode = 'refuse';
    env.gateway.drop();
    await env.clock.advance(120_000);
    expect(session.ended?.text).toContain('Nobody sees this page');
    expect(sharer.stop).toHaveBeenCalled();
    expect(stored.size).toBe(0);
  });

  it('is the same party on the next page, which goes on by itself', async () => {
    const session = make();
    await session.open();
    await share(session);
    session.record.places.indicator = { x: 0.5, y: 1 };
    env.leave();
    expect(env.gateway.current.closedWith).toBe(4000);
    expect(sent('bye')).toEqual([]);
    expect(sharer.stop).toHaveBeenCalled();

    env.gateway.welcome = { session: state({ parties: [kAnna], sharing: 'on', consent: true }), settings: kSettings };
    const next = make(takeRecord(env.storage, Date.now()));
    await next.open();
    await settle();
    expect(env.requests).toHaveLength(1);
    expect(env.gateway.hellos[1]).toMatchObject({ cid: 'c1', resume: { party: 'session-1', key: 'key' } });
    expect([next.sharing, next.record.places.indicator]).toEqual(['on', { x: 0.5, y: 1 }]);
    expect(sharer.start).toHaveBeenCalledTimes(2);
  });

  it('does not take over from a page that is still there, as a copy of its tab would', async () => {
    const session = make();
    await session.open();
    await share(session);
    const twin = make(takeRecord(env.storage, Date.now()));
    await twin.open();
    expect([twin.sharing, env.gateway.hellos[1]!.resume, env.requests.length]).toEqual(['off', undefined, 2]);
    expect(session.phase).toBe('open');
    // Where a browser cannot tell, nothing is taken over either.
    env.isHeld = undefined as never;
    const other = make(takeRecord(env.storage, Date.now()));
    await other.open();
    expect(env.gateway.hellos[2]!.resume).toBeUndefined();
  });

  it('goes on after the browser killed its page, which said nothing', async () => {
    const session = make();
    await session.open();
    await share(session);
    env.hide();
    env.held.clear();
    const killed = Date.now();
    env.gateway.welcome = { session: state({ parties: [kAnna], sharing: 'on', consent: true }), settings: kSettings };
    const next = make(takeRecord(env.storage, killed + 90_000));
    await next.open();
    await settle();
    expect(env.gateway.hellos[1]).toMatchObject({ cid: 'c1', resume: { party: 'session-1', key: 'key' } });
    expect([next.sharing, env.requests.length, env.held.size]).toEqual(['on', 1, 1]);
    next.end();
    env.gateway.send({ type: 'ended', reason: 'consumer_ended', text: 'Over.' });
    await settle();
    expect(env.held.size).toBe(0);
  });

  it('goes on as late as the server keeps the place, on the next page and after a break', async () => {
    env.gateway.welcome = { session: state(), settings: kSettings, limits: { resumeSeconds: 300, maxMessage: 131072 } };
    const session = make();
    await session.open();
    env.hide();
    env.held.clear();
    const next = make(takeRecord(env.storage, Date.now() + 290_000));
    await next.open();
    expect(env.gateway.hellos[1]).toMatchObject({ resume: { party: 'session-1' } });
    env.gateway.mode = 'refuse';
    env.gateway.drop();
    await env.clock.advance(280_000);
    expect(next.phase).toBe('reconnecting');
    env.gateway.mode = 'welcome';
    await env.clock.advance(10_000);
    expect(next.phase).toBe('open');
  });

  it('forgets a page that was killed too long ago', async () => {
    const session = make();
    await session.open();
    expect(takeRecord(env.storage, Date.now() + 200_000)).toBeNull();
    expect(stored.size).toBe(0);
    expect(session.phase).toBe('open');
  });

  it('ends for everybody, and leaves nothing for the next page', async () => {
    const session = make();
    await session.open();
    await share(session);
    session.end();
    expect(sharer.stop).toHaveBeenCalled();
    expect(sent('end')).toHaveLength(1);
    env.gateway.send({ type: 'ended', reason: 'consumer_ended', text: 'The customer has ended the session.' });
    await settle();
    expect(session.ended).toEqual({ reason: 'consumer_ended', text: 'Sharing has ended. Nobody sees this page any more.' });
    expect(stored.size).toBe(0);
  });

  it('says that it ends with its call, here and there', async () => {
    const session = make();
    await session.open();
    await share(session);
    session.end('call');
    expect(sent('end')).toMatchObject([{ why: 'call' }]);
    env.gateway.send({ type: 'ended', reason: 'call_ended', text: 'The call has ended, and sharing with it.' });
    await settle();
    expect(session.ended).toEqual({ reason: 'call_ended', text: 'The call has ended, and sharing with it. Nobody sees this page any more.' });
  });

  it.each([0, 1, 3, 6])('leaves nothing when it is ended while it opens, %d steps on', async (steps) => {
    const session = make();
    const opening = session.open();
    for (let i = 0; i < steps; i++) await Promise.resolve();
    session.end();
    await expect(opening).rejects.toMatchObject({ code: 'session.closed' });
    await settle();
    const { leave_, hidden_ } = env as unknown as Record<'leave_' | 'hidden_', Set<unknown>>;
    expect([env.held.size, leave_.size, hidden_.size, env.gateway.sockets.every((s) => s.closedWith !== null)]).toEqual([0, 0, 0, true]);
    expect([session.ended?.reason, stored.size]).toEqual(['consumer_ended', 0]);
  });

  it('shares again when the person says so, where it was opened anew among those who may see it', async () => {
    env.gateway.welcome = { session: state({ consent: true, parties: [kAnna] }), settings: kSettings };
    const session = make();
    await session.open();
    expect([session.sharing, session.canShareAgain, loads]).toEqual(['off', true, 0]);
    // What a site does when its tab comes to the front is no wish of the person.
    session.pause();
    session.resume();
    expect([session.sharing, sent('share')]).toEqual(['off', []]);
    session.shareAgain();
    await settle();
    env.gateway.send(state({ parties: [kAnna], sharing: 'on', consent: true }));
    await settle();
    expect(sent('share')).toMatchObject([{ state: 'on' }]);
    expect(sharer.start).toHaveBeenCalledTimes(1);
    expect(session.canShareAgain).toBe(false);
    // Who ends it is not asked.
    session.end();
    expect([session.sharing, session.canShareAgain]).toEqual(['off', false]);
    session.shareAgain();
    expect(sent('share')).toHaveLength(1);
  });

  it('does not share by itself with nobody there, nor with who asks', async () => {
    for (const parties of [[], [{ ...kAnna, state: 'asking' }], [{ ...kAnna, state: 'refused' }]]) {
      env.gateway.welcome = { session: state({ parties }), settings: kSettings };
      const session = make();
      await session.open();
      session.shareAgain();
      expect([session.canShareAgain, session.sharing]).toEqual([false, 'off']);
    }
  });

  it('tells in words when the page may not load what sharing needs', async () => {
    loadFails = true;
    onFault(() => undefined);
    const session = make();
    const notices: string[] = [];
    session.on('notice', (error) => notices.push(error.code));
    await session.open();
    await share(session);
    expect(notices).toEqual(['assist.not_loaded']);
    expect(session.sharing).toBe('paused');
    loadFails = false;
    session.resume();
    await settle();
    expect(sharer.start).toHaveBeenCalledTimes(1);
  });

  it('slows down when the network is slower than the pictures', async () => {
    const session = make();
    await session.open();
    await share(session);
    env.gateway.current.bufferedAmount = 600 * 1024;
    expect(host.sendFrame(new ArrayBuffer(8))).toBe(false);
    expect(sharer.pace).toHaveBeenLastCalledWith({ behind: true });
    env.gateway.current.bufferedAmount = 100 * 1024;
    expect(host.sendFrame(new ArrayBuffer(8))).toBe(false);
    // Nobody else would say that it is over.
    env.gateway.current.bufferedAmount = 10;
    expect(host.sendFrame(new ArrayBuffer(8))).toBe(true);
    expect(sharer.pace).toHaveBeenLastCalledWith({ behind: false });
    expect(sharer.pace).toHaveBeenCalledTimes(3);
  });

  it('tells the sharer what the settings have switched off', async () => {
    const session = make();
    await session.open();
    await share(session);
    env.gateway.send(state({ parties: [kAnna], sharing: 'on', consent: true, features: ['view'] }));
    await settle();
    expect(sharer.allow).toHaveBeenLastCalledWith(['view']);
  });

  it('makes the pictures as an agent chose, also on the next page', async () => {
    const session = make();
    await session.open();
    await share(session);
    expect(sharer.quality).toHaveBeenLastCalledWith('sharp');
    env.gateway.send(state({ parties: [kAnna], sharing: 'on', consent: true, quality: 'light' }));
    await settle();
    expect(sharer.quality).toHaveBeenLastCalledWith('light');
    env.gateway.send(state({ parties: [kAnna], sharing: 'on', consent: true, quality: 'whatever' }));
    await settle();
    expect(sharer.quality).toHaveBeenLastCalledWith('sharp');
    env.leave();
    sharer.quality.mockClear();
    env.gateway.welcome = { resumed: true, session: state({ parties: [kAnna], sharing: 'on', consent: true, quality: 'balanced' }), settings: kSettings };
    await make(takeRecord(env.storage, Date.now())).open();
    await settle();
    expect(sharer.quality).toHaveBeenLastCalledWith('balanced');
  });

  it('sends the receipt of what was masked and of what was withheld', async () => {
    const session = make();
    await session.open();
    await share(session);
    host.receipt([{ label: 'input pin', rule: 'password', count: 1 }]);
    host.receipt([], 3);
    await settle();
    expect(sent('receipt')).toMatchObject([{ masked: [{ label: 'input pin', rule: 'password', count: 1 }] }, { masked: [], unmaskable: 3 }]);
    expect(sent('receipt')[0]).not.toHaveProperty('unmaskable');
  });

  it('sends a long receipt in as many messages as the server takes, nothing left out', async () => {
    const session = make();
    await session.open();
    await share(session);
    for (const [fields, messages] of [[64, 1], [100, 2], [201, 4]] as const) {
      const masked = Array.from({ length: fields }, (_, i) => ({ label: `input f${i}`, rule: 'typed', count: 1 }));
      const before = sent('receipt').length;
      host.receipt(masked, 2);
      await settle();
      const got = sent('receipt').slice(before) as unknown as { at: string; masked: object[]; unmaskable?: number }[];
      expect([got.length, got.flatMap((m) => m.masked), new Set(got.map(({ at }) => at)).size]).toEqual([messages, masked, 1]);
      expect(Math.max(...got.map((m) => m.masked.length))).toBeLessThanOrEqual(64);
      expect(got.map(({ unmaskable }) => unmaskable)).toEqual([2, ...Array(messages - 1).fill(undefined)]);
    }
  });

  it('shares nothing, and says so to the server, while an administrator has switched it off', async () => {
    const session = make();
    await session.open();
    await share(session);
    const on = { parties: [kAnna], sharing: 'on', consent: true };
    env.gateway.send(state({ ...on, features: ['pointer'] }));
    await settle();
    expect([session.sharing, session.wanted, host.sendFrame(new ArrayBuffer(8))]).toEqual(['off', 'on', false]);
    expect([sent('share').map((m) => m.state), sharer.hold.mock.calls.length]).toEqual([['on', 'off'], 1]);
    env.gateway.send(state({ ...on, sharing: 'off', features: ['view'] }));
    await settle();
    expect(sent('share').map((m) => m.state)).toEqual(['on', 'off', 'on']);
    env.gateway.send(state({ ...on, features: ['view'] }));
    await settle();
    expect([session.sharing, host.sendFrame(new ArrayBuffer(8))]).toEqual(['on', true]);
  });

  it('tells nothing of a page that has become private, and acts for nobody whom the person did not let in', async () => {
    const session = make();
    await session.open();
    await share(session);
    sensitive = true;
    host.reply({ type: 'form', fields: [] });
    host.replyNow({ type: 'cursor', x: 1, y: 2 });
    host.activity({ type: 'activity', party: 'p2', what: 'click', target: 'Card 4111' });
    host.viewChanged({ w: 1, h: 1, scale: 1, title: 'Card 4111', path: '/card' }, 'painter');
    await settle();
    expect([sent('form'), sent('cursor'), sent('activity'), sent('view')]).toEqual([[], [], [], []]);
    sensitive = false;
    host.reply({ type: 'form', fields: [] });
    await settle();
    expect(sent('form')).toHaveLength(1);
    env.gateway.send(state({ parties: [kAnna, { ...kAnna, party: 'p3', state: 'asking' }], sharing: 'on', consent: true }));
    env.gateway.send({ type: 'form-get', party: 'p3' });
    await settle();
    expect(sharer.act).not.toHaveBeenCalled();
    env.gateway.send({ type: 'form-get', party: 'p2' });
    await settle();
    expect(sharer.act).toHaveBeenCalledTimes(1);
  });

  it('answers who read the form of the page before, once this one is shared', async () => {
    const session = make();
    await session.open();
    await share(session);
    env.leave();
    sharer.act.mockClear();
    env.gateway.welcome = { session: state({ parties: [kAnna], sharing: 'on', consent: true }), settings: kSettings };
    let arrived = () => undefined as void;
    loading = new Promise((done) => (arrived = done));
    const next = make(takeRecord(env.storage, Date.now()));
    await next.open();
    env.gateway.send({ type: 'form-get', party: 'p2', request: 'r1' });
    env.gateway.send({ type: 'form-get', party: 'p2', request: 'r2' });
    env.gateway.send({ type: 'form-close', party: 'p3' });
    await settle();
    expect(sharer.act).not.toHaveBeenCalled();
    arrived();
    await settle();
    expect(sharer.act.mock.calls.map(([m]) => (m as { request: string }).request)).toEqual(['r2']);
    expect(sharer.start.mock.invocationCallOrder.at(-1)).toBeLessThan(sharer.act.mock.invocationCallOrder[0]!);
  });

  it('asks for the film of the tab again after a page change, and tells the agent', async () => {
    const view = { w: 1, h: 1, scale: 1, title: '', path: '' };
    env.gateway.welcome = { session: state(), settings: { ...kSettings, features: ['view', 'capture'] } };
    const first = make();
    await first.open();
    await share(first);
    host.viewChanged(view, 'painter');
    host.viewChanged(view, 'capture');
    expect(first.filmEnded).toBe(false);
    env.leave();
    env.gateway.welcome = { resumed: true, session: state({ parties: [kAnna], sharing: 'on', consent: true }), settings: { ...kSettings, features: ['view', 'capture'] } };
    const next = make(takeRecord(env.storage, Date.now()));
    await next.open();
    await settle();
    host.viewChanged(view, 'painter');
    await settle();
    expect([next.canFilm, next.filmEnded]).toEqual([true, true]);
    expect(sent('view').at(-1)).toMatchObject({ fidelity: 'painter', unsupported: [{ what: 'the film of the tab' }] });
    sharer.film.mockRejectedValueOnce(new Error('NotAllowedError'));
    next.film();
    await settle();
    expect(next.filmEnded).toBe(false);
    expect(sent('view').at(-1)).toMatchObject({ unsupported: [] });
  });

  it('offers the film of the tab only where something cannot be painted and agents may have it', async () => {
    const session = make();
    const notices: string[] = [];
    session.on('notice', (error) => notices.push(error.code));
    await session.open();
    await share(session);
    host.unsupported([{ what: 'frame', why: 'another site' }]);
    expect(session.canFilm).toBe(false);
    session.settings.features.push('capture');
    expect(session.canFilm).toBe(true);
    sharer.film.mockRejectedValueOnce(new Error('NotAllowedError'));
    session.film();
    await settle();
    expect(notices).toEqual(['assist.film_refused']);
    host.viewChanged({ w: 1, h: 1, scale: 1, title: '', path: '' }, 'capture');
    expect(session.canFilm).toBe(false);
  });

  it('has a short code to read aloud', async () => {
    const session = make();
    await session.open();
    env.replies['POST /assistserver/shortcode/create'] = { status: 201, body: { shortCode: '482913', cid: 'c1', expiresIn: 300 } };
    expect(await session.shortCode()).toEqual({ code: '482913', expiresIn: 300 });
    env.replies['POST /assistserver/shortcode/create'] = { status: 201, body: { shortCode: '<b>1' } };
    await expect(session.shortCode()).rejects.toMatchObject({ code: 'server.malformed' });
  });
});
