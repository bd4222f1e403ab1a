// As many as may take part in a shared page.
import { attribute, drag, hand, hidden, signIn } from './assist_people.mjs';
import { until } from './browsers.mjs';
import { assert } from './call.mjs';
import { request } from './stack.mjs';

const shapes = (page) => page.evaluate(() => {
  const layers = (root) => [...root.querySelectorAll('*')].flatMap((e) => [...(e.matches('[data-test=assist-shape]') ? [e.dataset.tool] : []), ...(e.shadowRoot ? layers(e.shadowRoot) : [])]);
  return layers(document).sort().join();
});
const show = (pages, tools) => Promise.all(pages.map((page) => until(`${page.name} shows ${tools || 'no drawing'}`, async () => { const is = await shapes(page); return is === tools || Promise.reject(new Error(is)); })));

/**
 * As many as may take part: another agent and a supervisor. Whose drawing it is, all see it, until an agent joins (EA-5); the
 * customer and the others see each agent's pointer by name; control is one agent's; a fifth is told that there is no room.
 */
export async function four(stack, consumer, agent, cid) {
  const [second, supervisor, fifth] = await Promise.all(['second', 'supervisor', 'fifth'].map((name) => agent.beside(name)));
  const joins = async (page, comes) => {
    await comes();
    await consumer.appears('consent');
    await consumer.click('consent-yes');
    await attribute(page, 'workspace', 'data-phase', 'joined');
    await hidden(page, 'assist-cover');
  };
  const draws = async (page, tool) => { await page.click(`tool-${tool}`); await drag(page, [0.3, 0.5], [0.5, 0.65]); };
  await consumer.evaluate(() => document.querySelector('canvas').remove());
  await draws(agent, 'rect');
  await show([agent, consumer], 'rect');
  await signIn(second, stack, 'agent2', '/expertassist/agent/');
  await joins(second, () => second.goto(`${stack.url}/expertassist/agent/?cid=${cid}`));
  await show([agent, consumer, second], '');
  await draws(second, 'arrow');
  await draws(agent, 'pen');
  await show([agent, consumer, second], 'arrow,pen');
  await signIn(supervisor, stack, 'supervisor1', '/expertassist/supervisor/');
  await supervisor.click('nav-live');
  await joins(supervisor, () => supervisor.click('watch'));
  await show([agent, consumer, second, supervisor], 'arrow,pen');

  const moves = async (page, x) => { for (const y of [0.4, 0.45]) await page.raw.mouse.move(...(await hand(page, x, y))); };
  /** Of which agents, and in which tenth of the page's width. */
  const pointers = (page) => page.evaluate(() => [...(window.__deep('[data-test=assist-cursor]')?.getRootNode().querySelectorAll('[data-test=assist-cursor]:not(.idle)') ?? [])].map((e) => {
    const { left, width } = (window.__deep('[data-test=assist-picture]') ?? document.documentElement).getBoundingClientRect();
    return [e.textContent.trim(), Math.round((10 * (e.getBoundingClientRect().left - left)) / width)].join();
  }).filter((text) => /^Agent/.test(text)).sort().join(' '));
  for (const page of [agent, second]) await page.click('tool-point');
  // A pointer that rests goes: it moves until everybody has seen it.
  await until('customer and supervisor see both pointers, each agent the other one’s', async () => {
    await moves(agent, 0.3);
    await moves(second, 0.6);
    const seen = await Promise.all([consumer, supervisor, agent, second].map(pointers));
    return seen.join(' / ') === 'Agent 1,3 Agent 2,6 / Agent 1,3 Agent 2,6 / Agent 2,6 / Agent 1,3' || Promise.reject(new Error(seen.join(' / ')));
  });

  await agent.click('tool-control');
  await until('control is asked for', async () => (await consumer.attribute('consent', 'data-what')) === 'control');
  await consumer.click('consent-yes');
  await attribute(agent, 'assist-state', 'data-control', 'true');
  await until('the other one reads who has it', async () => /^Agent 1 controls the page$/.test(await second.attribute('tool-control', 'aria-label')));
  await second.evaluate(() => {
    const { cobrowse } = document.querySelector('parley-workspace');
    cobrowse.on('notice', ({ code }) => { window.__refused = code; });
    cobrowse.send({ type: 'control', want: true });
  });
  await until('the server refuses it, too', async () => (await second.evaluate(() => window.__refused)) === 'assist.control_taken');
  assert((await second.attribute('assist-state', 'data-control')) === 'false' && (await consumer.attribute('consent', 'data-what')) === null, 'two may have control');

  const made = await request(`${stack.url}/web_plugin_framework/webcontroller/api/users/agent3`, { method: 'PUT', headers: await stack.admin(), body: { name: 'Agent 3', roles: ['Agent'], password: 'a third one' } });
  assert(made.status === 201, `a third agent: ${made.status} ${made.text}`);
  await fifth.goto(`${stack.url}/expertassist/agent/`);
  await fifth.fill('user', 'agent3');
  await fifth.fill('password', 'a third one');
  await fifth.click('sign-in');
  await fifth.appears('console');
  await fifth.goto(`${stack.url}/expertassist/agent/?cid=${cid}`);
  await attribute(fifth, 'assist-cover', 'data-reason', 'assist.full');
  await fifth.says('assist-cover', /As many people take part as may/);
}
