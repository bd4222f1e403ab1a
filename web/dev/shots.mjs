// Makes real calls between pages over the mock server and pictures of every state: node dev/shots.mjs [folder]
import { mkdirSync } from 'node:fs';
import { launch, plays, still } from './browser.mjs';
import { startMock } from './mock-server.mjs';

const folder = process.argv[2] ?? '/tmp/shots';
mkdirSync(folder, { recursive: true });
const mock = await startMock({ ringSeconds: 30 });
const browser = await launch();
const problems = [];

async function page(colorScheme = 'light', viewport = { width: 1280, height: 800 }) {
  const context = await browser.newContext({ colorScheme, viewport, isMobile: viewport.width < 500, hasTouch: viewport.width < 500, permissions: ['camera', 'microphone'] });
  const p = await context.newPage();
  p.on('console', (m) => ['error', 'warning'].includes(m.type()) && problems.push(`${m.type()}: ${m.text()}`));
  p.on('pageerror', (e) => problems.push(`page error: ${e.stack}`));
  return p;
}
const shot = (p, name, options) => p.screenshot({ path: `${folder}/${name}.png`, ...options }).then(() => console.log(name));
const t = (name) => `[data-test=${name}]`;
const seen = (p, selector) => p.locator(selector).first().waitFor({ timeout: 15000 });

async function signIn(p, user = 'agent1') {
  await p.goto(`${mock.origin}/expertassist/agent`);
  await p.fill(t('user'), user);
  await p.fill(t('password'), user);
  await p.click(t('sign-in'));
  await seen(p, '[data-test=console][data-connection=connected]');
  await seen(p, `${t('availability')}:not([data-state=unknown])`);
}
async function run(scheme) {
  const agent = await page(scheme);
  const customer = await page(scheme);
  await agent.goto(`${mock.origin}/expertassist/agent`);
  await seen(agent, t('login'));
  await shot(agent, `${scheme}-agent-login`);
  await agent.fill(t('user'), 'agent1');
  await agent.fill(t('password'), 'wrong');
  await agent.click(t('sign-in'));
  await seen(agent, t('login-error'));
  await shot(agent, `${scheme}-agent-login-error`);
  await signIn(agent);
  await seen(agent, t('history'+'-empty') + ',' + t('history'));
  await shot(agent, `${scheme}-agent-away`);
  await customer.goto(`${mock.origin}/assistsample?name=Ada%20Marlow`);
  await shot(customer, `${scheme}-sample`);
  await customer.click(t('assist'));
  await seen(customer, '[data-test=call-panel][data-state=ended]');
  await shot(customer, `${scheme}-sample-away`);
  await agent.click(t('availability'));
  await seen(agent, '[data-test=availability][data-state=available]');
  await shot(agent, `${scheme}-agent-available`);
  await customer.click(t('call-again'));
  await seen(agent, t('ringing'));
  await shot(agent, `${scheme}-agent-ringing`);
  await shot(customer, `${scheme}-sample-calling`);
  await agent.keyboard.press('a');
  await seen(customer, '[data-test=call-panel][data-state=connected]');
  await seen(agent, '[data-test=call][data-state=connected]');
  await plays(agent);
  await plays(customer);
  await seen(agent, `${t('quality')}:not([data-level=unknown])`);
  console.log('setup', await customer.locator(t('call-panel')).getAttribute('data-setup'));
  await shot(agent, `${scheme}-agent-call`);
  await shot(customer, `${scheme}-sample-call`);
  await customer.click(t('mute-video'));
  await customer.click(t('keypad-toggle'));
  await customer.click(t('key-5'));
  await customer.click(t('key-hash'));
  await agent.click(t('mute-audio'));
  await agent.click(`${t('call')} ${t('settings')}`);
  await seen(agent, t('peer-muted'));
  await still(agent);
  await shot(agent, `${scheme}-agent-call-muted-settings`);
  await shot(customer, `${scheme}-sample-call-keypad`);
  await customer.click(t('mute-video'));
  await customer.request.post(`${mock.origin}/mock/break`, { data: { role: 'consumer', milliseconds: 5000 } });
  await seen(customer, '[data-test=call-panel][data-state=reconnecting]');
  await shot(customer, `${scheme}-sample-reconnecting`);
  await shot(agent, `${scheme}-agent-reconnecting`);
  await seen(customer, '[data-test=call-panel][data-state=connected]');
  await agent.reload();
  await seen(agent, '[data-test=call][data-state=connected]');
  await plays(agent);
  await still(agent);
  await shot(agent, `${scheme}-agent-rejoined`);
  await customer.click(t('end'));
  await seen(agent, t('last-call'));
  await seen(agent, t('history-row'));
  await shot(agent, `${scheme}-agent-ended`);
  await shot(customer, `${scheme}-sample-ended`);
  await customer.click(t('close-panel'));
  await agent.click(t('sign-out'));
  await seen(agent, t('login'));
  await agent.close();
  await customer.close();
}

for (const scheme of ['light', 'dark']) await run(scheme);

// Phone width, both sides.
const phone = { width: 390, height: 800 };
const agent = await page('light', phone);
const customer = await page('light', phone);
await signIn(agent);
if ((await agent.getAttribute(t('availability'), 'data-state')) === 'away') await agent.click(t('availability'));
await shot(agent, 'phone-agent-idle');
await customer.goto(`${mock.origin}/assistsample`);
await shot(customer, 'phone-sample', { fullPage: true });
await customer.click(t('assist'));
await seen(agent, t('ringing'));
await shot(agent, 'phone-agent-ringing');
await agent.click(t('answer'));
await plays(customer);
await plays(agent);
await shot(customer, 'phone-sample-call');
await shot(agent, 'phone-agent-call');
await customer.click(t('keypad-toggle'));
await shot(customer, 'phone-sample-keypad');
await customer.click(t('settings'));
await shot(customer, 'phone-sample-devices');
await agent.click(t('hold'));
await seen(customer, '[data-test=call-state][data-hold=peer]');
await shot(customer, 'phone-sample-held');
await customer.click(t('end'));
await seen(customer, t('call-again'));
await shot(customer, 'phone-sample-ended');
await customer.close();
await seen(agent, t('last-call'));

// Voice only, and an error before the call starts.
const voice = await page();
await voice.goto(`${mock.origin}/assistsample?video=off`);
await voice.click(t('assist'));
await seen(agent, t('ringing'));
await agent.click(t('answer'));
await seen(voice, '[data-test=call-panel][data-state=connected]');
await still(voice);
await shot(voice, 'voice-sample-call');
await shot(agent, 'voice-agent-call');
await voice.click(t('end'));
const noCamera = await page();
await noCamera.addInitScript(() => {
  const original = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = (c) => (c.video ? Promise.reject(new DOMException('no', 'NotFoundError')) : original(c));
});
await noCamera.goto(`${mock.origin}/assistsample`);
await noCamera.click(t('assist'));
await seen(agent, t('ringing'));
await agent.click(t('answer'));
await plays(noCamera);
await shot(noCamera, 'nocamera-sample-call');
await shot(agent, 'nocamera-agent-call');
await noCamera.click(t('end'));
const denied = await page();
await denied.addInitScript(() => (navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))));
await denied.goto(`${mock.origin}/assistsample`);
await denied.click(t('assist'));
await denied.locator(t('call-error')).waitFor({ state: 'attached' });
await still(denied);
await shot(denied, 'denied-sample');
const plain = await page();
await plain.goto(`${mock.origin}/csdk-sample`);
await plain.fill('#name', 'Plain page');
await plain.click('#call');
await seen(agent, t('ringing'));
await agent.click(t('answer'));
await plain.waitForFunction(() => document.getElementById('remote').currentTime > 0.5);
await shot(plain, 'csdk-sample');
await plain.click('#end');

await (await import('./shots-admin.mjs')).pictures(mock.origin, page, shot);

console.log(problems.length ? `PROBLEMS\n${problems.join('\n')}` : 'no problems');
await browser.close();
mock.close();
