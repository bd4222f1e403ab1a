// The co-browse workspace and the supervisors' console in Debian's Chromium over the mock server, with axe on every state.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { haveChromium, launch } from '../dev/browser.mjs';
import { MockConsumer, plainPng, sampleForm } from '../dev/mock-consumer.mjs';
import { startMock } from '../dev/mock-server.mjs';

interface AxeResult {
  violations: { id: string; help: string; nodes: { html: string; failureSummary: string }[] }[];
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** A folder for pictures of what is tested here. */
const kShots = process.env.PARLEY_SHOTS;
const t = (name: string) => `[data-test=${name}]`;
const kPicture = plainPng(400, 300, [240, 240, 235]);

describe.skipIf(!haveChromium())('pages of co-browsing', () => {
  let mock: Awaited<ReturnType<typeof startMock>>;
  let browser: Browser;

  beforeAll(async () => {
    mock = await startMock({});
    mock.assist.put({ kind: 'link', name: 'Terms', url: 'https://lindhaven.example/terms' });
    browser = await launch({ devices: false });
  });
  afterAll(async () => {
    await browser?.close();
    mock?.close();
  });

  const seen = (page: Page, selector: string) => page.locator(selector).first().waitFor({ timeout: 20_000 });

  async function accessible(page: Page, where: string): Promise<void> {
    await page.evaluate(axe);
    const result = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as AxeResult;
    expect(result.violations.map((v) => `${v.id}: ${v.help}\n${v.nodes.map((n) => `  ${n.html}\n  ${n.failureSummary}`).join('\n')}`), where).toEqual([]);
  }

  async function signIn(path: string, user: string, colorScheme: 'light' | 'dark'): Promise<Page> {
    const page = await (await browser.newContext({ colorScheme, reducedMotion: 'reduce', viewport: { width: 1280, height: 800 } })).newPage();
    await page.goto(mock.origin + path);
    await page.fill(t('user'), user);
    await page.fill(t('password'), user);
    await page.click(t('sign-in'));
    await seen(page, t('console'));
    return page;
  }

  async function customer(cid: string) {
    const consumer = await MockConsumer.open(mock.origin, { token: mock.assist.token({ role: 'consumer', name: 'Ada', cid }), cid });
    consumer.answer('form-get', (m) => ({ type: 'form', fields: sampleForm, request: m.request }));
    return consumer;
  }

  /** A stroke of the pen goes out in that colour. */
  async function drawsIn(agent: Page, consumer: MockConsumer, color: string): Promise<void> {
    const { x, y } = (await agent.locator(t('assist-hand')).boundingBox())!;
    await agent.mouse.move(x + 40, y + 40);
    await agent.mouse.down();
    await agent.mouse.move(x + 90, y + 80, { steps: 3 });
    await agent.mouse.up();
    const drawn = await consumer.wait((m) => m.type === 'draw' && m.done === true && m.color === color);
    expect(drawn.party).toBeTruthy();
  }

  /** Masked fields are filled without being seen; nothing that was typed stays in the panel. */
  async function fillsUnseen(agent: Page, consumer: MockConsumer): Promise<void> {
    const field = (id: string) => agent.locator(`${t('form-field')}[data-id=${id}]`);
    consumer.answer('form-set', (m) => ({ type: 'form-result', id: m.id, ok: true, valid: true, request: m.request }));
    const entered = { f9: 'Savings account', f10: '1990-04-05', f12: 'Hay fever,\nsince May' };
    for (const [id, words] of Object.entries(entered)) {
      await field(id).locator(t('field-input')).fill(words);
      await field(id).locator(t('field-fill')).click();
      await seen(agent, `${t('form-field')}[data-id=${id}][data-result=done]`);
      expect(await field(id).locator(t('field-input')).inputValue()).toBe('');
    }
    // Of a list of several one is added or removed.
    for (const [button, words] of [['field-add', 'Asthma'], ['field-remove', 'Hay fever']] as const) {
      await field('f13').locator(t('field-input')).fill(words);
      await field('f13').locator(t(button)).click();
      expect(await consumer.wait((m) => m.type === 'form-set' && m.id === 'f13')).toMatchObject({ selected: [words], checked: button === 'field-add' });
    }
    // What is in it can be taken out, too, by nothing but its own button.
    await field('f12').locator(t('field-fill')).click();
    await field('f12').locator(t('field-input')).fill('typed and left');
    await field('f12').locator(t('field-clear')).click();
    expect(await field('f12').locator(t('field-input')).inputValue()).toBe('');
    expect(await agent.locator(t('field-clear')).count(), 'where there is something to empty').toBe(2);
    await field('f11').locator(t('field-untick')).click();
    const sets = [];
    for (const id of ['f9', 'f10', 'f12', 'f12', 'f11']) sets.push(await consumer.wait((m) => m.type === 'form-set' && m.id === id));
    expect(sets).toMatchObject([{ selected: [entered.f9] }, { value: entered.f10 }, { value: entered.f12 }, { value: '' }, { checked: false }]);
    // What nobody else is to fill has no entry.
    expect(await field('f6').locator(`${t('field-input')}, button`).count()).toBe(0);
  }

  for (const scheme of ['light', 'dark'] as const) {
    it(`workspace: asked, seen, controlled, filled in, sent, ended; accessible in every state (${scheme})`, async () => {
      const cid = `w-${scheme}`;
      const agent = await signIn(`/expertassist/agent?cid=${cid}`, 'agent1', scheme);
      await seen(agent, '[data-test=workspace][data-phase=waiting]');
      const consumer = await customer(cid);
      await seen(agent, '[data-test=workspace][data-phase=asking]');
      await accessible(agent, 'asking');
      await consumer.grant('view');
      consumer.picture(kPicture);
      await seen(agent, '[data-test=assist-picture][data-frame]');
      await agent.keyboard.press('4');
      await seen(agent, '[data-test=tool-pen][aria-pressed=true]');
      const own = mock.assist.sessions.get(cid)!.parties.find(({ role }) => role === 'agent')!.color;
      const ink = () => agent.locator('[data-test=ink][aria-checked=true]').evaluateAll((all) => all.map((each) => `${each.getAttribute('aria-label')} ${(each as HTMLElement).dataset.ink}`));
      expect(await ink()).toEqual([`Your colour (red) ${own}`]);
      await drawsIn(agent, consumer, own);
      await agent.click('[data-ink="#1d6fd8"]');
      expect(await ink()).toEqual(['Blue #1d6fd8']);
      await drawsIn(agent, consumer, '#1d6fd8');
      await accessible(agent, 'drawing');
      await agent.keyboard.press('f');
      await seen(agent, t('form-field'));
      await agent.click(t('form-ask-control'));
      await consumer.grant('control');
      await seen(agent, '[data-test=assist-state][data-control=true]');
      await accessible(agent, 'form');
      await fillsUnseen(agent, consumer);
      await agent.click(t('panel-push'));
      await agent.click(t('library-push'));
      await seen(agent, t('pushed'));
      await accessible(agent, 'send');
      await agent.click(t('panel-people'));
      await accessible(agent, 'people');
      expect(await agent.textContent('#assist-panel')).toContain('Up to 6 people');
      await agent.selectOption(t('quality'), 'light');
      await expect.poll(() => mock.assist.sessions.get(cid)?.quality).toBe('light');
      await expect.poll(() => agent.inputValue(t('quality'))).toBe('light');
      consumer.send({ type: 'share', state: 'sensitive' });
      await seen(agent, '[data-test=assist-cover][data-sharing=sensitive]');
      expect(await agent.isVisible('.sheet')).toBe(false);
      await accessible(agent, 'sensitive page');
      consumer.send({ type: 'end' });
      await seen(agent, '[data-test=workspace][data-phase=ended]');
      await agent.context().close();
    });

    it(`supervisor: library and live sessions, accessible (${scheme})`, async () => {
      const page = await signIn('/expertassist/supervisor', 'supervisor1', scheme);
      await seen(page, t('library-item'));
      await page.click(t('add-link'));
      await accessible(page, 'library');
      const consumer = await customer(`s-${scheme}`);
      await page.click(t('nav-live'));
      await seen(page, t('watch'));
      await accessible(page, 'live');
      await page.locator(`[data-cid=s-${scheme}] ${t('watch')}`).click();
      await consumer.grant('view');
      consumer.picture(kPicture);
      await seen(page, '[data-test=assist-picture][data-frame]');
      expect(await page.locator(`${t('tool-pen')}, ${t('quality')}`).count()).toBe(0);
      await accessible(page, 'watching');
      consumer.send({ type: 'end' });
      await page.context().close();
    });
  }

  it('what a supervisor deleted stays deleted when the page is left or the sign-in ends', async () => {
    const page = await signIn('/expertassist/supervisor', 'supervisor1', 'light');
    for (const way of ['leave', 'sign-out']) {
      const { id } = mock.assist.put({ kind: 'link', name: `Old ${way}`, url: 'https://lindhaven.example/old' });
      await page.reload();
      await page.locator(`[data-id="${id}"] ${t('delete')}`).click();
      await seen(page, t('undo-bar'));
      await (way === 'leave' ? page.goto('about:blank') : page.click(t('sign-out')));
      await expect.poll(() => mock.assist.library().some((item) => item.id === id), { message: way }).toBe(false);
      if (way === 'leave') await page.goto(`${mock.origin}/expertassist/supervisor`);
    }
    await page.context().close();
  });

  it('goes on with a session after a reload: of an agent by a code, of a supervisor; not with one that was left or is over', async () => {
    const again = async (page: Page, consumer: MockConsumer, cid: string) => {
      await consumer.grant('view');
      consumer.picture(kPicture);
      await seen(page, '[data-test=assist-picture][data-frame]');
      expect(new URL(page.url()).searchParams.get('cid')).toBe(cid);
      await page.reload();
      await seen(page, `[data-test=workspace][data-cid="${cid}"][data-phase=joined] [data-test=assist-picture][data-frame]`);
      // Nobody was asked anew.
      expect(mock.assist.sessions.get(cid)?.parties.length).toBe(2);
    };
    const agent = await signIn('/expertassist/agent?theme=x', 'agent1', 'light');
    const first = await customer('again-1');
    await agent.fill(t('join-code'), mock.assist.code('again-1'));
    await agent.click(t('join'));
    await again(agent, first, 'again-1');
    await agent.click(t('assist-leave'));
    expect(agent.url()).toBe(`${mock.origin}/expertassist/agent?theme=x`);
    await agent.fill(t('join-code'), mock.assist.code('again-1'));
    await agent.click(t('join'));
    await again(agent, first, 'again-1');
    first.send({ type: 'end' });
    await seen(agent, '[data-test=workspace][data-phase=ended]');
    await agent.reload();
    await seen(agent, t('join-code'));
    expect(await agent.locator(t('workspace')).count()).toBe(0);
    await agent.context().close();

    const supervisor = await signIn('/expertassist/supervisor#/live', 'supervisor1', 'light');
    const second = await customer('again-2');
    await supervisor.locator(`[data-cid=again-2] ${t('watch')}`).click();
    await again(supervisor, second, 'again-2');
    await supervisor.click(t('sign-out'));
    await seen(supervisor, t('login'));
    expect(supervisor.url()).toBe(`${mock.origin}/expertassist/supervisor#/live`);
    second.send({ type: 'end' });
    await supervisor.context().close();
  });

  it('points on a document at the place of its page, and away when it leaves it', async () => {
    mock.assist.put({ kind: 'image', name: 'Plan', type: 'image/png', size: kPicture.length, bytes: kPicture });
    const agent = await signIn('/expertassist/agent?cid=doc-1', 'agent1', 'light');
    const consumer = await customer('doc-1');
    await consumer.grant('view');
    consumer.picture(kPicture);
    await seen(agent, '[data-test=assist-picture][data-frame]');
    await agent.click(t('panel-push'));
    await agent.click(`[data-kind=image] ${t('library-push')}`);
    await seen(agent, '.page[data-drawn=yes]');
    const { on } = await consumer.wait('push').then((m) => ({ on: m.id as string }));
    const other = await signIn('/expertassist/agent?cid=doc-1', 'agent2', 'dark');
    await consumer.grant('view');
    await seen(other, '.page[data-drawn=yes]');
    const box = (await agent.locator('.page').boundingBox())!;
    const move = (x: number, y: number) => agent.mouse.move(box.x + box.width * x, box.y + box.height * y);
    await move(0.2, 0.2);
    await agent.click(t('tool-point'));
    await move(0.5, 0.25);
    // The picture has 400 × 300 units; what came before that tool was chosen is not told.
    const told = await consumer.wait((m) => m.type === 'pointer' && m.on === on);
    expect(told).toMatchObject({ page: 1 });
    expect(Math.hypot((told.x as number) - 200, (told.y as number) - 75)).toBeLessThan(2);
    const cursor = other.locator(`.page ${t('document-cursor')}`);
    await cursor.waitFor();
    expect(await cursor.evaluate((e) => [parseFloat(e.style.left), parseFloat(e.style.top)].map(Math.round))).toEqual([50, 25]);
    if (process.env.SHOTS) await other.screenshot({ path: `${process.env.SHOTS}/pointer-of-another.png` });
    await move(0.5, -0.5);
    await cursor.waitFor({ state: 'detached' });
    await consumer.wait((m) => m.type === 'pointer' && m.gone === true);
    consumer.send({ type: 'end' });
    for (const page of [agent, other]) await page.context().close();
  });

  for (const scheme of ['light', 'dark'] as const) {
    it(`an address that names no session is told (${scheme})`, async () => {
      for (const [path, user] of [['agent', 'agent1'], ['supervisor', 'supervisor1']] as const) {
        const page = await signIn(`/expertassist/${path}?cid=my%20id`, user, scheme);
        await seen(page, '[data-test=toast][data-code="argument.invalid"]');
        expect(await page.textContent(t('toast'))).toContain('names no session: “my id”. An id has up to 64 letters');
        await page.goto(`${mock.origin}/expertassist/${path}?cid=${'x'.repeat(65)}`);
        await seen(page, '[data-test=toast][data-code="argument.invalid"]');
        expect(await page.textContent(t('toast'))).toContain(`“${'x'.repeat(40)}…”.`);
        await accessible(page, 'told');
        if (kShots) await page.screenshot({ path: `${kShots}/address-${path}-${scheme}.png` });
        expect(await page.locator(t('workspace')).count()).toBe(0);
        await page.context().close();
      }
    });
  }

  it('what the settings switch off is not there', async () => {
    mock.assist.settings.features = ['view', 'pointer'];
    const agent = await signIn('/expertassist/agent?cid=off-1', 'agent1', 'light');
    const consumer = await customer('off-1');
    await consumer.grant('view');
    consumer.picture(kPicture);
    await seen(agent, '[data-test=assist-picture][data-frame]');
    const count = (name: string) => agent.locator(t(name)).count();
    expect(await Promise.all(['tool-look', 'tool-point', 'tool-control', 'tool-pen', 'tool-spot', 'tool-clear', 'panel-form', 'panel-push', 'panel-people', 'quality'].map(count))).toEqual([1, 1, 0, 0, 0, 0, 0, 0, 1, 1]);
    consumer.send({ type: 'end' });
    await agent.context().close();
  });
});
