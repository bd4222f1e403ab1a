// Shared pages beside calls, in Debian's Chromium over the mock server: which page an agent's console offers, shows and leaves.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { haveChromium, launch } from '../dev/browser.mjs';
import { MockConsumer, plainPng } from '../dev/mock-consumer.mjs';
import { startMock } from '../dev/mock-server.mjs';

interface AxeResult {
  violations: { id: string; help: string; nodes: { html: string; failureSummary: string }[] }[];
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const t = (name: string) => `[data-test=${name}]`;
const kPicture = plainPng(400, 300, [240, 240, 235]);
/** A folder for pictures of what is tested here. */
const kShots = process.env.PARLEY_SHOTS;

describe.skipIf(!haveChromium())('shared pages beside calls', () => {
  let mock: Awaited<ReturnType<typeof startMock>>;
  let browser: Browser;
  let problems: string[] = [];

  beforeAll(async () => {
    mock = await startMock({ ringSeconds: 20 });
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    mock?.close();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    // Whoever is not signed in yet is told so.
    const unexpected = problems.filter((p) => !/401/.test(p));
    problems = [];
    expect(unexpected).toEqual([]);
  });

  const seen = (page: Page, selector: string) => page.locator(selector).first().waitFor({ timeout: 20_000 });

  async function open(path: string, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
    const context = await browser.newContext({ colorScheme, viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', permissions: ['camera', 'microphone'] });
    // The overlay is closed to scripts of the page; here it is looked into.
    await context.addInitScript(() => {
      const attach = Element.prototype.attachShadow;
      Element.prototype.attachShadow = function (this: Element, init: ShadowRootInit) {
        return attach.call(this, this.hasAttribute('data-parley-overlay') ? { ...init, mode: 'open' } : init);
      };
    });
    const page = await context.newPage();
    page.on('console', (m) => m.type() === 'error' && problems.push(m.text()));
    page.on('pageerror', (e) => problems.push(`page error: ${e.message}`));
    await page.goto(mock.origin + path);
    return page;
  }

  async function agentPage(scheme: 'light' | 'dark' = 'light', user = 'agent1', search = ''): Promise<Page> {
    const page = await open(`/expertassist/agent${search}`, scheme);
    await page.fill(t('user'), user);
    await page.fill(t('password'), user);
    await page.click(t('sign-in'));
    await seen(page, `${t('availability')}:not([data-state=unknown])`);
    if ((await page.getAttribute(t('availability'), 'data-state')) === 'away') await page.click(t('availability'));
    await seen(page, '[data-test=availability][data-state=available]');
    return page;
  }

  async function call(agent: Page, name: string, scheme: 'light' | 'dark' = 'light', path = '/assistsample', first?: (page: Page) => Promise<unknown>): Promise<Page> {
    const customer = await open(`${path}?name=${name}`, scheme);
    await first?.(customer);
    await customer.click(t('assist'));
    await seen(agent, t('ringing'));
    await agent.click(t('answer'));
    await seen(customer, '[data-test=call-panel][data-state=connected]');
    await seen(agent, '[data-test=call][data-state=connected]');
    return customer;
  }

  async function asks(customer: Page, agent: Page): Promise<void> {
    await agent.click(t('assist-ask'));
    await customer.click(t('consent-yes'));
    await seen(customer, '[data-test=assist-bar][data-look=on]');
    await seen(agent, '[data-test=workspace][data-phase=joined] [data-test=assist-picture][data-frame]');
  }
  async function shares(customer: Page, agent: Page): Promise<void> {
    await customer.click(t('share-page'));
    await asks(customer, agent);
  }

  /** A customer without a page. */
  const customer = (cid: string, name = 'Ada') => MockConsumer.open(mock.origin, { token: mock.assist.token({ role: 'consumer', name, cid }), cid });

  async function accessible(page: Page, where: string): Promise<void> {
    await page.evaluate(axe);
    const result = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as AxeResult;
    expect(result.violations.map((v) => `${v.id}: ${v.help}\n${v.nodes.map((n) => `  ${n.html}\n  ${n.failureSummary}`).join('\n')}`), where).toEqual([]);
  }

  const shot = async (page: Page, name: string) => void (kShots && (await page.screenshot({ path: `${kShots}/${name}.png` })));
  const looks = (agent: Page, cid: string, phase: string) => seen(agent, `[data-test=workspace][data-cid="${cid}"][data-phase=${phase}]`);

  for (const scheme of ['light', 'dark'] as const) {
    it(`one customer's page after another, in one console (${scheme})`, async () => {
      const [first, second, third] = ['first', 'second', 'third'].map((name) => `${name}-${scheme}`) as [string, string, string];
      const agent = await agentPage(scheme, 'agent1', `?cid=${first}`);
      const ada = await customer(first);
      await ada.grant('view');
      ada.picture(kPicture);
      await seen(agent, '[data-test=assist-picture][data-frame]');
      ada.send({ type: 'end' });
      await looks(agent, first, 'ended');
      // The end is told, and the next one can be joined beside it.
      expect(await agent.isVisible(t('join-code'))).toBe(true);
      await shot(agent, `ended-${scheme}`);
      await call(agent, 'Bea', scheme);
      const bea = await customer(second, 'Bea');
      mock.announce(second);
      await seen(agent, `${t('assist-invite')}[data-cid="${second}"]`);
      await looks(agent, first, 'ended');
      await accessible(agent, 'invited beside an end');
      await shot(agent, `invited-beside-an-end-${scheme}`);
      await agent.click(t('assist-ask'));
      await looks(agent, second, 'asking');
      await bea.grant('view');
      bea.picture(kPicture);
      await seen(agent, '[data-test=assist-picture][data-frame]');
      expect(await agent.locator(t('assist-invite')).count()).toBe(0);
      // The call that is looked at shares another page: as when the agent goes on to a second call.
      const cem = await customer(third, 'Cem');
      mock.announce(third);
      await seen(agent, `${t('assist-invite')}[data-cid="${third}"]`);
      expect(await agent.textContent(t('assist-invite'))).toContain('You leave the page that you see now.');
      await accessible(agent, 'invited beside a page');
      await shot(agent, `invited-beside-a-page-${scheme}`);
      await agent.click(t('assist-ask'));
      await looks(agent, third, 'asking');
      await expect.poll(() => mock.assist.sessions.get(second)?.parties.length).toBe(1);
      for (const one of [bea, cem]) one.send({ type: 'end' });
      await agent.click(t('end'));
    });
  }

  for (const scheme of ['light', 'dark'] as const) {
    it(`a page that is shared in a call is shared as long as the call lasts (${scheme})`, async () => {
      const agent = await agentPage(scheme);
      const ada = await call(agent, 'Ada', scheme);
      await shares(ada, agent);
      await ada.click(t('end'));
      await seen(ada, '[data-test=assist-bar][data-look=ended]');
      expect(await ada.textContent(t('assist-state'))).toBe('The call has ended, and sharing with it. Nobody sees this page any more.');
      await seen(agent, '[data-test=workspace][data-phase=ended]');
      expect(await agent.textContent(t('assist-cover'))).toContain('The call has ended, and sharing with it.');
      await accessible(ada, 'customer, ended');
      await accessible(agent, 'agent, ended');
      await shot(ada, `call-ended-customer-${scheme}`);
      await shot(agent, `call-ended-agent-${scheme}`);
      // The next call of the same page, and the agent hangs up.
      await ada.click(t('call-again'));
      await seen(agent, t('ringing'));
      await agent.click(t('answer'));
      await shares(ada, agent);
      await agent.click(t('end'));
      await seen(ada, '[data-test=assist-bar][data-look=ended]');
      await seen(agent, '[data-test=workspace][data-phase=ended]');
    });
  }

  for (const scheme of ['light', 'dark'] as const) {
    it(`who passes the call on leaves the page, and the customer lets single people go (${scheme})`, async () => {
      const robin = await agentPage(scheme), noa = await agentPage(scheme, 'agent2');
      const ada = await call(robin, 'Ada', scheme);
      await shares(ada, robin);
      await robin.click(t('transfer'));
      await robin.fill(t('transfer-to'), 'agent2');
      await robin.click(t('transfer-blind'));
      await noa.click(t('answer'));
      await seen(robin, '[data-test=last-call][data-reason=transferred]');
      await robin.locator(t('workspace')).waitFor({ state: 'detached' });
      await seen(robin, '[data-test=toast][data-code="assist.passed_on"]');
      await shot(robin, `passed-on-${scheme}`);
      await seen(ada, '[data-test=assist-bar][data-look=waiting]');
      await asks(ada, noa);
      const cid = (await noa.getAttribute(t('workspace'), 'data-cid')) ?? '';
      // A third one looks on, by the id.
      await robin.goto(`${mock.origin}/expertassist/agent?cid=${cid}`);
      await ada.click(t('consent-yes'));
      await looks(robin, cid, 'joined');
      await seen(ada, `${t('assist-viewer')} >> nth=1`);
      await shot(ada, `people-${scheme}`);
      await accessible(ada, 'people');
      await ada.click(`${t('assist-viewer')}:has-text("Robin Vale") ${t('assist-remove')}`);
      await looks(robin, cid, 'ended');
      expect(await robin.textContent(t('assist-cover'))).toContain('The customer took you out of this session.');
      await accessible(robin, 'removed');
      await shot(robin, `removed-${scheme}`);
      await seen(ada, '[data-test=assist-bar][data-look=on]');
      await looks(noa, cid, 'joined');
      await noa.click(t('end'));
      await looks(noa, cid, 'ended');
    });
  }

  it('a page that was shared in a call is shared no longer when no call goes on with it', async () => {
    const agent = await agentPage();
    const ada = await call(agent, 'Ada');
    await shares(ada, agent);
    // The next page has Parley, but nobody there takes the call up; its clock is faster.
    await ada.addInitScript(() => {
      for (const key of Object.keys(sessionStorage)) if (key.startsWith('parley.call')) sessionStorage.removeItem(key);
      const { setTimeout: real } = window;
      window.setTimeout = ((f: TimerHandler, ms?: number, ...rest: unknown[]) => real(f, ms === 20_000 ? 2_000 : ms, ...rest)) as typeof setTimeout;
    });
    await ada.reload();
    await seen(ada, '[data-test=assist-bar][data-look=on]');
    await seen(ada, '[data-test=assist-bar][data-look=ended]');
    expect(await ada.textContent(t('assist-state'))).toContain('The call has ended, and sharing with it.');
    await seen(agent, '[data-test=workspace][data-phase=ended]');
  });

  it('a page that is shared in a call stays so when it is reloaded, when the site says so, and when it was shared before', async () => {
    const agent = await agentPage();
    const ada = await call(agent, 'Ada');
    await shares(ada, agent);
    await ada.reload();
    await Promise.all([seen(ada, '[data-test=call-panel][data-state=connected]'), seen(agent, '[data-test=call][data-state=connected]')]);
    await seen(ada, '[data-test=assist-bar][data-look=on]');
    await seen(agent, '[data-test=workspace][data-phase=joined] [data-test=assist-picture][data-frame]');
    await ada.click(t('assist-end'));
    await seen(agent, '[data-test=workspace][data-phase=ended]');
    await ada.click(t('end'));
    await seen(agent, '[data-test=availability][data-state=available]');
    await ada.context().close();
    const stays = async (page: Page) => {
      await agent.click(t('end'));
      await seen(page, '[data-test=call-panel][data-state=ended]');
      await seen(page, '[data-test=assist-bar][data-look=on]');
      await page.click(t('assist-pause'));
      await seen(agent, '[data-test=assist-cover][data-sharing=paused]');
      await page.click(t('assist-end'));
      await seen(agent, '[data-test=workspace][data-phase=ended]');
      await page.context().close();
    };
    const bea = await call(agent, 'Bea', 'light', '/assistsample', (page) => page.evaluate('Parley.assist.configure({ keepSharing: true, theme: "dark" })'));
    await shares(bea, agent);
    expect(await bea.locator('div[data-parley-overlay]').getAttribute('data-theme'), 'of what the panel does not say, what the page said').toBe('dark');
    await stays(bea);
    const cem = await call(agent, 'Cem', 'light', '/assistsample', (page) => page.evaluate('void Parley.assist.start()'));
    await asks(cem, agent);
    await stays(cem);
  });
});
