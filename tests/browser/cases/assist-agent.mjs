// The agent's side of a shared page, driven as a person would, with the customer's page in a browser of its own; and the
// supervisors' console, whose things the agent sends.
import {
  attribute, colourAt, controls, difference, drag, editorOf, escalate, hand, hidden, listen, meet, movesWindow, onLoad, opensTab, place, png, signIn, told, type, value,
} from '../lib/assist_people.mjs';
import { until } from '../lib/browsers.mjs';
import { assert, establish, never, signIn as signInForCalls } from '../lib/call.mjs';
import { near } from '../lib/measure.mjs';
import { pdf } from '../lib/pdfs.mjs';
import { agentTopicToken, Topic } from '../lib/topic.mjs';

/** Where the customer's page shows what a tool made: left, top, right, bottom in parts of the window; a spotlight is the hole of a shade. */
const shown = (consumer, tool) => consumer.evaluate((name) => {
  const shape = window.__deep(name === 'cursor' ? '[data-test=assist-cursor]' : `[data-test=assist-shape][data-tool=${name}]`);
  if (!shape || shape.matches('.idle')) return null;
  const part = ({ left, top, right, bottom }) => [left / innerWidth, top / innerHeight, right / innerWidth, bottom / innerHeight];
  if (name !== 'spot') return part(shape.getBoundingClientRect());
  const shade = shape.ownerSVGElement.querySelector('path');
  const dark = (x, y) => shade.isPointInFill(new DOMPoint(x * innerWidth, y * innerHeight));
  return dark(0.28, 0.37) && dark(0.52, 0.37) && !dark(0.32, 0.32) && !dark(0.48, 0.43) ? [0.3, 0.3, 0.5, 0.45] : [0, 0, 0, 0];
}, tool);

/** The customer's page shows it there, to the width of a line. */
const seenAt = (consumer, tool, place) => until(`the customer's page shows ${tool}`, async () => {
  const at = await shown(consumer, tool);
  return (at && place.every((v, i) => Math.abs(v - at[i]) < 0.02)) || Promise.reject(new Error(`at ${at}`));
});

/** The upper edge of the rectangle in a picture of the customer's window has the colour of its line. */
async function edgeIsSeen(consumer, agent) {
  const stroke = await consumer.evaluate(() => [...window.__deep('[data-test=assist-shape][data-tool=rect]').children].at(-1).getAttribute('stroke'));
  const shot = Buffer.from(await consumer.raw.screenshot()).toString('base64');
  const seen = await agent.evaluate(async (png) => {
    const image = await createImageBitmap(new Blob([Uint8Array.from(atob(png), (c) => c.charCodeAt(0))], { type: 'image/png' }));
    const g = new OffscreenCanvas(1, 9).getContext('2d');
    g.drawImage(image, -Math.round(0.4 * image.width), 4 - Math.round(0.3 * image.height));
    const { data } = g.getImageData(0, 0, 1, 9);
    return Array.from({ length: 9 }, (_, i) => [...data.slice(4 * i, 4 * i + 3)]);
  }, shot);
  const wanted = [1, 3, 5].map((i) => parseInt(stroke.slice(i, i + 2), 16));
  assert(stroke === '#8a3ffc', `drawn in ${stroke}, not in what the agent picked`);
  assert(seen.some((colour) => near(colour, wanted, 30)), `no line in ${stroke} on the customer's screen: ${JSON.stringify(seen)}`);
}

/** What each tool draws, and where the pointer is, is on the customer's page, where the agent made it; seen here, too; gone when it is cleared. */
async function drawings(consumer, agent) {
  await agent.click('tool-point');
  await agent.raw.mouse.move(...(await hand(agent, 0.5, 0.5)));
  await told(consumer, 'the pointer', (m) => m.type === 'pointer');
  const pointsAt = (x, y) => until(`the pointer is at ${x}, ${y}`, async () => {
    const at = await shown(consumer, 'cursor');
    // Its tip is the upper left corner, but for a white edge.
    return (at && Math.abs(at[0] - x) < 0.02 && Math.abs(at[1] - y) < 0.03) || Promise.reject(new Error(`at ${at}`));
  });
  await pointsAt(0.5, 0.5);
  await agent.raw.mouse.move(...(await hand(agent, 0.25, 0.6)));
  await pointsAt(0.25, 0.6);
  assert(/Agent 1/.test(await consumer.evaluate(() => window.__deep('[data-test=assist-cursor]').textContent)), 'whose pointer it is');
  await agent.click('tool-pen');
  await agent.clickAt('[data-ink="#8a3ffc"]');
  for (const tool of ['pen', 'highlighter', 'arrow', 'rect', 'spot']) {
    await agent.click(`tool-${tool}`);
    await drag(agent, [0.3, 0.3], [0.5, 0.45]);
    await told(consumer, tool, (m) => m.type === 'draw' && m.tool === tool && m.points > 0 && m.color === '#8a3ffc');
    await seenAt(consumer, tool, [0.3, 0.3, 0.5, 0.45]);
    if (tool === 'rect') await edgeIsSeen(consumer, agent);
  }
  await agent.click('tool-text');
  await agent.raw.mouse.click(...(await hand(agent, 0.2, 0.2)));
  await agent.appears('assist-writing');
  await type(agent, 'Look here');
  await agent.press('Enter');
  await told(consumer, 'text', (m) => m.tool === 'text' && m.text === 'Look here');
  await until('the customer reads it', () => consumer.evaluate(() => window.__deep('[data-test=assist-shape][data-tool=text]')?.textContent === 'Look here'));
  await agent.appears('assist-shape');
  await agent.click('tool-clear');
  await told(consumer, 'cleared', (m) => m.type === 'erase' && m.all);
  await Promise.all([hidden(agent, 'assist-shape'), hidden(consumer, 'assist-shape')]);
}

/** The wheel and keys that are more than what they type, as the page's own form takes them. */
async function wheelAndKeys(consumer, agent) {
  const { mouse } = agent.raw;
  const focus = (id) => until(`${id} has the focus`, async () => { const is = await consumer.evaluate(() => document.activeElement?.id); return is === id || Promise.reject(new Error(is)); });
  const holds = (selector, text) => until(`${selector} holds ${JSON.stringify(text)}`, async () => { const is = await value(consumer, selector); return is === text || Promise.reject(new Error(JSON.stringify(is))); });
  const keys = async (...all) => { for (const key of all) await agent.press(key); };
  await keys('Backspace');
  await type(agent, '5');
  await keys('ArrowLeft', 'ArrowLeft', 'Backspace', 'Home');
  await type(agent, '2 ');
  await holds('#claim-street', '2 Mill Lan 5');
  await keys('Tab');
  await focus('claim-phone');
  await keys('Tab');
  await focus('claim-kind');
  await keys('ArrowDown', 'ArrowDown');
  await holds('#claim-kind', 'water');
  await keys('Shift+Tab');
  await focus('claim-phone');
  await mouse.move(...(await hand(agent, 0.5, 0.5)));
  const scrolled = () => consumer.evaluate(() => Math.round(scrollY));
  await mouse.wheel(0, 250);
  await until('the wheel scrolls the page', async () => { const y = await scrolled(); return y === 250 || Promise.reject(new Error(String(y))); });
  await mouse.click(...(await place(consumer, agent, '#claim-text')));
  await focus('claim-text');
  await type(agent, 'One');
  await keys('Enter');
  await type(agent, 'Two');
  await holds('#claim-text', 'One\nTwo');
  await mouse.wheel(0, -250);
  await until('and back', async () => (await scrolled()) === 0);
  // Enter in a line sends the form by its button, which is barred; were it not, the form's own validation would ask for what is missing.
  await mouse.click(...(await place(consumer, agent, '#claim-street')));
  await focus('claim-street');
  await keys('Enter');
  await agent.says('assist-activity', /^The site does not let agents use this element\.$/);
  await focus('claim-street');
  await consumer.evaluate(() => document.getElementById('claim-send').removeAttribute('data-parley-barred'));
  await keys('Enter');
  await focus('claim-policy');
  await consumer.evaluate(() => document.getElementById('claim-send').setAttribute('data-parley-barred', ''));
}

/** Control is given back, and is taken back, each by its button; each time nothing more is done by who had it. */
async function givenAndTaken(consumer, agent) {
  const control = async () => {
    await agent.click('tool-control');
    await consumer.appears('consent');
    await consumer.click('consent-yes');
    await attribute(agent, 'assist-state', 'data-control', 'true');
    await consumer.appears('assist-control');
  };
  for (const [page, button] of [[agent, 'release-control'], [consumer, 'assist-take']]) {
    await control();
    await page.click(button);
    await attribute(agent, 'assist-state', 'data-control', 'false');
    await hidden(consumer, 'assist-control');
    await hidden(agent, 'assist-keys');
    await attribute(agent, 'workspace', 'data-mode', 'look');
  }
}

/** A hand that is not quite still clicks once; a drag is one press and one release; the other buttons arrive, too. */
async function usesMouse(consumer, agent) {
  await consumer.evaluate(() => {
    window.__mouse = [];
    document.body.insertAdjacentHTML('beforeend', '<div id="from" style="position:fixed;left:300px;top:300px;width:80px;height:60px;z-index:9;background:#cde">from</div><div id="to" style="position:fixed;left:600px;top:400px;width:80px;height:60px;z-index:9;background:#edc">to</div>');
    for (const type of ['mousedown', 'mouseup', 'click', 'dblclick', 'contextmenu']) {
      window.addEventListener(type, (e) => e.isTrusted || window.__mouse.push(`${type} ${e.target.id}`), { capture: true, passive: true });
    }
  });
  const { mouse } = agent.raw;
  const from = await place(consumer, agent, '#from'), to = await place(consumer, agent, '#to');
  const happens = (what, ...events) => until(what, async () => {
    const seen = (await consumer.evaluate(() => window.__mouse)).join();
    return seen === events.join() ? consumer.evaluate(() => (window.__mouse.length = 0, true)) : Promise.reject(new Error(seen));
  });
  await mouse.move(...from);
  await mouse.down();
  await mouse.move(from[0] + 1, from[1] + 2);
  await mouse.up();
  await happens('one click', 'mousedown from', 'mouseup from', 'click from');
  await mouse.move(...from);
  await mouse.down();
  await mouse.move(...to, { steps: 5 });
  await mouse.up();
  await happens('one drag', 'mousedown from', 'mouseup to');
  await mouse.dblclick(...from);
  await happens('a double click', ...['mousedown from', 'mouseup from', 'click from'], ...['mousedown from', 'mouseup from', 'click from', 'dblclick from']);
  await mouse.click(...from, { button: 'right' });
  await happens('the other button', 'mousedown from', 'mouseup from', 'contextmenu from');
  await consumer.evaluate(() => { document.querySelector('#from').remove(); document.querySelector('#to').remove(); });
}

/** Smaller pictures for a slow line, and the full ones again. */
async function choosesQuality(consumer, agent) {
  const whole = await consumer.evaluate(() => innerWidth);
  for (const [quality, width] of [['light', whole / 2], ['sharp', whole]]) {
    await agent.raw.selectOption('[data-test=quality]', quality);
    await until(`${quality}: pictures of ${width} pixels`, async () => (await agent.evaluate(() => window.__deep('[data-test=assist-picture]').width)) === width);
  }
}

async function form(consumer, agent) {
  await consumer.evaluate(() => document.getElementById('claim-true').closest('fieldset').insertAdjacentHTML('beforeend',
    '<fieldset><legend>How we answer</legend><label><input type="radio" name="how" value="phone" checked>By message</label><label><input type="radio" id="by-letter" name="how" value="letter">By letter</label></fieldset>'));
  await agent.click('panel-form');
  await agent.appears('form-field');
  const fields = await agent.evaluate(() => [...document.querySelectorAll('[data-test=form-field]')].map((e) => [e.querySelector('label')?.textContent.trim() ?? '', e.dataset.masked]));
  for (const name of ['IBAN', 'Password']) assert(fields.some(([label, masked]) => label.startsWith(name) && masked === 'true'), `${name} is not masked: ${JSON.stringify(fields)}`);
  never((await agent.evaluate(() => document.body.innerHTML)).includes('umbrella1924'), 'the password is in the agent’s page');
  // As a person does, each kind by its label.
  const editor = editorOf(agent);
  const holds = (selector, wanted) => until(`${selector} is ${wanted}`, async () => { const is = await consumer.evaluate((s) => { const e = document.querySelector(s); return String(/checkbox|radio/.test(e.type) ? e.checked : e.value); }, selector); return is === wanted || Promise.reject(new Error(is)); });
  await editor.fill('Telephone', '+49 30 12345');
  await holds('#claim-phone', '+49 30 12345');
  await editor.fill('Day', '2026-11-25');
  await holds('#claim-day', '2026-11-25');
  await editor.fill('In your own words', 'Water, all over.');
  await holds('#claim-text', 'Water, all over.');
  await editor.select('Kind of damage', 'fire');
  await holds('#claim-kind', 'fire');
  await editor.check('Everything above is true.');
  await holds('#claim-true', 'true');
  await editor.check('By letter');
  await holds('#by-letter', 'true');
  // What is masked is filled in unseen: nothing of it comes, nor stays.
  await editor.fillMasked('IBAN', 'LI21 0881 0000 2324 014B B');
  await until('the masked field is filled in', async () => (await value(consumer, '#claim-iban')) === 'LI21 0881 0000 2324 014B B');
  never(await agent.evaluate(() => (document.body.innerHTML + [...document.querySelectorAll('input, textarea')].map((e) => e.value).join()).includes('LI21 0881')), 'what was filled in unseen is in the agent’s page');
  await editor.fill('Policy number', 'nonsense');
  await until('the page’s own validation is told', () => agent.evaluate(() => [...document.querySelectorAll('[data-test=form-field]')].find((e) => e.textContent.includes('Policy number')).dataset.valid === 'false'));
  await agent.click('panel-form');
}

/** A customer on hold goes on sharing: the page has nothing to do with sound. */
async function staysOverHold(consumer, agent) {
  const hold = (how) => Promise.all([[agent, how], [consumer, how === 'held' ? 'peer' : how]].map(([page, wanted]) => attribute(page, 'call-state', 'data-hold', wanted)));
  await agent.click('hold');
  await hold('held');
  await attribute(agent, 'workspace', 'data-phase', 'joined');
  const before = Number(await agent.attribute('assist-picture', 'data-frame'));
  await consumer.evaluate(() => { document.querySelector('h1').textContent = 'While on hold'; });
  await until('a picture while on hold', async () => Number(await agent.attribute('assist-picture', 'data-frame')) > before);
  await agent.click('hold');
  await hold('no');
  await attribute(agent, 'workspace', 'data-phase', 'joined');
}

/** Looks at an item, switches one off and on, deletes one, and one by mistake. */
async function tidies(page, names) {
  await page.raw.locator('[data-kind=image] [data-test=preview]').click();
  await page.appears('preview-dialog');
  await until('the picture is seen', () => page.evaluate(() => document.querySelector('[data-test=preview-dialog] img')?.naturalWidth === 320));
  await page.click('preview-close');
  const enabled = (value) => until(`enabled: ${value}`, () => page.evaluate((v) => document.querySelector('[data-test=library-item]').dataset.enabled === v, value));
  await page.click('enabled');
  await enabled('false');
  await page.reload();
  await enabled('false');
  await page.click('enabled');
  await enabled('true');
  await page.raw.locator('[data-test=delete]').last().click();
  await page.says('undo-bar', /Old/);
  await page.raw.locator('[data-kind=image] [data-test=delete]').click();
  await page.says('undo-bar', /Floor plan/);
  await page.click('undo');
  await until('what was deleted by mistake is back', async () => (await names()).join() === 'Terms,Floor plan');
}

/** Who takes part, as the panel lists them. */
async function people(agent) {
  await agent.click('panel-people');
  await until('both are listed', async () => {
    const rows = await agent.evaluate(() => [...document.querySelectorAll('[data-test=party]')].map((row) => row.innerText.replace(/\s+/g, ' ').trim()).join());
    return rows === 'Ada Customer · here,Agent 1 (you) Agent · sees the page' || Promise.reject(new Error(rows));
  });
  await agent.click('panel-people');
}

/** As large as the customer's, and back. */
async function zooms(consumer, agent) {
  const width = () => agent.evaluate(() => Math.round(window.__deep('[data-test=assist-picture]').getBoundingClientRect().width));
  const whole = await consumer.evaluate(() => innerWidth), fit = await width();
  assert(fit < whole, `the picture of ${fit} pixels fits`);
  await agent.click('zoom');
  await until('one pixel is one pixel', async () => (await width()) === whole);
  await agent.click('zoom');
  await until('it fits again', async () => (await width()) === fit);
}

/** A PDF for the library; a look at it is the document itself, in a tab of its own, which the browser shows. */
async function addsDocument(page) {
  const document_ = Buffer.from(pdf(2), 'latin1');
  await page.give('upload', { name: 'offer.pdf', mimeType: 'application/pdf', buffer: document_ });
  await page.clickAt('[data-kind=document] [data-test=preview]');
  await page.says('preview-dialog', /offer[^]*PDF|Document/i);
  const [href, rel, text] = await page.evaluate(async () => { const link = document.querySelector('[data-test=preview-open]'); return [link.href, link.rel, await (await fetch(link.href)).text()]; });
  assert(/noopener/.test(rel) && text === document_.toString('latin1'), `a look at the document: ${rel}, ${text.length} characters`);
  await opensTab(page, 'preview-open', href);
  await page.appears('preview-dialog');
  await page.click('preview-close');
}

/** The supervisor's console, in the browser that becomes the agent's afterwards. */
async function supervise(page, stack) {
  await signIn(page, stack, 'supervisor1', '/expertassist/supervisor/');
  await page.appears('library-empty');
  await page.raw.setInputFiles('[data-test=upload]', { name: 'plan.png', mimeType: 'image/png', buffer: png(320, 200, [20, 120, 200]) });
  await page.appears('library-item');
  await page.click('rename');
  await type(page, 'Floor plan');
  await page.press('Enter');
  await page.raw.setInputFiles('[data-test=upload]', { name: 'bad.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>') });
  await page.says('page-error', /PDF/);
  await page.click('add-link');
  await page.fill('add-url', 'javascript:alert(1)');
  await page.click('add-save');
  await page.says('page-error', /http/);
  await page.fill('add-url', 'https://lindhaven.example/terms');
  await page.fill('add-name', 'Terms');
  await page.click('add-save');
  await page.click('add-link');
  await page.fill('add-url', 'https://lindhaven.example/old');
  await page.fill('add-name', 'Old');
  await page.click('add-save');
  const names = () => page.evaluate(() => [...document.querySelectorAll('[data-test=library-item] strong')].map((e) => e.textContent));
  await until('both are listed', async () => (await names()).join() === 'Floor plan,Terms,Old');
  await page.raw.locator('[data-kind=link] [data-test=move-up]').first().click();
  await until('the link is first', async () => (await names()).join() === 'Terms,Floor plan,Old');
  await tidies(page, names);
  await page.reload();
  await until('it is kept', async () => (await names()).join() === 'Terms,Floor plan');
  await addsDocument(page);
}

/** A customer whose page an agent sees, on which the agent drew a shape. */
async function beginsToShare(consumer, stack, cid) {
  await onLoad(consumer, listen);
  await consumer.goto(`${stack.url}/assistsample/claim.html?cid=${cid}&cobrowseOnly=true&name=Ada`);
  await attribute(consumer, 'assist-bar', 'data-look', 'waiting');
  const agent = await Topic.open(stack, await agentTopicToken(stack), { cid });
  assert(!agent.refused, `agent refused: ${agent.refused}`);
  await consumer.appears('consent');
  await consumer.click('consent-yes');
  await agent.wait('picture');
  agent.send('draw', { id: 'shape', tool: 'rect', width: 4, points: [[200, 200], [400, 300]], done: true });
  await told(consumer, 'a shape', (m) => m.type === 'draw');
  return agent;
}

/** He asks for one of the running sessions: the customer says no, then yes; until then he sees nothing. */
async function asksToWatch(supervisor, consumer, cid) {
  await supervisor.click('nav-live');
  await attribute(supervisor, 'live-row', 'data-sharing', 'on');
  assert((await supervisor.attribute('live-row', 'data-cid')) === cid, 'another session');
  await supervisor.says('live-row', /Ada[^]*Agent 1/);
  await supervisor.click('watch');
  await attribute(supervisor, 'workspace', 'data-phase', 'asking');
  await consumer.says('consent', /Supervisor 1/);
  await consumer.click('consent-no');
  await attribute(supervisor, 'workspace', 'data-phase', 'refused');
  await consumer.says('assist-state', /^Agent 1 sees this page$/);
  assert((await supervisor.attribute('assist-picture', 'data-frame')) === null, 'a picture without consent');
  await supervisor.click('ask-again');
  await consumer.says('consent', /Supervisor 1/);
  await consumer.click('consent-yes');
  await attribute(supervisor, 'workspace', 'data-phase', 'joined');
  await hidden(supervisor, 'assist-cover');
}

/** Watching is all that a supervisor does: there are no tools, keys and mouse do nothing, and what a page of his said all the same is refused. */
async function onlyLooks(supervisor, consumer) {
  for (const id of ['tool-point', 'tool-control', 'tool-pen', 'tool-clear', 'panel-form', 'panel-push']) {
    assert((await supervisor.attribute(id, 'data-test')) === null, `a supervisor has ${id}`);
  }
  for (const key of ['3', '4', '0', 'f', 'l']) await supervisor.press(key);
  await drag(supervisor, [0.3, 0.3], [0.5, 0.45]);
  assert((await supervisor.attribute('workspace', 'data-mode')) === 'look' && (await supervisor.attribute('workspace', 'data-panel')) === 'none', 'a key chose something');
  await supervisor.evaluate(() => {
    const { cobrowse } = document.querySelector('parley-workspace');
    window.__refused = [];
    cobrowse.on('notice', ({ code }) => window.__refused.push(code));
    cobrowse.draw({ id: 'mine', tool: 'pen', width: 4, points: [[10, 10], [60, 60]], done: true });
    cobrowse.send({ type: 'control', want: true });
    cobrowse.send({ type: 'click', x: 30, y: 330 });
  });
  await until('the server refuses it all', async () => {
    const codes = (await supervisor.evaluate(() => window.__refused)).join();
    return codes === 'assist.not_allowed,assist.not_allowed,assist.not_allowed' || Promise.reject(new Error(codes));
  });
  const heard = (await consumer.evaluate(() => window.__told)).map((m) => m.type).filter((t) => ['draw', 'pointer', 'click', 'scroll', 'text', 'key', 'form-get', 'push'].includes(t));
  assert(heard.join() === 'draw', `the customer's page was told: ${heard}`);
  assert((await consumer.attribute('assist-control', 'data-party')) === null, 'a supervisor controls the page');
}

/** A supervisor watches a session with the customer's consent, and stops. */
async function watches(supervisor, consumer, stack, shots) {
  const agent = await beginsToShare(consumer, stack, 'watched-1');
  await asksToWatch(supervisor, consumer, 'watched-1');
  await consumer.says('assist-state', /^Agent 1 and Supervisor 1 see this page$/);
  await until('the supervisor sees what the customer sees', async () => { const d = await difference(consumer, supervisor); return d < 6 || Promise.reject(new Error(`${d} grey values`)); });
  await supervisor.appears('assist-shape');
  await consumer.evaluate(() => { document.body.appendChild(document.createElement('div')).style.cssText = 'position:fixed;left:0;top:300px;width:60px;height:60px;z-index:9;background:rgb(0,90,200)'; });
  const scale = (await supervisor.evaluate(() => window.__deep('[data-test=assist-picture]').width)) / (await consumer.evaluate(() => innerWidth));
  await until('he sees what changes', async () => { const colour = await colourAt(supervisor, 30 * scale, 330 * scale); return near(colour, [0, 90, 200], 25) || Promise.reject(new Error(String(colour))); });
  await onlyLooks(supervisor, consumer);
  await shots(supervisor, 'assist-supervisor-watching');
  await supervisor.click('assist-leave');
  await supervisor.appears('live-row');
  await consumer.says('assist-state', /^Agent 1 sees this page$/);
  await consumer.click('assist-end');
  await agent.wait('ended');
}

/** The document of the library, and one of the agent's machine: both see its pages, which the agent turns. */
async function sendsDocuments(consumer, agent) {
  const seen = async (page, number) => {
    await page.says('document-page', new RegExp(`^${number} / 2$`));
    // The page has a black bar near its upper edge.
    await until(`${page.name} shows the bar of page ${number}`, () => page.evaluate((n) => {
      const canvas = window.__deep(`[data-page="${n}"][data-drawn=yes] canvas`);
      const black = (y) => canvas.getContext('2d').getImageData(Math.round(0.4 * canvas.width), Math.round(y * canvas.height), 1, 1).data[0] < 60;
      return canvas && black(1 - 715 / 842) && !black(0.5);
    }, number));
  };
  const turns = async () => {
    for (const page of [agent, consumer]) await seen(page, 1);
    await agent.click('document-next');
    for (const page of [agent, consumer]) await seen(page, 2);
    await agent.click('document-close');
    await hidden(consumer, 'document');
  };
  await agent.clickAt('[data-kind=document] [data-test=library-push]');
  await turns();
  await agent.click('source-file');
  await agent.give('upload-file', { name: 'own.pdf', mimeType: 'application/pdf', buffer: Buffer.from(pdf(2), 'latin1') });
  await turns();
  await agent.click('source-library');
}

async function sends(consumer, agent) {
  await agent.click('panel-push');
  await sendsDocuments(consumer, agent);
  await agent.raw.locator('[data-kind=image] [data-test=library-push]').click();
  await agent.appears('document');
  await told(consumer, 'a picture', (m) => m.type === 'push' && m.kind === 'image');
  await consumer.appears('document');
  await attribute(agent, 'pushed', 'data-state', 'opened');
  await agent.click('document-close');
  await hidden(consumer, 'document');
  await agent.raw.locator('[data-kind=link] [data-test=library-push]').click();
  await consumer.appears('push-decline');
  await consumer.click('push-decline');
  await attribute(agent, 'pushed', 'data-state', 'declined');
  await agent.click('source-address');
  await agent.fill('push-url', 'http://127.0.0.1:9/secret.pdf');
  await agent.click('push-as-document');
  await agent.click('push-address');
  await agent.appears('push-error');
  await agent.click('panel-push');
}

const kAllFeatures = '[assist]\nfeatures = ["view", "pointer", "control", "forms", "annotate", "push_document", "push_link", "spotlight", "capture"]\n';

export const cases = [{
  name: 'assist agent: a supervisor’s library and watching; the page, every tool, control, the form, sending, pause and end (chromium)', limit: 150000, async run({ stack, browser, shots }) {
    const agent = await browser('chromium', 'agent'), consumer = await browser('chromium', 'consumer');
    await supervise(agent, stack);
    await watches(agent, consumer, stack, shots);
    await agent.click('sign-out');
    await agent.appears('login');
    await signIn(agent, stack, 'agent1', '/expertassist/agent/');
    await meet(stack, consumer, agent, 'agent-1');
    await until('the agent sees what the customer sees', async () => { const d = await difference(consumer, agent); return d < 6 || Promise.reject(new Error(`${d} grey values`)); });
    await shots(agent, 'assist-agent-shared');
    await zooms(consumer, agent);
    await people(agent);
    await drawings(consumer, agent);
    await choosesQuality(consumer, agent);
    await controls(consumer, agent, async () => {
      await wheelAndKeys(consumer, agent);
      await usesMouse(consumer, agent);
      await form(consumer, agent);
    });
    await givenAndTaken(consumer, agent);
    await sends(consumer, agent);
    await shots(agent, 'assist-agent-done');
    await consumer.click('assist-pause');
    await attribute(agent, 'assist-cover', 'data-sharing', 'paused');
    assert((await agent.state('.sheet'))?.visible === false, 'the picture is still there');
    await consumer.click('assist-pause');
    await hidden(agent, 'assist-cover');
    await consumer.click('assist-end');
    await attribute(agent, 'workspace', 'data-phase', 'ended');
    assert(agent.errors.length + consumer.errors.length === 0, [...agent.errors, ...consumer.errors].join('; '));
  },
}, {
  name: 'assist agent: a supervisor watches; the page in half its size, every tool, control, the form, documents (firefox agent)', settings: { 'assist.image_scale_percent': 50 }, async run({ stack, browser, shots }) {
    const agent = await browser('firefox', 'agent'), consumer = await browser('chromium', 'consumer');
    await signIn(agent, stack, 'supervisor1', '/expertassist/supervisor/');
    await addsDocument(agent);
    await watches(agent, consumer, stack, shots);
    await agent.click('sign-out');
    await agent.appears('login');
    await signIn(agent, stack, 'agent1', '/expertassist/agent/');
    await meet(stack, consumer, agent, 'agent-2');
    await until('the agent sees what the customer sees', async () => { const d = await difference(consumer, agent); return d < 6 || Promise.reject(new Error(`${d} grey values`)); });
    const width = await agent.evaluate(() => window.__deep('[data-test=assist-picture]').width);
    assert(width * 2 === await consumer.evaluate(() => innerWidth), `a picture of ${width} pixels`);
    await drawings(consumer, agent);
    await controls(consumer, agent, () => form(consumer, agent));
    await agent.click('panel-push');
    await sendsDocuments(consumer, agent);
    await shots(agent, 'assist-agent-firefox');
    assert(agent.errors.length === 0, agent.errors.join('; '));
  },
}, {
  name: 'assist agent: from a call to the page (chromium)', async run({ stack, browser, shots }) {
    const agent = await browser('chromium', 'agent'), consumer = await browser('chromium', 'consumer');
    await signInForCalls(agent, stack);
    await establish(consumer, agent, stack, { to: 'agent', extra: '&cid=called-1' });
    assert((await agent.attribute('assist-invite', 'data-cid')) === null, 'the customer has not offered the page');
    await escalate(consumer, agent);
    assert((await agent.attribute('workspace', 'data-cid')) === 'called-1', 'the page is shared in the session that its address names');
    await agent.is('call', 'connected');
    await agent.appears('video-window-handle');
    await movesWindow(consumer, agent);
    await shots(agent, 'assist-agent-call');
    await staysOverHold(consumer, agent);
    await agent.click('end');
    await consumer.says('assist-state', /^The call has ended, and sharing with it\. Nobody sees this page any more\.$/);
    await attribute(agent, 'workspace', 'data-phase', 'ended');
    assert(agent.errors.length + consumer.errors.length === 0, [...agent.errors, ...consumer.errors].join('; '));
  },
}, {
  name: 'assist agent: a call with a shared page is passed on: the first agent is out, the next one asks; one of two is removed (chromium)', async run({ stack, browser, shots }) {
    const [first, next, consumer] = [await browser('chromium', 'agent'), await browser('chromium', 'agent'), await browser('chromium', 'consumer')];
    await signInForCalls(first, stack);
    await signInForCalls(next, stack, 'agent2');
    await establish(consumer, first, stack);
    await escalate(consumer, first);
    await first.click('transfer');
    await first.fill('transfer-to', 'agent2');
    await first.click('transfer-blind');
    await next.appears('ringing');
    await next.click('answer');
    await attribute(first, 'last-call', 'data-reason', 'transferred');
    await hidden(first, 'workspace');
    await attribute(consumer, 'assist-bar', 'data-look', 'waiting');
    await consumer.is('call-panel', 'connected');
    await next.appears('assist-ask');
    await next.click('assist-ask');
    await consumer.appears('consent');
    await consumer.click('consent-yes');
    await attribute(next, 'workspace', 'data-phase', 'joined');
    await hidden(next, 'assist-cover');
    await first.goto(`${stack.url}/expertassist/agent/?cid=${await next.attribute('workspace', 'data-cid')}`);
    await consumer.appears('consent');
    await consumer.click('consent-yes');
    await attribute(first, 'workspace', 'data-phase', 'joined');
    await hidden(first, 'assist-cover');
    await consumer.appears('assist-remove');
    await shots(consumer, 'assist-agent-people');
    await consumer.clickAt('li:has(+ li) [data-test=assist-remove]');
    await attribute(next, 'workspace', 'data-phase', 'ended');
    await next.says('assist-cover', /^You do not see the page any more\s+The customer took you out of this session\./);
    await consumer.says('assist-state', /^Agent 1 sees this page$/);
    // The other's place is untouched; who was removed may ask again, as anybody.
    await attribute(first, 'workspace', 'data-phase', 'joined');
    await next.click('assist-leave');
    await next.click('assist-ask');
    await consumer.appears('consent');
    await consumer.click('consent-yes');
    await attribute(next, 'workspace', 'data-phase', 'joined');
    // Who hangs up ends the sharing for both.
    await consumer.click('end');
    for (const agent of [first, next]) await agent.says('assist-cover', /The call has ended, and sharing with it\./);
    const errors = [first, next, consumer].flatMap((page) => page.errors);
    assert(errors.length === 0, errors.join('; '));
  },
}, {
  name: 'assist agent: what the administration switches off while a page is shared is gone from the console at once, and back when it is on again (chromium)', file: kAllFeatures, async run({ stack, browser, shots }) {
    const [agent, consumer] = await Promise.all([browser('chromium', 'agent'), browser('chromium', 'consumer')]);
    await signIn(agent, stack, 'agent1', '/expertassist/agent/');
    await meet(stack, consumer, agent, 'less-1');
    await agent.click('tool-control');
    await consumer.appears('consent');
    await consumer.click('consent-yes');
    await attribute(agent, 'assist-state', 'data-control', 'true');
    await agent.click('panel-form');
    await agent.appears('form-field');
    const may = ['tool-control', 'tool-pen', 'tool-text', 'panel-form', 'panel-push'];
    stack.reload('[assist]\nfeatures = ["view", "pointer"]\n');
    for (const id of [...may, 'form-field']) await hidden(agent, id);
    await agent.appears('tool-point');
    await attribute(agent, 'workspace', 'data-mode', 'look');
    await hidden(consumer, 'assist-control');
    // The page is still seen; what the agent types goes nowhere.
    await attribute(agent, 'workspace', 'data-phase', 'joined');
    await agent.raw.mouse.click(...(await place(consumer, agent, '#claim-street')));
    await type(agent, 'Mill Lane 4');
    const before = Number(await agent.attribute('assist-picture', 'data-frame'));
    await consumer.evaluate(() => { document.querySelector('h1').textContent = 'Still seen'; });
    await until('a picture', async () => Number(await agent.attribute('assist-picture', 'data-frame')) > before);
    assert((await value(consumer, '#claim-street')) === '', 'an agent without control has typed');
    await shots(agent, 'assist-agent-less');
    stack.reload(kAllFeatures);
    for (const id of may) await agent.appears(id);
    await controls(consumer, agent);
    assert(agent.errors.length + consumer.errors.length === 0, [...agent.errors, ...consumer.errors].join('; '));
  },
}, {
  name: 'assist agent: a call that the agent ends while the customer’s next page loads ends the sharing, too (chromium)', async run({ stack, browser }) {
    const [agent, consumer] = await Promise.all([browser('chromium', 'agent'), browser('chromium', 'consumer')]);
    await signInForCalls(agent, stack);
    await establish(consumer, agent, stack);
    await escalate(consumer, agent);
    await consumer.goto('about:blank');
    await agent.click('end');
    await attribute(agent, 'last-call', 'data-reason', 'hung_up');
    await consumer.goto(`${stack.url}/assistsample/claim.html`);
    await consumer.says('assist-state', /^The call has ended, and sharing with it\. Nobody sees this page any more\.$/);
    await attribute(agent, 'workspace', 'data-phase', 'ended');
  },
}];
