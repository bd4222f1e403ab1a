// Which lanes a call's ladder has, and in what order. Pure functions.
import type { Lane, TimelineEntry } from './api';

const kNames: Record<Lane, string> = {
  consumer: 'Customer', 'customer phone': 'Customer’s phone', trunk: 'Trunk', gateway: 'Gateway', broker: 'Media broker', agent: 'Agent', 'agent phone': 'Agent’s phone', server: 'Server', supervisor: 'Supervisor',
};
export const nameOf = (lane: Lane): string => kNames[lane] ?? lane;
/** From left to right: the customer's side, ourselves, the agent's side. */
const kOrder: readonly Lane[] = ['consumer', 'customer phone', 'trunk', 'gateway', 'server', 'broker', 'agent', 'agent phone', 'supervisor'];
const kAlways: readonly Lane[] = ['gateway', 'broker'];
/** Those that a co-browse session always has. */
export const kAssistLanes: readonly Lane[] = ['consumer', 'server', 'agent'];

/** The lanes that a call has, in order; a lane of a newer gateway stands at the right. A trunk stands where its phone would. */
export function lanesOf(entries: readonly TimelineEntry[], always: readonly Lane[] = kAlways): Lane[] {
  const seen = new Set<Lane>(always);
  for (const entry of entries) seen.add(entry.from).add(entry.to);
  const known = kOrder.filter((lane) => seen.has(lane));
  const customers = seen.has('consumer');
  // A call that a page made leaves by the trunk on the agent's side.
  if (customers && seen.has('trunk')) known.push(...known.splice(known.indexOf('trunk'), 1));
  return [...known, ...[...seen].filter((lane) => !kOrder.includes(lane))];
}
