import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, haveChromium, TestPages } from '../testing/page';

describe.skipIf(!haveChromium())('private pages', () => {
  let pages: TestPages;
  let page: Page;
  const run = <T>(code: string): Promise<T> => page.evaluate(code) as Promise<T>;
  beforeAll(async () => {
    pages = new TestPages(await bundle(fileURLToPath(new URL('../testing/paint.ts', import.meta.url)), 'Capture'));
  });
  afterAll(() => pages.close());

  const at = (href: string, rule: unknown) => run<boolean>(`new Capture.SensitiveRules(${JSON.stringify([rule])}).holdAt(new URL(${JSON.stringify(href)}))`);

  it.each([
    ['/pay/*', 'https://shop.test/pay/card/3', 'https://shop.test/payments'],
    ['/pay', 'https://shop.test/pay?a=1#b', 'https://shop.test/pay/now'],
    ['*/card', 'https://shop.test/my/card', 'https://shop.test/my/cards'],
    ['*.card', 'https://shop.test/my.card', 'https://shop.test/mycard'],
    ['/übersicht', 'https://shop.test/übersicht', 'https://shop.test/ubersicht'],
    ['/a?tab=cards', 'https://shop.test/a?tab=cards', 'https://shop.test/a?tab=all'],
    ['#/payment', 'https://shop.test/x#/payment?step=2', 'https://shop.test/payment'],
    ['#!/payment/*', 'https://shop.test/#!/payment/1', 'https://shop.test/#!/payments'],
    ['/app#/payment', 'https://shop.test/app#/payment', 'https://shop.test/app#/'],
    ['https://shop.test/pay', 'https://shop.test/pay#x', 'https://other.test/pay'],
    ['HTTPS://Shop.test:443/pay*', 'https://shop.test/pay/1', 'https://shop.test/'],
    ['https://shop.test', 'https://shop.test/any', 'https://shop.test.evil/any'],
    ['//shop.test/pay', 'http://shop.test/pay', 'http://shop.test/'],
    ['https://*.shop.test/pay', 'https://a.shop.test/pay', 'https://shop.test/pay'],
  ])('%s is a place', async (rule, matching, other) => {
    page = await pages.open('');
    expect([await at(matching, rule), await at(other, rule)]).toEqual([true, false]);
    expect(await run(`new Capture.SensitiveRules([${JSON.stringify(rule)}]).unusable`)).toEqual([]);
  });

  it('are all where a rule is none: nobody can say which was meant', async () => {
    page = await pages.open('');
    for (const rule of ['account/*', ':::', '', 'ftp://shop.test/', '?a=1', 'main/* x */', 7, null]) {
      expect(await at('https://shop.test/', rule), String(rule)).toBe(true);
      expect(await run(`new Capture.SensitiveRules(${JSON.stringify([rule])}).unusable.length`)).toBe(1);
    }
    expect(await run(`new Capture.SensitiveRules(['#card-form', '.a > b', '.w-1\\\\/2', '[href="/pay"]', '[data-at^=a\\\\/b]', '/x']).holdAt(new URL('https://shop.test/'))`)).toBe(false);
  });

  /** Pictures that a page sends. */
  async function share(html: string, sensitive: string[] = []): Promise<void> {
    page = await pages.open(`<!doctype html><title>T</title>${html}`);
    await run(`window.sent = 0; window.told = []; window.lists = []; window.capture = Capture.startCapture({ minInterval: 0, sensitive: ${JSON.stringify(sensitive)}, onFrame: () => sent++, onUnsupported: (list) => lists.push(list.map((u) => u.what)) });
      capture.on('sensitive', (now) => told.push(now))`);
  }

  it.each([
    ['what does not say which page', '<p>x</p>', ['account/*']],
    ['a mark in a component', '<div><template shadowrootmode="open"><b data-parley-sensitive>s</b></template></div>', []],
    ['a mark in a component in a component', '<div><template shadowrootmode="open"><p><template shadowrootmode="open"><b data-parley-sensitive>s</b></template></p></template></div>', []],
    ['a mark in a frame', '<iframe srcdoc="<b data-parley-sensitive>s"></iframe>', []],
    ['a mark in an object', '<object type="text/html" data="about:blank" id="o"></object><script>o.contentDocument.body.setAttribute("data-parley-sensitive", "")</script>', []],
    ['the address of a frame', '<iframe srcdoc="<b>s"></iframe>', ['*srcdoc']],
    ['a selector in a frame', '<iframe srcdoc="<b class=card>s"></iframe>', ['.card']],
  ])('are not painted, nor told of: %s', async (_, html, sensitive) => {
    await share(html, sensitive);
    await page.waitForFunction('told.at(-1) === true');
    const before = await run('sent');
    expect(await run('[capture.view().title, capture.view().path]')).toEqual(['', '']);
    await run('document.body.append("more"); new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))');
    expect(await run('sent')).toBe(before);
    await run('capture.stop()');
  });

  it('are seen as such when a frame goes on to one, before it has loaded', async () => {
    await share('<iframe id="f"></iframe>', ['*srcdoc']);
    await page.waitForFunction('sent > 0');
    await run('f.srcdoc = "<p>s"');
    await page.waitForFunction('f.contentWindow.location.pathname === "srcdoc" && capture.sensitive');
    await run('f.remove()');
    await page.waitForFunction('told.at(-1) === false');
    await run('capture.stop()');
  });

  it('are private by their address until the page is another one', async () => {
    await share('<p id="p">of the account</p>', ['#/account/*']);
    await page.waitForFunction('sent > 0');
    await run('location.hash = "#/account/x", capture.sensitive');
    await run(`p.textContent = 'cards'; new Promise((done) => setTimeout(done, 700))`);
    const before = await run('sent');
    await run('new Promise((done) => { addEventListener("popstate", done); history.back(); })');
    expect(await run('[location.hash === "#/account/x", capture.sensitive, capture.view().title]')).toEqual([false, true, '']);
    // A sign that something is loading is not another page.
    await run('document.body.append("loading"), p.className = "left", new Promise((done) => setTimeout(done, 1000))');
    expect([await run('sent'), await run('told')], 'nothing has gone yet').toEqual([before, [true]]);
    await run(`p.textContent = 'list'; p.className = 'x'`);
    await page.waitForFunction(`sent > ${before} && told.at(-1) === false`);
    // A page that stays as it is was another one before.
    await run('location.hash = "#/account/x", capture.sensitive');
    // In one go: a busy machine may be late with what asks, not with one of two clocks of the page.
    expect(await run('new Promise((done) => { location.replace("#/other"), capture.sensitive; setTimeout(() => done(capture.sensitive), 2500); })')).toBe(true);
    await page.waitForFunction('told.at(-1) === false');
    await run('capture.stop()');
  });

  it('are private to the session, too, until the page is another one', async () => {
    page = await pages.open('<p id="p">x</p>');
    await run(`window.told = []; window.watch = new Capture.SensitiveWatch(window, ['#/account/*'], (now) => told.push(now)); location.hash = '#/account/x'; watch.judge(); location.hash = '#/other'`);
    expect(await run('document.body.append("loading"), new Promise((done) => setTimeout(() => done(watch.judge()), 900))')).toBe(true);
    await run(`p.textContent = 'y'`);
    await page.waitForFunction('told.join() === "true,false"');
    expect(await run(`location.hash = '#/account/x', watch.judge(), location.hash = '#/other', watch.stop(), new Promise((done) => setTimeout(() => done(told.length), 500))`), 'stopped').toBe(3);
  });

  it('are not looked for again while nothing on the page changes', async () => {
    await share('<p id="p">x</p><div><template shadowrootmode="open">x</template></div>');
    await page.waitForFunction('sent > 0');
    expect(await run(`(() => { let asked = 0; const real = Document.prototype.querySelector; capture.sensitive; Document.prototype.querySelector = function (s) { asked++; return real.call(this, s); };
      for (let i = 0; i < 9; i++) { p.style.left = i + 'px'; capture.sensitive; } const idle = asked; p.className = 'x'; capture.sensitive; Document.prototype.querySelector = real; return [idle, asked]; })()`)).toEqual([0, 1]);
    await run('capture.stop()');
  });

  it('are known also where components are too many to be watched; the agent reads that those are looked at by a clock', async () => {
    await share('');
    await run(`for (let i = 0; i < 2010; i++) document.body.appendChild(document.createElement('span')).attachShadow({ mode: 'open' }).innerHTML = '<i>x</i>'; new Promise((done) => setTimeout(done))`);
    await page.waitForFunction('lists.at(-1)?.includes("changes in some components")');
    expect(await run('capture.sensitive')).toBe(false);
    expect(await run(`document.body.lastChild.shadowRoot.firstChild.setAttribute('data-parley-sensitive', ''), capture.sensitive`)).toBe(true);
    expect(await run(`document.body.lastChild.remove(), capture.sensitive`)).toBe(false);
    await run('capture.stop()');
  });
});
