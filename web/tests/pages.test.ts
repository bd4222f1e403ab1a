// The pages in Debian's Chromium, over the mock server: a call from Assist to the end, and axe on every state.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { haveChromium, launch } from '../dev/browser.mjs';
import { startMock } from '../dev/mock-server.mjs';

interface AxeResult {
  violations: { id: string; help: string; nodes: { html: string; failureSummary: string }[] }[];
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const t = (name: string) => `[data-test=${name}]`;

describe.skipIf(!haveChromium())('pages', () => {
  let mock: Awaited<ReturnType<typeof startMock>>;
  let browser: Browser;
  let problems: string[] = [];

  beforeAll(async () => {
    mock = await startMock({ ringSeconds: 5 });
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    mock?.close();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    // What a test provokes itself: refused sign-ins, broken sockets, a call that does not exist.
    const unexpected = problems.filter((p) => !/401|404|409|handshake response/.test(p));
    problems = [];
    expect(unexpected).toEqual([]);
  });

  async function open(path: string, colorScheme: 'light' | 'dark' = 'light', viewport = { width: 1280, height: 800 }): Promise<Page> {
    const context = await browser.newContext({ colorScheme, viewport, reducedMotion: 'reduce', permissions: ['camera', 'microphone'] });
    const page = await context.newPage();
    page.on('console', (m) => m.type() === 'error' && problems.push(m.text()));
    page.on('pageerror', (e) => problems.push(`page error: ${e.message}`));
    await page.goto(mock.origin + path);
    return page;
  }

  const seen = (page: Page, selector: string) => page.locator(selector).first().waitFor({ timeout: 20_000 });

  async function accessible(page: Page, where: string): Promise<void> {
    await page.evaluate(axe);
    const result = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as AxeResult;
    expect(result.violations.map((v) => `${v.id}: ${v.help}\n${v.nodes.map((n) => `  ${n.html}\n  ${n.failureSummary}`).join('\n')}`), where).toEqual([]);
  }

  async function agentPage(scheme: 'light' | 'dark' = 'light', user = 'agent1'): Promise<Page> {
    const page = await open('/expertassist/agent', scheme);
    await page.fill(t('user'), user);
    await page.fill(t('password'), user);
    await page.click(t('sign-in'));
    await seen(page, '[data-test=console][data-connection=connected]');
    await seen(page, `${t('availability')}:not([data-state=unknown])`);
    if ((await page.getAttribute(t('availability'), 'data-state')) === 'away') await page.click(t('availability'));
    await seen(page, '[data-test=availability][data-state=available]');
    return page;
  }

  /** The remote picture moves. */
  const playing = (page: Page) =>
    page.waitForFunction(() => {
      const deep = (root: ParentNode): HTMLVideoElement | null => {
        const hit = root.querySelector<HTMLVideoElement>('[data-test=remote-video]');
        if (hit) return hit;
        for (const e of root.querySelectorAll('*')) {
          const inner = e.shadowRoot && deep(e.shadowRoot);
          if (inner) return inner;
        }
        return null;
      };
      const video = deep(document);
      return video !== null && video.videoWidth > 0 && video.currentTime > 0.2;
    });

  for (const scheme of ['light', 'dark'] as const) {
    it(`call: Assist, ring, answer, talk, mute, end (${scheme}), accessible in every state`, async () => {
      const agent = await open('/expertassist/agent', scheme);
      await seen(agent, t('login'));
      await accessible(agent, 'agent login');
      await agent.close();
      const console_ = await agentPage(scheme);
      await accessible(console_, 'agent idle');
      const customer = await open('/assistsample?name=Ada', scheme);
      await accessible(customer, 'sample');
      await customer.click(t('assist'));
      await seen(console_, t('ringing'));
      expect(await console_.textContent(t('caller-name'))).toBe('Ada');
      await accessible(console_, 'agent ringing');
      await accessible(customer, 'sample calling');
      await console_.keyboard.press('a');
      await seen(customer, '[data-test=call-panel][data-state=connected]');
      await seen(console_, '[data-test=call][data-state=connected]');
      await playing(customer);
      await playing(console_);
      await customer.click(t('keypad-toggle'));
      await customer.click(t('key-7'));
      await customer.click(t('mute-audio'));
      expect(await customer.getAttribute(t('mute-audio'), 'aria-pressed')).toBe('true');
      await seen(console_, '[data-test=peer-muted][data-audio=true]');
      expect(await console_.textContent(t('dtmf-received'))).toBe('7');
      await console_.click(`${t('call')} ${t('settings')}`);
      await seen(console_, t('microphone-select'));
      await accessible(console_, 'agent call');
      await accessible(customer, 'sample call');
      const setup = JSON.parse((await customer.getAttribute(t('call-panel'), 'data-setup')) ?? '{}') as { firstFrame?: number };
      expect(setup.firstFrame).toBeGreaterThan(0);
      await customer.click(t('end'));
      await seen(console_, '[data-test=last-call][data-reason=hung_up][data-by=consumer]');
      await seen(console_, t('history-row'));
      await accessible(console_, 'agent ended');
      await accessible(customer, 'sample ended');
      await customer.click(t('close-panel'));
      expect(await customer.locator(t('call-panel')).count()).toBe(0);
      await console_.click(t('sign-out'));
      await seen(console_, t('login'));
    });
  }

  it('reload of the agent and a break of the customer’s connection: the call comes back by itself', async () => {
    const agent = await agentPage();
    const customer = await open('/assistsample');
    await customer.click(t('assist'));
    await seen(agent, t('ringing'));
    await agent.click(t('answer'));
    await seen(customer, '[data-test=call-panel][data-state=connected]');
    await agent.click(t('mute-video'));
    await agent.reload();
    await seen(agent, '[data-test=call][data-state=connected]');
    await playing(agent);
    expect(await agent.getAttribute(t('mute-video'), 'aria-pressed')).toBe('true');
    await customer.request.post(`${mock.origin}/mock/break`, { data: { role: 'consumer', milliseconds: 4500 } });
    await seen(customer, '[data-test=call-panel][data-state=reconnecting]');
    await seen(agent, '[data-test=call-state][data-state=reconnecting]');
    await seen(customer, '[data-test=call-panel][data-state=connected]');
    await agent.click(t('end'));
    await seen(customer, '[data-test=call-panel][data-state=ended][data-reason=hung_up][data-by=agent]');
    await agent.click(t('sign-out'));
  });

  for (const scheme of ['light', 'dark'] as const) {
    it(`hold, added video, transfer, second call, auto-answer (${scheme}), accessible in every state`, async () => {
      const robin = await agentPage(scheme);
      const noa = await agentPage(scheme, 'agent2');
      const ada = await open('/assistsample?name=Ada&video=off&destination=claims', scheme);
      await ada.click(t('assist'));
      await seen(robin, t('caller-group'));
      await robin.click(t('answer'));
      await seen(robin, '[data-test=call][data-state=connected]');
      await robin.click(t('hold'));
      await seen(ada, '[data-test=call-state][data-hold=peer]');
      await accessible(robin, 'agent holds');
      await accessible(ada, 'sample on hold');
      await robin.click(t('hold'));
      await seen(ada, '[data-test=call-state][data-hold=no]');
      await robin.click(t('add-video'));
      await playing(ada);
      await robin.click(t('transfer'));
      await robin.fill(t('transfer-to'), 'agent2');
      await accessible(robin, 'transfer dialog');
      await robin.keyboard.press('Enter');
      await seen(noa, t('caller-transferred-by'));
      await accessible(robin, 'transfer rings');
      await noa.click(t('reject'));
      await seen(robin, '[data-test=call-state][data-transfer=failed]');
      await robin.click(t('transfer'));
      await robin.fill(t('transfer-to'), 'agent2');
      await robin.click(t('transfer-consult'));
      await seen(noa, t('ringing'));
      await noa.click(t('answer'));
      await seen(robin, `${t('complete-transfer')}:enabled`);
      await accessible(robin, 'second call');
      const names = robin.locator(t('other-name'));
      await robin.focus(t('together'));
      await robin.keyboard.press('Enter');
      await seen(robin, '[data-test=other-call][data-conference=running]');
      expect(await names.textContent()).toBe('Ada, Noa Lindqvist and you');
      await expect.poll(() => ada.textContent(t('call-state'))).toContain('You, Robin Vale and Noa Lindqvist hear each other');
      await accessible(robin, 'conference');
      // The keyboard is where it was: on the same button.
      await robin.keyboard.press('Enter');
      await seen(robin, '[data-test=other-call][data-conference=no][data-held=true]');
      await seen(ada, '[data-test=call-state][data-hold=peer]');
      await robin.click(t('swap'));
      await seen(ada, '[data-test=call-state][data-hold=no]');
      await robin.click(t('complete-transfer'));
      await seen(robin, '[data-test=last-call][data-reason=transferred]');
      await ada.close();
      await noa.close();
      const auto = await open('/assistsample?name=Ada&destination=auto', scheme);
      await auto.click(t('assist'));
      await seen(robin, t('auto-answer'));
      await accessible(robin, 'auto-answer');
      await seen(auto, '[data-test=call-panel][data-state=connected]');
      await auto.click(t('end'));
      await robin.fill(t('dial-number'), '112');
      await robin.keyboard.press('Enter');
      await seen(robin, '[data-test=last-call][data-reason=number_refused]');
      await seen(robin, t('recent-number'));
      await robin.click(t('dial-keypad-toggle'));
      await accessible(robin, 'dial pad');
      await robin.click(t('sign-out'));
    });
  }

  it('reject, no answer, closed tab and a second page say so in words', async () => {
    const agent = await agentPage();
    const customer = await open('/assistsample');
    await customer.click(t('assist'));
    await seen(agent, t('ringing'));
    await agent.keyboard.press('r');
    await seen(customer, '[data-test=call-panel][data-reason=rejected]');
    await customer.click(t('call-again'));
    await seen(customer, '[data-test=call-panel][data-reason=no_answer]');
    await seen(agent, '[data-test=last-call][data-reason=no_answer]');
    await customer.click(t('call-again'));
    await seen(agent, t('ringing'));
    await agent.click(t('answer'));
    await seen(customer, '[data-test=call-panel][data-state=connected]');
    await customer.close();
    await seen(agent, '[data-test=last-call]');
    const second = await agentPage();
    await seen(agent, '[data-test=console][data-connection=replaced]');
    await accessible(agent, 'agent replaced');
    await second.click(t('sign-out'));
  });

  it('errors before the call say what to do', async () => {
    const customer = await open('/csdk-sample');
    await accessible(customer, 'csdk sample');
    // Where another call would be refused as well, none is offered.
    const refused = await open('/assistsample?destination=112');
    await refused.click(t('assist'));
    await seen(refused, '[data-test=call-panel][data-reason=number_refused]');
    await seen(refused, t('call-close'));
    expect(await refused.locator(t('call-again')).count()).toBe(0);
    await expect.poll(() => refused.locator(`${t('call-close')}:focus`).count()).toBe(1);
    await accessible(refused, 'number refused');
    const denied = await open('/assistsample?destination=nobody');
    await denied.click(t('assist'));
    await seen(denied, '[data-test=call-panel][data-reason=destination_unknown]');
    await denied.click(t('call-close'));
    await denied.evaluate(() => (navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))));
    await denied.click(t('assist'));
    await denied.locator('[data-test=call-error][data-code="microphone.denied"]').waitFor({ state: 'attached' });
    await accessible(denied, 'sample error');
  });

  for (const scheme of ['light', 'dark'] as const) {
    it(`call page (${scheme})`, async () => {
      const admin = await open('/web_plugin_framework/webcontroller', scheme);
      await seen(admin, t('login'));
      await accessible(admin, 'admin login');
      await admin.fill(t('user'), 'admin');
      await admin.fill(t('password'), 'wrong');
      await admin.click(t('sign-in'));
      await seen(admin, '[data-test=login-error][data-code="login.failed"]');
      await admin.fill(t('password'), 'admin');
      await admin.click(t('sign-in'));
      await seen(admin, t('recent-row'));
      await accessible(admin, 'admin list');
      await admin.click('[data-call=sample-good] a');
      await seen(admin, t('ladder'));
      expect(await admin.locator(t('ladder-entry')).count()).toBeGreaterThan(25);
      expect(await admin.locator('[data-test=leg][data-leg=consumer] [data-test=drop][data-reason=srtp_replay]').getAttribute('data-count')).toBe('2');
      await accessible(admin, 'admin call');
      await admin.click(t('nav-performance'));
      await seen(admin, '[data-test=trunk-row][data-state=down]');
      expect(await admin.locator('[data-test=chart]').count()).toBe(5);
      await admin.locator('.chartcard summary').first().click();
      await accessible(admin, 'performance log');
      await admin.click(t('nav-users'));
      const agent2 = '[data-test=user-row][data-user=agent2]';
      await admin.click(`${agent2} [data-test=disable-user]`);
      await seen(admin, `${agent2}[data-disabled=true]`);
      await accessible(admin, 'users');
      await admin.click(`${agent2} [data-test=disable-user]`);
      await seen(admin, `${agent2}[data-disabled=false]`);
      await admin.click('[data-user=admin] [data-test=disable-user]');
      await seen(admin, '[data-test=page-error][data-code="identity.last_administrator"]');
      await admin.click(t('add-user'));
      await admin.fill(t('new-user'), `ada-${scheme}`);
      await admin.fill(t('new-password'), 'correct horse');
      await accessible(admin, 'new user');
      await admin.click(t('save-user'));
      await seen(admin, `[data-test=user-row][data-user=ada-${scheme}]`);
      await admin.goto(`${mock.origin}/web_plugin_framework/webcontroller#/calls/sample-phone`);
      await seen(admin, '[data-test=leg][data-kind=rtp]');
      await seen(admin, '[data-test=ladder-entry][data-from="customer phone"]');
      await accessible(admin, 'call with a telephone');
      await admin.goto(`${mock.origin}/web_plugin_framework/webcontroller#/calls/none`);
      await seen(admin, '[data-test=page-error][data-code="call.unknown"]');
    });
  }

  it('the buttons of a call stay on the screen, however many calls went before', async () => {
    const agent = await agentPage();
    const past = Array.from({ length: 60 }, (_, i) => ({ call: `past-${i}`, direction: 'in', reason: 'hung_up', by: 'agent', text: '', peer: { name: `Customer ${i}` }, startedAt: '2026-01-31T12:00:00Z', answeredAt: '2026-01-31T12:00:05Z', endedAt: '2026-01-31T12:01:00Z' }));
    await agent.route('**/expertassist/agent/history', (route) => route.fulfill({ json: { calls: past } }));
    await agent.reload();
    await seen(agent, '[data-call=past-59]');
    await seen(agent, '[data-test=availability][data-state=available]');
    const customer = await open('/assistsample?video=off');
    await customer.click(t('assist'));
    await seen(agent, t('ringing'));
    await agent.click(t('answer'));
    await seen(agent, '[data-test=call][data-state=connected]');
    const box = await agent.locator(t('end')).boundingBox();
    expect(box!.y + box!.height).toBeLessThanOrEqual(800);
    await customer.click(t('end'));
    // What the panel says needs no picture.
    await seen(customer, t('call-again'));
    expect(await customer.locator(t('remote-video')).isVisible()).toBe(false);
    await agent.click(t('sign-out'));
  });

  it('nothing is cut off at phone width', async () => {
    const agent = await open('/expertassist/agent', 'light', { width: 360, height: 740 });
    await agent.fill(t('user'), 'agent2');
    await agent.fill(t('password'), 'agent2');
    await agent.click(t('sign-in'));
    await seen(agent, t('console'));
    const sample = await open('/assistsample', 'light', { width: 360, height: 740 });
    const admin = await open('/web_plugin_framework/webcontroller', 'light', { width: 360, height: 740 });
    await admin.fill(t('user'), 'admin');
    await admin.fill(t('password'), 'admin');
    await admin.click(t('sign-in'));
    await admin.click(t('nav-performance'));
    await seen(admin, t('trunk-row'));
    const tooWide = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    for (const page of [agent, sample, admin]) expect(await tooWide(page)).toBeLessThanOrEqual(0);
    await admin.click(t('nav-users'));
    await seen(admin, t('user-row'));
    expect(await tooWide(admin)).toBeLessThanOrEqual(0);
    await agent.click(t('sign-out'));
  });
});
