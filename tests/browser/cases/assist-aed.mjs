// Application events between two browsers and the real server: the sample page, breaks, a server that is killed.
import { until } from '../lib/browsers.mjs';
import { assert } from '../lib/call.mjs';

const kSample = '/csdk-sample/aed.html';

/** Opens the sample; sockets can be cut from outside. */
async function openSample(page, stack, cid) {
  const cut = () => {
    const Native = window.WebSocket;
    window.sockets = [];
    window.WebSocket = class extends Native { constructor(...a) { super(...a); window.sockets.push(this); } };
  };
  if (page.raw.addInitScript) await page.raw.addInitScript(cut);
  else await page.raw.evaluateOnNewDocument(cut);
  await page.goto(`${stack.url}${kSample}?cid=${cid}`);
  await ready(page);
}

const ready = (page) => until(`${page.name} has the list`, () => page.evaluate(() => document.querySelector('#add')?.disabled === false), 15000);
/** What the page shows, and what its topic says: the same. */
const list = (page) => page.evaluate(() => {
  const shown = [...document.querySelectorAll('#list li')].map((row) => row.querySelector('.what').textContent).sort();
  const known = [...topic.items.values()].map((i) => `${i.value.what} × ${i.value.count}`).sort();
  return JSON.stringify(shown) === JSON.stringify(known) ? shown : [`shown ${shown}`, `known ${known}`];
});
const shows = (page, ...wanted) => until(`${page.name} shows ${wanted}`, async () => {
  const now = await list(page);
  return JSON.stringify(now) === JSON.stringify([...wanted].sort()) || Promise.reject(new Error(JSON.stringify(now)));
}, 20000);

async function add(page, what) {
  await page.evaluate((text) => { document.querySelector('#what').value = text; document.querySelector('#add').click(); }, what);
}

export const cases = [{
  name: 'pages share data: versions, conflicts, messages, breaks, a server that is killed', async run(t) {
    const cid = 'aed-test';
    const a = await t.browser('chromium', 'consumer'), b = await t.browser('firefox', 'agent');
    await openSample(a, t.stack, cid);
    await openSample(b, t.stack, cid);
    await add(a, 'Bread');
    await shows(a, 'Bread × 1');
    await shows(b, 'Bread × 1');
    // Both at once, several times: nothing is lost to the other's change.
    const more = () => { for (let i = 0; i < 5; i++) document.querySelector('#list li button').click(); };
    await Promise.all([a.evaluate(more), b.evaluate(more)]);
    await shows(a, 'Bread × 11');
    await shows(b, 'Bread × 11');
    const conflict = await a.evaluate(async () => {
      const [item] = topic.items.values();
      return topic.submit({ what: 'Cake', count: 1 }, { id: item.id, version: 1 }).catch((e) => ({ code: e.code, now: e.item?.value.count }));
    });
    assert(conflict.code === 'aed.conflict' && conflict.now === 11, JSON.stringify(conflict));
    await b.evaluate(() => document.querySelector('#wave').click());
    await until('the message arrives', () => a.evaluate(() => /👋/.test(document.querySelector('#heard').textContent)), 10000);
    // A break: what is asked meanwhile waits, and is done once.
    await a.evaluate(() => {
      sockets.at(-1).close(4000);
      window.asked = ['Milk', 'Salt', 'Tea'].map((what) => topic.submit({ what, count: 1 }));
    });
    await shows(b, 'Bread × 11', 'Milk × 1', 'Salt × 1', 'Tea × 1');
    await shows(a, 'Bread × 11', 'Milk × 1', 'Salt × 1', 'Tea × 1');
    // The server dies, with a request under way; another takes over with the data, and knows no session.
    await a.evaluate(() => { window.asked.push(topic.submit({ what: 'Oil', count: 1 })); });
    t.stack.server.expectKilled = true;
    t.stack.server.kill('SIGKILL');
    await t.stack.server.ended;
    await a.evaluate(() => { window.asked.push(topic.submit({ what: 'Rice', count: 1 })); });
    await t.stack.startServer();
    const all = ['Bread × 11', 'Milk × 1', 'Salt × 1', 'Tea × 1', 'Oil × 1', 'Rice × 1'];
    await shows(b, ...all);
    await shows(a, ...all);
    const done = await a.evaluate(async () => (await Promise.all(asked)).length);
    assert(done === 5, `answers: ${done}`);
    await b.evaluate(() => document.querySelector('#list li button + button').click());
    await until('deleted', async () => (await list(a)).length === 5 && (await list(b)).length === 5, 10000);
    // Another session's topic is not this page's.
    const refused = await a.evaluate(() => aed.topic('somebody-else').then(() => 'let in', (e) => e.code));
    assert(refused === 'aed.not_allowed', refused);
    // Firefox counts connections that a dead server refused among the page's errors.
    const faults = [...a.errors, ...b.errors].filter((e) => !/wss:\/\/|connection to/.test(e));
    assert(faults.length === 0, faults.join());
    await t.shots(a, 'aed-sample');
  },
}];
