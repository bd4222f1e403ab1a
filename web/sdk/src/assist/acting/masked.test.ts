import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, haveChromium, TestPages } from '../../testing/page';
import type { Painted } from '../../testing/paint';
import type { ActResult } from './types';

/** Two pages that differ in what is masked and in nothing else: pictures that are not the same tell. */
const kSecrets = [['S3CRET-ONE', '2031-02-03'], ['X', '1999-12-31']] as const;

describe.skipIf(!haveChromium())('lists and calendars of masked fields', () => {
  let pages: TestPages;
  let page: Page;
  beforeAll(async () => {
    pages = new TestPages(await bundle(fileURLToPath(new URL('../../testing/paint.ts', import.meta.url)), 'Capture'));
  });
  afterAll(() => pages.close());

  async function open(html: string, masks: string, [text, day]: readonly [string, string]): Promise<void> {
    page = await pages.open(`<!doctype html><style>body{margin:0}#f{width:200px;height:30px;outline:none}</style>${html.replaceAll('{text}', text).replaceAll('{day}', day)}<button id="b">b</button>`);
    await page.evaluate(`window.masks = ${masks}; window.rules = new Capture.MaskRules(masks); window.told = [];
      window.actor = Capture.createActor({ isMasked: (e) => rules.isMasked(e), onActivity: (a) => told.push(a.what + ' ' + a.target) });
      window.press = () => { const b = document.querySelector('#f').getBoundingClientRect(); return actor.click({ x: b.x + 5, y: b.y + 5 }); }`);
  }
  const run = <T>(code: string): Promise<T> => page.evaluate(code) as Promise<T>;
  const paint = () => run<Painted>('Capture.paintPage(masks)');
  const picker = () => run<string | null>(`document.querySelector('parley-picker')?.shadowRoot.textContent ?? null`);

  const list = '<select id="f" {mask}><option>Other</option><option selected>{text}</option></select>';
  const kMasked: [string, string, string][] = [
    ['a masked list', list.replace('{mask}', 'data-parley-mask'), '{}'],
    ['a list in something masked', `<section data-parley-mask>${list}</section>`, '{}'],
    ['a list that holds a masked option', list.replace('<option selected', '<option data-parley-mask selected'), '{}'],
    ['a list by a selector', list, '{ selectors: ["#f"] }'],
    ['a list where all that is typed is masked', list, '{ denyByDefault: true }'],
    ['a masked date', '<input id="f" type="date" value="{day}" data-parley-mask>', '{}'],
    ['a date where all that is typed is masked', '<input id="f" type="date" value="{day}">', '{ denyByDefault: true }'],
    ['a masked month', '<input id="f" type="month" value="2031-02" data-parley-mask>', '{}'],
  ];

  it.each(kMasked)('of %s do not open, by mouse or by keys', async (_, html, masks) => {
    const sums: number[] = [];
    for (const secret of kSecrets) {
      await open(html, masks, secret);
      const before = await paint();
      expect(await run('press()')).toMatchObject({ ok: false, reason: 'masked' });
      expect(await picker()).toBe(null);
      expect((await paint()).sum, 'the press shows nothing').toBe(before.sum);
      await run(`document.querySelector('#f').focus()`);
      for (const key of [' ', 'Enter']) {
        const result = await run<ActResult>(`actor.key({ key: ${JSON.stringify(key)} })`);
        if (key === ' ' || html.includes('select')) expect(result, key).toMatchObject({ ok: false, reason: 'masked' });
        expect(await picker(), key).toBe(null);
      }
      sums.push((await paint()).sum);
      expect(await run<string>('JSON.stringify(told)')).not.toMatch(/S3CRET/);
    }
    expect(sums[0], 'the picture tells them apart').toBe(sums[1]);
  });

  it('open for what is not masked', async () => {
    await open(list, '{}', kSecrets[0]);
    expect(await run('press()')).toMatchObject({ ok: true });
    expect(await picker()).toContain('S3CRET-ONE');
  });

  it('are black from the moment on that their field is masked', async () => {
    for (const html of [list, '<input id="f" type="date" value="{day}">']) {
      const sums: number[] = [];
      for (const secret of kSecrets) {
        await open(html, '{}', secret);
        await run('press()');
        expect(await picker()).not.toBe(null);
        await run(`document.querySelector('#f').setAttribute('data-parley-mask', '')`);
        await run(`document.querySelector('parley-picker').style.height = '250px'; document.querySelector('parley-picker').style.width = '300px'`);
        const { masked, sum } = await paint();
        expect(masked).toEqual(['marked', 'marked']);
        sums.push(sum);
      }
      expect(sums[0]).toBe(sums[1]);
    }
  });

  it('leave the field to the form editor, which sets it unseen', async () => {
    await open(list.replace('{mask}', 'data-parley-mask name="account"'), '{}', kSecrets[0]);
    const [field] = await run<{ id: string; options?: unknown }[]>('actor.formGet()');
    expect(field).not.toHaveProperty('options');
    expect(await run(`actor.formSet({ id: '${field!.id}', selected: ['Other'] })`)).toMatchObject({ ok: true });
    expect(await run(`document.querySelector('#f').value`)).toBe('Other');
  });

  it('take from the form editor a choice in the words that the customer reads out, and tell no more by it', async () => {
    const choices = `<select id="f" data-parley-mask><option value="a1">Savings  account</option><option value="a2" selected>Other</option></select>
      <div data-parley-mask><label>Yes, I smoke <input type="radio" name="r" value="1"></label><label>No<input type="radio" name="r" value="0" checked></label></div>`;
    await open(choices, '{}', kSecrets[0]);
    const [list, radio] = await run<{ id: string; options?: unknown }[]>('actor.formGet()');
    expect([list, radio].map((field) => 'options' in field!)).toEqual([false, false]);
    const set = (id: string, change: object) => run(`actor.formSet(${JSON.stringify({ id, ...change })})`);
    const said = [await set(list!.id, { selected: ['savings account'] }), await set(radio!.id, { value: ' yes, i smoke' })];
    expect(await run(`[document.querySelector('#f').value, document.querySelector('[name=r]:checked').value]`)).toEqual(['a1', '1']);
    const wrong = [await set(list!.id, { selected: ['no such'] }), await set(radio!.id, { value: 'no such' })];
    expect(wrong, 'the answers are the same').toEqual(said);
    expect(await run(`[document.querySelector('#f').value, document.querySelector('[name=r]:checked').value]`)).toEqual(['a1', '1']);
    // The value of one is what another is called.
    await open('<select id="f" data-parley-mask><option value="1">0</option><option value="2">1</option><option value="3">2</option></select>', '{}', kSecrets[0]);
    const [children] = await run<{ id: string }[]>('actor.formGet()');
    await set(children!.id, { selected: ['2'] });
    expect(await run(`document.querySelector('#f').value`)).toBe('3');
  });

  it('tell nothing of what the page shows as dots', async () => {
    await open('<style>.d{-webkit-text-security:disc}</style><input class="d" name="pin" value="4711"><textarea class="d">4711</textarea><label>Code <b class="d">4711</b><input></label>', '{}', kSecrets[0]);
    const fields = await run<{ label: string; barred: boolean; masked: boolean }[]>('actor.formGet()');
    expect(fields.map((f) => [f.label, f.barred, f.masked])).toEqual([['pin', true, true], ['textarea', true, true], ['Code', false, false]]);
    expect(JSON.stringify(fields)).not.toMatch(/4711/);
    await run(`document.querySelector('input').className = ''`);
    expect(await run('actor.formGet()[0].masked'), 'shown in clear').toBe(true);
  });

  it.each(['open', 'closed'])('name nothing that a component shows in a masked part, or does not show: %s', async (mode) => {
    const define = (inside: string) => `<script>customElements.define('x-secret', class extends HTMLElement { constructor() { super(); this.attachShadow({ mode: '${mode}' }).innerHTML = '${inside}'; } })</script>`;
    for (const inside of ['<span data-parley-mask><slot></slot></span>', '<slot name="other"></slot>']) {
      await open(`<table><tr><td id="f" style="padding:20px">Card <x-secret>4111 1111</x-secret></td></tr></table>
        <fieldset><legend>Of <x-secret><b>4111</b></x-secret></legend><label>Number <x-secret>4111</x-secret> here<input></label></fieldset><p id="p"><x-secret>4111</x-secret></p><input aria-labelledby="p">${define(inside)}`, '{}', kSecrets[0]);
      await run('press()');
      expect(await run('told')).toEqual([expect.stringMatching(/Card/)]);
      const fields = await run<{ label: string }[]>('actor.formGet()');
      expect(fields[0]!.label).toBe('Number here');
      expect(JSON.stringify([await run('told'), fields])).not.toMatch(/4111/);
    }
    await open(`<label>Number <x-secret>4111</x-secret><input></label>${define('<slot></slot>')}`, '{}', kSecrets[0]);
    expect(await run('actor.formGet()[0].label'), 'what is seen is said').toBe('Number 4111');
  });

  it('can be emptied, which tells nothing of what they held', async () => {
    const told = [];
    for (const secret of ['', 'S3CRET']) {
      await open(`<input id="f" value="${secret}" required minlength="3" data-parley-mask><input id="d" type="date" value="${secret && '2031-02-03'}" data-parley-mask><textarea data-parley-mask>${secret}</textarea>`, '{}', kSecrets[0]);
      await run(`document.addEventListener('input', (e) => told.push('input ' + e.target.value))`);
      for (const { id } of await run<{ id: string }[]>('actor.formGet()')) told.push(await run<object>(`(({ id, ...rest }) => rest)(actor.formSet({ id: '${id}', value: '' }))`));
      expect(await run(`[...document.querySelectorAll('input, textarea')].map((field) => field.value)`)).toEqual(['', '', '']);
      told.push(await run<string[]>('told'));
    }
    expect(told.slice(0, 4)).toEqual(told.slice(4));
    expect(told.slice(1, 3)).toMatchObject([{ ok: true, valid: true }, { ok: true, valid: true }]);
  });

  it('find a radio button by the name that assistive technology says, too', async () => {
    await open(`<div data-parley-mask><b id="w">Never</b> smoked <input type="radio" name="r" aria-labelledby="w x"><i id="x">in my life</i>
      <input type="radio" name="r" aria-label="Every  day"><label><input type="radio" name="r" aria-label="Now and then, as I said">Sometimes</label><input type="radio" name="r" value="r" checked></div>`, '{}', kSecrets[0]);
    const [radio] = await run<{ id: string }[]>('actor.formGet()');
    const chosen = () => run<number>(`[...document.querySelectorAll('input')].findIndex((r) => r.checked)`);
    for (const [words, at] of [['never in my life', 0], ['every day', 1], ['Sometimes', 2], ['r', 3], ['now and then, as I said', 2], ['no such', 2]] as const) {
      expect(await run(`actor.formSet({ id: '${radio!.id}', value: '${words}' })`)).toMatchObject({ ok: true });
      expect(await chosen(), words).toBe(at);
    }
  });

  it('add one choice of several, or take it away, and leave the others as the customer chose them', async () => {
    const list = (mask: string) => `<select id="f" multiple ${mask}><option value="a" selected>Hay fever<option value="b">Asthma<option value="c" selected>Diabetes</select>`;
    const chosen = () => run<string[]>(`[...document.querySelector('#f').selectedOptions].map((o) => o.value)`);
    await open(list('data-parley-mask'), '{}', kSecrets[0]);
    const [field] = await run<{ id: string }[]>('actor.formGet()');
    expect(field).toMatchObject({ masked: true, multiple: true });
    expect(field).not.toHaveProperty('options');
    const set = (change: object) => run(`actor.formSet(${JSON.stringify({ id: field!.id, ...change })})`);
    const told = [await set({ selected: ['asthma'], checked: true })];
    expect(await chosen()).toEqual(['a', 'b', 'c']);
    told.push(await set({ selected: ['diabetes'], checked: false }));
    expect(await chosen()).toEqual(['a', 'b']);
    told.push(await set({ selected: ['c'] }));
    expect(await chosen(), 'without saying which it adds').toEqual(['a', 'b', 'c']);
    for (const change of [{ selected: ['a'], checked: true }, { selected: ['gout'], checked: false }, { selected: [] }]) told.push(await set(change));
    expect(await chosen()).toEqual([]);
    expect(new Set(told.map((result) => JSON.stringify(result))).size, 'the answers are the same').toBe(1);
    // Where it is seen, what is sent is what is chosen.
    await open(list(''), '{}', kSecrets[0]);
    const [seen] = await run<{ id: string }[]>('actor.formGet()');
    await run(`actor.formSet({ id: '${seen!.id}', selected: ['b'] })`);
    expect(await chosen()).toEqual(['b']);
    await run(`actor.formSet({ id: '${seen!.id}', selected: ['c'], checked: true })`);
    expect(await chosen()).toEqual(['b', 'c']);
  });

  it('are known by their value alone where their choices are seen', async () => {
    await open('<select id="f"><option value="a1">Savings</option><option value="a2" selected>Other</option></select>', '{}', kSecrets[0]);
    const [field] = await run<{ id: string }[]>('actor.formGet()');
    expect(await run(`actor.formSet({ id: '${field!.id}', selected: ['Savings'] })`)).toMatchObject({ ok: false });
  });
});
