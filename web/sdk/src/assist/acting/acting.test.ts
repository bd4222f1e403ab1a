import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, haveChromium, TestPages } from '../../testing/page';


describe.skipIf(!haveChromium())('Actor', () => {
  let pages: TestPages;
  let page: Page;
  let thrown: string[] = [];

  beforeAll(async () => {
    pages = new TestPages(await bundle(fileURLToPath(new URL('./index.ts', import.meta.url)), 'Acting'));
  });
  afterAll(() => pages.close());

  async function open(html: string, options = '{}'): Promise<void> {
    page = await pages.open(`<!doctype html><style>body{margin:0}</style>${html}`);
    thrown = [];
    page.on('pageerror', (e) => thrown.push(e.message));
    await page.evaluate(`window.log = []; window.activities = []; window.touches = 0;
      window.actor = Acting.createActor({ onActivity: (a) => activities.push(a.what + ' ' + a.target), onTouch: () => touches++, ...${options} });
      window.middle = (s, root = document) => { const b = root.querySelector(s).getBoundingClientRect(); return { x: b.x + b.width / 2, y: b.y + b.height / 2 }; };
      window.on = (s, ...types) => { for (const t of types) document.querySelector(s).addEventListener(t, (e) => log.push(t)); };`);
  }
  const run = <T>(code: string): Promise<T> => page.evaluate(code) as Promise<T>;
  const click = (selector: string, extra = '') => run<import('./types').ActResult>(`actor.click({ ...middle(${JSON.stringify(selector)}) ${extra} })`);
  const type = (text: string) => run<import('./types').ActResult>(`actor.text({ text: ${JSON.stringify(text)} })`);
  const key = (name: string, mods = '{}') => run<import('./types').ActResult>(`actor.key({ key: ${JSON.stringify(name)}, mods: ${mods} })`);
  const value = (selector: string) => run<string>(`document.querySelector(${JSON.stringify(selector)}).value`);
  const log = () => run<string[]>('log.splice(0)');

  it('clicks with all that a mouse does, and names what it clicked', async () => {
    await open('<button id="b">Send <b>now</b></button>');
    await run(`on('#b', 'pointerdown', 'mousedown', 'focus', 'pointerup', 'mouseup', 'click')`);
    expect(await click('#b b')).toEqual({ ok: true, target: 'Send now' });
    expect(await log()).toEqual(['pointerdown', 'mousedown', 'focus', 'pointerup', 'mouseup', 'click']);
    expect(await run('activities')).toEqual(['click Send now']);
  });

  it('activates links, checkboxes, labels and radio buttons', async () => {
    await open('<a href="#there">go</a><label>Yes <input type="checkbox" id="c"></label><label id="r">Two<input type="radio" name="n" value="2"></label><details><summary>More</summary>text</details>');
    await click('a');
    expect(await run('location.hash')).toBe('#there');
    await click('label');
    expect(await run(`document.querySelector('#c').checked`)).toBe(true);
    await click('#r');
    expect(await run(`document.querySelector('[type=radio]').checked`)).toBe(true);
    await click('summary');
    expect(await run(`document.querySelector('details').open`)).toBe(true);
  });

  it('types with trusted input events, within maxlength, and the page hears of the change', async () => {
    await open('<input id="i" maxlength="5"><input id="j">');
    await run(`document.querySelector('#i').addEventListener('input', (e) => log.push('input ' + e.isTrusted)); on('#i', 'change', 'keydown')`);
    await click('#i');
    await type('Ada Lovelace');
    expect(await value('#i')).toBe('Ada L');
    expect(new Set(await log())).toEqual(new Set(['keydown', 'input true']));
    await click('#j');
    expect(await log()).toEqual(['change']);
  });

  it('leaves characters out that the page refuses', async () => {
    await open('<input id="i">');
    await run(`document.querySelector('#i').addEventListener('keydown', (e) => { if (!/\\d/.test(e.key)) e.preventDefault(); })`);
    await click('#i');
    await type('1a2b3');
    expect(await value('#i')).toBe('123');
  });

  it('edits: caret, selection, words, undo', async () => {
    await open('<input id="i" value="one two three"><textarea id="t"></textarea>');
    await click('#i', ', detail: 3');
    await type('four five');
    await key('ArrowLeft');
    await key('Backspace');
    expect(await value('#i')).toBe('four fie');
    await key('Backspace', '{ ctrl: true }');
    expect(await value('#i')).toBe('four e');
    await key('Home');
    await key('End', '{ shift: true }');
    await key('Delete');
    expect(await value('#i')).toBe('');
    await key('z', '{ ctrl: true }');
    expect(await value('#i')).toBe('four e');
    await click('#t');
    await type('a');
    await key('Enter');
    await type('b');
    expect(await value('#t')).toBe('a\nb');
    expect(await key('v', '{ ctrl: true }')).toMatchObject({ ok: false, reason: 'key_refused' });
  });

  it('writes into editable content', async () => {
    await open('<div id="e" contenteditable style="width:200px;height:60px">hello</div>');
    await click('#e');
    await key('End', '{ ctrl: true }');
    await type(' you');
    expect(await run(`document.querySelector('#e').textContent`)).toBe('hello you');
  });

  it('submits with Enter by the default button, with native validation', async () => {
    await open('<form><input id="i" required><button id="b" name="submit">Go</button></form>');
    await run(`document.querySelector('form').addEventListener('submit', (e) => { e.preventDefault(); log.push('submit by ' + e.submitter?.id); })`);
    await click('#i');
    await key('Enter');
    expect(await log()).toEqual([]);
    await type('x');
    await key('Enter');
    expect(await log()).toEqual(['submit by b']);
    await run(`document.querySelector('#b').setAttribute('data-parley-barred', '')`);
    expect(await key('Enter')).toMatchObject({ ok: false, reason: 'barred' });
    expect(await log()).toEqual([]);
  });

  it('follows the Tab order, radio groups and shadow roots included', async () => {
    await open(`<input id="a"><input id="z" tabindex="1"><input type="radio" name="n" id="r1"><input type="radio" name="n" id="r2" checked>
      <div id="host"></div><input disabled><button id="end">End</button>`);
    await run(`document.querySelector('#host').attachShadow({ mode: 'open' }).innerHTML = '<input id="inner">'`);
    const order: string[] = [];
    for (let i = 0; i < 6; i++) {
      await key('Tab');
      order.push(await run<string>(`(document.activeElement.shadowRoot?.activeElement ?? document.activeElement).id`));
    }
    expect(order).toEqual(['z', 'a', 'r2', 'inner', 'end', 'z']);
    await key('Tab', '{ shift: true }');
    expect(await run('document.activeElement.id')).toBe('end');
  });

  it('chooses from lists by mouse and keys', async () => {
    await open('<select id="s"><option value="">None</option><optgroup label="Group"><option value="1">One</option><option value="2" disabled>Two</option></optgroup><option value="3">Three</option></select>');
    await run(`on('#s', 'input', 'change')`);
    await click('#s');
    const place = await run<{ x: number; y: number }>(`middle('.cell:last-of-type', document.querySelector('parley-picker').shadowRoot)`);
    await run(`actor.click(${JSON.stringify(place)})`);
    expect(await value('#s')).toBe('3');
    expect(await log()).toEqual(['input', 'change']);
    expect(await run(`document.querySelector('parley-picker')`)).toBe(null);
    await key('ArrowUp');
    expect(await value('#s')).toBe('1');
    await key('Enter');
    await key('n');
    await key('Enter');
    expect(await value('#s')).toBe('');
  });

  it('picks dates, times and colours, and moves sliders', async () => {
    await open(`<html lang="en"><input id="d" type="date" value="2026-02-10" min="2026-02-05"><input id="t" type="datetime-local" value="2026-02-10T08:00">
      <input id="c" type="color" value="#000000"><input id="r" type="range" min="0" max="10" value="0">`);
    const cell = (label: string) => run(`[...document.querySelector('parley-picker').shadowRoot.querySelectorAll('.cell')].find((c) => (c.getAttribute('aria-label') ?? c.textContent).includes(${JSON.stringify(label)}))
      .getBoundingClientRect().toJSON()`).then((b) => { const { x, y, width, height } = b as DOMRect; return run(`actor.click({ x: ${x + width / 2}, y: ${y + height / 2} })`); });
    await click('#d');
    await cell('February 4,');
    expect(await value('#d')).toBe('2026-02-10');
    await cell('February 20,');
    expect(await value('#d')).toBe('2026-02-20');
    await click('#t');
    await key('PageDown');
    await cell('March 3,');
    await cell('09:15');
    expect(await value('#t')).toBe('2026-03-03T09:15');
    await click('#c');
    await cell('#ff9900');
    expect(await value('#c')).toBe('#ff9900');
    await click('#r');
    expect(await value('#r')).toBe('5');
  });

  it('scrolls the container under the pointer, and then what is around it', async () => {
    await open('<div id="o" style="height:200px;overflow:auto"><div style="height:600px">x</div></div><div style="height:2000px"></div>');
    const wheel = (dy: number) => run(`actor.scroll({ ...middle('#o'), dx: 0, dy: ${dy} })`);
    await wheel(150);
    expect(await run(`[document.querySelector('#o').scrollTop, scrollY]`)).toEqual([150, 0]);
    await wheel(900);
    await wheel(100);
    expect(await run(`[document.querySelector('#o').scrollTop, scrollY]`)).toEqual([400, 100]);
  });

  it.each([
    ['a component in it', '<label><x-icon></x-icon><input type="checkbox" data-parley-barred></label><script>document.querySelector("x-icon").attachShadow({ mode: "open" }).innerHTML = "<b>icon</b>"</script>', `document.querySelector('x-icon').shadowRoot`],
    ['what is shown in it', '<x-box><b>words</b></x-box><script>document.querySelector("x-box").attachShadow({ mode: "open" }).innerHTML = "<label><input type=checkbox data-parley-barred><slot></slot></label>"</script>', 'document'],
  ])('presses no barred field through its label: %s', async (_, html, root) => {
    await open(html);
    expect(await run(`actor.click(middle('b', ${root}))`)).toMatchObject({ ok: false, reason: 'barred' });
    expect(await run(`[document, ...[...document.querySelectorAll('*')].flatMap((e) => e.shadowRoot ?? [])].some((r) => r.querySelector(':checked'))`)).toBe(false);
  });

  it('drags with a captured pointer', async () => {
    await open('<div id="d" style="width:100px;height:40px;background:#ccc"></div>');
    await run(`(() => { const d = document.querySelector('#d');
      d.addEventListener('pointerdown', (e) => d.setPointerCapture(e.pointerId));
      for (const t of ['pointermove', 'pointerup']) d.addEventListener(t, (e) => d.hasPointerCapture(e.pointerId) && log.push(t + ' ' + e.clientX)); })()`);
    await run(`actor.pointer({ x: 10, y: 10, down: true }); actor.pointer({ x: 400, y: 300, down: true }); actor.pointer({ x: 450, y: 300, down: false })`);
    expect(await log()).toEqual(['pointermove 400', 'pointermove 450', 'pointerup 450']);
    expect(thrown).toEqual([]);
  });

  it('drags with one press and one release, and clicks only where it drops what it took', async () => {
    await open('<div id="a" style="width:100px;height:40px">a</div><div id="b" style="width:100px;height:40px">b</div>');
    const all = `['mousedown', 'mousemove', 'mouseup', 'click'].forEach((t) => document.addEventListener(t, (e) => log.push([t, e.target.id, e.buttons].join(' '))))`;
    await run(`(() => { ${all} })()`);
    const moves = (...places: [number, number, boolean][]) => run(places.map(([x, y, down]) => `actor.pointer({ x: ${x}, y: ${y}, down: ${down} })`).join(';'));
    await moves([10, 10, false], [10, 10, true], [10, 30, true], [10, 60, true], [10, 60, false]);
    expect(await log()).toEqual(['mousemove a 0', 'mousemove a 0', 'mousedown a 1', 'mousemove a 1', 'mousemove b 1', 'mousemove b 1', 'mouseup b 0']);
    await moves([10, 10, true], [30, 10, true], [30, 10, false]);
    expect((await log()).filter((e) => !e.startsWith('mousemove'))).toEqual(['mousedown a 1', 'mouseup a 0', 'click a 0']);
  });

  it('takes nothing back that was typed where it is barred', async () => {
    await open('<input id="p" type="password"><input id="i"><textarea id="t" data-parley-barred></textarea><div id="e" contenteditable>x</div>');
    await run(`['beforeinput', 'input'].forEach((t) => document.addEventListener(t, (e) => log.push([t, e.inputType, e.target.id].join(' '))))`);
    await page.focus('#i');
    await page.keyboard.type('ab');
    const person = async (field: string, text: string) => {
      await page.focus(field);
      await page.keyboard.type(text);
      await click('#i');
      await log();
    };
    for (const [field, text] of [['#p', 'secret'], ['#t', 'words']] as const) {
      await person(field, text);
      for (let i = 0; i < 2; i++) expect(await key('z', '{ ctrl: true }')).toMatchObject({ ok: false, reason: 'barred' });
      expect([await value(field), await value('#i'), await log(), await run('document.activeElement.id')]).toEqual([text, 'ab', [], 'i']);
    }
    await run(`window.root_ = document.body.appendChild(document.createElement('div')).attachShadow({ mode: 'closed' }); root_.innerHTML = '<input type="password">'; root_.firstChild.focus()`);
    await page.keyboard.type('inside');
    await click('#i');
    expect([await key('z', '{ ctrl: true }').then((r) => r.ok), await run('root_.firstChild.value')]).toEqual([false, 'inside']);
    await type('c');
    expect([await key('z', '{ ctrl: true }').then((r) => r.ok), await value('#i')]).toEqual([true, 'ab']);
    await key('y', '{ ctrl: true }');
    expect(await value('#i')).toBe('abc');
  });

  it('ends no drag on what is barred, and turns no wheel there', async () => {
    await open(`<div id="a" style="width:100px;height:40px">a</div><button id="b" data-parley-barred style="display:block;width:100px;height:40px">b</button><div id="c" style="width:100px;height:40px">c</div><p style="height:3000px">`);
    await run(`on('#b', 'pointerover', 'pointerenter', 'pointermove', 'mousemove', 'mouseover', 'pointerup', 'mouseup', 'click', 'wheel'); on('#a', 'pointercancel')`);
    expect(await run(`actor.pointer({ ...middle('#a'), down: true }); actor.pointer({ ...middle('#b'), down: true }); actor.pointer(middle('#b'))`)).toMatchObject({ ok: false, reason: 'barred' });
    expect(await log()).toEqual(['pointercancel']);
    await run(`actor.scroll({ ...middle('#b'), dx: 0, dy: 10 })`);
    expect([await log(), await run('scrollY')]).toEqual([[], 10]);
    await run(`on('#c', 'pointerup', 'pointermove'); actor.pointer({ ...middle('#a'), down: true }); actor.pointer({ ...middle('#b'), down: true }); actor.pointer({ ...middle('#c'), down: true }); actor.pointer(middle('#c'))`);
    expect(await log(), 'across it').toEqual(['pointermove', 'pointermove', 'pointerup']);
    await run(`document.querySelector('#a').addEventListener('pointerdown', (e) => e.target.setPointerCapture(e.pointerId)); on('#a', 'pointerup'); actor.pointer({ ...middle('#a'), down: true }); actor.pointer({ ...middle('#b'), down: true }); actor.pointer(middle('#b'))`);
    expect(await log(), 'captured').toEqual(['pointerup']);
  });

  it('ends a drag that was never ended before it clicks, and leaves the page', async () => {
    await open('<button id="b">b</button>');
    await run(`on('#b', 'mousedown', 'mouseup', 'click', 'pointercancel', 'mouseleave')`);
    await run(`actor.pointer({ ...middle('#b'), down: true })`);
    await click('#b');
    expect(await log()).toEqual(['mousedown', 'mouseup', 'mousedown', 'mouseup', 'click']);
    await run(`actor.pointer({ x: 0, y: 0, gone: true })`);
    expect(await log()).toEqual(['mouseleave']);
  });

  it('lets go over a frame of another site, and clicks nothing there or later', async () => {
    await open('<button id="b">b</button><iframe id="x" sandbox srcdoc="x" style="position:absolute;top:300px;left:0"></iframe>');
    await page.waitForFunction(`document.querySelector('#x').contentWindow`);
    await run(`on('#b', 'mousedown', 'mouseup', 'click')`);
    await run(`actor.pointer({ ...middle('#b'), down: true })`);
    expect(await run(`actor.pointer(middle('#x'))`)).toMatchObject({ ok: false, reason: 'foreign_frame' });
    await log();
    await run(`actor.pointer(middle('#b'))`);
    expect(await log()).toEqual([]);
  });

  it('reaches into shadow roots and scaled frames, and says where a frame is foreign', async () => {
    await open(`<div id="host"></div><iframe id="f" style="width:200px;height:100px;border:5px solid;padding:3px;transform:scale(1.5);transform-origin:0 0" srcdoc="<body style='margin:0'><button id=b style='width:50px;height:20px'>In</button><input id=i style='width:60px;height:20px'>"></iframe>
      <iframe id="x" sandbox srcdoc="x" style="position:absolute;top:300px;left:0"></iframe>`);
    await page.waitForFunction(`document.querySelector('#f').contentDocument?.querySelector('#i')`);
    await run(`(() => { const r = document.querySelector('#host').attachShadow({ mode: 'open' }); r.innerHTML = '<button id=s>Shadow</button>'; r.firstChild.onclick = () => log.push('shadow');
      document.querySelector('#f').contentDocument.querySelector('#b').onclick = () => log.push('frame'); })()`);
    await run(`actor.click(middle('#s', document.querySelector('#host').shadowRoot))`);
    const at = await run<{ x: number; y: number }>(`document.querySelector('#f').getBoundingClientRect().toJSON()`);
    await run(`actor.click({ x: ${at.x + (8 + 25) * 1.5}, y: ${at.y + (8 + 10) * 1.5} })`);
    expect(await log()).toEqual(['shadow', 'frame']);
    await run(`actor.click({ x: ${at.x + (8 + 70) * 1.5}, y: ${at.y + (8 + 10) * 1.5} })`);
    expect(await type('hi')).toMatchObject({ ok: true });
    expect(await run(`document.querySelector('#f').contentDocument.querySelector('#i').value`)).toBe('hi');
    expect(await click('#x')).toMatchObject({ ok: false, reason: 'foreign_frame' });
  });

  it('reaches into closed roots, and into nothing barred in there', async () => {
    await open(`<x-pay></x-pay><x-own></x-own><div id="d"></div><script>
      const make = (name, own) => customElements.define(name, class extends HTMLElement { constructor() { super(); if (own) this.attachInternals(); window[name] = this.attachShadow({ mode: 'closed', delegatesFocus: true }); window[name].innerHTML = '<input type="password" style="width:90px">'; } });
      make('x-pay', false); make('x-own', true)</script>`);
    await run(`window.root = d.attachShadow({ mode: 'closed', delegatesFocus: true }); root.innerHTML = '<input name="city"><input name="cvv"><slot></slot>'`);
    expect(await run(`actor.click(middle('input', root))`)).toMatchObject({ ok: true, target: 'city' });
    expect(await type('Bern')).toMatchObject({ ok: true });
    expect(await run(`root.querySelector('input').value`)).toBe('Bern');
    expect(await run<{ label: string }[]>(`actor.formGet().map((f) => f.label)`)).toContain('city');
    for (const [field, reason] of [[`root.querySelector('[name=cvv]')`, 'barred'], [`window['x-pay'].querySelector('input')`, 'barred'], [`window['x-own'].querySelector('input')`, 'not_editable']]) {
      await run(`${field}.focus()`);
      expect(await type('x'), field).toMatchObject({ ok: false, reason });
      expect(await key('x'), field).toMatchObject({ ok: false, reason });
      expect(await run(`${field}.value`), field).toBe('');
    }
    expect(await run(`actor.click(middle('[name=cvv]', root))`)).toMatchObject({ ok: false, reason: 'barred' });
    // What was asked for here is still there for the page, once.
    expect(await run(`(() => { const e = document.querySelector('x-pay'), own = e.attachInternals(); try { e.attachInternals(); } catch { return own.shadowRoot === window['x-pay']; } })()`)).toBe(true);
  });

  it('does not touch what is barred', async () => {
    await open(`<input id="p" type="password"><input id="f" type="file"><input id="c" autocomplete="cc-number"><input id="n" name="cardNumber"><label id="l">Secret<input type="password"></label>
      <div data-parley-barred><button id="b">Pay</button></div><button class="no">No</button><form data-parley-barred id="form"></form><button id="o" form="form">Out</button><input id="i">`, `{ barred: ['.no'] }`);
    for (const selector of ['#p', '#f', '#c', '#n', '#l', '#b', '.no', '#o']) {
      await run(`on(${JSON.stringify(selector)}, 'pointerdown', 'click')`);
      expect(await click(selector), selector).toMatchObject({ ok: false, reason: 'barred' });
    }
    expect(await log()).toEqual([]);
    await run(`document.querySelector('#p').focus()`);
    expect(await type('x')).toMatchObject({ reason: 'barred' });
    expect(await key('a')).toMatchObject({ reason: 'barred' });
    await run(`document.querySelector('#p').type = 'text'`);
    expect(await type('x')).toMatchObject({ reason: 'barred' });
    expect(await key('Tab')).toMatchObject({ ok: true });
    await run(`actor.setBarred([':::'])`);
    expect(await click('#i'), 'a broken list bars everything').toMatchObject({ reason: 'barred' });
  });

  it('refuses hostile messages in words', async () => {
    await open('<input id="i" readonly><input id="d" disabled><input id="k">');
    for (const [x, y] of [['-1', '5'], ['1e9', '5'], ['NaN', '5'], ['"5"', '5'], ['undefined', '5'], ['Infinity', '0']]) {
      const result = await run<import('./types').ActResult>(`actor.click({ x: ${x}, y: ${y} })`);
      expect(result.ok, x).toBe(false);
      expect(result.text).toBeTruthy();
    }
    expect(await run(`actor.click({ x: 5, y: 5, button: 7 })`)).toMatchObject({ reason: 'bad_message' });
    expect(await run(`actor.scroll({ x: 5, y: 5, dx: 0, dy: 'a' })`)).toMatchObject({ reason: 'bad_message' });
    expect(await run(`actor.scroll({ x: 5, y: 5, dx: 0, dy: 1e300 })`)).toMatchObject({ ok: true });
    expect(await run(`actor.text({ text: 'x'.repeat(100001) })`)).toMatchObject({ reason: 'too_long' });
    expect(await run(`actor.key({ key: 'LaunchApplication1' })`)).toMatchObject({ reason: 'bad_message' });
    expect(await type('x')).toMatchObject({ reason: 'not_editable' });
    await click('#i');
    expect(await type('x')).toMatchObject({ reason: 'readonly' });
    expect(await click('#d')).toMatchObject({ reason: 'disabled' });
    expect(await run(`actor.formSet({ id: 'f99', value: 'x' })`)).toMatchObject({ ok: false, reason: 'unknown_field' });
    // Nor by an id that the page before gave, where another agent has the form open.
    expect(await run(`(() => { const [a, b] = [0, 1].map(() => Acting.createActor({})); const old = a.formGet()[0].id; b.formGet(); const got = b.formSet({ id: old, value: 'x' }); a.stop(); b.stop(); return got; })()`)).toMatchObject({ ok: false, reason: 'unknown_field' });
    await run('actor.stop()');
    expect(await click('#k')).toMatchObject({ reason: 'stopped' });
  });

  it('goes on when the page throws', async () => {
    await open('<button id="b">B</button><input id="i">');
    await run(`for (const t of ['pointermove', 'pointerdown', 'mousedown', 'click']) document.querySelector('#b').addEventListener(t, () => { throw new Error('page'); })`);
    await run(`for (const t of ['keydown', 'beforeinput', 'input', 'focus']) document.querySelector('#i').addEventListener(t, () => { throw new Error('page'); })`);
    expect(await click('#b')).toMatchObject({ ok: true });
    await click('#i');
    await type('ok');
    expect(await value('#i')).toBe('ok');
  });

  it('tells of the consumer’s touch and not of its own', async () => {
    await open('<button id="b">B</button><input id="i">');
    await click('#b');
    await click('#i');
    await type('x');
    expect(await run('touches')).toBe(0);
    await page.mouse.click(5, 5);
    await page.keyboard.press('a');
    expect(await run<number>('touches')).toBeGreaterThanOrEqual(2);
  });

  describe('form editor', () => {
    const form = `<form><fieldset><legend>Person</legend><label for="n">Name</label><input id="n" required maxlength="10"><label>Mail<input id="m" type="email" value="no"></label></fieldset>
      <select id="s" aria-label="Country"><option value="de">Germany</option><option value="fr" disabled>France</option><option value="pl">Poland</option></select>
      <fieldset><legend>Size</legend><label>S<input type="radio" name="z" value="s"></label><label>L<input type="radio" name="z" value="l"></label></fieldset>
      <label><input id="c" type="checkbox"> Terms</label><input id="d" type="date" placeholder="x" aria-label="Date"><input id="r" readonly value="R" title="Fixed">
      <input id="p" type="password" aria-label="Password" value="secret"><input id="k" class="mask" aria-label="Account" value="AB12"><input type="hidden" value="h"><input style="display:none"></form>`;
    type Field = import('./types').FormField;
    const fields = async () => Object.fromEntries((await run<Field[]>('actor.formGet()')).map((f) => [f.label, f]));
    const set = (id: string, rest: object) => run<import('./types').FormResult>(`actor.formSet(${JSON.stringify({ id, ...rest })})`);

    it('lists fields with labels, types, options and validity, and never what is masked', async () => {
      await open(form, `{ isMasked: (e) => e.classList.contains('mask') }`);
      const all = await fields();
      expect(Object.keys(all)).toEqual(['Name', 'Mail', 'Country', 'Size', 'Terms', 'Date', 'Fixed', 'Password', 'Account']);
      expect(all.Name).toMatchObject({ type: 'text', value: '', required: true, valid: false, maxLength: 10, group: 'Person', masked: false, barred: false });
      expect(all.Mail).toMatchObject({ type: 'email', value: 'no', valid: false });
      expect(all.Country).toMatchObject({ type: 'select', options: [{ value: 'de', selected: true }, { value: 'fr', disabled: true }, { value: 'pl' }] });
      expect(all.Size).toMatchObject({ type: 'radio', options: [{ value: 's', label: 'S' }, { value: 'l', label: 'L' }] });
      expect(all.Fixed).toMatchObject({ readonly: true });
      expect(all.Password).toMatchObject({ masked: true, barred: true });
      expect(all.Account).toMatchObject({ masked: true, barred: false });
      expect(JSON.stringify(all)).not.toMatch(/secret|AB12/);
      expect(all.Name!.w).toBeGreaterThan(50);
    });

    it('says nothing of what is masked in labels, groups, choices, hints and deeds', async () => {
      await open(`<fieldset><legend>Of <b class="mask">S3CRET</b></legend><label>Account <i class="mask">S3CRET</i><input id="a" placeholder="p"></label></fieldset>
        <select class="mask" aria-label="From"><option value="S3CRET">S3CRET</option></select>
        <input class="mask" aria-label="Card" placeholder="S3CRET" title="S3CRET" min="S3CRET" type="text">
        <span id="q" class="mask">S3CRET</span><input aria-labelledby="q" name="by-id">
        <table><tr><td id="cell" class="mask" title="S3CRET">S3CRET</td></tr></table><div id="row" role="button">Row <em class="mask">S3CRET</em></div>
        <div id="box" role="textbox" contenteditable="true" aria-label="Note">S3CRET</div><div id="plain" contenteditable="true">S3CRET</div>`, `{ isMasked: (e) => e.closest('.mask') !== null }`);
      const all = await run<Field[]>('actor.formGet()');
      expect(JSON.stringify(all)).not.toMatch(/S3CRET/);
      expect(all.map((f) => f.label)).toEqual(['Account', 'From', 'Card', 'by-id']);
      for (const id of ['cell', 'row', 'box', 'plain']) await click(`#${id}`);
      await click('#box');
      await type('more');
      await click('#plain');
      await type('more');
      expect(JSON.stringify(await run('activities'))).not.toMatch(/S3CRET|more/);
      expect(await run('activities')).toContain('click Row');
      expect(await run('activities')).toContain('type Note');
    });

    it('says of what lies in something masked what kind of field it is, and no name', async () => {
      await open(`<section class="mask"><label>S3CRET <input aria-label="Amount from S3CRET" name="S3CRET" id="S3CRET1"></label><select aria-label="S3CRET"></select><textarea name="S3CRET"></textarea>
        <input type="date" data-parley-label="Due"><input type="radio" name="S3CRET"><button aria-label="S3CRET" id="go">S3CRET</button></section><input class="mask" name="own" aria-label="Account">`, `{ isMasked: (e) => e.closest('.mask') !== null }`);
      const all = await run<Field[]>('actor.formGet()');
      expect(all.map((f) => f.label)).toEqual(['text', 'select', 'textarea', 'Due', 'radio', 'Account']);
      expect(JSON.stringify(all)).not.toMatch(/S3CRET/);
      expect(await click('#go')).toMatchObject({ ok: true, target: 'button' });
      expect(await set(all[0]!.id, { value: 'x' })).toMatchObject({ ok: true });
      expect(JSON.stringify(await run('activities'))).not.toMatch(/S3CRET/);
    });

    it('sets them, tells the page, and keeps its rules', async () => {
      await open(form, `{ isMasked: (e) => e.classList.contains('mask') }`);
      const all = await fields();
      await run(`on('form', 'input', 'change')`);
      expect(await set(all.Name!.id, { value: 'Ada' })).toMatchObject({ ok: true, valid: true });
      expect(await log()).toEqual(['input', 'change']);
      expect(await set(all.Name!.id, { value: 'Ada Lovelace Byron' })).toMatchObject({ ok: false, reason: 'too_long' });
      expect(await set(all.Mail!.id, { value: 'ada@' })).toMatchObject({ ok: true, valid: false });
      expect(await set(all.Country!.id, { selected: ['pl'] })).toMatchObject({ ok: true });
      expect(await set(all.Country!.id, { selected: ['fr'] })).toMatchObject({ reason: 'bad_value' });
      expect(await set(all.Country!.id, { selected: ['de', 'pl'] })).toMatchObject({ reason: 'bad_message' });
      expect(await set(all.Size!.id, { value: 'l' })).toMatchObject({ ok: true });
      expect(await set(all.Terms!.id, { checked: true })).toMatchObject({ ok: true });
      expect(await set(all.Date!.id, { value: '2026-13-40' })).toMatchObject({ reason: 'bad_value' });
      expect(await set(all.Date!.id, { value: '2026-11-26' })).toMatchObject({ ok: true });
      expect(await set(all.Fixed!.id, { value: 'x' })).toMatchObject({ reason: 'readonly' });
      expect(await set(all.Password!.id, { value: 'x' })).toMatchObject({ reason: 'barred' });
      expect(await set(all.Account!.id, { value: 'CD34' })).toMatchObject({ ok: true });
      expect(await set(all.Name!.id, {})).toMatchObject({ reason: 'bad_message' });
      expect(await run(`['n', 's', 'd', 'k', 'p'].map((i) => document.getElementById(i).value)`)).toEqual(['Ada', 'pl', '2026-11-26', 'CD34', 'secret']);
    });

    it('do not tell whether a masked field has what somebody tries', async () => {
      const masked = `{ isMasked: (e) => e.closest('.mask') !== null }`;
      const page_ = `<form id="form" class="mask"><select aria-label="From" required><option value=""></option><option value="S1">a</option><option value="S2" disabled>b</option></select>
        <select aria-label="Many" multiple required><option>S1</option><option disabled>S2</option></select>
        <label>Kind <input type="radio" name="r" value="S1" required></label><input type="radio" name="r" value="S2" data-parley-barred>
        <label>Due <input type="checkbox" id="c" required></label><input aria-label="Listed" list="l" required><datalist id="l"><option>S1</option></datalist>
        <input aria-label="Level" type="range" min="10" max="20" value="12"><input aria-label="Held" id="held" value="S1"></form><p id="p"></p>`;
      const script = `document.getElementById('c').addEventListener('click', (e) => e.preventDefault()); held.addEventListener('input', () => (held.value = 'S1'));
        const listed = document.querySelector('[list]'); listed.addEventListener('input', () => listed.setCustomValidity(listed.value === 'S1' ? '' : 'not known'))`;
      const tries: [number, object][] = [[0, { value: 'S1' }], [0, { value: 'S2' }], [0, { value: 'nothing' }], [1, { selected: ['S1'] }], [1, { selected: ['S1', 'S3'] }], [2, { value: 'S1' }], [2, { value: 'S2' }], [2, { value: 'S3' }],
        [3, { checked: true }], [3, { checked: false }], [4, { value: 'S1' }], [4, { value: 'S3' }], [5, { value: '12' }], [5, { value: '90' }], [6, { value: 'S1' }], [6, { value: 'S3' }]];
      const seen = new Map<number, Set<string>>();
      for (const [at, change] of tries) {
        await open(page_, masked);
        await run(`${script}; window.forms = []; actor.watchForm((f) => forms.push(f))`);
        const list = await run<Field[]>('actor.formGet()');
        expect(list).toHaveLength(7);
        const { id, ...rest } = await set(list[at]!.id, change);
        expect(id).toBe(list[at]!.id);
        await page.waitForFunction('forms.length > 0');
        const told = JSON.stringify([rest, await run('forms.length'), await run('activities'), await run('forms[0]')]).replaceAll(/f\d+-\w+/g, 'id');
        seen.set(at, (seen.get(at) ?? new Set()).add(told));
        expect(rest, JSON.stringify(change)).toEqual({ ok: true, valid: true, message: '' });
      }
      for (const [at, told] of seen) expect([...told], `field ${at}`).toHaveLength(1);
    });

    it('refuse a hidden choice among others as one that is not there, and say which message was wrong', async () => {
      await open(`<label><input type="radio" name="r" value="a" checked>A</label><label class="mask"><input type="radio" name="r" value="S1">S1</label><select class="mask" aria-label="From"><option>S1</option></select>`, `{ isMasked: (e) => e.closest('.mask') !== null }`);
      const [radio, select] = await run<Field[]>('actor.formGet()');
      for (const value of ['S1', 'S2']) expect(await set(radio!.id, { value })).toMatchObject({ ok: false, reason: 'bad_value' });
      expect(await run(`document.querySelector('[value=a]').checked`)).toBe(true);
      expect(await set(select!.id, {})).toMatchObject({ ok: false, reason: 'bad_message' });
    });

    it('tells of changes while somebody looks', async () => {
      await open(form);
      await run('window.told = []; window.stopWatching = actor.watchForm((f) => told.push(f.find((x) => x.label === "Name").value))');
      await page.fill('#n', 'Bo');
      await page.waitForFunction('told.at(-1) === "Bo"');
      await run('stopWatching()');
    });
  });
});

