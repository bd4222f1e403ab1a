// What lies over a shared page, in Debian's Chromium over a server that is played: axe on every state, keyboard, hostile pushes.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { haveChromium, launch } from '../dev/browser.mjs';
import { FakeTopic } from '../dev/fake-topic.mjs';
import { startMock } from '../dev/mock-server.mjs';

interface AxeResult {
  violations: { id: string; help: string; nodes: { html: string; failureSummary: string }[] }[];
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** A folder for pictures of what is tested here. */
const kShots = process.env.PARLEY_SHOTS;
const t = (name: string) => `[data-test=${name}]`;

describe.skipIf(!haveChromium())('shared page', () => {
  let mock: Awaited<ReturnType<typeof startMock>>;
  let browser: Browser;
  let problems: string[] = [];

  beforeAll(async () => {
    mock = await startMock();
    browser = await launch({ devices: false });
  });
  afterAll(async () => {
    await browser?.close();
    mock?.close();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    const unexpected = problems;
    problems = [];
    expect(unexpected).toEqual([]);
  });

  async function open(scheme: 'light' | 'dark' = 'light', path = '/assistsample/claim.html', sharer = true): Promise<{ page: Page; topic: FakeTopic }> {
    const context = await browser.newContext({ colorScheme: scheme, reducedMotion: 'reduce' });
    // The overlay is closed to scripts of the page; here it is looked into. What the page closes stays closed.
    await context.addInitScript(() => {
      const attach = Element.prototype.attachShadow;
      Element.prototype.attachShadow = function (this: Element, init: ShadowRootInit) {
        return attach.call(this, this.hasAttribute('data-parley-overlay') ? { ...init, mode: 'open' } : init);
      };
    });
    const page = await context.newPage();
    page.on('console', (m) => m.type() === 'error' && problems.push(m.text()));
    page.on('pageerror', (e) => problems.push(`page error: ${e.message}`));
    const topic = await FakeTopic.on(page, { sharer });
    await page.goto(mock.origin + path);
    return { page, topic };
  }

  const look = (page: Page, value: string) => page.locator(`${t('assist-bar')}[data-look=${value}]`).waitFor({ timeout: 20_000 });

  async function share(page: Page, topic: FakeTopic): Promise<void> {
    await page.click(t('cobrowse'));
    await look(page, 'waiting');
    topic.ask();
    await page.click(t('consent-yes'));
    await look(page, 'on');
  }

  const shot = async (page: Page, name: string) => void (kShots && (await page.screenshot({ path: `${kShots}/${name}.png` })));

  async function accessible(page: Page, where: string): Promise<void> {
    await page.evaluate(axe);
    const result = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as AxeResult;
    expect(result.violations.map((v) => `${v.id}: ${v.help}\n${v.nodes.map((n) => `  ${n.html}\n  ${n.failureSummary}`).join('\n')}`), where).toEqual([]);
  }

  for (const scheme of ['light', 'dark'] as const) {
    it(`is accessible in every state (${scheme})`, async () => {
      const { page, topic } = await open(scheme);
      await page.click(t('cobrowse'));
      await look(page, 'waiting');
      await page.click(t('make-code'));
      await page.locator(t('short-code')).waitFor();
      await accessible(page, 'waiting with a code');
      topic.ask();
      await page.locator(t('consent')).waitFor();
      await accessible(page, 'consent');
      await page.click(t('consent-yes'));
      await look(page, 'on');
      // One who looks on is named in the bar, more are listed; each can be removed.
      expect(await page.locator(t('assist-viewer')).count()).toBe(0);
      topic.secondAgent();
      await page.locator(t('assist-viewer')).nth(1).waitFor();
      await accessible(page, 'two look on');
      await shot(page, `two-look-on-${scheme}`);
      await page.click('[data-party=p2] [data-test=assist-remove]');
      await page.locator('[data-party=p2]').waitFor({ state: 'detached' });
      expect(topic.got.filter(({ type }) => type === 'consent').at(-1)).toMatchObject({ party: 'p2', what: 'view', grant: false });
      expect(await page.textContent(t('assist-state'))).toBe('Ben Okoro sees this page');
      await page.click(t('assist-people'));
      await page.locator(t('assist-viewer')).waitFor();
      await page.click(t('assist-people'));
      await page.locator(t('assist-viewer')).waitFor({ state: 'detached' });
      topic.session({ control: 'p3' });
      topic.push('link', 'u1', 'https://www.example.org/', 'A page');
      await page.locator(t('push-card')).waitFor();
      await accessible(page, 'control and a card');
      topic.push('document', 'd1', '/assistserver/img/content/abc', 'Offer.pdf');
      await page.locator('[data-drawn=yes]').first().waitFor();
      await accessible(page, 'document');
      await page.click(t('assist-pause'));
      await look(page, 'paused');
      await accessible(page, 'paused');
      await page.click(t('assist-end'));
      await look(page, 'ended');
      await accessible(page, 'ended');
    });
  }

  it('is used by keyboard alone: a no by Escape, the focus goes back, the bar is moved', async () => {
    const { page, topic } = await open();
    await page.focus(t('cobrowse'));
    await page.keyboard.press('Enter');
    await look(page, 'waiting');
    topic.ask();
    await page.locator(t('consent')).waitFor();
    await page.keyboard.press('Escape');
    await page.locator(t('consent')).waitFor({ state: 'detached' });
    expect(topic.got.filter((m) => m.type === 'consent')).toMatchObject([{ grant: false }]);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('cobrowse');
    const left = () => page.locator(t('assist-bar')).evaluate((e) => e.getBoundingClientRect().left);
    const before = await left();
    await page.locator(t('assist-move')).focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(left).toBeGreaterThan(before);
  });

  it('takes control back by its button', async () => {
    const { page, topic } = await open();
    await share(page, topic);
    topic.session({ control: 'p2' });
    await page.click(t('assist-take'));
    await page.locator(t('assist-control')).waitFor({ state: 'detached' });
    expect(topic.got.filter((m) => m.type === 'control')).toMatchObject([{ take: true }]);
    await look(page, 'on');
  });

  it('can be ended while the site shows a modal dialog', async () => {
    const { page, topic } = await open();
    await share(page, topic);
    await page.evaluate(() => {
      const dialog = document.createElement('dialog');
      dialog.textContent = 'The site asks something.';
      document.body.append(dialog);
      dialog.showModal();
    });
    await page.click(t('assist-end'), { timeout: 10_000 });
    await look(page, 'ended');
  });

  for (const mode of ['open', 'closed']) {
    it(`can be ended while the site shows a modal dialog in a component (${mode}), and after that`, async () => {
      const { page, topic } = await open();
      await share(page, topic);
      await page.evaluate((mode) => {
        const root = document.body.appendChild(document.createElement('div')).attachShadow({ mode: mode as 'open' });
        root.innerHTML = '<dialog>The site asks something. <button>Ok</button></dialog>';
        const dialog = root.querySelector('dialog')!;
        dialog.showModal();
        dialog.querySelector('button')!.onclick = () => dialog.close();
        (window as unknown as { shut: () => void }).shut = () => dialog.close();
      }, mode);
      // What is in a closed root is pressed by its place, as a person does.
      const box = await page.locator(t('assist-pause')).boundingBox();
      await expect.poll(async () => {
        await page.mouse.click(box!.x + box!.width / 2, box!.y + box!.height / 2);
        return topic.got.filter((m) => m.type === 'share').at(-1)?.state;
      }, { timeout: 10_000 }).toBe('paused');
      await page.evaluate(() => (window as unknown as { shut: () => void }).shut());
      await page.click(t('assist-end'), { timeout: 10_000 });
      await look(page, 'ended');
    });
  }

  it('can be ended while something of the site is full screen', async () => {
    const { page, topic } = await open();
    await share(page, topic);
    await page.evaluate(() => {
      const film = document.body.appendChild(document.createElement('div'));
      film.id = 'film';
      film.style.cssText = 'position:fixed;left:0;bottom:0;width:80px;height:80px;background:#000';
      film.onclick = () => void film.requestFullscreen();
    });
    await page.click('#film');
    await expect.poll(() => page.evaluate(() => document.fullscreenElement?.id)).toBe('film');
    await page.click(t('assist-pause'), { timeout: 10_000 });
    await look(page, 'paused');
    await page.evaluate(() => document.exitFullscreen());
    await page.click(t('assist-end'), { timeout: 10_000 });
    await look(page, 'ended');
  });

  it.each(['light', 'dark'] as const)('shows where an agent points on a document, on its page and nowhere else (%s)', async (scheme) => {
    const { page, topic } = await open(scheme);
    await share(page, topic);
    topic.session({ control: 'p2' });
    topic.push('document', 'd1', '/assistserver/img/content/abc', 'Offer.pdf');
    await page.locator('[data-drawn=yes]').first().waitFor();
    const points = (more: object) => topic.send({ type: 'pointer', party: 'p2', x: 60, y: 132, ...more });
    const cursor = page.locator(t('document-cursor'));
    const places = () => cursor.evaluateAll((all) => all.map((e) => [(e.parentElement as HTMLElement).dataset.page, e.textContent, (e as HTMLElement).style.left, (e as HTMLElement).style.top]));
    points({});
    await page.locator(`${t('assist-cursor')}:not(.idle)`).waitFor();
    // A page has 595 × 842 units.
    points({ on: 'd1', page: 1, x: 297.5, y: 210.5 });
    await expect.poll(places).toEqual([['1', 'Anna Weber', '50%', '25%']]);
    expect(await page.locator(`${t('assist-cursor')}:not(.idle)`).count(), 'one pointer').toBe(0);
    const tip = async () => {
      const [at, sheet] = await Promise.all([cursor.evaluate((e) => e.getBoundingClientRect().toJSON() as DOMRect), page.locator('.page[data-page="1"]').evaluate((e) => e.getBoundingClientRect().toJSON() as DOMRect)]);
      return [(at.left - sheet.left) / sheet.width, (at.top - sheet.top) / sheet.height].map((part) => part.toFixed(2));
    };
    expect(await tip()).toEqual(['0.50', '0.25']);
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/pointer-on-document-${scheme}.png` });
    await page.click(t('document-larger'));
    expect(await tip(), 'it goes with the page').toEqual(['0.50', '0.25']);
    points({ on: 'd1', page: 2, x: 595, y: 0 });
    await expect.poll(places).toEqual([['2', 'Anna Weber', '100%', '0%']]);
    for (const nowhere of [{ on: 'd2', page: 1 }, { on: 'd1', page: 99 }, { on: 'd1', page: 1, x: -1 }, { gone: true }, {}]) {
      points({ on: 'd1', page: 1 });
      await cursor.waitFor({ state: 'attached' });
      points(nowhere);
      await cursor.waitFor({ state: 'detached' });
    }
  });

  it('shows on a document what is drawn, erased for all, and drawn anew after a break', async () => {
    const { page, topic } = await open();
    await share(page, topic);
    const file = { id: 'd1', kind: 'document', src: '/assistserver/img/content/abc', name: 'Offer.pdf', page: 1, scroll: 0, zoom: 1, pages: 12 };
    topic.push('document', file.id, file.src, file.name);
    topic.session({ document: file });
    await page.locator('[data-drawn=yes]').first().waitFor();
    const line = (points: number[][], more: object = {}) => topic.send({ type: 'draw', id: 's1', tool: 'pen', color: '#d92d20', width: 4, points, done: true, on: 'd1', page: 1, party: 'p2', ...more });
    const drawn = () => page.locator('.page svg polyline').evaluateAll((all) => all.map((e) => e.getAttribute('points')));
    line([[10, 10], [20, 20]]);
    await expect.poll(drawn).toEqual(['10.0,10.0 20.0,20.0']);
    // The server says it all again after a break, and the line went on meanwhile.
    topic.send({ type: 'erase', all: true, why: 'resumed' });
    line([[10, 10], [20, 20], [30, 10]]);
    await expect.poll(drawn).toEqual(['10.0,10.0 20.0,20.0 30.0,10.0']);
    line([[1, 1], [2, 2]], { id: 's2' });
    topic.send({ type: 'erase', ids: ['s2'] });
    await expect.poll(drawn).toEqual(['10.0,10.0 20.0,20.0 30.0,10.0']);
    for (const why of ['joined', 'hold']) {
      topic.send({ type: 'erase', all: true, why });
      await expect.poll(drawn, { message: why }).toEqual([]);
      line([[10, 10], [20, 20]]);
      await expect.poll(drawn).toEqual(['10.0,10.0 20.0,20.0']);
    }
    // Nor is it there when the document is opened again.
    topic.send({ type: 'erase', all: true, why: 'joined' });
    topic.push('document', file.id, file.src, file.name);
    await page.locator('[data-drawn=yes]').first().waitFor();
    expect(await drawn()).toEqual([]);
  });

  it('knows closed roots that were made before the parts that come with sharing', async () => {
    const { page, topic } = await open('light', '/assistsample/claim.html', false);
    expect(await page.evaluate(() => {
      const host = document.body.appendChild(document.createElement('div'));
      host.style.cssText = 'position:fixed;left:0;top:0';
      host.attachShadow({ mode: 'closed' }).innerHTML = '<label>Town, closed <input></label><input type="password" style="position:fixed;left:11px;top:13px">';
      return host.shadowRoot;
    })).toBe(null);
    const picture = new Promise((done) => (topic.binary = done));
    await share(page, topic);
    await picture;
    topic.send({ type: 'form-get', party: 'p2', request: 'f1' });
    await expect.poll(() => JSON.stringify(topic.got.filter((m) => m.type === 'form'))).toContain('Town, closed');
    // What is masked there is shown as hidden, like the rest.
    await page.click(t('assist-hints'));
    await expect.poll(() => page.locator('.hint').evaluateAll((all) => all.map((e) => e.getBoundingClientRect()).map(({ left, top }) => `${left} ${top}`))).toContain('11 13');
    await page.click(t('assist-hints'));
    await page.locator(t('assist-hidden')).waitFor({ state: 'detached' });
  });

  it('offers no hostile link and shows no content from elsewhere', async () => {
    const { page, topic } = await open();
    await share(page, topic);
    topic.push('link', 'x1', 'javascript:alert(1)', 'A');
    topic.push('video', 'x2', 'data:text/html,<script>1</script>', 'B');
    topic.push('document', 'x3', 'https://elsewhere.example/x.pdf', 'C');
    topic.push('link', 'ok', 'https://www.example.org/', '<img src=x onerror=alert(1)>');
    await page.locator(`${t('push-card')}[data-id=ok]`).waitFor();
    expect(await page.locator(t('push-card')).count()).toBe(1);
    expect(await page.locator(t('document')).count()).toBe(0);
    await expect.poll(() => topic.got.filter((m) => m.type === 'push-result').map((m) => `${String(m.id)} ${String(m.what)}`)).toEqual(['x1 failed', 'x2 failed', 'x3 failed']);
  });

  it('begins by itself with an id in the address, and goes on over a reload', async () => {
    const { page, topic } = await open('light', '/assistsample/claim.html?cid=demo&cobrowseOnly=true');
    await look(page, 'waiting');
    topic.ask();
    await page.click(t('consent-yes'));
    await look(page, 'on');
    await page.reload();
    await look(page, 'on');
    expect(topic.got.filter((m) => m.type === 'hello').at(-1)).toMatchObject({ resume: { party: 'p1', key: 'k' } });
    expect(topic.got.filter((m) => m.type === 'consent')).toHaveLength(1);
  });

  for (const [scheme, width] of [['light', 1280], ['dark', 1280], ['light', 380]] as const) {
    it(`offers to share again where it was opened anew among those who may see it (${scheme}, ${width} wide)`, async () => {
      const { page, topic } = await open(scheme);
      await page.setViewportSize({ width, height: 700 });
      await share(page, topic);
      // Another tab of the same site, which has nothing of what this one kept; to the server it is the same customer.
      await page.evaluate(() => sessionStorage.clear());
      await page.evaluate(() => Object.defineProperty(Storage.prototype, 'setItem', { value: () => undefined }));
      topic.session({ sharing: 'off' });
      await page.reload();
      await page.click(t('cobrowse'));
      await page.locator(t('assist-again')).waitFor();
      expect(await page.locator(t('assist-again')).innerText()).toContain('Anna Weber is still here.');
      expect(topic.got.filter((m) => m.type === 'share')).toHaveLength(1);
      await accessible(page, 'to be shared again');
      await page.click(t('assist-share-again'));
      await look(page, 'on');
      expect(await page.locator(t('assist-again')).count()).toBe(0);
      expect(topic.got.filter((m) => m.type === 'share')).toHaveLength(2);
    });
  }
});
