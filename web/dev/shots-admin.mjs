// Pictures of the administration's pages: node dev/shots-admin.mjs [folder]; also a part of shots.mjs.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { launch } from './browser.mjs';
import { startMock } from './mock-server.mjs';

const t = (name) => `[data-test=${name}]`;
const seen = (p, selector) => p.locator(selector).first().waitFor({ timeout: 15000 });
const kPath = '/web_plugin_framework/webcontroller';

export async function pictures(origin, page, shot) {
  for (const [name, scheme, viewport] of [['light', 'light'], ['dark', 'dark'], ['narrow', 'light', { width: 390, height: 844 }]]) {
    const admin = await page(scheme, viewport ?? { width: 1280, height: 860 });
    await admin.goto(origin + kPath);
    await seen(admin, t('login'));
    if (name === 'light') await shot(admin, 'admin-login');
    await admin.fill(t('user'), 'admin');
    await admin.fill(t('password'), 'admin');
    await admin.click(t('sign-in'));
    await seen(admin, t('recent-row'));
    await shot(admin, `${name}-admin-list`);
    await admin.fill(t('search'), '901820');
    await admin.selectOption(t('kind'), 'phone');
    await shot(admin, `${name}-admin-search`);
    for (const call of ['sample-good', 'sample-phone', 'sample-busy', 'sample-blocked']) {
      await admin.goto(`${origin}${kPath}#/calls/${call}`);
      await seen(admin, `${t('why')}:not([data-reason=''])`);
      await seen(admin, t('ladder'));
      await admin.waitForFunction((id) => document.body.textContent.includes(id), call);
      await shot(admin, `${name}-admin-${call}`, { fullPage: true });
    }
    await admin.click(t('nav-assist'));
    await seen(admin, t('assist-recent'));
    await shot(admin, `${name}-admin-assist`);
    await admin.locator(`${t('assist-recent')} ${t('assist-link')}`).first().click();
    await seen(admin, t('receipt'));
    await shot(admin, `${name}-admin-assist-session`, { fullPage: true });
    await admin.click(t('nav-performance'));
    await seen(admin, t('trunk-row'));
    await shot(admin, `${name}-admin-performance`, { fullPage: true });
    await admin.selectOption(t('range'), '2');
    await seen(admin, '[data-test=chart][data-points="60"]');
    await admin.locator('.plot').first().hover();
    await admin.locator('.chartcard summary').nth(1).click();
    await shot(admin, `${name}-admin-performance-hour`, { fullPage: true });
    await admin.click(t('nav-users'));
    await seen(admin, t('user-row'));
    await shot(admin, `${name}-admin-users`, { fullPage: true });
    await admin.click(t('add-user'));
    await admin.fill(t('new-user'), 'agent 9');
    await admin.fill(t('new-password'), 'short');
    await admin.click(t('save-user'));
    await shot(admin, `${name}-admin-user-new`, { fullPage: true });
    await admin.fill(t('new-user'), `agent-${name}`);
    await admin.fill(t('new-password'), 'long enough 1');
    await admin.click(t('save-user'));
    await seen(admin, `[data-test=user-row][data-user=agent-${name}]`);
    await admin.locator(`[data-user=agent-${name}] ${t('disable-user')}`).click();
    await seen(admin, `[data-user=agent-${name}][data-disabled=true]`);
    await admin.locator(`[data-user=agent-${name}] ${t('change-user')}`).click();
    await shot(admin, `${name}-admin-user-change`, { fullPage: true });
    await admin.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2] ?? '/tmp/shots';
  mkdirSync(folder, { recursive: true });
  const mock = await startMock();
  const browser = await launch({ devices: false });
  const problems = [];
  const page = async (colorScheme, viewport) => {
    const p = await (await browser.newContext({ colorScheme, viewport })).newPage();
    p.on('console', (m) => m.type() === 'error' && !/401/.test(m.text()) && problems.push(m.text()));
    p.on('pageerror', (e) => problems.push(`page error: ${e.stack}`));
    return p;
  };
  await pictures(mock.origin, page, (p, name, options) => p.screenshot({ path: `${folder}/${name}.png`, ...options }));
  console.log(problems.length ? `PROBLEMS\n${problems.join('\n')}` : 'no problems');
  await browser.close();
  mock.close();
}
