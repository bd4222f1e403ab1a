import { Cobrowse, limitText, upload } from '@parley/agents';
import { ParleyError } from '@parley/sdk';
import { FakeEnvironment, FakeLink, kAllFeatures, partyOf, sessionOf } from '@parley/sdk/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseSession, parseTopicMessage, parseTopicWelcome } from '../../../sdk/src/assist/protocol';
import { coverWords, stateChip } from './words';

type Json = Record<string, unknown>;

const me = partyOf;
const session = sessionOf;
const kAll = kAllFeatures;

let env: FakeEnvironment;
let links: FakeLink[];
let cobrowse: Cobrowse;
let notices: string[];
const link = () => links[links.length - 1]!;

function begin(state = 'joined', more: Json = {}, features = kAll): void {
  cobrowse.start();
  link().welcomes(session(state, more), features);
}

beforeEach(() => {
  env = new FakeEnvironment();
  links = [];
  notices = [];
  cobrowse = new Cobrowse({ environment: env, cid: 'c1', link: () => (links.push(new FakeLink()), link()) });
  cobrowse.on('notice', ({ code }) => notices.push(code));
});

describe('consent', () => {
  it('comes before pictures and tools', () => {
    const frames: ArrayBuffer[] = [];
    cobrowse.on('frame', (frame) => frames.push(frame));
    begin('asking');
    expect([cobrowse.phase, stateChip(cobrowse).text]).toEqual(['asking', 'Asking for consent']);
    link().emit('binary', new ArrayBuffer(8));
    cobrowse.pointer(1, 1);
    cobrowse.click(1, 1);
    expect([frames.length, link().sent.length]).toEqual([0, 0]);
    link().says({ type: 'session', ...session('joined') });
    link().emit('binary', new ArrayBuffer(8));
    expect([cobrowse.phase, frames.length]).toEqual(['joined', 1]);
  });

  it('may be refused and asked for again', () => {
    begin('refused');
    expect(coverWords(cobrowse)?.text).toContain('Ada did not agree');
    cobrowse.askAgain();
    expect(link().sent).toEqual([{ type: 'ask', what: 'view' }]);
  });

  it('withdrawn, leaves nothing of the page on the screen', () => {
    begin();
    let blanks = 0;
    cobrowse.on('blank', () => blanks++);
    cobrowse.drawn(1, { w: 800, h: 600, scale: 1, scrollX: 0, scrollY: 0 }, 100);
    expect([cobrowse.seeing, coverWords(cobrowse)]).toEqual([true, null]);
    link().says({ type: 'session', ...session('joined', { sharing: 'paused' }) });
    expect([cobrowse.seeing, blanks, coverWords(cobrowse)?.title]).toEqual([false, 1, 'Paused']);
    link().says({ type: 'session', ...session('joined', { sharing: 'sensitive' }) });
    expect(coverWords(cobrowse)?.title).toBe('Sensitive page');
  });
});

describe('pictures', () => {
  it('are acknowledged once they are drawn, and asked for anew at most once a second', async () => {
    begin();
    cobrowse.drawn(7, { w: 800, h: 600, scale: 1, scrollX: 0, scrollY: 0 }, 100);
    expect(link().plain).toEqual([{ type: 'seen', frame: 7 }]);
    const asked = () => link().plain.filter(({ type }) => type === 'refresh').length;
    cobrowse.spoiled('undecodable');
    cobrowse.spoiled('undecodable');
    expect(asked()).toBe(1);
    // Until one is drawn: without it nothing is drawn ever again.
    await env.clock.advance(1_300);
    expect(asked()).toBe(2);
    cobrowse.drawn(8, { w: 800, h: 600, scale: 1, scrollX: 0, scrollY: 0 }, 100);
    await env.clock.advance(5_000);
    expect(asked()).toBe(2);
    cobrowse.spoiled('unsupported');
    expect(notices).toEqual(['picture.unsupported']);
    cobrowse.drawn(9, { w: 800, h: 600, scale: 1, scrollX: 0, scrollY: 0 }, 100);
    // A second one right after the first was answered is not passed over.
    cobrowse.spoiled('undecodable');
    expect(asked()).toBe(3);
    await env.clock.advance(1_300);
    expect(asked()).toBe(4);
    link().says({ type: 'session', ...session('joined', { sharing: 'paused' }) });
    await env.clock.advance(5_000);
    expect(asked()).toBe(4);
  });

  it('are said to be masked where they are', () => {
    begin();
    expect(cobrowse.masked).toBe(false);
    link().says({ type: 'session', ...session('joined', { view: { w: 1, h: 1, scale: 1, title: '', path: '', masked: 2 } }) });
    expect(cobrowse.masked).toBe(true);
  });
});

describe('drawings on a document', () => {
  it('are kept for when the document is shown here', () => {
    begin();
    const stroke = { id: 's1', tool: 'pen' as const, color: '#ff0000', width: 4, points: [[1, 2]] as [number, number][], done: true, on: 'd1', page: 1 };
    link().says({ type: 'draw', ...stroke });
    link().says({ type: 'draw', ...stroke, id: 's2' });
    cobrowse.draw({ ...stroke, id: 's3' });
    link().says({ type: 'draw', ...stroke, id: 'page', on: undefined });
    expect(cobrowse.documentInk.of('d1').map(({ id }) => id)).toEqual(['s1', 's2', 's3']);
    link().says({ type: 'erase', ids: ['s2'], on: 'd1' });
    expect(cobrowse.documentInk.of('d1').map(({ id }) => id)).toEqual(['s1', 's3']);
    link().says({ type: 'erase', all: true });
    expect(cobrowse.documentInk.of('d1')).toEqual([]);
  });
});

describe('control', () => {
  it('is asked for; only then clicks and keys go out', () => {
    begin();
    cobrowse.askControl();
    cobrowse.click(5, 6);
    expect([cobrowse.askingControl, link().requests[0]!.message, link().sent]).toEqual([true, { type: 'control', want: true }, []]);
    link().says({ type: 'session', ...session('joined', { control: 'p2' }) });
    expect([cobrowse.askingControl, cobrowse.controlling]).toEqual([false, true]);
    cobrowse.click(5, 6, 0, 2, { shift: true });
    cobrowse.type('Ada');
    cobrowse.key('Enter', 'Enter', {});
    expect(link().sent).toEqual([{ type: 'click', x: 5, y: 6, button: 0, detail: 2, mods: { shift: true } }, { type: 'text', text: 'Ada' }, { type: 'key', key: 'Enter', code: 'Enter', mods: {} }]);
    link().says({ type: 'session', ...session('joined') });
    cobrowse.click(1, 1);
    expect([cobrowse.controlling, link().sent.length]).toEqual([false, 3]);
  });

  it('pastes a long text whole, in parts that the server takes', () => {
    begin();
    link().says({ type: 'session', ...session('joined', { control: 'p2' }) });
    const text = `${'x'.repeat(4094)}😀${'y'.repeat(5000)}`;
    cobrowse.type(text);
    const parts = link().sent.map((m) => (m as { text: string }).text);
    expect([parts.join('') === text, parts.length, Math.max(...parts.map((t) => t.length)) <= 4096]).toEqual([true, 3, true]);
    expect(parts[0]!.length).toBe(4094);
  });

  it('refused is said in words', () => {
    begin();
    cobrowse.askControl();
    link().says({ type: 'consent', what: 'control', party: 'p2', grant: false });
    expect([cobrowse.askingControl, notices]).toEqual([false, ['assist.control_refused']]);
  });

  it('taken by a colleague is said by the server', async () => {
    begin();
    cobrowse.askControl();
    link().requests[0]!.reject(new ParleyError('assist.control_taken', { text: 'A colleague controls the page.' }));
    await Promise.resolve();
    await Promise.resolve();
    expect([cobrowse.askingControl, notices]).toEqual([false, ['assist.control_taken']]);
  });
});

describe('quality', () => {
  it('is the session’s, and asked of the server', () => {
    begin('joined', { quality: 'balanced' });
    expect(cobrowse.quality).toBe('balanced');
    cobrowse.setQuality('balanced');
    cobrowse.setQuality('light');
    expect([cobrowse.quality, link().sent]).toEqual(['balanced', [{ type: 'quality', level: 'light' }]]);
    link().says({ type: 'session', ...session('joined', { quality: 'light' }) });
    expect(cobrowse.quality).toBe('light');
    link().says({ type: 'error', reason: 'rate.exceeded', text: 'Wait.' });
    expect(notices).toEqual(['rate.exceeded']);
  });
});

describe('limits', () => {
  it('are those of the server', () => {
    cobrowse.start();
    const settings = { features: kAll, maxParties: 6, maxDocumentBytes: 1000000 };
    link().emit('welcome', parseTopicWelcome({ type: 'welcome', party: 'p2', key: 'k', role: 'agent', ack: 0, session: session('joined'), settings })!);
    expect([cobrowse.settings?.maxParties, cobrowse.settings?.maxDocumentBytes]).toEqual([6, 1000000]);
  });
  it('of a file are said as people write them, before anything is sent', async () => {
    expect([26214400, 65536, 1500000].map(limitText)).toEqual(['25 MB', '64 kB', '1.4 MB']);
    const file = { size: 70_000 } as File;
    await expect(upload('https://parley.test/x', file, { maxBytes: 65536 })).rejects.toMatchObject({ code: 'content.too_large', message: 'This file is too large. At most 64 kB can be sent.' });
  });
});

describe('streams', () => {
  it('send the newest place, and the sum of scrolling, twenty times a second', async () => {
    begin('joined', { control: 'p2' });
    for (let i = 1; i <= 5; i++) {
      cobrowse.pointer(i, i);
      cobrowse.scroll(1, 1, 0, 10);
    }
    const of = (type: string) => link().sent.filter((m) => m.type === type);
    expect([of('pointer').length, of('scroll').length]).toEqual([1, 0]);
    await env.clock.advance(60);
    expect(of('pointer').at(-1)).toMatchObject({ x: 5, y: 5 });
    expect(of('scroll')).toEqual([{ type: 'scroll', x: 1, y: 1, dx: 0, dy: 50 }]);
  });

  it('are overtaken by nothing: what waits goes out before a click, a key, a press and a release', async () => {
    begin('joined', { control: 'p2' });
    const places = () => link().sent.splice(0).map((m) => [m.type, ...('x' in m ? [m.x] : []), ...('down' in m ? [m.down] : [])].join(' '));
    cobrowse.pointer(1, 1);
    cobrowse.pointer(2, 2);
    cobrowse.scroll(2, 2, 0, 10);
    cobrowse.click(3, 3);
    expect(places()).toEqual(['pointer 1 false', 'pointer 2 false', 'scroll 2', 'click 3']);
    await env.clock.advance(60);
    cobrowse.pointer(4, 4);
    cobrowse.pointer(5, 5);
    cobrowse.press(4, 4);
    cobrowse.pointer(6, 6);
    cobrowse.pointer(7, 7);
    cobrowse.release(8, 8);
    cobrowse.key('Enter', 'Enter', {});
    expect(places()).toEqual(['pointer 4 false', 'pointer 5 false', 'pointer 4 true', 'pointer 7 true', 'pointer 8 false', 'key']);
    await env.clock.advance(200);
    expect(places(), 'nothing comes after that').toEqual([]);
  });

  it('hold no button down that the agent may not press, or no longer may', async () => {
    begin();
    cobrowse.press(1, 1);
    cobrowse.release(1, 1);
    expect(link().sent).toEqual([]);
    link().says({ type: 'session', ...session('joined', { control: 'p2' }) });
    cobrowse.press(1, 1);
    link().says({ type: 'session', ...session('joined') });
    cobrowse.pointer(2, 2);
    expect(link().sent.at(-1)).toMatchObject({ x: 2, down: false });
  });
});

describe('features', () => {
  it('a drag needs control only: pointing may be switched off', () => {
    begin('joined', { control: 'p2' }, ['view', 'control']);
    cobrowse.pointer(0, 0);
    cobrowse.press(1, 1);
    cobrowse.pointer(2, 2);
    cobrowse.release(3, 3);
    cobrowse.pointer(4, 4);
    expect(link().sent.map((m) => (m.type === 'pointer' ? `${m.x} ${m.down}` : m.type))).toEqual(['1 true', '2 true', '3 false']);
  });

  it('that are off, now or later, are not there', () => {
    begin('joined', {}, ['view', 'pointer']);
    expect([cobrowse.has('pointer'), cobrowse.has('control'), cobrowse.has('annotate')]).toEqual([true, false, false]);
    cobrowse.askControl();
    expect(link().requests).toHaveLength(0);
    link().says({ type: 'session', ...session('joined', { features: ['view'] }) });
    cobrowse.pointer(1, 1);
    expect([cobrowse.has('pointer'), link().sent.length]).toEqual([false, 0]);
  });
  it('of a supervisor are looking', () => {
    begin('joined', { parties: [me('joined', 'supervisor')] });
    expect(kAll.filter((name) => cobrowse.has(name as 'view'))).toEqual(['view']);
  });
});

describe('session', () => {
  it('that nobody has opened is waited for', async () => {
    cobrowse.start();
    link().emit('failed', new ParleyError('assist.unknown_session'));
    expect([cobrowse.phase, links.length]).toEqual(['waiting', 1]);
    await env.clock.advance(3_100);
    expect(links).toHaveLength(2);
    for (let i = 0; i < 300; i++) {
      link().emit('failed', new ParleyError('assist.unknown_session'));
      await env.clock.advance(3_100);
    }
    expect([cobrowse.phase, coverWords(cobrowse)?.text]).toEqual(['failed', 'No customer opened this session. Check the code or the address.']);
  });

  it('that is full, or over, says so', () => {
    cobrowse.start();
    link().emit('failed', new ParleyError('assist.full'));
    expect(coverWords(cobrowse)?.text).toContain('As many people');
    const other = new Cobrowse({ environment: env, cid: 'c2', link: () => (links.push(new FakeLink()), link()) });
    cobrowse = other;
    begin();
    link().says({ type: 'ended', reason: 'consumer_ended', text: 'x' });
    expect([other.phase, link().closed, coverWords(other)?.text]).toEqual(['ended', true, 'The customer ended sharing.']);
  });

  it('tells others of drawings and shows one’s own at once', () => {
    begin();
    const seen: string[] = [];
    cobrowse.on('draw', ({ id }) => seen.push(id));
    const stroke = { id: cobrowse.newId('pen'), tool: 'pen' as const, color: '#d92d20', width: 4, points: [[1, 2]] as [number, number][], done: true };
    cobrowse.draw(stroke);
    link().says({ type: 'draw', ...stroke, id: 'pen-p3-1', party: 'p3' });
    expect(seen).toEqual(['pen-p2-1', 'pen-p3-1']);
    expect(link().sent).toEqual([{ type: 'draw', ...stroke }]);
    link().says({ type: 'erase', all: true, why: 'navigation' });
    expect(cobrowse.activity?.text).toContain('page changed');
    link().says({ type: 'activity', party: 'p2', what: 'fill', target: 'Name' });
    expect(cobrowse.activity?.text).toBe('You filled in Name');
    link().says({ type: 'activity', party: 'p1', what: 'scroll', target: '' });
    expect(cobrowse.activity?.text).toBe('Ada scrolled');
    link().says({ type: 'activity', party: 'p2', what: 'refused', target: 'The site does not let agents use this element.' });
    expect(cobrowse.activity?.text).toBe('The site does not let agents use this element.');
  });

  it('reads states strictly: an unknown one is no consent', () => {
    expect(parseSession(session('whatever')).parties[0]!.state).toBe('asking');
  });
});

describe('form editor', () => {
  const fields = [{ id: 'f1', label: 'Name', type: 'text', value: 'Ada' }, { id: 'f2', label: 'Card', type: 'text', masked: true, value: '4111' }];

  it('shows what the page reports, without what is masked', () => {
    begin();
    void cobrowse.form.show();
    expect(link().requests[0]!.message).toEqual({ type: 'form-get' });
    link().says({ type: 'form', fields });
    expect(cobrowse.form.fields?.map(({ id, value }) => [id, value])).toEqual([['f1', 'Ada'], ['f2', undefined]]);
    expect(cobrowse.masked).toBe(true);
    cobrowse.form.close();
    expect(link().sent).toEqual([{ type: 'form-close' }]);
  });

  it('says how each change went', async () => {
    begin('joined', { control: 'p2' });
    void cobrowse.form.show();
    link().says({ type: 'form', fields });
    const done = cobrowse.form.set('f1', { value: 'Ben' });
    expect(cobrowse.form.results.get('f1')?.state).toBe('sending');
    link().requests.at(-1)!.resolve(parseTopicMessage({ type: 'form-result', id: 'f1', ok: false, valid: false, message: 'Too short.' })!);
    await done;
    expect(cobrowse.form.results.get('f1')).toEqual({ state: 'refused', text: 'Too short.', code: 'form.invalid' });
    expect(cobrowse.form.fields?.[0]?.valid).toBe(false);
    const refused = cobrowse.form.set('f1', { value: 'Ben' });
    link().requests.at(-1)!.reject(new ParleyError('assist.not_allowed', { text: 'No.' }));
    await refused;
    expect(cobrowse.form.results.get('f1')?.text).toBe('No.');
  });

  it('asks anew when the page, or the connection, is another one or comes back', async () => {
    begin();
    void cobrowse.form.show();
    const asked = () => link().requests.splice(0).filter(({ message }) => message.type === 'form-get').length;
    const view = { w: 800, h: 600, scale: 1, title: '', path: '/a' };
    link().says({ type: 'form', fields });
    link().says({ type: 'session', ...session('joined', { view }) });
    asked();
    link().says({ type: 'session', ...session('joined', { view, quality: 'light' }) });
    expect(asked()).toBe(0);
    for (const sharing of ['paused', 'sensitive']) {
      link().says({ type: 'session', ...session('joined', { view, sharing }) });
      expect(asked()).toBe(0);
      link().says({ type: 'session', ...session('joined', { view }) });
      expect(asked(), sharing).toBe(1);
    }
    link().says({ type: 'session', ...session('joined', { view: { ...view, path: '/b' } }) });
    expect(asked(), 'navigation').toBe(1);
    link().says({ type: 'session', ...session('joined', { view: { ...view, path: '/b' }, consumer: { present: false, name: 'Ada' } }) });
    link().says({ type: 'session', ...session('joined', { view: { ...view, path: '/b' } }) });
    expect(asked(), 'reload').toBe(1);
    link().emit('state', 'reconnecting');
    link().welcomes(session('joined', { view: { ...view, path: '/b' } }), kAll);
    expect(asked(), 'reconnect').toBe(1);
    // A field of a page that is gone.
    link().says({ type: 'session', ...session('joined', { view: { ...view, path: '/b' }, control: 'p2' }) });
    const done = cobrowse.form.set('f1', { value: 'Ben' });
    link().requests.pop()!.resolve(parseTopicMessage({ type: 'form-result', id: 'f1', ok: false, message: 'This field is no longer on the page.', reason: 'unknown_field' })!);
    await done;
    expect(asked(), 'unknown field').toBe(1);
    cobrowse.form.close();
    link().says({ type: 'session', ...session('joined', { view }) });
    expect(asked()).toBe(0);
  });

  it('closes when the page is no longer ours to see', () => {
    begin();
    void cobrowse.form.show();
    link().says({ type: 'session', ...session('refused') });
    expect(cobrowse.form.open).toBe(false);
  });

  it('closes when forms are switched off', () => {
    begin();
    void cobrowse.form.show();
    link().says({ type: 'form', fields });
    link().says({ type: 'session', ...session('joined', { features: ['view', 'control'] }) });
    expect([cobrowse.form.open, cobrowse.form.fields]).toEqual([false, null]);
  });
});
