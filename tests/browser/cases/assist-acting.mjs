// What an agent does on a customer's page, in the page itself: React, Vue and Angular, a plain page, a hostile agent.
import { until } from '../lib/browsers.mjs';
import { assert } from '../lib/call.mjs';
import { buildSamples, serve } from '../lib/sample_pages.mjs';

let built;

/** A page with an actor in it, and what an agent sends to it. */
async function openPage(page, url) {
  await page.goto(url);
  const ready = () => page.evaluate(() => typeof Acting === 'object' && document.querySelector('input') !== null);
  await until(`${url} is there`, ready);
  await page.evaluate(() => {
    window.log ??= [];
    window.touches = 0;
    window.actor = Acting.createActor({ isMasked: (e) => e.id === 'account', onTouch: () => touches++, barred: ['.never'] });
    window.deepFind = (selector) => {
      const [path, inner] = selector.split(' >> ');
      const found = document.querySelector(path);
      return inner ? (found.shadowRoot ?? found.contentDocument).querySelector(inner) : found;
    };
    window.middleOf = (selector) => {
      const e = deepFind(selector);
      (e.ownerDocument === document ? e : e.ownerDocument.defaultView.frameElement).scrollIntoView({ block: 'nearest' });
      const b = e.getBoundingClientRect();
      const f = e.ownerDocument === document ? { left: 0, top: 0 } : e.ownerDocument.defaultView.frameElement.getBoundingClientRect();
      const edge = e.ownerDocument === document ? 0 : e.ownerDocument.defaultView.frameElement.clientLeft;
      return { x: b.left + b.width / 2 + f.left + edge, y: b.top + b.height / 2 + f.top + edge };
    };
  });
  const send = (what, message = {}) => page.evaluate((w, m) => actor[w](m), what, message);
  const place = (selector) => page.evaluate((s) => middleOf(s), selector);
  return {
    send, place, read: (f, ...a) => page.evaluate(f, ...a),
    click: (selector, more = {}) => page.evaluate((s, m) => actor.click({ ...middleOf(s), ...m }), selector, more),
    text: (text) => send('text', { text }),
    key: (key, mods = {}) => send('key', { key, mods }),
    value: (selector) => page.evaluate((s) => deepFind(s).value, selector),
    async done(promise) { const result = await promise; assert(result.ok, `refused: ${JSON.stringify(result)}`); return result; },
    async refused(reason, promise) { const result = await promise; assert(!result.ok && result.reason === reason, `${reason} expected: ${JSON.stringify(result)}`); },
  };
}

async function pickFromList(agent, label) {
  return agent.read((text) => {
    const cells = [...document.querySelector('parley-picker').shadowRoot.querySelectorAll('.cell')];
    const cell = cells.find((c) => (c.getAttribute('aria-label') ?? c.textContent).includes(text));
    cell.scrollIntoView({ block: 'nearest' });
    const b = cell.getBoundingClientRect();
    return actor.click({ x: b.left + b.width / 2, y: b.top + b.height / 2 });
  }, label);
}

/** By hand: mouse, keys, lists. */
async function byHand(kind, agent) {
  const model = () => agent.read(() => model());
  const is = (name, value) => until(`${kind}: ${name} is ${value}`, async () => (await model())[name] === value, 5000);
  await agent.done(agent.click('#name'));
  await agent.done(agent.text('Ada Lovelace'));
  await agent.done(agent.key('Tab'));
  await agent.done(agent.text('123456789'));
  await is('phone', '123 456 789');
  assert((await model()).name === 'Ada Lovelace', `${kind}: the name`);
  await until(`${kind}: the field was left`, () => agent.read(() => document.querySelector('#touched') !== null), 5000);
  await agent.done(agent.click('#mail'));
  await agent.done(agent.text('ada@example'));
  await agent.done(agent.click('#note'));
  await agent.done(agent.text('Line'));
  await agent.done(agent.key('Backspace'));
  await is('note', 'Lin');
  assert((await model()).mail === 'ada@example', `${kind}: the mail`);
  await agent.done(agent.click('#country'));
  await agent.done(pickFromList(agent, 'fr'));
  await is('country', 'fr');
  await agent.done(agent.click('#date'));
  await agent.done(agent.key('Escape'));
  await agent.done(agent.click('#full'));
  await is('plan', 'full');
  await agent.refused('disabled', agent.click('#send'));
  await agent.done(agent.click('#terms'));
  await until(`${kind}: it can be sent`, () => agent.read(() => !document.querySelector('#send').disabled), 5000);
  await agent.done(agent.click('#name', { detail: 3 }));
  await agent.done(agent.key('Delete'));
  await is('name', '');
  await agent.done(agent.key('Enter'));
  assert(await agent.read(() => document.querySelector('#sent') === null), `${kind}: an empty required field was sent`);
  await agent.done(agent.text('Grace'));
  await agent.done(agent.key('Enter'));
  const sent = await until(`${kind}: sent`, () => agent.read(() => document.querySelector('#sent')?.textContent), 5000);
  assert(JSON.parse(sent).name === 'Grace' && JSON.parse(sent).phone === '123 456 789', `${kind}: ${sent}`);
}

/** By the form editor. */
async function byForm(kind, agent) {
  const fields = Object.fromEntries((await agent.send('formGet')).map((f) => [f.label, f]));
  const radio = Object.values(fields).find((f) => f.type === 'radio');
  assert(fields.name?.required && fields.country?.options.length === 4 && radio?.options.length === 2, `${kind}: ${JSON.stringify(fields)}`);
  const set = (field, value) => agent.send('formSet', { id: field.id, ...value });
  assert((await set(fields.name, { value: 'Katherine' })).ok, 'name');
  assert((await set(fields.name, { value: 'x'.repeat(21) })).reason === 'too_long', 'longer than the field');
  assert((await set(fields.phone, { value: '987654' })).ok, 'phone');
  const mail = await set(fields.mail, { value: 'kj' });
  assert(mail.ok && !mail.valid && mail.message, `an invalid address: ${JSON.stringify(mail)}`);
  assert((await set(fields.mail, { value: 'kj@example' })).valid, 'mail');
  assert((await set(fields.date, { value: 'soon' })).reason === 'bad_value', 'no date');
  assert((await set(fields.date, { value: '2026-11-26' })).ok && (await set(fields.country, { selected: ['pl'] })).ok, 'date and country');
  assert((await set(fields.country, { selected: ['mars'] })).reason === 'bad_value', 'no such country');
  assert((await set(radio, { value: 'basic' })).ok && (await set(fields.terms, { checked: false })).ok && (await set(fields.note, { value: 'a\nb' })).ok, 'the rest');
  const wanted = { name: 'Katherine', phone: '987 654', mail: 'kj@example', country: 'pl', plan: 'basic', terms: false, date: '2026-11-26', note: 'a\nb' };
  let model;
  await until(`${kind}: the site's state`, async () => {
    model = await agent.read(() => model());
    return Object.entries(wanted).every(([k, v]) => model[k] === v) || Promise.reject(new Error(JSON.stringify(model)));
  }, 5000);
}

async function plainPage(page, agent) {
  await agent.refused('outside', agent.send('click', { x: -5, y: 10 }));
  await agent.refused('outside', agent.send('click', { x: 1e7, y: 10 }));
  await agent.refused('bad_message', agent.send('click', { x: 'a', y: null }));
  await agent.refused('bad_message', agent.send('key', { key: 'BrowserHome' }));
  await agent.refused('too_long', agent.text('x'.repeat(200_000)));
  for (const barred of ['#card', '#password', '#file', '#pay']) await agent.refused('barred', agent.click(barred));
  const fields = await agent.send('formGet');
  const by = (label) => fields.find((f) => f.label === label);
  assert(!/4111|hidden/.test(JSON.stringify(fields)) && by('Card').barred && by('Password').masked && by('Account').masked, 'what is masked is told');
  for (const label of ['Card', 'Password', 'File']) assert((await agent.send('formSet', { id: by(label).id, value: 'x' })).reason === 'barred', `${label} was set`);
  // Enter goes by the page's own rules, in a form that has a field called "submit".
  await agent.done(agent.click('#account'));
  await agent.done(agent.text('12'));
  await agent.done(agent.key('Enter'));
  assert((await agent.read(() => log.length)) === 0, 'sent against the pattern');
  await agent.done(agent.text('34'));
  await agent.done(agent.key('Enter'));
  assert((await agent.read(() => log.join())) === 'submit', 'not sent');
  await agent.done(agent.click('#bad'));
  await agent.done(agent.click('#edit'));
  await agent.done(agent.key('End', { ctrl: true }));
  await agent.done(agent.text('ed'));
  assert((await agent.read(() => document.querySelector('#edit').textContent.trim())) === 'edited', 'editable content');
  await agent.done(agent.click('#list'));
  assert((await agent.read(() => document.querySelector('#list').selectedOptions.length)) === 1, 'list box');
  await agent.done(agent.click('#slider'));
  assert((await agent.value('#slider')) === '5', 'slider');
  await agent.done(agent.click('#shadow >> #in'));
  await agent.done(agent.text('deep'));
  assert((await agent.value('#shadow >> #in')) === 'deep', 'shadow root');
  await agent.done(agent.click('#frame >> #inner'));
  await agent.done(agent.text('frame'));
  await agent.done(agent.click('#frame >> #press'));
  assert((await agent.read(() => deepFind('#frame >> #inner').value + deepFind('#frame >> #press').textContent)) === 'framepressed', 'frame');
  await agent.done(agent.send('scroll', { ...await agent.place('#box'), dx: 0, dy: 60 }));
  assert((await agent.read(() => document.querySelector('#box').scrollTop)) === 60, 'box scrolled');
  assert((await agent.read(() => touches)) === 0, 'our own acts were taken for the customer’s');
  await page.raw.mouse.click(5, 5);
  await until('the customer’s touch is seen', () => agent.read(() => touches > 0), 5000);
}

async function drawing(page, agent, shots, name) {
  await agent.read(() => {
    scrollTo(0, 0);
    const host = document.createElement('div');
    host.setAttribute('data-parley-overlay', '');
    Object.assign(host.style, { position: 'fixed', inset: '0', pointerEvents: 'none', zIndex: '2147483000' });
    document.documentElement.append(host);
    window.layer = Acting.layerOverPage(window, host).layer;
    const tools = ['pen', 'highlighter', 'arrow', 'rect', 'text', 'spot'];
    tools.forEach((tool, i) => {
      const sketch = new Acting.Sketch({ tool, color: '#d6336c', width: 4, id: `s-${tool}`, text: 'Look here', send: (s) => layer.draw(s) });
      sketch.start([420, 80 + i * 60]);
      for (let n = 1; n <= 20; n++) sketch.move([420 + n * 8, 80 + i * 60 + 18 * Math.sin(n)]);
      sketch.end([600, 110 + i * 60]);
    });
    layer.cursor('p2', { name: 'Anna', color: '#0b5f6b', x: 700, y: 200, down: true });
  });
  await shots(page, `acting-annotations-${name}`);
  assert((await agent.read(() => layer.size)) === 6, 'shapes');
  const top = () => agent.read(() => document.querySelector('svg[data-parley-layer] > g > g').getBoundingClientRect().top);
  const before = await top();
  await agent.read(() => scrollTo(0, 50));
  await until('what was drawn goes with the page', async () => Math.abs(before - await top() - 50) < 1, 5000);
  assert((await agent.read(() => layer.hit(500, 30))) === 's-pen', 'the pen’s line is where the content is');
  await agent.done(agent.click('#go'));
  await agent.read(() => layer.erase({ all: true }));
  assert((await agent.read(() => layer.size)) === 0, 'erased');
}

export const cases = ['chromium', 'firefox'].map((browser) => ({
  name: `an agent acts on React, Vue, Angular and plain pages in ${browser}, and draws`, programs: false, async run(t) {
    built ??= await buildSamples();
    const site = t.owns(await serve(built));
    const page = await t.browser(browser, 'consumer');
    for (const kind of ['react', 'vue', 'angular']) {
      await byHand(kind, await openPage(page, `${site.url}/${kind}`));
      await byForm(kind, await openPage(page, `${site.url}/${kind}`));
    }
    const agent = await openPage(page, `${site.url}/plain`);
    await plainPage(page, agent);
    await drawing(page, agent, t.shots, browser);
  },
}));
