import { describe, expect, it } from 'vitest';
import { parseTopicMessage, parseTopicWelcome } from './protocol';
import { saveRecord, takeRecord, type AssistRecord } from './record';
import { pathMatches } from './sensitive';

describe('messages of the topic protocol', () => {
  it('fills what a terse server left out', () => {
    const welcome = parseTopicWelcome({ type: 'welcome', party: 'p1', key: 'k' })!;
    expect(welcome).toMatchObject({ role: 'consumer', resumed: false, ack: 0, session: { sharing: 'off', consent: false, control: 'none', parties: [] } });
    expect(welcome.settings).toMatchObject({ features: [], imageScale: 1, maskDefault: 'marked' });
    expect(parseTopicWelcome({ type: 'welcome', party: 1 })).toBeNull();
  });

  it('lets nothing into styles, sizes and numbers that does not belong there', () => {
    const message = parseTopicMessage({
      type: 'session', parties: [{ party: 'p2', role: 'root', name: 'x'.repeat(500), color: 'red;background:url(//evil)', state: 'odd' }],
      view: { w: Infinity, h: 'a' }, window: { x: 9, y: -3 }, sharing: 'everything',
    });
    expect(message).toMatchObject({
      parties: [{ role: 'agent', color: '#0b5f6b', state: 'asking' }], view: { w: 0, h: 0 }, window: { x: 1, y: 0 }, sharing: 'off',
    });
    const draw = parseTopicMessage({ type: 'draw', id: 's', tool: 'laser', color: 'javascript:1', width: 1e9, points: [[1, 2], ['a', 3], [NaN, 1], 'x'] });
    expect(draw).toMatchObject({ tool: 'pen', color: '#0b5f6b', width: 64, points: [[1, 2]], done: false });
  });

  it('gives masked fields no value, whatever was sent', () => {
    const form = parseTopicMessage({ type: 'form', fields: [{ id: 'a', masked: true, value: 'secret', checked: true }, { id: 'b', value: 'open' }] });
    expect(form).toMatchObject({ fields: [{ id: 'a', value: undefined, checked: undefined }, { id: 'b', value: 'open' }] });
  });

  it('skips what it does not know', () => {
    for (const raw of [{}, { type: 'new-thing' }, { type: 'push', id: 'x', kind: 'program' }, { type: 'key' }, { type: 'draw' }]) expect(parseTopicMessage(raw)).toBeNull();
  });
});

describe('what the next page takes over', () => {
  const record: AssistRecord = { cid: 'c', token: 't', server: 'https://p', name: 'Ada', rules: { mask: ['.x'] }, wanted: 'paused', filmed: true, call: 'k1', cards: [{ id: 'x1', kind: 'link', src: 'https://x.example/', name: 'X', by: 'p2' }], places: {}, leftAt: 1_000_000 };
  const store = () => {
    const map = new Map<string, string>();
    return { map, get: (k: string) => map.get(k) ?? null, set: (k: string, v: string) => void map.set(k, v), remove: (k: string) => void map.delete(k) };
  };

  it('is a session that was left a moment ago, once', () => {
    const s = store();
    saveRecord(s, record);
    expect(takeRecord(s, 1_000_500)).toMatchObject({ cid: 'c', wanted: 'paused', rules: { mask: ['.x'] }, filmed: true, call: 'k1', cards: record.cards, leftAt: 0 });
    expect(takeRecord(s, 1_000_600)).toBeNull();
  });

  it('is one as long as the server said that it keeps the place', () => {
    const s = store();
    saveRecord(s, { ...record, resumes: 300 });
    expect(takeRecord(s, 1_299_000)).toMatchObject({ cid: 'c', resumes: 300 });
    saveRecord(s, { ...record, resumes: 300 });
    expect(takeRecord(s, 1_300_001)).toBeNull();
    saveRecord(s, { ...record, resumes: 5 });
    expect(takeRecord(s, 1_006_000)).toBeNull();
  });

  it('is nothing after the server has given the place away, nor something broken', () => {
    const s = store();
    saveRecord(s, record);
    expect(takeRecord(s, 1_060_001)).toBeNull();
    expect(s.map.size).toBe(0);
    s.set('parley.assist', '{"cid":5}');
    expect(takeRecord(s, 1)).toBeNull();
    s.set('parley.assist', 'no json');
    expect(takeRecord(s, 1)).toBeNull();
  });
});

describe('paths of private pages', () => {
  it('match with stars, whole, and literally otherwise', () => {
    expect(pathMatches('/account/*', '/account/cards/1')).toBe(true);
    expect(pathMatches('/account/*', '/x/account/1')).toBe(false);
    expect(pathMatches('/pay', '/pay/now')).toBe(false);
    expect(pathMatches('/a.b', '/axb')).toBe(false);
    expect(pathMatches('*/card', '/x/card')).toBe(true);
    expect(pathMatches('/a?b', '/aXb')).toBe(false);
  });
});
