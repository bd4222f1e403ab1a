// What an agent's application waits for, and how it is told of a no.
import { beforeEach, describe, expect, it } from 'vitest';
import { ParleyError } from '../../common/index';
import { FakeEnvironment } from '../../testing/index';
import { FakeLink, kAllFeatures, sessionOf } from '../../testing/fake_link';
import { parseTopicMessage } from '../protocol';
import { Cobrowse } from './cobrowse';
import type { ContentSource } from './pushes';

type Json = Record<string, unknown>;

let link: FakeLink;
let session: Cobrowse;
let notices: string[];
const content: ContentSource = {
  share: ({ id, name }) => Promise.resolve({ id: `of-${id}`, src: '/x', name, kind: 'document' }),
  fetch: (url) => Promise.resolve({ id: `of-${url}`, src: '/x', name: 'Terms', kind: 'document' }),
  upload: () => Promise.reject(new ParleyError('content.type')),
};
const says = (state: string, more: Json = {}) => link.says({ type: 'session', ...sessionOf(state, more) });

function begin(state: string, more: Json = {}, features = kAllFeatures): void {
  session.start();
  link.welcomes(sessionOf(state, more), features);
}

beforeEach(() => {
  link = new FakeLink();
  notices = [];
  session = new Cobrowse({ environment: new FakeEnvironment(), cid: 'c1', link: () => link, content });
  session.on('notice', ({ code }) => notices.push(code));
});

describe('joined', () => {
  it('comes with the consumer’s yes', async () => {
    begin('asking');
    const joined = session.joined();
    says('joined');
    await joined;
    await session.joined();
  });
  it('rejects after a no; asking again may bring a yes, a no or the server’s refusal', async () => {
    begin('asking');
    const joined = session.joined();
    says('refused');
    await expect(joined).rejects.toMatchObject({ code: 'assist.view_refused' });
    await expect(session.joined()).rejects.toMatchObject({ code: 'assist.view_refused' });
    const again = session.askAgain();
    says('refused', { quality: 'light' }); // Something else changed: not the answer.
    says('asking');
    says('refused');
    await expect(again).rejects.toMatchObject({ code: 'assist.view_refused' });
    const often = session.askAgain();
    link.says({ type: 'error', reason: 'rate.exceeded', text: 'Wait.' });
    await expect(often).rejects.toMatchObject({ code: 'rate.exceeded', message: 'Wait.' });
    const third = session.askAgain();
    says('asking');
    says('joined');
    await third;
    expect(link.sent.filter(({ type }) => type === 'ask')).toHaveLength(3);
  });
  it('rejects with why the session ended, cannot be had, or was left', async () => {
    begin('asking');
    const joined = session.joined();
    link.says({ type: 'ended', reason: 'consumer_ended', text: 'Over.' });
    await expect(joined).rejects.toMatchObject({ code: 'consumer_ended', message: 'Over.' });
    await expect(session.joined()).rejects.toMatchObject({ code: 'consumer_ended' });
    const full = new Cobrowse({ environment: new FakeEnvironment(), cid: 'c2', link: () => link });
    full.start();
    const never = full.joined();
    link.emit('failed', new ParleyError('assist.full'));
    await expect(never).rejects.toMatchObject({ code: 'assist.full' });
    const left = new Cobrowse({ environment: new FakeEnvironment(), cid: 'c3', link: () => link });
    left.start();
    const waits = left.joined();
    left.leave();
    await expect(waits).rejects.toMatchObject({ code: 'session.closed' });
  });
});

describe('control', () => {
  it('resolves when it is given; only then acts are sent', async () => {
    begin('joined');
    const control = session.askControl();
    expect([session.click(1, 1), session.type('x'), session.key('Enter'), session.scroll(1, 1, 0, 5), session.press(1, 1)]).toEqual(Array(5).fill(false));
    says('joined', { control: 'p2' });
    await control;
    expect([session.click(1, 1), session.type('x'), session.key('Enter'), session.scroll(1, 1, 0, 5), session.press(1, 1), session.release(2, 2)]).toEqual(Array(6).fill(true));
    await session.askControl();
  });
  it('rejects with the consumer’s no, a colleague who has it, sharing that stopped, a feature that is off, and when it is called off', async () => {
    begin('joined');
    const refused = session.askControl();
    link.says({ type: 'consent', what: 'control', party: 'p2', grant: false });
    await expect(refused).rejects.toMatchObject({ code: 'assist.control_refused' });
    const taken = session.askControl();
    says('joined', { control: 'p3' });
    await expect(taken).rejects.toMatchObject({ code: 'assist.control_taken' });
    says('joined');
    const stopped = session.askControl();
    says('joined', { sharing: 'paused' });
    await expect(stopped).rejects.toMatchObject({ code: 'assist.not_sharing' });
    says('joined');
    const off = session.askControl();
    session.releaseControl();
    await expect(off).rejects.toMatchObject({ code: 'request.cancelled' });
    const server = session.askControl();
    link.requests.at(-1)!.reject(new ParleyError('assist.consumer_away', { text: 'Away.' }));
    await expect(server).rejects.toMatchObject({ code: 'assist.consumer_away' });
    says('joined', { features: ['view'] });
    await expect(session.askControl()).rejects.toMatchObject({ code: 'assist.feature_off' });
    expect(session.askingControl).toBe(false);
  });
  it('rejects also when the consumer’s answer took longer than the request, and can come no more', async () => {
    begin('joined');
    const asked = () => {
      const control = session.askControl();
      link.requests.at(-1)!.reject(new ParleyError('request.timeout'));
      return control;
    };
    const off = asked();
    says('joined', { features: ['view'] });
    await expect(off).rejects.toMatchObject({ code: 'assist.feature_off' });
    says('joined', { features: kAllFeatures });
    const lost = asked();
    link.welcomes(sessionOf('joined'), kAllFeatures); // Not resumed: another party.
    await expect(lost).rejects.toMatchObject({ code: 'session.lost' });
    expect(session.askingControl).toBe(false);
  });
});

describe('the form', () => {
  it('is read, or not, with a code; a field says what became of it', async () => {
    begin('joined', { control: 'p2' });
    const answer = (message: Json) => {
      link.says(message);
      link.requests.at(-1)!.resolve(parseTopicMessage(message)!);
    };
    const read = session.form.read();
    answer({ type: 'form', fields: [{ id: 'f1', label: 'Name', type: 'text' }] });
    expect((await read).map(({ label }) => label)).toEqual(['Name']);
    const set = session.form.set('f1', { value: 'Ben' });
    answer({ type: 'form-result', id: 'f1', ok: false, message: 'Too short.', reason: 'form.validation' });
    expect(await set).toEqual({ state: 'refused', text: 'Too short.', code: 'form.validation' });
    const gone = session.form.set('f9', { value: '' });
    link.requests.at(-1)!.reject(new ParleyError('assist.no_control', { text: 'No.' }));
    expect(await gone).toEqual({ state: 'refused', text: 'No.', code: 'assist.no_control' });
    session.form.close();
    const none = session.form.read();
    link.requests.at(-1)!.reject(new ParleyError('assist.consumer_away'));
    await expect(none).rejects.toMatchObject({ code: 'assist.consumer_away' });
  });
});

describe('pushing', () => {
  const pushed = () => link.requests.at(-1)!.message;

  it('links, videos, documents by address and things of the library', async () => {
    begin('joined');
    void session.pushes.link('example.com/terms');
    expect(pushed()).toEqual({ type: 'push', kind: 'link', name: 'terms', url: 'https://example.com/terms' });
    void session.pushes.link('https://youtu.be/1', 'A film');
    expect(pushed()).toMatchObject({ kind: 'video', name: 'A film' });
    void session.pushes.document('https://example.com/a.pdf');
    await Promise.resolve().then(() => undefined);
    expect(pushed()).toEqual({ type: 'push', kind: 'document', name: 'Terms', content: 'of-https://example.com/a.pdf' });
    void session.pushes.item({ id: '7', name: 'Plan', kind: 'document', enabled: true, order: 0 });
    await Promise.resolve().then(() => undefined);
    expect(pushed()).toEqual({ type: 'push', kind: 'document', name: 'Plan', content: 'of-7' });
  });
  it('rejects with the reason', async () => {
    begin('joined');
    await expect(session.pushes.link('javascript:alert(1)')).rejects.toMatchObject({ code: 'push.address' });
    await expect(session.pushes.file({ size: 1 } as File)).rejects.toMatchObject({ code: 'content.type' });
    const refused = session.pushes.link('example.com');
    link.requests.at(-1)!.reject(new ParleyError('assist.feature_off'));
    await expect(refused).rejects.toMatchObject({ code: 'assist.feature_off' });
    const bare = new Cobrowse({ environment: new FakeEnvironment(), cid: 'c2', link: () => link });
    await expect(bare.pushes.document('example.com/a.pdf')).rejects.toMatchObject({ code: 'argument.invalid' });
  });
});
