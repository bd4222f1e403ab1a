// Pictures of the co-browse workspace and of the supervisors' console over the mock server: node dev/shots-workspace.mjs [folder]
import { mkdirSync } from 'node:fs';
import { launch, still } from './browser.mjs';
import { MockConsumer, sampleForm } from './mock-consumer.mjs';
import { startMock } from './mock-server.mjs';

const folder = process.argv[2] ?? '/tmp/shots';
const only = process.argv[3];
mkdirSync(folder, { recursive: true });
const mock = await startMock({ ringSeconds: 60 });
const browser = await launch();
const problems = [];
const t = (name) => `[data-test=${name}]`;
const seen = (p, selector) => p.locator(selector).first().waitFor({ timeout: 8000 }).catch(async (error) => {
  await p.screenshot({ path: `${folder}/failed.png` });
  console.log(problems.join('\n'));
  throw error;
});

async function page(colorScheme = 'light', viewport = { width: 1440, height: 900 }) {
  const context = await browser.newContext({ colorScheme, viewport, permissions: ['camera', 'microphone'] });
  const p = await context.newPage();
  p.on('console', (m) => ['error', 'warning'].includes(m.type()) && !/401|403|404|415|429/.test(m.text()) && problems.push(`${m.type()}: ${m.text()}`));
  p.on('pageerror', (e) => problems.push(`page error: ${e.stack}`));
  return p;
}
const shot = (p, name, options) => p.screenshot({ path: `${folder}/${name}.png`, ...options }).then(() => console.log(name));

async function signIn(p, user = 'agent1', path = '/expertassist/agent') {
  await p.goto(mock.origin + path);
  await p.fill(t('user'), user);
  await p.fill(t('password'), user);
  await p.click(t('sign-in'));
  await seen(p, '[data-test=console]');
}

const sample = await page('light', { width: 1100, height: 760 });
await sample.goto(`${mock.origin}/assistsample`);
const png = await sample.screenshot();
await sample.context().close();

async function consumer(cid, name = 'Ada Marlow') {
  const token = mock.assist.token({ role: 'consumer', name, cid });
  const c = await MockConsumer.open(mock.origin, { token, cid });
  c.view({ w: 1100, h: 760, title: 'Your claim · Lindhaven', path: '/claim' });
  c.answer('form-get', (m) => ({ type: 'form', fields: sampleForm, request: m.request }));
  c.answer('form-set', (m) => (m.id === 'f2' && !/.@./.test(m.value)
    ? { type: 'form-result', id: m.id, ok: false, valid: false, message: 'Please enter an e-mail address.', request: m.request }
    : { type: 'form-result', id: m.id, ok: true, valid: true, request: m.request }));
  return c;
}

for (const [name, url] of [['Terms and conditions 2026', 'https://lindhaven.example/terms'], ['How to take pictures of water damage', 'https://video.lindhaven.example/water.mp4']]) mock.assist.put({ kind: url.endsWith('mp4') ? 'video' : 'link', name, url });
mock.assist.put({ kind: 'image', name: 'Floor plan for the claim.png', type: 'image/png', size: png.length, bytes: png });
mock.assist.put({ kind: 'document', name: 'Claim form, household insurance.pdf', type: 'application/pdf', size: 482_113, bytes: Buffer.from('%PDF-1.4') });

async function workspace(scheme) {
  const agent = await page(scheme);
  await signIn(agent);
  await shot(agent, `${scheme}-assist-join`);
  await agent.fill(t('join-code'), '111 222');
  await agent.click(t('join'));
  await seen(agent, t('join-error'));
  await shot(agent, `${scheme}-assist-join-error`);
  await agent.goto(`${mock.origin}/expertassist/agent?cid=claim-1`);
  await seen(agent, '[data-test=workspace][data-phase=waiting]');
  await shot(agent, `${scheme}-assist-waiting`);
  const c = await consumer('claim-1');
  await seen(agent, '[data-test=workspace][data-phase=asking]');
  await shot(agent, `${scheme}-assist-asking`);
  await c.grant('view', false);
  await seen(agent, '[data-test=workspace][data-phase=refused]');
  await shot(agent, `${scheme}-assist-refused`);
  await agent.click(t('ask-again'));
  await c.grant('view');
  c.picture(png);
  await seen(agent, '[data-test=assist-picture][data-frame]');
  await agent.waitForFunction(() => !document.querySelector('[data-test=assist-cover]'));
  await shot(agent, `${scheme}-assist-shared`);
  // Tools.
  const box = await agent.locator(t('assist-hand')).boundingBox();
  const at = (x, y) => [box.x + x * box.width, box.y + y * box.height];
  const drag = async (from, to) => {
    await agent.mouse.move(...at(...from));
    await agent.mouse.down();
    await agent.mouse.move(...at((from[0] + to[0]) / 2, (from[1] + to[1]) / 2 - 0.02), { steps: 6 });
    await agent.mouse.move(...at(...to), { steps: 6 });
    await agent.mouse.up();
  };
  await agent.keyboard.press('4');
  await drag([0.1, 0.6], [0.35, 0.7]);
  await agent.click(t('tool-arrow'));
  await agent.click('[data-ink="#1d6fd8"]');
  await drag([0.7, 0.8], [0.52, 0.62]);
  await agent.click(t('tool-rect'));
  await drag([0.08, 0.3], [0.4, 0.45]);
  await agent.click(t('tool-highlighter'));
  await agent.click('[data-ink="#e88c00"]');
  await drag([0.1, 0.2], [0.4, 0.2]);
  await agent.click(t('tool-text'));
  await agent.mouse.click(...at(0.55, 0.3));
  await agent.keyboard.type('Sign here');
  await agent.keyboard.press('Enter');
  c.send({ type: 'cursor', x: 500, y: 420 });
  c.send({ type: 'activity', what: 'looks at', target: 'Report a claim' });
  await seen(agent, t('assist-activity'));
  await shot(agent, `${scheme}-assist-drawn`);
  await agent.click(t('tool-clear'));
  await agent.click(t('tool-spot'));
  await drag([0.1, 0.25], [0.4, 0.5]);
  await shot(agent, `${scheme}-assist-spot`);
  await agent.keyboard.press('0');
  // Control and form.
  await agent.click(t('tool-control'));
  await seen(agent, t('asking-control'));
  await shot(agent, `${scheme}-assist-asking-control`);
  await agent.click(t('panel-form'));
  await seen(agent, t('form-field'));
  await shot(agent, `${scheme}-assist-form-locked`);
  await c.grant('control');
  await seen(agent, '[data-test=assist-state][data-control=true]');
  await agent.fill('[data-id=f5] textarea', 'The tap in the kitchen broke.');
  await agent.locator('[data-id=f5] textarea').blur();
  await agent.fill('[data-id=f2] input', 'nonsense');
  await agent.locator('[data-id=f2] input').blur();
  await seen(agent, '[data-id=f2][data-result=refused]');
  c.view({ w: 1100, h: 760, title: 'Your claim · Lindhaven', path: '/claim', unsupported: [{ what: 'Map (maps.example)', why: 'A frame of another site cannot be painted.' }] });
  await seen(agent, t('unsupported'));
  await shot(agent, `${scheme}-assist-form`);
  await agent.click(t('panel-people'));
  const second = await page(scheme);
  await signIn(second, 'agent2');
  await second.goto(`${mock.origin}/expertassist/agent?cid=claim-1`);
  await c.grant('view');
  await seen(agent, '[data-test=party][data-me=false][data-role=agent][data-state=joined]');
  await shot(agent, `${scheme}-assist-people`);
  await seen(second, '[data-test=assist-picture][data-frame]');
  await second.close();
  // Send.
  await agent.click(t('panel-push'));
  await seen(agent, t('library-item'));
  await agent.locator(t('library-push')).first().click();
  await seen(agent, t('pushed'));
  c.send({ type: 'push-result', id: (await c.wait('push')).id, what: 'opened' });
  await seen(agent, '[data-test=pushed][data-state=opened]');
  await shot(agent, `${scheme}-assist-push-library`);
  await agent.click(t('source-file'));
  await agent.setInputFiles(t('upload-file'), { name: 'macro.docx', mimeType: 'application/x', buffer: Buffer.from('PK..') });
  await seen(agent, t('push-error'));
  await shot(agent, `${scheme}-assist-push-file`);
  await agent.click(t('source-address'));
  await agent.fill(t('push-url'), 'javascript:alert(1)');
  await agent.click(t('push-address'));
  await seen(agent, t('push-error'));
  await shot(agent, `${scheme}-assist-push-address`);
  await agent.click(t('source-library'));
  await agent.locator('[data-kind=image] [data-test=library-push]').click();
  await seen(agent, '.document [data-state=open]');
  await seen(agent, '.document [data-drawn]');
  await shot(agent, `${scheme}-assist-document`);
  await agent.click(t('document-close'));
  await agent.click(t('panel-push'));
  // Paused, sensitive, gone, ended.
  for (const state of ['paused', 'sensitive']) {
    c.send({ type: 'share', state });
    await seen(agent, `[data-test=assist-cover][data-sharing=${state}]`);
    await shot(agent, `${scheme}-assist-${state}`);
  }
  c.send({ type: 'share', state: 'on' });
  c.send({ type: 'end' });
  await seen(agent, '[data-test=workspace][data-phase=ended]');
  await shot(agent, `${scheme}-assist-ended`);
  await agent.close();
}

async function inCall(scheme) {
  const agent = await page(scheme);
  const customer = await page(scheme);
  await signIn(agent);
  await seen(agent, `${t('availability')}:not([data-state=unknown])`);
  if ((await agent.getAttribute(t('availability'), 'data-state')) === 'away') await agent.click(t('availability'));
  await customer.goto(`${mock.origin}/assistsample?name=Ada%20Marlow`);
  await customer.click(t('assist'));
  await agent.click(t('answer'));
  await seen(agent, '[data-test=call][data-state=connected]');
  const cid = 'claim-call';
  const c = await consumer(cid);
  mock.announce(cid);
  await seen(agent, t('assist-invite'));
  await still(agent);
  await shot(agent, `${scheme}-assist-invite`);
  await agent.click(t('assist-ask'));
  await c.grant('view');
  c.picture(png);
  await seen(agent, '[data-test=assist-picture][data-frame]');
  c.send({ type: 'window', x: 0.7, y: 0.1, w: 0.28, h: 0.5, shown: true });
  await still(agent);
  await shot(agent, `${scheme}-assist-call`);
  await customer.click(t('end'));
  c.send({ type: 'end' });
  await agent.close();
  await customer.close();
}

async function narrow() {
  const agent = await page('light', { width: 390, height: 844 });
  await signIn(agent);
  const c = await consumer('narrow-1');
  await agent.goto(`${mock.origin}/expertassist/agent?cid=narrow-1`);
  await c.grant('view');
  c.picture(png);
  await seen(agent, '[data-test=assist-picture][data-frame]');
  await agent.waitForFunction(() => !document.querySelector('[data-test=assist-cover]'));
  await shot(agent, 'narrow-assist-shared');
  await agent.click(t('panel-form'));
  await seen(agent, t('form-field'));
  await shot(agent, 'narrow-assist-form');
  c.send({ type: 'end' });
  await agent.close();
}

async function supervisor(scheme, viewport) {
  const name = viewport ? 'narrow' : scheme;
  const p = await page(scheme, viewport ?? { width: 1280, height: 860 });
  await p.goto(`${mock.origin}/expertassist/supervisor`);
  await seen(p, t('login'));
  await shot(p, `${name}-supervisor-login`);
  await p.fill(t('user'), 'agent1');
  await p.fill(t('password'), 'agent1');
  await p.click(t('sign-in'));
  await seen(p, '[data-test=login-error][data-code="role.missing"]');
  await shot(p, `${name}-supervisor-refused`);
  await signIn(p, 'supervisor1', '/expertassist/supervisor');
  await seen(p, t('library-item'));
  await shot(p, `${name}-supervisor-library`);
  const before = await p.locator(t('library-item')).count();
  await p.setInputFiles(t('upload'), [{ name: 'Roof.png', mimeType: 'image/png', buffer: png }, { name: 'bad.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg/>') }]);
  await seen(p, t('page-error'));
  await p.waitForFunction((n) => document.querySelectorAll('[data-test=library-item]').length === n, before + 1);
  await shot(p, `${name}-supervisor-upload`);
  await p.click(t('add-link'));
  await p.fill(t('add-url'), 'javascript:alert(1)');
  await p.click(t('add-save'));
  await shot(p, `${name}-supervisor-add`);
  await p.fill(t('add-url'), 'lindhaven.example/contact');
  await p.fill(t('add-name'), 'Contact');
  await p.click(t('add-save'));
  await p.waitForFunction((n) => document.querySelectorAll('[data-test=library-item]').length === n, before + 2);
  await p.locator(t('rename')).last().click();
  await p.keyboard.type('Where to find us');
  await shot(p, `${name}-supervisor-rename`);
  await p.keyboard.press('Enter');
  await p.locator(t('move-up')).last().click();
  await p.locator(t('enabled')).last().click();
  await p.locator('[data-kind=image] [data-test=preview]').last().click();
  await seen(p, '[data-test=preview-dialog] img');
  await shot(p, `${name}-supervisor-preview`);
  await p.click(t('preview-close'));
  await p.locator(t('delete')).last().click();
  await seen(p, t('undo'));
  await shot(p, `${name}-supervisor-delete`);
  await p.click(t('undo'));
  await p.click(t('nav-live'));
  await seen(p, t('live-empty'));
  await shot(p, `${name}-supervisor-live-empty`);
  const c = await consumer(`live-${name}`);
  await seen(p, t('watch'));
  await shot(p, `${name}-supervisor-live`);
  await p.click(t('watch'));
  await c.grant('view');
  c.picture(png);
  await seen(p, '[data-test=assist-picture][data-frame]');
  await p.waitForFunction(() => !document.querySelector('[data-test=assist-cover]'));
  await shot(p, `${name}-supervisor-watch`);
  c.send({ type: 'end' });
  await p.context().close();
}

async function empty() {
  const p = await page('light', { width: 1280, height: 860 });
  const bare = await startMock();
  await p.goto(`${bare.origin}/expertassist/supervisor`);
  await p.fill(t('user'), 'supervisor1');
  await p.fill(t('password'), 'supervisor1');
  await p.click(t('sign-in'));
  await seen(p, t('library-empty'));
  await shot(p, 'light-supervisor-empty');
  await p.context().close();
  bare.close();
}

const parts = { light: () => workspace('light'), dark: () => workspace('dark'), call: () => inCall('light'), narrow, supervisor: async () => { await supervisor('light'); await supervisor('dark'); await supervisor('light', { width: 390, height: 844 }); }, empty };
for (const [name, part] of Object.entries(parts)) if (!only || only === name) await part();
console.log(problems.length ? `PROBLEMS\n${problems.join('\n')}` : 'no problems');
await browser.close();
mock.close();
process.exit(0);
