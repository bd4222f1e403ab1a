import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, haveChromium, shotOf, TestPages } from '../../testing/page';
import type { Painted } from '../../testing/paint';

const kLook = '<style>body{margin:0;background:#fff}.s{color:#f0f;background:#f0f;fill:#f0f}</style>';

describe.skipIf(!haveChromium())('a painted page', () => {
  let pages: TestPages;
  let page: Page;
  let thrown: string[] = [];

  beforeAll(async () => {
    pages = new TestPages(await bundle(fileURLToPath(new URL('../../testing/paint.ts', import.meta.url)), 'Capture'));
  });
  afterAll(() => pages.close());

  async function open(html: string): Promise<void> {
    page = await pages.open(`<!doctype html>${kLook}${html}`);
    thrown = [];
    page.on('console', (m) => m.type() === 'warning' && thrown.push(m.text()));
  }
  const run = <T>(code: string): Promise<T> => page.evaluate(code) as Promise<T>;
  const paint = (masks = '{}') => run<Painted>(`Capture.paintPage(${masks})`);

  describe('what is masked', () => {
    const hidden: [string, string, string?][] = [
      ['in an element without a box of its own', '<div data-parley-mask style="display:contents"><p class="s">secret</p><span style="color:#f0f">secret</span></div>'],
      ['text of such an element', '<div data-parley-mask style="display:contents;color:#f0f;font:60px sans-serif">secret</div>'],
      ['a line of a drawing', '<svg width="400" height="80"><text y="60" font-size="60">a <tspan data-parley-mask fill="#f0f">secret</tspan></text></svg>'],
      ['a part that a drawing uses again', '<svg width="400" height="80"><defs><g id="q" data-parley-mask><rect fill="#f0f" width="90" height="60"/></g></defs><use href="#q"/></svg>'],
      ['the root of the page', '<script>document.documentElement.setAttribute("data-parley-mask", "")</script><p class="s">secret</p>'],
      ['the body with its background', '<p class="s">secret</p><script>document.body.setAttribute("data-parley-mask", ""); document.body.style.background = "#f0f"</script>'],
      ['an option that is chosen', '<select style="color:#f0f;font:40px sans-serif"><option data-parley-mask>secret</option></select>'],
      ['an option in an open list', '<select size="3" style="color:#f0f;font:40px sans-serif"><option>a</option><option data-parley-mask selected>secret</option></select>', '{ selectors: ["option[selected]"] }'],
      ['the second code of a card', '<input class="s" name="cvv2" value="123"><input class="s" id="cardNumberInput" value="4111"><input class="s" name="cvcCode" value="1">'],
      ['a field that says what it is in its own words', '<input class="s" placeholder="Card number" value="4111"><input class="s" aria-label="Security code" value="1">'],
      ['a password that was shown in clear from the start', '<input class="s" type="text" name="password" value="secret"><input class="s" id="userPasswd" value="secret">'],
      ['an editor that is a document', '<iframe id="f" width="300" height="90"></iframe><script>f.contentDocument.body.innerHTML = "<p style=\'background:#f0f\'>typed</p>"; f.contentDocument.designMode = "on"</script>', '{ denyByDefault: true }'],
      ['a field by its role', '<div class="s" role="searchbox" contenteditable="true">typed</div><div class="s" role="combobox textbox">typed</div><div class="s" role="spinbutton">1</div>', '{ denyByDefault: true }'],
      ...['radio', 'checkbox', 'switch', 'slider', 'listbox', 'option', 'menuitemradio', 'menuitemcheckbox'].map((role): [string, string, string] => [`a choice of the page's own, a field by its role: ${role}`, `<div class="s" role="${role}" aria-checked="true">yes</div>`, '{ denyByDefault: true }']),
    ];
    hidden.push(['in a component that was closed before', `<x-k></x-k><script>customElements.define('x-k', class extends HTMLElement { constructor() { super(); this.attachShadow({ mode: 'closed' }).innerHTML = '<p data-parley-mask style="background:#f0f">secret</p>'; } })</script>`]);
    const inSlots = (what: string) => `<script>customElements.define('x-in', class extends HTMLElement { constructor() { super(); this.attachShadow({ mode: 'open' }).innerHTML = '<slot></slot>'; } })</script>
      <div style="color:#f0f;font:60px sans-serif"><template shadowrootmode="open"><x-in><slot data-parley-mask></slot></x-in></template>${what}</div>`;
    hidden.push(['in a slot in a slot', inSlots('<p class="s">secret</p>')], ['text in a slot in a slot', inSlots('secret')], ['in a slot with a box in a slot', inSlots('<p class="s">secret</p>').replace('<slot data', '<slot style="display:block" data')]);
    it.each(hidden)('%s is not there', async (_, html, masks) => {
      await open(html);
      const { magenta, masked } = await paint(masks);
      expect(magenta).toBe(0);
      expect(masked.length).toBeGreaterThan(0);
    });

    it('would be there without its mask', async () => {
      for (const [name, html] of hidden) {
        if (/code|field|password|editor|chosen/.test(name)) continue;
        await open(html.replaceAll('data-parley-mask', 'data-other'));
        expect((await paint()).magenta, name).toBeGreaterThan(50);
      }
    });

    it.each([
      ['a closed part', '<details><summary>a</summary><p class="s">secret</p><summary class="s">b</summary></details>', 'document.querySelector("details").open = true'],
      ['what a search would find', '<div hidden="until-found"><p class="s">secret</p></div>', 'document.querySelector("div").hidden = false'],
      ['what waits', '<div class="w" style="width:300px;height:90px"><p class="s">secret</p></div>', ''],
      ['text that waits', '<div class="w" style="color:#f0f;font:60px sans-serif;height:90px">secret</div>', ''],
      ['a picture that waits', '<p class="w" style="display:block;height:60px"><svg width="90" height="60"><rect class="s" width="90" height="60"/></svg></p>', ''],
      ['a field that waits', '<input class="w" style="color:#f0f;font:40px sans-serif" value="secret">', ''],
      ['what is before it', '<style>.w::before{content:"secret";color:#f0f;font:60px sans-serif}</style><div class="w" style="height:90px"></div>', ''],
    ])('is not there when the browser folds it away: %s', async (_, html, unfold) => {
      await open(`<style>.w{content-visibility:hidden}</style>${html}`);
      expect((await page.screenshot()).equals(await page.screenshot({ style: '.s{visibility:hidden!important}.w,.w::before{color:transparent!important}' })), 'as the browser shows it').toBe(true);
      expect((await paint()).magenta).toBe(0);
      await run(unfold || 'document.querySelectorAll(".w").forEach((e) => e.className = "")');
      expect((await paint()).magenta).toBeGreaterThan(html.includes('::before') ? -1 : 50);
    });

    it.each(['<option hidden>secret', '<optgroup label="secret" style="display:none"><option>secret', '<option style="visibility:hidden">secret', '<option style="visibility:hidden" selected>secret'])('is not there as a row of a list that shows none: %s', async (row) => {
      await open(`<select size="4" style="color:#f0f;font:40px sans-serif;width:300px">${row}</select>`);
      expect((await paint()).magenta).toBe(0);
      await open(`<select size="4" style="color:#f0f;font:40px sans-serif;width:300px">${row.replace(/hidden>|style="[^"]*"/, '>').replace('>>', '>')}</select>`);
      expect((await paint()).magenta).toBeGreaterThan(50);
    });

    it('is there in a line, of which the browser folds nothing', async () => {
      await open('<p><b style="content-visibility:hidden;color:#f0f;font:60px sans-serif">here</b></p>');
      expect((await paint()).magenta).toBeGreaterThan(50);
    });

    it.each([
      ['a field', '<input name="pin" inputmode="numeric" style="{}" value="{text}">', 'password'], ['a field in a form', '<form style="{}"><input value="{text}"><textarea>{text}</textarea></form>', 'password'],
      ['a text', '<p style="{}">{text}</p>', ''], ['a text that CSS adds', '<style>p::before{content:attr(title)}b::after{content:"{text}"}</style><p title="{text}" style="{}"></p><b style="{}"></b>', ''], ['a text in a drawing', '<svg width="300" height="60"><text y="40" style="{}">{text}</text></svg>', ''],
      ['a text in a hard drawing', '<svg width="300" height="60"><filter id="f"></filter><text y="40" style="{}">{text}</text></svg>', ''],
    ])('is no more than dots where the page shows dots: %s', async (_, html, rule) => {
      const painted: Painted[] = [];
      for (const text of ['4711', '8wIl']) {
        await open(`<style>*{font:40px sans-serif}</style>${html.replaceAll('{}', '-webkit-text-security:disc').replaceAll('{text}', text)}`);
        await run('window.images = Capture.newImages(); Capture.paintPage({}, undefined, images); new Promise((done) => setTimeout(done, 200))');
        painted.push(await run('Capture.paintPage({}, undefined, images)'));
      }
      expect(painted[0]!.sum).toBe(painted[1]!.sum);
      expect(painted[0]!.black).toBeGreaterThan(50);
      expect([...new Set(painted[0]!.masked)].join()).toBe(rule);
    });

    it.each([
      ['a screen over the page', '<p>{text}</p><div style="position:fixed;inset:0;backdrop-filter:blur(20px)"></div>', ''],
      ['one that is turned', '<p>{text}</p><div style="position:absolute;inset:0;transform:scale(2);backdrop-filter:brightness(1.2) blur(20px);background:#fff3"></div>', ''],
      ['one that comes with another element', '<style>div::after{content:"";position:fixed;inset:0;backdrop-filter:blur(20px)}</style><div>{text}</div>', ''],
      ['what is behind a dialog', '<style>::backdrop{backdrop-filter:blur(20px)}</style><p>{text}</p><dialog>open</dialog><script>document.querySelector("dialog").showModal()</script>', ''],
      ['a text where nothing can be blurred', '<p style="filter:blur(9px)">{text}</p>', 'delete OffscreenCanvasRenderingContext2D.prototype.filter'],
    ])('is a grey box where the page blurs it: %s', async (_, html, before) => {
      const painted: Painted[] = [];
      for (const text of ['4711', '8wIl']) {
        await open(`<style>*{font:40px monospace}</style>${html.replaceAll('{text}', text)}`);
        await run(before);
        painted.push(await paint());
      }
      expect(painted[0]!.sum).toBe(painted[1]!.sum);
      expect(painted[0]!.coloured).toBeGreaterThan(1000);
    });

    it('is seen where nothing is blurred', async () => {
      await open('<p class="s">seen</p><div style="position:fixed;inset:0;backdrop-filter:blur(0px) saturate(2)"></div><div style="position:fixed;inset:0;visibility:hidden;backdrop-filter:blur(9px)"></div><div style="position:fixed;inset:0;opacity:0;backdrop-filter:blur(9px)"></div>');
      expect((await paint()).magenta).toBeGreaterThan(1000);
    });

    it('stays so where a slot of a component shows it', async () => {
      await open('<x-card><p class="s">secret</p></x-card>');
      await run('document.querySelector("x-card").attachShadow({ mode: "open" }).innerHTML = "<slot data-parley-mask></slot>"');
      expect((await paint()).magenta).toBe(0);
    });

    it('is remembered as a password whatever the page makes of it between two pictures', async () => {
      await open('<input id="i" value="x">');
      await run(`window.watcher = new Capture.ChangeWatcher(document, { changed() {}, scrolled() {}, everything() {}, added: (e, was) => rules.remember(e, was) }, '[data-parley-overlay]');
        window.rules = new Capture.MaskRules(); watcher.start()`);
      await run(`i.type = 'password'; i.type = 'text'; new Promise((done) => setTimeout(done))`);
      expect(await run('rules.ruleOf(i)')).toBe('password');
      expect(await run('new Capture.MaskRules().ruleOf(i)'), 'other rules, as a film has them').toBe('password');
      expect(await run('Capture.createActor().formGet()[0].barred')).toBe(true);
      await run('watcher.stop()');
    });
  });

  describe('what shows outside of a block that is not in sight', () => {
    const kFar = 'position:relative;left:0;top:0;margin-top:3000px;height:100px';
    const escaping: [string, string][] = [
      ['fixed', '<div style="margin-top:3000px"><b><i class="s" style="position:fixed;left:9px;top:9px;width:50px;height:50px"></i></b></div>'],
      ['fixed, in a block that cuts', '<div style="margin-top:3000px;height:50px;overflow:hidden"><p><i class="s" style="position:fixed;left:9px;top:9px;width:50px;height:50px"></i></p></div>'],
      ['fixed, in a cell of a table', `<div style="height:3000px"></div><table>${'<tr><td>x</td></tr>'.repeat(90)}<tr><td><p class="s" style="position:fixed;left:9px;top:9px;width:50px;height:50px;margin:0"></p></td></tr>${'<tr><td>x</td></tr>'.repeat(90)}</table>`],
      ['fixed, in a component', '<div style="margin-top:3000px"><div><template shadowrootmode="open"><section><p class="s" style="position:fixed;left:9px;top:9px;width:50px;height:50px;margin:0;background:#f0f"></p></section></template></div></div>'],
      ['sticky, the head of a long table', `<table><thead><tr><th class="s" style="position:sticky;top:0;width:50px;height:50px">x</th></tr></thead><tbody>${'<tr><td style="height:30px">x</td></tr>'.repeat(90)}</tbody></table><script>scrollTo(0, 900)</script>`],
      ['placed in what is farther out', '<div style="position:relative;height:5000px"><div style="height:3000px"></div><div style="height:50px;overflow:hidden"><p><i class="s" style="position:absolute;left:9px;top:9px;width:50px;height:50px"></i></p></div></div>'],
      ['moved by a transform', `<div style="${kFar}"><div><p class="s" style="width:50px;height:50px;transform:translateY(-2950px)"></p></div></div>`],
      ['moved by a negative margin', `<div style="${kFar}"><div><p class="s" style="width:50px;height:50px;margin-top:-2950px"></p></div></div>`],
      ['moved from where it lies', `<div style="${kFar}"><div><p class="s" style="width:50px;height:50px;position:relative;top:-2950px"></p></div></div>`],
      ['fixed in what is turned', '<div style="height:3000px"></div><div style="transform:rotate(180deg);height:100px"><div><p class="s" style="position:fixed;left:600px;top:3040px;width:50px;height:50px;margin:0"></p></div></div>'],
      ['a float that is higher than its block', '<div style="height:100px"><div><p class="s" style="float:left;width:50px;height:1050px"></p></div></div><div style="clear:both;height:2000px"></div><script>scrollTo(0, 1000)</script>'],
      ['in a row that is too low for it', '<table style="height:10px"><tr><td style="height:10px"><div style="height:10px"><p class="s" style="width:50px;height:1040px;margin:0"></p></div></td></tr></table><div style="height:2000px"></div><script>scrollTo(0, 1000)</script>'],
      ['a line of text that is longer than its box', '<p style="width:50px;margin-left:-800px;white-space:nowrap;font:40px monospace"><span>a</span></p><div style="width:50px;margin-left:-800px;white-space:nowrap;font:40px monospace;color:#f0f">MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM</div>'],
      ['a dialog', '<div style="margin-top:3000px;height:50px;overflow:hidden"><div><dialog class="s" style="width:50px;height:50px">x</dialog></div></div><script>document.querySelector("dialog").showModal()</script>'],
      ['a dialog where layout waits', '<div style="height:3000px"></div><div style="content-visibility:auto"><div><dialog class="s" style="width:50px;height:50px">x</dialog></div></div><script>document.querySelector("dialog").showModal()</script>'],
      ['a popover', '<div style="margin-top:3000px;height:50px;overflow:hidden"><div><p id="o" popover class="s" style="width:50px;height:50px">x</p></div></div><script>o.showPopover()</script>'],
      ['fixed, before what is in a block', '<style>.s{background:none}.s::before{content:"";position:fixed;left:9px;top:9px;width:50px;height:50px;background:#f0f}</style><div style="margin-top:3000px;height:50px;overflow:hidden"><p class="s">x</p></div>'],
      ['fixed, after what has no box', '<style>.s{background:none}.s::after{content:"x";position:fixed;right:9px;bottom:9px;padding:9px;width:32px;height:32px;background:#f0f}</style><div style="margin-top:3000px;height:50px"><p style="display:contents"><b class="s"></b></p></div>'],
      ['fixed, before what is in a block in a frame', `<iframe id="f" width="300" height="200"></iframe><script>f.contentDocument.body.innerHTML = '<style>.s::before{content:"";position:fixed;left:9px;top:9px;width:50px;height:50px;background:#f0f}</style><div style="margin-top:3000px;height:50px;overflow:hidden"><p class="s">x</p></div>'</script>`],
      ['fixed, in a frame that is scaled', `<iframe id="f" width="300" height="200" style="transform:scale(.9)"></iframe><script>f.contentDocument.body.innerHTML = '<div style="margin-top:3000px;height:50px;overflow:hidden"><p class="s" style="position:fixed;left:9px;top:9px;width:50px;height:50px;background:#f0f">x</p></div>'</script>`],
      ['in a long list that is not in order', `<div style="position:relative;height:9000px">${'<p style="position:absolute;top:4000px;margin:0">x</p>'.repeat(200)}<p class="s" style="position:absolute;top:9px;width:50px;height:50px;margin:0"></p>${'<p style="position:absolute;top:4000px;margin:0">x</p>'.repeat(200)}</div>`],
    ];

    it.each(escaping)('is there: %s', async (_, html) => {
      await open(html);
      expect((await paint()).magenta).toBeGreaterThan(1000);
    });

    it.each(escaping)('is not there when it is masked: %s', async (_, html) => {
      await open(html.replaceAll('class="s"', 'class="s" data-parley-mask').replace('<div style="width:50px;margin-left:-800px', '<div data-parley-mask style="width:50px;margin-left:-800px'));
      const { magenta, masked } = await paint();
      expect([magenta, masked]).toEqual([0, ['marked']]);
    });

    it('is black when it is fixed and something around it is masked', async () => {
      await open('<div data-parley-mask style="margin-top:3000px;height:50px;overflow:hidden"><div><i class="s" style="position:fixed;left:9px;top:9px;width:50px;height:50px"></i></div></div>');
      const { magenta, black } = await paint();
      expect([magenta, black >= 2500 && black < 2700]).toEqual([0, true]);
    });

    it('is above everything when it is a dialog, with what is behind it dimmed', async () => {
      await open('<p style="position:fixed;z-index:99999;inset:0;margin:0;background:#fff"></p><div style="opacity:.5;transform:scale(.5)"><dialog class="s" style="width:50px;height:50px;border:0;padding:0;outline:0"></dialog></div><style>::backdrop{background:#000}</style><script>document.querySelector("dialog").showModal()</script>');
      const { magenta, black } = await paint();
      expect([magenta, black]).toEqual([2500, 800 * 600 - 2500]);
    });

    it('stays where it is in its frame, and goes with that: before and after what is far down in it', async () => {
      await open(`<iframe id="f" width="300" height="200" style="display:block;border:0;margin:40px;transform-origin:0 0"></iframe><p style="height:3000px"></p><script>f.contentDocument.body.innerHTML = '<style>.s::before,.s::after{content:"";position:fixed;left:9px;top:9px;width:50px;height:50px;background:#f0f}.s::after{left:auto;right:9px;top:auto;bottom:9px}.t::before{top:99px}</style><div style="height:2000px;background:#eee"></div><div style="height:50px;overflow:hidden"><p class="s">x</p></div>'</script>`);
      await run(`window.screen_ = new OffscreenCanvas(1, 1); window.surface = new Capture.PictureSurface(screen_, { drawn() { window.drawn_ = (window.drawn_ ?? 0) + 1; }, spoiled() {} }); window.sent_ = 0;
        window.c = Capture.startCapture({ minInterval: 10, sharpKbps: 1e6, onFrame(f) { sent_++; surface.push(f); } })`);
      const quiet = 'sent_ > 0 && !c.busy_ && !c.timer_ && c.marks_.size === 0 && !c.hasScrolled() && c.blurred_ === 0 && drawn_ === sent_';
      await page.waitForFunction(quiet);
      const within = 'f.contentDocument.querySelector("p").className =';
      for (const step of ['c.refresh()', 'scrollBy(0, 25)', 'f.contentWindow.scrollBy(0, 333)', 'f.contentWindow.scrollTo(0, 1e6)', 'f.contentWindow.scrollTo(0, 0)', `${within} 's t'`, 'f.style.marginLeft = "90px"', 'f.style.transform = "scale(.5)"', `${within} ''`]) {
        await run(`window.before_ = sent_; ${step}`);
        await page.waitForFunction(`sent_ > before_ && ${quiet}`);
        const shot = await shotOf(page);
        const apart = await run<{ mean: number }>(`createImageBitmap(new Blob([Uint8Array.from(atob('${shot}'), (c) => c.charCodeAt(0))])).then((shown) => Capture.apart(Capture.pixelsOf(screen_, innerWidth, innerHeight), Capture.pixelsOf(shown, innerWidth, innerHeight)))`);
        // Without one of them it would be 0.09 at least.
        expect(apart.mean, step).toBeLessThan(0.02);
      }
      await run('c.stop()');
    });

    it('stays where it is while the page scrolls: before all of it, too', async () => {
      await open('<style>body::before{content:"";position:fixed;left:9px;top:9px;width:50px;height:50px;background:#f0f;z-index:3}p.s::after{content:"";position:fixed;right:9px;top:9px;width:50px;height:50px;background:#f0f}p.s{background:none;height:3000px}</style><p class="s"></p>');
      await run(`window.screen_ = new OffscreenCanvas(1, 1); window.surface = new Capture.PictureSurface(screen_, { drawn() { window.drawn_ = (window.drawn_ ?? 0) + 1; }, spoiled() {} }); window.sent_ = 0;
        window.c = Capture.startCapture({ minInterval: 10, sharpKbps: 1e6, onFrame(f) { sent_++; surface.push(f); } })`);
      const quiet = 'sent_ > 0 && !c.busy_ && !c.timer_ && c.marks_.size === 0 && !c.hasScrolled() && c.blurred_ === 0 && drawn_ === sent_';
      const magenta = () => run(`(() => { const { data } = Capture.pixelsOf(screen_, innerWidth, innerHeight); let n = 0; for (let i = 0; i < data.length; i += 4) if (data[i] > 190 && data[i + 1] < 90 && data[i + 2] > 190) n++; return n; })()`);
      await page.waitForFunction(quiet);
      expect(await magenta()).toBe(5000);
      for (const by of [37, 100, -60]) {
        await run(`window.before_ = sent_; scrollBy(0, ${by})`);
        await page.waitForFunction(`sent_ > before_ && ${quiet}`);
        expect(await magenta(), `scrolled by ${by}`).toBe(5000);
      }
      await run(`window.before_ = sent_; document.querySelector('p').className = 't'`);
      await page.waitForFunction(`sent_ > before_ && ${quiet}`);
      expect(await magenta()).toBe(2500);
      await run('c.stop()');
    });

    it('is found when it comes, also later', async () => {
      await open('<div id="d" style="margin-top:3000px;height:50px;overflow:hidden"><div></div></div>');
      await run(`window.c = Capture.startCapture({ onFrame() {}, minInterval: 10 }); window.costs = []; c.on('painted', (p) => costs.push(p))`);
      await page.waitForFunction('costs.length > 0 && !c.busy_');
      await run(`costs.length = 0; d.firstChild.innerHTML = '<p id="here" style="position:fixed;left:9px;top:9px;width:50px;height:50px;background:#f0f"></p>'`);
      await page.waitForFunction('costs.length > 0 && c.seen_.has(here)');
      await run('c.stop()');
    });

    it.each(['', 'position:fixed;left:2000px'])('makes all of the window new when it dims it otherwise than before, and only then: %s', async (place) => {
      await open(`<style>body{overflow:hidden}dialog{width:90px;height:40px}.far{left:9px}.dark::backdrop{background:#0008}</style><p>behind</p><dialog id="d" style="${place}">Sure? <b id="b">x</b></dialog><aside id="o" popover style="width:90px;height:20px">x</aside>`);
      await run(`window.c = Capture.startCapture({ onFrame() {}, minInterval: 10 }); window.costs = []; c.on('painted', (p) => costs.push(p))`);
      const quiet = 'c.ready_ && !c.busy_ && !c.timer_ && c.marks_.size === 0 && !c.full_';
      await page.waitForFunction(`costs.length > 0 && ${quiet}`);
      const whole = async (code: string) => {
        await run(`costs.length = 0; ${code}; document.querySelector('p').append('.')`);
        await page.waitForFunction(`costs.length > 0 && ${quiet}`);
        return run('costs.some((p) => p.whole)');
      };
      expect(await whole('d.showModal()')).toBe(true);
      for (const code of ['d.classList.add("other")', 'd.setAttribute("aria-busy", "true")', 'b.textContent = "y"', ...(place ? [] : ['d.classList.add("far")'])]) expect(await whole(code), code).toBe(false);
      expect(await whole('d.classList.add("dark")')).toBe(true);
      expect(await whole('d.close()')).toBe(true);
      expect(await whole('d.show()')).toBe(false);
      expect(await whole('d.close(); d.classList.add("z")')).toBe(false);
      expect(await whole('d.showModal()')).toBe(true);
      expect(await whole('o.showPopover()'), 'it dims nothing').toBe(false);
      expect(await whole('d.remove()'), 'gone while it is open').toBe(true);
      await run('c.stop()');
    });

    it('does not make it walk what is not in sight', async () => {
      await open(`${'<div><p>x</p><p>y</p></div>'.repeat(400)}<div><p style="position:fixed;left:9px;top:9px;margin:0">fixed</p></div>`);
      expect(await run('Capture.paintPage().elements')).toBeLessThan(150);
    });
  });

  describe('HTML in a drawing', () => {
    const island = (around: string, inside = '<p class="s" style="margin:0">here</p>', view = '') =>
      `<svg width="300" height="200" ${view}>${around.replace('HERE', `<foreignObject x="20" y="30" width="100" height="60"><div xmlns="http://www.w3.org/1999/xhtml">${inside}</div></foreignObject>`)}</svg>`;

    it.each([
      ['as it is', island('HERE'), 1],
      ['scaled', island('HERE', undefined, 'viewBox="0 0 150 100"'), 4],
      ['turned', island('<g transform="rotate(20)">HERE</g>'), 1],
      ['beside a gradient', island('<linearGradient id="q"><stop stop-color="#fff"/></linearGradient><rect fill="url(#q)" width="9" height="9"/>HERE'), 1],
      ['in a page that is turned', `<div style="transform:rotate(9deg);margin-top:120px">${island('HERE')}</div>`, 1],
    ])('shows %s', async (_, html, times) => {
      await open(html);
      const bare = (await paint()).magenta / times;
      expect(bare).toBeGreaterThan(1500);
      expect(bare).toBeLessThan(2200);
    });

    it('is not there in definitions, nor where it is masked', async () => {
      for (const html of [island('<defs>HERE</defs>'), island('<g data-parley-mask>HERE</g>'), island('HERE', '<p class="s" data-parley-mask>x</p>')]) {
        await open(html);
        expect((await paint()).magenta, html).toBe(0);
      }
    });
  });

  it('names a document that only the browser can show', async () => {
    await open('<embed type="application/pdf" src="x.pdf" width="200" height="100"><object data="/a.pdf?b" width="200" height="100"></object>');
    const { unsupported } = await paint();
    expect(unsupported.filter((told) => /^PDF document: .*film of the tab/.test(told))).toHaveLength(2);
  });

  it('shows closed components, and names those that nobody told of', async () => {
    await open('<div id="d"></div>');
    await run(`d.attachShadow({ mode: 'closed' }).innerHTML = '<div style="height:20px"></div><p class="s" style="background:#f0f">here</p><slot></slot>'; d.innerHTML = '<input type="password">'`);
    const { magenta, masked, unsupported } = await paint();
    expect([magenta > 1000, masked, unsupported]).toEqual([true, ['password'], []]);
    await open('<div><template shadowrootmode="closed"><p>unknown</p></template></div><div style="height:20px"></div>');
    expect((await paint()).unsupported).toEqual([expect.stringMatching(/^component: .*script/)]);
  });

  it('shows a 3D drawing as it was seen last, and says that a film shows it always', async () => {
    await open('<canvas id="c" width="90" height="60"></canvas><canvas id="kept" width="90" height="60"></canvas><canvas id="flat" width="9" height="9"></canvas>');
    await run(`flat.getContext('2d'); window.images = Capture.newImages(); window.look = () => Capture.paintPage({}, undefined, images);
      window.clear = (gl) => { gl.clearColor(1, 0, 1, 1); gl.clear(gl.COLOR_BUFFER_BIT); return gl; }; window.gl = clear(c.getContext('webgl')); clear(kept.getContext('webgl', { preserveDrawingBuffer: true }));
      new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))`);
    const before = await run<Painted>('look()');
    expect(before.unsupported).toEqual([expect.stringMatching(/^3D drawing: .*film of the tab/)]);
    // The other one, and a box with a name in place of this one.
    expect([before.magenta, before.coloured > 90 * 60 * 1.9]).toEqual([90 * 60, true]);
    expect((await run<Painted>('clear(gl), look()')).magenta).toBe(2 * 90 * 60);
    await run('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))');
    expect((await run<Painted>('look()')).magenta).toBe(2 * 90 * 60);
  });

  it('shows shadows as the browser does', async () => {
    const one = (style: string) => `<div style="display:inline-block;width:90px;height:60px;margin:25px;background:#fff;${style}"></div>`;
    await open(`<body style="background:#cde">${['0 1px 4px #0008', '0 2px 8px #000;border-radius:8px', '6px -9px 12px 4px #a00;border-radius:12px', '0 0 0 3px #06c', '20px 20px 0 #080', '0 4px 30px 5px #00f8;background:#fff8;border-radius:20px',
      '0 0 6px -2px #000', '0 3px 5px #000,0 -3px 5px #f80;border-radius:30px 4px', '40px 40px 2px 6px #555;border-radius:3px', 'inset 0 0 9px #000'].map((s) => one(`box-shadow:${s}`)).join('')}`);
    const shot = await shotOf(page);
    const { mean, most } = await run<{ mean: number; most: number }>(`Capture.beside('${shot}')`);
    expect(mean).toBeLessThan(0.015);
    expect(most).toBeLessThan(140);
  });

  it('shows borders that look carved as Chromium does, in all their colours', async () => {
    const colours = ['rgb(200,100,50)', '#fff', '#000', '#767676', '#3c2814', '#00f', '#005028', 'rgb(200 100 50 / 50%)', '#0008', '#010101'];
    const boxes = ['inset', 'outset', 'groove', 'ridge'].flatMap((style) => [
      ...colours.map((colour) => `border:6px ${style} ${colour}`),
      ...[1, 2, 3, 5].map((w) => `border:${w}px ${style} #c80`), `border:9px ${style} #06c;border-radius:14px`, `border-style:${style};border-width:3px 8px 0 5px;border-color:#c00 #080 #00f #888`,
      `border:5px ${style} #a40;border-left:7px solid #06c`, `border:3px ${style} #c80;border-radius:9px`,
    ]);
    await open(`<body style="background:#cde;color:#123">${boxes.map((style) => `<div style="float:left;width:40px;height:22px;margin:7px;${style}"></div>`).join('')}<hr style="clear:both">
      <iframe width="60" height="20"></iframe><fieldset style="width:90px;display:inline-block;height:12px"></fieldset><table border="3" style="display:inline-table"><td>x</table>`);
    const shot = await shotOf(page);
    // Some pixels of the corners differ.
    expect((await run<{ mean: number }>(`Capture.beside('${shot}')`)).mean).toBeLessThan(0.08);
  });

  describe('an odd page', () => {
    it('whose form has fields called as the browser calls its own things', async () => {
      await open('<form><label style="color:#f0f;font:40px sans-serif">Children</label><input name="children"><input name="childNodes"><input name="matches"><input name="localName"></form><form data-parley-mask><input name="id"></form>');
      const { magenta, masked } = await paint();
      expect(magenta).toBeGreaterThan(100);
      expect(masked).toEqual(['marked']);
    });

    it('that claims a language that is none', async () => {
      await open('<p class="s">here</p><input type="date" lang="en_US" value="2026-11-26">');
      expect((await paint()).magenta).toBeGreaterThan(100);
    });

    it('on which one thing cannot be painted', async () => {
      await open('<canvas id="c" width="50" height="50"></canvas><p class="s">here</p>');
      await run(`Object.defineProperty(c, 'width', { get() { throw new Error('no'); } })`);
      expect((await paint()).magenta).toBeGreaterThan(100);
      await open('<p id="p"><b>in here</b></p><p class="s">here</p>');
      await run(`p.getBoundingClientRect = () => { throw new Error('no'); }`);
      expect((await paint()).magenta).toBeGreaterThan(100);
    });

    it('on which one thing cannot be painted, and others in other places at the same time', async () => {
      await open('<canvas id="c" width="50" height="50"></canvas><p class="s" style="position:absolute;left:0;top:200px;width:50px;height:50px;margin:0"></p>');
      await run(`Object.defineProperty(c, 'width', { get() { throw new Error('no'); } }); window.done_ = 0; window.shared = Capture.startCapture({ onFrame() {}, scale: 1 }); shared.on('painted', () => done_++)`);
      await page.waitForFunction('done_ > 0 && !shared.busy_');
      expect(await run(`(() => { const { bitmap } = shared.paint([{ x: 0, y: 0, w: 60, h: 60 }, { x: 0, y: 200, w: 50, h: 50 }], true).patches[1];
        const { data } = Capture.pixelsOf(bitmap, bitmap.width, bitmap.height); let n = 0; for (let i = 0; i < data.length; i += 4) if (data[i] > 190 && data[i + 1] < 90) n++; return n; })()`)).toBe(2500);
      await run('shared.stop()');
    });

    it('is left as it is', async () => {
      await open('<svg width="200" height="80"><rect id="r" width="30" height="30" transform="translate(20 5) rotate(30)"/></svg>');
      expect((await paint()).coloured + (await paint()).black).toBeGreaterThan(0);
      expect(await run('[r.getAttribute("transform"), r.transform.baseVal.numberOfItems]')).toEqual(['translate(20 5) rotate(30)', 2]);
    });

    it('whose frame keeps data in its name', async () => {
      await open(`<iframe name='{"token":"secret"}' sandbox srcdoc="x" width="300" height="100"></iframe>`);
      expect((await paint()).unsupported.join()).not.toMatch(/secret/);
    });
  });

  describe('sharing', () => {
    it('ends with nothing left, also when it has hardly begun', async () => {
      await open('<p>page</p>');
      await run(`window.timers = 0; window.realSet = setInterval; window.setInterval = (...a) => (timers++, realSet(...a)); window.realClear = clearInterval; window.clearInterval = (i) => (i && timers--, realClear(i)); const t = clearTimeout; window.clearTimeout = (i) => (t(i));
        window.c = Capture.startCapture({ onFrame() {} }); c.stop(); new Promise((done) => setTimeout(done, 50))`);
      expect(await run('timers')).toBe(0);
    });

    it('keeps no elements while it pauses', async () => {
      await open('<div id="d"></div>');
      await run(`window.c = Capture.startCapture({ onFrame() {} }); c.pause();
        new Promise((done) => setTimeout(done, 50)).then(() => { for (let i = 0; i < 6000; i++) { const e = document.createElement('p'); d.append(e); e.remove(); e.title = 'x'; d.append(e); } return new Promise((done) => setTimeout(done)); })`);
      expect(await run('c.marks_.size')).toBeLessThanOrEqual(2001);
      await run('c.stop()');
    });

    it('is as fast as before, and sharp, when nobody is behind any more', async () => {
      await open('<h1>Hello</h1>');
      await run(`window.c = Capture.startCapture({ onFrame() {}, minInterval: 10 }); for (let i = 0; i < 9; i++) c.pace({ behind: true, kbps: 60 });`);
      expect(await run('c.slow_')).toBeGreaterThan(10);
      await run('c.pace({ behind: false, kbps: 4000 })');
      await page.waitForFunction('c.slow_ === 1 && c.blurred_ === 0 && c.frame_ > c.epoch_ - 5');
      await run('c.stop()');
    });

    it('sends sharp pictures as the line can spare them', async () => {
      await open('<h1>Hello</h1>');
      await run(`window.c = Capture.startCapture({ onFrame() {}, minInterval: 10, sharpKbps: 0.001 })`);
      await page.waitForFunction('c.sharpAt_ > 0 && c.blurred_ === 0');
      await run(`document.querySelector('h1').textContent = 'Again'`);
      await page.waitForFunction('c.blurred_ > 0 && !c.busy_');
      await run('c.sharpen()');
      expect(await run('[c.blurred_ > 0, c.sharpAt_ > performance.now()]')).toEqual([true, true]);
      await run('c.stop()');
    });

    it('makes nothing sharp of a picture that was thrown away', async () => {
      await open('<h1>Hello</h1>');
      await run(`window.c = Capture.startCapture({ onFrame() {}, minInterval: 10, sharpKbps: 0.001 })`);
      await page.waitForFunction('c.sharpAt_ > 0 && !c.busy_');
      expect(await run(`(() => { const jobs = [], { run } = c.host_; c.host_.run = (job) => (jobs.push(job.sharp), run.call(c.host_, job)); c.sharpAt_ = 0;
        c.wholeWanted_ = true; c.sharpen(); const held = jobs.length; c.wholeWanted_ = false; c.sharpen(); return [held, jobs.length]; })()`)).toEqual([0, 1]);
      await run('c.stop()');
    });

    it.each([0.75, 0.5, 1])('copies what is scrolled by any way, and shows it as if it was painted anew: %d', async (scale) => {
      await open(`<style>p{margin:0;font:15px/21px sans-serif;border-bottom:1px solid #ccc}h1{position:sticky;top:0;margin:0;background:#ff0}b{position:fixed;left:300px;top:111px;background:#0ff}</style><h1>Head <i>of it</i></h1><b>fixed <i>here</i></b>${Array.from({ length: 300 }, (_, i) => `<p>Line ${i} of a text</p>`).join('')}`);
      await run(`window.frames_ = []; window.screen_ = new OffscreenCanvas(1, 1); window.surface = new Capture.PictureSurface(screen_, { drawn() { window.drawn_ = (window.drawn_ ?? 0) + 1; }, spoiled() { throw new Error('spoiled'); } });
        window.c = Capture.startCapture({ scale: ${scale}, minInterval: 10, sharpKbps: 1e6, onFrame(f) { frames_.push(Capture.decodeFrame(f)); surface.push(f); } })`);
      await page.waitForFunction('frames_.length > 0 && !c.busy_');
      for (const by of [37, 101, -53, 7, 1]) {
        await run(`window.before_ = frames_.length; scrollBy(0, ${by})`);
        await page.waitForFunction('frames_.length > before_ && !c.busy_ && !c.hasScrolled() && c.marks_.size === 0');
        const [copies, pixels] = await run<[number, number]>(`frames_.slice(before_).reduce(([n, sum], f) => [n + f.ops.filter((op) => op.op === 'copy').length, Math.max(sum, f.ops.reduce((s, op) => s + (op.op === 'image' ? op.w * op.h : 0), 0) / f.width / f.height)], [0, 0])`);
        expect([copies > 0, pixels < 0.7], `by ${by}: ${pixels}`).toEqual([true, true]);
      }
      await page.waitForFunction('c.blurred_ === 0 && drawn_ === frames_.length');
      const { mean, most } = await run<{ mean: number; most: number }>(`(() => { const [w, h] = [screen_.width, screen_.height], now = c.paint([{ x: 0, y: 0, w: innerWidth, h: innerHeight }], true).patches[0].bitmap; return Capture.apart(Capture.pixelsOf(screen_, w, h), Capture.pixelsOf(now, w, h)); })()`);
      expect(mean).toBeLessThan(0.05);
      expect(most).toBeLessThan(60);
      await run('c.stop()');
    });

    it.each([1, 0.75])('does not send again what stays while the page scrolls: %d', async (scale) => {
      await open(`<style>header{position:fixed;top:0;left:0;right:0;height:60px;background:#036;color:#fff;font:30px sans-serif}table{width:100%;margin-top:60px;border-collapse:collapse}th{position:sticky;top:60px;height:50px;background:#dde}td{height:29px}nav{position:fixed;left:0;top:200px;width:90px;bottom:0;background:#eee}</style>
        <header>Head</header><nav>${'<p>entry</p>'.repeat(9)}</nav><table><thead><tr>${'<th>of a table</th>'.repeat(5)}</tr></thead><tbody>${Array.from({ length: 90 }, (_, i) => `<tr>${`<td>cell ${i}</td>`.repeat(5)}</tr>`).join('')}</tbody></table>`);
      await run(`window.frames_ = []; window.c = Capture.startCapture({ scale: ${scale}, minInterval: 10, sharpKbps: 0.001, onFrame(f) { frames_.push(Capture.decodeFrame(f)); } }); scrollTo(0, 300)`);
      const quiet = '!c.busy_ && !c.timer_ && !c.hasScrolled() && c.marks_.size === 0';
      await page.waitForFunction(`frames_.length > 0 && ${quiet}`);
      for (const by of [37, -53, 11]) {
        await run(`window.before_ = frames_.length; scrollBy(0, ${by})`);
        await page.waitForFunction(`frames_.length > before_ && ${quiet}`);
        const told = await run<number[]>(`(() => { const ops = frames_.slice(before_).flatMap((f) => f.ops), s = ${scale}, sent = ops.filter((op) => op.op === 'image');
          return [ops.filter((op) => op.op === 'copy').length, sent.filter((r) => r.y < 110 * s - 32).length, sent.filter((r) => r.x < 90 * s - 32 && r.y + r.h > 250 * s && r.y < 540 * s).length]; })()`);
        expect(told, `by ${by}`).toEqual([expect.any(Number), 0, 0]);
        expect(told[0]).toBeGreaterThan(0);
      }
      await run('c.stop()');
    });

    it('has pictures of a size for each choice, also where the site has chosen the smallest', async () => {
      expect(await run('[0.1, 0.25, 1, 2, 9].map((scale) => [1, 0.75, 0.5].map((size) => Capture.scaleOf(scale, size)))')).toEqual([[0.25, 0.1875, 0.125], [0.25, 0.1875, 0.125], [1, 0.75, 0.5], [2, 1.5, 1], [2, 1.5, 1]]);
    });

    it('walks only what is wanted, and paints as little for a letter', async () => {
      await open(`<div style="height:60px"><input id="i" style="width:100px" value="a"></div>${'<p>row</p>'.repeat(12)}`);
      await run(`window.c = Capture.startCapture({ onFrame() {}, minInterval: 10 }); window.costs = []; c.on('painted', (p) => costs.push(p))`);
      await page.waitForFunction('costs.length > 0');
      const typed = async () => {
        await run(`costs.length = 0; i.focus(); i.value += 'b'; i.dispatchEvent(new Event('input', { bubbles: true }))`);
        await page.waitForFunction('costs.length > 0');
      };
      await typed();
      await page.waitForFunction('!c.busy_ && c.marks_.size === 0');
      await typed();
      expect(await run('costs[0].elements')).toBeLessThan(8);
      await run('c.stop()');
    });

    it('shows a choice that another one has taken back, and native marks in the colours of the page', async () => {
      await open('<label><input type="radio" name="a" id="one" checked>One</label><div style="height:300px"></div><label><input type="radio" name="a" id="two">Two</label>');
      await run(`window.changed = []; window.w = new Capture.ChangeWatcher(document, { changed: (e) => changed.push(e.id), scrolled() {}, everything() {}, added() {} }, '[data-parley-overlay]'); w.start(); two.click()`);
      expect(await run('[changed.includes("one"), changed.includes("two")]')).toEqual([true, true]);
      await run('w.stop()');
      await open('<style>:root{color-scheme:dark}input{width:60px;height:60px}body{background:#000}</style><input type="radio"><input type="checkbox">');
      expect((await paint()).black).toBeGreaterThan(800 * 600 * 0.9);
      expect(await run(`(() => { document.documentElement.style.colorScheme = 'light'; return Capture.paintPage().white; })()`)).toBeGreaterThan(2000);
      await run(`document.documentElement.style.colorScheme = 'dark'`);
      expect(await run('Capture.paintPage().white')).toBe(0);
    });

    it('shows the background of a video that has no picture', async () => {
      await open('<video class="s" style="width:100px;height:80px;border-radius:40px"></video>');
      const { magenta, black } = await paint();
      expect(magenta).toBeGreaterThan(4000);
      expect(magenta).toBeLessThan(7500); // Its corners are round.
      expect(black).toBe(0);
    });

    it('still watches components when hundreds have come and gone', async () => {
      await open('<div id="d"></div>');
      await run(`window.changed = []; window.w = new Capture.ChangeWatcher(document, { changed: (e) => changed.push(e), scrolled() {}, everything() {}, added() {} }, '[data-parley-overlay]'); w.start();
        (async () => { for (let i = 0; i < 700; i++) { const e = document.createElement('div'); e.attachShadow({ mode: 'open' }); d.replaceChildren(e); await null; } })()`);
      await run(`const e = document.createElement('div'); e.attachShadow({ mode: 'open' }).innerHTML = '<b id="deep">x</b>'; d.replaceChildren(e); window.e_ = e; new Promise((done) => setTimeout(done))`);
      await run(`changed.length = 0; e_.shadowRoot.getElementById('deep').textContent = 'new'; new Promise((done) => setTimeout(done))`);
      expect(await run('changed.some((x) => x.id === "deep")')).toBe(true);
      await run('w.stop()');
    });
  });
});
