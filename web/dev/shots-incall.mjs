// Pictures of what happens in calls: hold, transfer, second call, telephones, keypad, added video. node dev/shots-incall.mjs [folder] [light|dark]
import { mkdirSync } from 'node:fs';
import { launch, plays, still } from './browser.mjs';
import { startMock } from './mock-server.mjs';

const folder = process.argv[2] ?? '/tmp/shots';
const scheme = process.argv[3] ?? 'light';
mkdirSync(folder, { recursive: true });
const mock = await startMock({ ringSeconds: 30, earlySeconds: 6 });
const browser = await launch();
const problems = [];

async function page(viewport = { width: 1280, height: 860 }) {
  const context = await browser.newContext({ colorScheme: scheme, viewport, permissions: ['camera', 'microphone'] });
  const p = await context.newPage();
  p.on('console', (m) => ['error', 'warning'].includes(m.type()) && problems.push(`${m.type()}: ${m.text()}`));
  p.on('pageerror', (e) => problems.push(`page error: ${e.stack}`));
  return p;
}
const shot = (p, name, options) => p.screenshot({ path: `${folder}/${scheme}-${name}.png`, ...options }).then(() => console.log(name));
const t = (name) => `[data-test=${name}]`;
const seen = (p, selector) => p.locator(selector).first().waitFor({ timeout: 15000 });

async function agentPage(user, viewport) {
  const p = await page(viewport);
  await p.goto(`${mock.origin}/expertassist/agent`);
  await p.fill(t('user'), user);
  await p.fill(t('password'), user);
  await p.click(t('sign-in'));
  await seen(p, `${t('availability')}:not([data-state=unknown])`);
  if ((await p.getAttribute(t('availability'), 'data-state')) === 'away') await p.click(t('availability'));
  await seen(p, '[data-test=availability][data-state=available]');
  return p;
}
const call = async (query) => {
  const p = await page();
  await p.goto(`${mock.origin}/assistsample?${query}`);
  await p.click(t('assist'));
  return p;
};

const robin = await agentPage('agent1');
const noa = await agentPage('agent2');
const telephone = await agentPage('phone');

// A voice call through a group, held, video added.
const ada = await call('name=Ada%20Marlow&video=off&destination=claims');
await seen(robin, t('ringing'));
await shot(robin, 'group-ringing');
await robin.keyboard.press('a');
await seen(ada, '[data-test=call-panel][data-state=connected]');
await seen(robin, '[data-test=call][data-state=connected]');
await robin.click(t('hold'));
await seen(ada, '[data-test=call-state][data-hold=peer]');
await shot(robin, 'held-agent');
await shot(ada, 'held-sample');
await robin.click(t('hold'));
await seen(robin, '[data-test=call-state][data-hold=no]');
await robin.click(t('add-video'));
await seen(ada, t('mute-video'));
await plays(ada);
await shot(ada, 'video-added-sample');
await ada.click(t('mute-video'));
await plays(robin);
await shot(robin, 'video-added-agent');
await robin.click(`${t('call')} ${t('settings')}`);
await shot(robin, 'settings-agent');
await robin.click(`${t('call')} ${t('settings')}`);

// Transfer: the dialog, ringing at the colleague, called off; then asked first.
await robin.click(t('transfer'));
await robin.fill(t('transfer-to'), 'agent2');
await shot(robin, 'transfer-dialog');
await robin.click(t('transfer-blind'));
await seen(noa, t('ringing'));
await shot(noa, 'transferred-ringing');
await seen(robin, '[data-test=transfer-state][data-state=ringing]');
await shot(robin, 'transfer-ringing');
await robin.click(t('cancel-transfer'));
await seen(noa, '[data-test=availability][data-state=available]');
await robin.click(t('transfer'));
await robin.fill(t('transfer-to'), 'agent2');
await robin.click(t('transfer-consult'));
await seen(noa, t('ringing'));
await shot(robin, 'consult-ringing');
await noa.click(t('answer'));
await seen(robin, '[data-test=call][data-state=connected]');
await still(robin);
await shot(robin, 'consult');
await robin.click(t('together'));
await seen(robin, '[data-test=other-call][data-conference=running]');
await plays(robin);
await shot(robin, 'conference');
await shot(ada, 'conference-sample');
await shot(noa, 'conference-colleague');
await robin.click(`${t('call')} ${t('mute-audio')}`);
await shot(robin, 'conference-muted');
await robin.click(`${t('call')} ${t('mute-audio')}`);
await robin.setViewportSize({ width: 390, height: 844 });
await shot(robin, 'conference-narrow', { fullPage: true });
await robin.setViewportSize({ width: 1280, height: 860 });
await robin.click(t('together'));
await seen(robin, '[data-test=other-call][data-conference=no]');
await robin.click(t('swap'));
await seen(ada, '[data-test=call-state][data-hold=no]');
await still(robin);
await shot(robin, 'swapped');
await robin.click(t('complete-transfer'));
await seen(robin, '[data-test=last-call][data-reason=transferred]');
await shot(robin, 'transferred');
for (const p of [ada, noa]) await p.close();

// A telephone calls; the agent calls a telephone, with dial pad and an announcement; a number that is refused.
const frida = await call('name=%2B49%2030%20901820&video=off');
await seen(robin, t('ringing'));
await shot(robin, 'phone-ringing');
await robin.click(t('answer'));
await seen(robin, '[data-test=call][data-state=connected]');
await robin.click(t('keypad-toggle'));
await robin.click(t('key-5'));
await robin.click(t('key-hash'));
await shot(robin, 'phone-keypad');
await frida.click(t('end'));
await seen(robin, t('last-call'));
await robin.fill(t('dial-number'), '+4980012345');
await robin.click(t('dial-keypad-toggle'));
await shot(robin, 'dial-pad');
await robin.click(t('dial-keypad-toggle'));
await robin.click(t('dial'));
await seen(telephone, t('ringing'));
await shot(robin, 'dialling');
await telephone.click(t('answer'));
await seen(robin, '[data-test=call-state][data-early=true]');
await shot(robin, 'early-media');
await seen(robin, '[data-test=call][data-state=connected]');
await telephone.click(t('end'));
await seen(robin, t('last-call'));
await robin.fill(t('dial-number'), '112');
await robin.keyboard.press('Enter');
await seen(robin, '[data-test=last-call][data-reason=number_refused]');
await seen(robin, t('redial'));
await shot(robin, 'history-refused');
await frida.close();

// Answered by itself, at phone width; a customer and a telephone menu.
await robin.close();
const narrow = await agentPage('agent1', { width: 390, height: 844 });
await shot(narrow, 'narrow-idle', { fullPage: true });
const auto = await call('name=Ada%20Marlow&destination=auto');
await seen(narrow, t('auto-answer'));
await shot(narrow, 'narrow-auto-answer');
await seen(narrow, '[data-test=call][data-state=connected]');
await still(narrow);
await narrow.click(t('hold'));
await seen(narrow, '[data-test=call-state][data-hold=held]');
await shot(narrow, 'narrow-held', { fullPage: true });
await narrow.fill(t('dial-number'), '+493012345');
await narrow.click(t('dial'));
await seen(telephone, t('ringing'));
await telephone.click(t('answer'));
await seen(narrow, '[data-test=call][data-state=connected]');
await shot(narrow, 'narrow-second', { fullPage: true });
await narrow.click(t('transfer'));
await shot(narrow, 'narrow-transfer');
await narrow.click(t('transfer-close'));
await narrow.click(t('end'));
await seen(telephone, '[data-test=availability][data-state=available]');
await auto.close();
await narrow.close();
const menu = await call('name=Ada&video=off&destination=%2B4980012345');
await seen(telephone, t('ringing'));
await telephone.click(t('answer'));
await seen(menu, '[data-test=call-state][data-early=true]');
await menu.click(t('keypad-toggle'));
await menu.click(t('key-1'));
await shot(menu, 'menu-sample');
await menu.click(t('end'));

const unexpected = problems.filter((p) => !/401/.test(p));
console.log(unexpected.length ? `PROBLEMS\n${unexpected.join('\n')}` : 'no problems');
await browser.close();
mock.close();
