import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, haveChromium, shotOf, TestPages } from '../../testing/page';

/** What is secret is written in letters of one width: pictures of two pages that differ in nothing else are the same, or leak. */
const kLook = '<style>body{margin:20px;background:#fff;font:32px monospace}.s{color:#0a0;background:#fe0}</style>';
const kSecrets = [['ABCDEF', '#ff00ff'], ['UVWXYZ', '#00ffff']] as const;

const kComponent = (inside: string) =>
  `<script>customElements.get('x-card') ?? customElements.define('x-card', class extends HTMLElement { connectedCallback() { this.shadowRoot ?? this.attachShadow({ mode: 'open' }).setHTMLUnsafe(\`${inside}\`); } })</script>`;
const kClosed = (inside: string) => kComponent(inside).replace("'open'", "'closed'");
const kPicture = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="40"><rect width="90" height="40" fill="{colour}"/></svg>';
const kImage = `<img width="90" height="40" src='data:image/svg+xml,${kPicture.replaceAll('#', '%23').replaceAll('{colour}', '%23{code}')}'>`;

/** For a sharer that is looked at alone. */
const kHost = `{ rules: {}, settings: { maskSelectors: [] }, server: '', overlay: document.body, layer: document.body.appendChild(document.createElement('div')), sendFrame: () => true, viewChanged: (v, how) => views.push(how),
  unsupported: (list) => lists.push(list.map((u) => u.what)), receipt() {}, sensitiveChanged() {}, activity() {}, reply() {}, replyNow() {}, touched() {}, failed() {} }`;

/** {secret} and {colour} are what must not be seen. */
const kHidden: [string, string][] = [
  ['text of an element without a box', '<div data-parley-mask style="display:contents">{secret}</div>'],
  ['what is in an element without a box', `<div data-parley-mask style="display:contents"><p>{secret}</p><b style="background:{colour}">x</b>${kImage}</div>`],
  ['elements without boxes in one another', '<div data-parley-mask style="display:contents"><div style="display:contents"><div style="display:contents">{secret}<p>{secret}</p></div></div></div>'],
  ['a field whose ancestors have no boxes', '<div style="display:contents"><form style="display:contents"><input type="password" value="x" style="background:{colour}"><input name="cvv" value="{secret}"></form></div>'],
  ['what makes itself visible', '<style>.card .v{visibility:visible!important}#i{visibility:visible!important;color:{colour}!important}</style><div class="card" data-parley-mask style="display:contents"><p class="v">{secret}</p><p id="i">{secret}</p></div>'],
  ['what changes slowly', '<style>p{transition:all 9s;background:{colour}}</style><div data-parley-mask style="display:contents"><p>{secret}</p></div>'],
  ['what an animation shows', '<style>@keyframes a{from,to{visibility:visible;filter:none;background:{colour};color:{colour}}}p{animation:a 9s infinite}</style><div data-parley-mask style="display:contents"><p>{secret}</p></div><p data-parley-mask>{secret}</p>'],
  ['what a slot shows', `${kComponent('<slot data-parley-mask></slot>')}<x-card>{secret}<p style="visibility:visible;background:{colour}">{secret}</p></x-card>`],
  ['a slot in a slot', `${kComponent('<slot></slot>')}<div><template shadowrootmode="open"><x-card><slot data-parley-mask></slot></x-card></template><p style="visibility:visible">{secret}</p></div>`],
  ['a component in an element without a box', `${kComponent('<style>p{visibility:visible;background:{colour}}</style><p>{secret}</p>')}<div data-parley-mask style="display:contents"><x-card></x-card></div>`],
  ['a dialog of a masked component', `${kComponent('<style>dialog{visibility:visible;background:{colour}}</style><dialog>{secret}</dialog>')}<x-card data-parley-mask></x-card><script>document.querySelector('x-card').shadowRoot.querySelector('dialog').showModal()</script>`],
  ['a frame in an element without a box', '<div data-parley-mask style="display:contents"><iframe srcdoc="<body style=\'background:{colour};font:32px monospace\'>{secret}"></iframe></div>'],
  ['text of a drawing', '<svg width="400" height="60"><text y="40" data-parley-mask>{secret}</text></svg>'],
  ['a part of a text of a drawing', '<svg width="400" height="60"><text y="40">open <tspan data-parley-mask fill="{colour}">{secret}</tspan></text></svg>'],
  ['a drawing', '<svg width="400" height="60" data-parley-mask><text y="40" style="visibility:visible">{secret}</text><rect width="20" height="20" fill="{colour}"/></svg>'],
  ['a part that a drawing uses again', '<svg width="400" height="60"><defs><g id="q" data-parley-mask><rect fill="{colour}" width="90" height="30"/><text y="50">{secret}</text></g></defs><use href="#q"/></svg>'],
  ['the first letter of a box that is too small', '<style>p{width:20px;height:20px}p::first-line,p::first-letter{color:{colour};-webkit-text-fill-color:{colour}}</style><p data-parley-mask>{secret}</p>'],
  ['fields in a closed component', `${kClosed('<style>input{background:{colour}}</style><input type="password" value="x"><input name="cvv" value="{secret}">')}<x-card></x-card>`],
  ['what a slot of a closed component shows', `${kClosed('<slot data-parley-mask></slot>')}<x-card>{secret}<p style="visibility:visible;background:{colour}">{secret}</p></x-card>`],
  ['a closed component in a closed one', `${kClosed('<p>{secret}</p>')}<div data-parley-mask style="display:contents"><x-card></x-card></div>`],
  ['fields in a closed component with members of its own', `${kClosed('<input type="password" value="x" style="background:{colour}"><input name="cvv" value="{secret}">').replaceAll('x-card', 'x-odd').replace('HTMLElement {', 'HTMLElement { matches = 1; hasAttribute = 2;')}<x-odd></x-odd>`],
  ['a picture', kImage.replace('<img', '<img data-parley-mask')],
];

describe.skipIf(!haveChromium())('a filmed page', () => {
  let pages: TestPages, script: string;
  let page: Page;
  const run = <T>(code: string): Promise<T> => page.evaluate(code) as Promise<T>;

  beforeAll(async () => {
    script = await bundle(fileURLToPath(new URL('../../testing/film.ts', import.meta.url)), 'Film');
    pages = new TestPages(script);
  });
  afterAll(() => pages.close());

  const filled = (html: string, [secret, colour]: readonly [string, string]) =>
    `<!doctype html>${kLook}${html.replaceAll('{secret}', secret).replaceAll('{colour}', colour).replaceAll('{code}', colour.slice(1))}`;

  const kStart = 'window.masked = []; window.told = new Map(); window.style_ = new Film.MaskStyle(document, new Film.MaskRules({ selectors: ["#c:checked ~ .by-state", "x-new"], allow: [".by-site"] }), (e, rule) => masked.push(rule), (e, why) => why ? told.set(e, why) : told.delete(e)); style_.start();';

  async function open(html: string, secret: readonly [string, string] = kSecrets[0]): Promise<void> {
    page = await pages.open(filled(html, secret));
    await run(kStart);
  }

  describe('shows nothing of', () => {
    it.each(kHidden)('%s', async (name, html) => {
      const films: string[] = [], bare: string[] = [];
      for (const secret of kSecrets) {
        await open(html, secret);
        films.push(await shotOf(page));
        expect(await run('style_.covers() || !style_.stubborn')).toBe(true);
        expect(await run<string[]>('masked')).not.toEqual([]);
        page = await pages.open(filled(html.replaceAll('data-parley-mask', 'data-other').replaceAll('password', 'text').replaceAll('cvv', 'any'), secret));
        await run(kStart);
        bare.push(await shotOf(page));
      }
      expect(films[0] === films[1], 'the film tells them apart').toBe(true);
      expect(bare[0] === bare[1], `without its mask ${name} would not be seen either`).toBe(false);
    });
  });

  it('shows nothing masked in roots that are closed while it is filmed, and frees them afterwards', async () => {
    await open('<div id="d"></div><div id="e"></div>');
    await run(`window.closed_ = [d, e].map((host) => { const root = host.attachShadow({ mode: 'closed' }); root.innerHTML = '<p data-parley-mask>secret</p>'; return root; }); new Promise((done) => setTimeout(done))`);
    const black = () => run('closed_.map((root) => [root.firstChild.hasAttribute("data-parley-black"), root.adoptedStyleSheets.length])');
    expect(await black()).toEqual([[true, 1], [true, 1]]);
    await run('closed_[0].firstChild.remove(); closed_[0].innerHTML = "<div><input name=cvv></div>"; new Promise((done) => setTimeout(done))');
    expect(await run('closed_[0].querySelector("input").hasAttribute("data-parley-black")')).toBe(true);
    await run('style_.stop(); closed_[0].replaceChildren(document.createElement("p"))');
    expect(await black()).toEqual([[false, 0], [false, 0]]);
  });

  it('is no trouble for components that come: nothing is written in their constructors, members may be called as they like', async () => {
    await open('');
    await run(`customElements.define('x-new', class extends HTMLElement { matches = 1; hasAttribute = 2; constructor() { super(); window.root = this.attachShadow({ mode: 'closed' }); root.innerHTML = '<input name="cvv">'; } }); window.made = document.createElement('x-new')`);
    expect(await run('[made instanceof HTMLUnknownElement, made.attributes.length]')).toEqual([false, 0]);
    await run('document.body.append(made); new Promise((done) => setTimeout(done))');
    expect(await run('[made, root.firstChild].map((e) => e.getAttribute("data-parley-black"))')).toEqual(['', '']);
    expect(await run('[Element.prototype.attachShadow, HTMLElement.prototype.attachInternals, HTMLCanvasElement.prototype.getContext].map((f) => [f.name, f.length, "prototype" in f])'))
      .toEqual([['attachShadow', 1, false], ['attachInternals', 0, false], ['getContext', 1, false]]);
  });

  it('remembers a password whatever the page makes of it in one task', async () => {
    await open('<input id="i">');
    await run(`i.type = 'password'; i.type = 'text'; new Promise((done) => setTimeout(done))`);
    expect(await run('[i.hasAttribute("data-parley-black"), new Film.MaskRules().ruleOf(i)]')).toEqual([true, 'password']);
  });

  it('finds a closed root of which it is not told, in a component that had none when it asked for its internals', async () => {
    await open('<x-late></x-late>');
    await run(`customElements.define('x-late', class extends HTMLElement { constructor() { super(); this.attachInternals(); } }); style_.covers();
      const { contentWindow } = document.body.appendChild(document.createElement('iframe'));
      window.root = contentWindow.Element.prototype.attachShadow.call(document.querySelector('x-late'), { mode: 'closed' }); root.innerHTML = '<b data-parley-mask>secret</b>'; style_.covers()`);
    expect(await run('root.firstChild.hasAttribute("data-parley-black")')).toBe(true);
  });

  it('knows what was noted before it was loaded, and leaves components their internals', async () => {
    const early = await bundle(fileURLToPath(new URL('../early.ts', import.meta.url)), 'First');
    page = await pages.open(filled('<div id="d"></div><x-main></x-main><iframe id="f" srcdoc="<x-in></x-in>"></iframe>', kSecrets[0]));
    const define = (name: string) => `view.customElements.define('${name}', class extends view.HTMLElement { constructor() { super(); roots.push(this.attachShadow({ mode: 'closed' })); } })`;
    await run(`window.roots = []; { const view = window; ${define('x-main')}; } { const view = f.contentWindow; ${define('x-in')}; }`);
    await page.evaluate(early);
    await run(`roots.push(d.attachShadow({ mode: 'closed' })); for (const root of roots) root.innerHTML = '<input name="cvv">'`);
    await page.evaluate(script);
    await run(`window.lists = []; window.views = []; Film.createSharer(${kHost}, First.early).then((sharer) => { sharer.stop(); ${kStart} })`);
    expect(await run('roots.map((root) => root.firstChild.hasAttribute("data-parley-black"))')).toEqual([true, true, true]);
    expect(await run('[document, f.contentDocument].map((of) => String(of.querySelector("x-main, x-in").attachInternals()))')).toEqual(Array(2).fill('[object ElementInternals]'));
    expect(await run('(() => { try { document.querySelector("x-main").attachInternals(); } catch (e) { return e.name; } })()')).toBe('NotSupportedError');
  });

  describe('what nobody can look into', () => {
    const kBlind: [string, string, string][] = [
      ['a component that keeps its closed root to itself', 'component', `<script>customElements.get('x-own') ?? customElements.define('x-own', class extends HTMLElement { constructor() { super(); this.attachInternals(); this.attachShadow({ mode: 'closed' }).innerHTML = '<b style="background:{colour}">{secret}</b>'; } })</script><x-own></x-own>`],
      ['a closed root that came with the page', 'component', '<div><template shadowrootmode="closed"><p style="background:{colour}">{secret}</p></template></div>'],
      ['one in a line of text', 'component', '<p>Your code: <span style="background:{colour}"><template shadowrootmode="closed">{secret}</template></span></p>'],
      ['one whose children it does not show', 'component', '<div><template shadowrootmode="closed"><p style="background:{colour}">{secret}</p></template><b>other</b></div>'],
      ['a frame whose address is that of a PDF of this site', 'PDF document', '<iframe src="about:blank#a.pdf" sandbox srcdoc="<body style=\'background:{colour};font:32px monospace\'>{secret}"></iframe>'],
      ['a frame of another site', 'Pay here', '<iframe title="Pay here" name="secret" sandbox srcdoc="<body style=\'background:{colour};font:32px monospace\'>{secret}"></iframe>'],
      ['a frame whose own style is stronger', 'content of another site', '<iframe style="background:none!important;filter:none!important" sandbox srcdoc="<body style=\'font:32px monospace\'>{secret}"></iframe>'],
    ];

    it.each(kBlind)('is black, and told of: %s', async (_, what, html) => {
      const look = async (inner: string) => {
        const seen: string[] = [];
        for (const secret of kSecrets) {
          page = await pages.open(filled(inner, secret));
          await run(kStart);
          seen.push(await shotOf(page));
        }
        return { same: seen[0] === seen[1], told: await run<[string, string][]>('[...told.values()]'), masked: await run<string[]>('masked') };
      };
      const black = await look(html);
      expect(black.same, 'the film tells them apart').toBe(true);
      expect(black.told.map(([name]) => name)).toEqual([what]);
      expect(black.told[0]![1]).toMatch(what === 'component' ? /script/ : /data-parley-allow/);
      expect(black.masked).toEqual([what === 'component' ? 'closed' : 'frame']);
      const open_ = await look(html.replace(/<(x-own|div|span|iframe)/g, '<$1 data-parley-allow'));
      expect([open_.same, open_.told, open_.masked]).toEqual([false, [], []]);
    });

    it('is told of no longer once it is allowed or gone from sight', async () => {
      await open('<iframe id="f" sandbox srcdoc="x"></iframe><iframe sandbox srcdoc="counter" width="1" height="1" style="border:0"></iframe>');
      const told = () => run('style_.covers(), [...told.values()].length');
      expect([await told(), await run('document.querySelectorAll("[data-parley-black]").length')]).toEqual([1, 2]);
      await run('f.style.display = "none"');
      expect(await told()).toBe(0);
      await run('f.style.display = ""');
      expect(await told()).toBe(1);
      await run('f.className = "by-site"');
      expect([await told(), await run('f.hasAttribute("data-parley-black")')]).toEqual([0, false]);
      await run('f.className = ""; document.body.className = "by-site"');
      expect(await told()).toBe(1);
      await run('new Promise((done) => { f.onload = done; f.removeAttribute("sandbox"); f.srcdoc = "y"; })');
      expect([await told(), await run('f.hasAttribute("data-parley-black")')]).toEqual([0, false]);
    });

    it('is told of no more where something around it is masked', async () => {
      await open('<div id="d" data-parley-mask><iframe sandbox srcdoc="x" title="Account DE89 3704"></iframe></div>');
      expect(await run('style_.covers(), [told.size, masked]')).toEqual([0, ['marked', 'frame']]);
      expect(await run('d.removeAttribute("data-parley-mask"), style_.covers(), [...told.values()][0][0]')).toBe('Account DE89 3704');
    });

    it('is nothing that is merely empty, nor of this site', async () => {
      await open(`<script>customElements.get('x-plain') ?? customElements.define('x-plain', class extends HTMLElement {})</script><x-plain>text</x-plain><x-plain><p>part</p></x-plain><x-plain></x-plain><x-plain style="display:block;height:20px;background:#eee"></x-plain><x-none>text</x-none><x-none style="display:inline-block;width:20px;height:20px"></x-none><span style="padding:9px;border:1px solid"></span><p>a<br></p>
        <div style="height:40px"></div><div style="padding:20px"></div><div style="display:flex;height:50px"><div></div><span></span></div><div style="min-height:9px"></div><div contenteditable></div><div style="overflow:auto"> <!-- x --></div>
        <style>.b::before{content:"x"}</style><div class="b"></div><p></p><p>&nbsp;</p><div><i style="display:contents">text</i></div><div><template shadowrootmode="open"><div><slot></slot></div><p><b style="display:contents"><slot name="s"></slot></b></p></template>text<i slot="s">text</i></div><div><x-open style="display:contents"><template shadowrootmode="open">text</template></x-open></div><x-plain><i style="display:contents">text</i></x-plain><div><script></script>text</div><div style="position:absolute;inset:0"></div><iframe srcdoc="x"></iframe><iframe></iframe><object></object><embed type="application/pdf" src="data:application/pdf,x">`);
      expect(await run('[masked, [...told.keys()].map((e) => e.outerHTML)]')).toEqual([[], []]);
    });
  });

  it('takes the place of what could not be painted, and says itself what it does not show', async () => {
    page = await pages.open(filled('<iframe title="Map" data-parley-allow sandbox srcdoc="x"></iframe><iframe title="Card" sandbox srcdoc="x"></iframe>', kSecrets[0]));
    await run(`Film.playFilm(innerWidth, innerHeight); window.lists = []; window.views = [];
      Film.createSharer(${kHost}).then((sharer) => { window.sharer = sharer; sharer.start(); })`);
    await page.waitForFunction('lists.at(-1)?.join() === "Map,Card"');
    await run('lists.length = 0; sharer.film()');
    await page.waitForFunction('views.at(-1) === "capture"');
    expect(await run('lists.at(-1)')).toEqual(['Card']);
    await run('sharer.allow(["capture"])');
    expect(await run('views.at(-1)')).toBe('capture');
    await run('sharer.allow(["forms"])');
    await page.waitForFunction('views.at(-1) === "painter"');
    await page.waitForFunction('lists.at(-1)?.join() === "the film of the tab,Map,Card"');
    await run('sharer.stop()');
  });

  it('names nothing of a page while it is private', async () => {
    page = await pages.open(filled('<input type="password" name="open"><div id="d"></div>', kSecrets[0]));
    await run(`Film.playFilm(innerWidth, innerHeight); window.lists = []; window.views = []; window.told = []; window.receipts = [];
      Film.createSharer({ ...${kHost}, receipt: (list) => receipts.push(...list.map((m) => m.label)), sensitiveChanged: () => told.push(sharer.sensitive) }).then((sharer) => { window.sharer = sharer; sharer.start(); return sharer.film(); })`);
    await page.waitForFunction('views.at(-1) === "capture" && receipts.includes("input open")');
    await run(`d.innerHTML = '<b data-parley-sensitive></b><iframe sandbox srcdoc="x" title="Account DE89"></iframe><input type="password" name="pin-of-account">'; new Promise((done) => setTimeout(done, 1000))`);
    expect(await run('told')).toEqual([true]);
    await run('d.replaceChildren()');
    await page.waitForFunction('told.at(-1) === false');
    await run('new Promise((done) => setTimeout(done, 700))');
    expect(JSON.stringify(await run('[lists, receipts]'))).not.toMatch(/account/i);
    await run(`d.innerHTML = '<iframe sandbox srcdoc="x" title="Map"></iframe><input type="password" name="later"><b data-parley-sensitive></b>'; sharer.sensitive; new Promise((done) => setTimeout(done, 700))`);
    expect(await run('receipts.includes("input later")')).toBe(false);
    await run('d.lastChild.remove()');
    await page.waitForFunction('receipts.includes("input later") && lists.at(-1)?.join() === "Map"');
    await run('sharer.stop()');
  });

  it('tells the session that a part of the page is private, and that it is so no more', async () => {
    page = await pages.open(filled('<div id="d"></div>', kSecrets[0]));
    await run(`window.lists = []; window.views = []; window.told = [];
      Film.createSharer({ ...${kHost}, sensitiveChanged: () => told.push(sharer.sensitive) }).then((sharer) => { window.sharer = sharer; sharer.start(); })`);
    await page.waitForFunction('window.sharer');
    expect(await run(`d.attachShadow({ mode: 'open' }).innerHTML = '<b data-parley-sensitive>s</b>', sharer.sensitive`), 'in the same moment').toBe(true);
    // As the session does when it hears of it.
    await run('sharer.hold(), d.shadowRoot.replaceChildren()');
    await page.waitForFunction('told.at(-1) === false');
    expect(await run('told')).toEqual([true, false]);
    await run('sharer.stop()');
  });

  it('shows the person what the agent does not see, in components and frames, too, and gets smaller when it is asked to', async () => {
    page = await pages.open(filled(`<input type="password" value="x" style="position:absolute;left:20px;top:20px;width:100px;height:30px;box-sizing:border-box"><div id="d"></div>
      <iframe style="position:absolute;left:300px;top:200px;width:200px;height:100px;border:5px solid;transform:scale(2);transform-origin:0 0" srcdoc="<body style='margin:0'><input name=cvv style='position:absolute;left:10px;top:10px;width:50px;height:20px;box-sizing:border-box'>"></iframe>`, kSecrets[0]));
    await page.waitForFunction('document.querySelector("iframe").contentDocument?.querySelector("input")');
    await run(`d.attachShadow({ mode: 'open' }).innerHTML = '<p data-parley-mask style="position:absolute;left:40px;top:100px;width:90px;height:20px;margin:0">s</p>';
      window.lists = []; window.views = []; window.shown = []; window.sizes = [];
      Film.createSharer({ ...${kHost}, viewChanged: (v) => shown.push([v.w, v.scale]), sendFrame: (f) => (sizes.push(new DataView(f).getUint16(12)), true) }).then((sharer) => { window.sharer = sharer; sharer.start(); })`);
    await page.waitForFunction('window.sharer?.masked().length === 3');
    expect(await run('sharer.masked().map(({ x, y, w, h }) => [x, y, w, h].join(" ")).sort()')).toEqual(['20 20 100 30', '330 230 100 40', '40 100 90 20']);
    await run('d.remove()');
    expect(await run('sharer.masked().length')).toBe(2);
    await run('sharer.quality("light")');
    await page.waitForFunction('sizes.at(-1) === 400 && shown.at(-1)[1] === 0.5');
    expect(await run('shown.at(-1)[0]'), 'the view is as large as ever').toBe(800);
    await run('sharer.quality("sharp")');
    await page.waitForFunction('sizes.at(-1) === 800 && shown.at(-1)[1] === 1');
    await run('sharer.stop()');
  });

  it('is as it was afterwards', async () => {
    await open(`${kHidden[1]![1]}${kHidden[7]![1]}<svg><text data-parley-mask>x</text></svg>`);
    await run('style_.stop()');
    expect(await run('[document, ...[...document.querySelectorAll("*")].flatMap((e) => e.shadowRoot ?? [])].map((r) => [r.querySelectorAll("[data-parley-black]").length, r.adoptedStyleSheets.length]).flat().every((n) => n === 0)')).toBe(true);
  });

  it('follows an element that gets and loses its box', async () => {
    await open('<div id="d" data-parley-mask>secret<p>secret</p></div>');
    const how = () => run('[d, ...d.children].map((e) => e.getAttribute("data-parley-black"))');
    expect(await how()).toEqual(['', null]);
    await run('d.style.display = "contents"; new Promise((done) => setTimeout(done))');
    expect(await how()).toEqual(['boxless', '']);
    await run('d.style.display = ""; style_.covers()');
    expect(await how()).toEqual(['', null]);
    await run('d.removeAttribute("data-parley-mask"); new Promise((done) => setTimeout(done))');
    expect(await how()).toEqual([null, null]);
  });

  it('is held back where the page keeps visible what is masked', async () => {
    for (const html of ['<p data-parley-mask style="filter:none!important">s</p>', '<style>@layer a{#v{visibility:visible!important}}</style><p data-parley-mask><b id="v">s</b></p>', '<div data-parley-mask style="display:contents;visibility:visible!important">s</div>']) {
      await open(html);
      expect(await run('[style_.covers(), style_.stubborn]'), html).toEqual([false, true]);
      await run('document.querySelector("[data-parley-mask]").remove()');
      expect(await run('style_.stubborn || style_.covers() || style_.stubborn'), html).toBe(true);
    }
  });

  describe('in its time', () => {
    const kBox = '<input type="checkbox" id="c"><p class="by-state">secret</p>';

    /** The page's clock stands still but for what a test lets pass. */
    async function still(html: string): Promise<void> {
      await open(html);
      await run('window.clock = 1e6; performance.now = () => clock');
    }

    it('is held back for a quarter of a second after something was found late', async () => {
      await still(kBox);
      expect(await run('style_.covers()')).toBe(true);
      // A state of a field, of which no event tells.
      await run('c.checked = true');
      expect(await run('style_.covers()')).toBe(false);
      expect(await run('clock += 250, style_.covers()')).toBe(false);
      expect(await run('clock += 1, style_.covers()')).toBe(true);
      expect(await run('document.querySelector(".by-state").hasAttribute("data-parley-black")')).toBe(true);
    });

    it('is not held back for what is masked as it comes', async () => {
      await still(kBox);
      await run('const e = document.createElement("input"); e.type = "password"; document.body.append(e); new Promise((done) => setTimeout(done))');
      expect(await run('[masked.length, style_.covers()]')).toEqual([1, true]);
    });

    it('is held back when the page takes the black away', async () => {
      await still('<p data-parley-mask id="p">secret</p>');
      expect(await run('p.removeAttribute("data-parley-black"), [style_.covers(), p.hasAttribute("data-parley-black")]')).toEqual([false, true]);
      await run('clock += 251, document.adoptedStyleSheets = []');
      expect(await run('[style_.covers(), document.adoptedStyleSheets.length]')).toEqual([false, 1]);
      expect(await run('clock += 251, style_.covers()')).toBe(true);
    });

    /** A film whose pictures come when `beat` says so. */
    async function film(html: string, sensitive: string[] = []): Promise<void> {
      page = await pages.open(filled(html, kSecrets[0]));
      await run(`window.timers = []; window.realTimeout = setTimeout; window.clock = 1e6; performance.now = () => clock;
        Object.defineProperty(VideoFrame.prototype, 'timestamp', { get: () => clock * 1000 });
        window.g = Film.playFilm(innerWidth, innerHeight); window.frames_ = []; window.ends = []; window.receipts = []; window.beats = 0;
        Film.startTabCapture({ sensitive: ${JSON.stringify(sensitive)}, masks: { selectors: ["#c:checked ~ .by-state"] }, sharpKbps: 1e9, onFrame: (f) => (frames_.push(new DataView(f).getUint8(2)), window.wide = new DataView(f).getUint16(12)), onReceipt: (r) => receipts.push(r.withheld) }).then((film) => {
          window.film = film; film.on('ended', (why) => ends.push(why)); clearTimeout(film.timer_);
        })`);
      await page.waitForFunction('window.film');
      await run(`window.setTimeout = (f, ms) => (window.next = { f, ms }, 0);
        window.beat = async (ms) => { clock += ms; beats++; const look = new OffscreenCanvas(1, 1).getContext('2d'), grey = beats * 40 % 256;
          for (let seen = -99; Math.abs(seen - grey) > 8;) {
            g.fillStyle = \`rgb(\${grey}, \${grey}, \${grey})\`;
            g.fillRect(0, 0, 300, 300);
            await new Promise((done) => requestAnimationFrame(done));
            const newest = film.host_.local_.film_.newest();
            if (newest) look.drawImage(newest, 0, 0, 10, 10, 0, 0, 1, 1);
            seen = look.getImageData(0, 0, 1, 1).data[0];
          }
          await film.tick(); return frames_.length; }`);
    }
    const whole = () => run<boolean>('(frames_.at(-1) & 1) === 1');

    it('sends a whole picture first, then what changes, eight times a second', async () => {
      await film('<p>x</p>');
      expect([await run('beat(0)'), await whole()]).toEqual([1, true]);
      expect([await run('beat(125)'), await whole(), await run('next.ms')]).toEqual([2, false, 125]);
    });

    it('asks the browser for a picture once a second where nothing moves, and once at a time', async () => {
      await film('<p>x</p>');
      await run(`window.asked = []; window.ImageCapture = class { constructor(track) { this.track = track; }
        grabFrame() { asked.push(this.track === film.track_); return new Promise((done, failed) => { window.answer = done; window.fail = failed; }); } };
        window.still = async (ms) => { clock += ms; await film.tick(); return asked.length; }`);
      await run('beat(0)');
      expect(await run('still(999)')).toBe(0);
      expect([await run('still(2)'), await run('asked')]).toEqual([1, [true]]);
      expect(await run('still(5000)'), 'while it is asked').toBe(1);
      // A browser that has none to give is asked again.
      await run('fail(new Error("muted"))');
      expect(await run('still(5000)')).toBe(2);
      await run('createImageBitmap(new ImageData(1, 1)).then(answer)');
      await run('beat(900)');
      expect(await run('still(900)'), 'after something moved').toBe(2);
      expect(await run('still(200)')).toBe(3);
    });

    it('shows no picture of the film from before what was found late turned black', async () => {
      await film(kBox);
      await run('window.ImageCapture = class { grabFrame() { return new Promise(() => {}); } }; beat(0)');
      // The browser is slow: no picture has come since, though the black has been there long enough.
      await run('c.checked = true, film.tick()');
      await run('clock += 2000, film.tick()');
      expect(await run('frames_.length')).toBe(1);
      expect([await run('beat(1)'), await whole()]).toEqual([2, true]);
    });

    it('holds back what the line does not carry', async () => {
      await film('<p>x</p>');
      await run('window.ImageCapture = class { grabFrame() { return new Promise(() => {}); } }; film.pace({ behind: false, kbps: 1 }), beat(0)');
      expect(await run('beat(125)')).toBe(1);
      expect(await run('beat(2000)')).toBe(2);
    });

    it('shows what goes on and on half as often, until the page is scrolled', async () => {
      await film('<p style="height:9000px">x</p>');
      for (let i = 0; i < 17; i++) await run('beat(125)');
      expect(await run('beat(125).then(() => next.ms)')).toBe(250);
      expect(await run('scrollTo(0, 200), beat(250).then(() => next.ms)')).toBe(125);
    });

    it('rests while it is paused, and goes on with a whole picture', async () => {
      await film('<p>x</p>');
      await run('beat(0)');
      expect(await run('film.pause(), beat(125)')).toBe(1);
      // What was there meanwhile is in the film for a moment longer.
      expect(await run('film.resume(), beat(250)')).toBe(1);
      expect([await run('beat(1)'), await whole()]).toEqual([2, true]);
    });

    it('throws away a picture during which it was paused and went on, or something was private', async () => {
      await film('<div id="d"></div>');
      await run('beat(0)');
      await run(`window.real = film.host_.run.bind(film.host_); film.host_.run = async (job) => { const done = await real(job); meanwhile(); return done; }`);
      expect(await run('window.meanwhile = () => { film.pause(); film.resume(); }, beat(125)')).toBe(1);
      expect(await run(`window.meanwhile = () => { d.setAttribute('data-parley-sensitive', ''); film.sensitive; d.removeAttribute('data-parley-sensitive'); }, beat(251)`)).toBe(1);
      expect(await run('window.meanwhile = () => {}, beat(250)')).toBe(1);
      expect([await run('beat(1)'), await whole()]).toEqual([2, true]);
    });

    it('makes nothing sharp of a picture that was thrown away', async () => {
      await film(kBox);
      await run('window.ImageCapture = class { grabFrame() { return new Promise(() => {}); } }; beat(0)');
      await run(`window.real = film.host_.run.bind(film.host_); film.host_.run = async (job) => { const done = await real(job); window.meanwhile?.(); return done; }`);
      expect(await run('window.meanwhile = () => { c.checked = true; }, beat(1000)')).toBe(1);
      // What is masked by now is black on the page; the browser has filmed nothing since.
      await run('window.meanwhile = null, film.tick()');
      for (const ms of [300, 2000]) await run(`clock += ${ms}, film.tick()`);
      expect(await run('[film.style_.covers(), film.blurred_ > 0, frames_.length]')).toEqual([true, true, 1]);
      expect([await run('beat(1)'), await whole()]).toEqual([2, true]);
    });

    it('slows down for a slow viewer and hastens afterwards', async () => {
      await film('<p>x</p>');
      expect(await run('film.pace({ behind: true }), beat(0).then(() => next.ms)')).toBe(187.5);
      await run('for (let i = 0; i < 20; i++) film.pace({ behind: true })');
      expect(await run('beat(0).then(() => next.ms)')).toBe(1000);
      await run('film.pace({ behind: false })');
      expect(await run('(async () => { for (let i = 0; i < 9; i++) await film.tick(); return next.ms; })()')).toBe(125);
    });

    it('throws away a picture in which something is that is masked by now', async () => {
      await film(kBox);
      await run('beat(0)');
      await run('clock += 125; const real = film.host_.run.bind(film.host_); film.host_.run = async (job) => { const done = await real(job); c.checked = true; return done; }');
      expect(await run('beat(0)')).toBe(1);
      expect(await run('beat(125)')).toBe(1);
      expect([await run('beat(126)'), await whole()]).toEqual([2, true]);
      // The picture that was thrown away, and the one that was not taken while what was found late turned black.
      expect(await run('film.stop(), receipts')).toEqual([2]);
    });

    it.each([
      ['a component', '<div id="d"></div>', 'd.attachShadow({ mode: "closed" }).innerHTML = "<p data-parley-sensitive>s</p>"', 'd.remove()', []],
      ['a frame', '<iframe id="d" srcdoc="<p>x"></iframe>', 'd.contentDocument.body.setAttribute("data-parley-sensitive", "")', 'd.remove()', []],
      ['a frame by its address', '<p>x</p>', 'document.body.insertAdjacentHTML("beforeend", "<iframe id=d srcdoc=x></iframe>"); new Promise((done) => d.onload = done)', 'd.remove()', ['*srcdoc']],
      ['the page by a state', '<input id="d" type="checkbox">', 'd.checked = true', 'd.checked = false', ['#d:checked']],
    ])('rests while %s is private, and until nothing of it is in the film any more', async (_, html, begin, end, sensitive) => {
      await film(html, sensitive as string[]);
      expect(await run('beat(0)')).toBe(1);
      await run(begin);
      expect(await run('[film.sensitive, film.view().title, film.view().path]')).toEqual([true, '', '']);
      expect(await run('beat(125)')).toBe(1);
      await run(end);
      expect(await run('film.sensitive')).toBe(false);
      expect(await run('beat(250)')).toBe(1);
      expect([await run('beat(1)'), await whole()]).toEqual([2, true]);
    });

    it('withholds nothing where nothing is late', async () => {
      await film('<p data-parley-mask>x</p>');
      await run('beat(0).then(() => beat(125)).then(() => film.stop())');
      expect([await run('frames_.length'), await run('receipts.filter((n) => n > 0)')]).toEqual([2, []]);
    });

    it('makes smaller pictures from the next one on', async () => {
      await film('<p>x</p>');
      await run('beat(0)');
      const full = await run<number>('wide');
      expect([await run('film.resize(0.5), beat(125)'), await whole(), await run('wide')]).toEqual([2, true, full / 2]);
    });

    it('ends where a masked part cannot be made black, and says so', async () => {
      await film('<p id="p">x</p>');
      await run('beat(0)');
      await run('p.style.setProperty("visibility", "visible", "important"); p.innerHTML = "<b style=\'visibility:visible!important\'>s</b>"; p.setAttribute("data-parley-mask", "")');
      expect(await run('beat(125)')).toBe(1);
      expect(await run('beat(1999).then(() => ends.length)')).toBe(0);
      expect(await run('beat(2).then(() => [frames_.length, ends.length, ends[0].length > 20, document.adoptedStyleSheets.length])')).toEqual([1, 1, true, 0]);
    });
  });
});
