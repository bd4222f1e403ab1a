// Which calls a search shows, and how who takes part is named. Pure functions.
import type { CallSummary, Party } from './api';

export type Kind = 'all' | 'phone' | 'failed';
export interface Filter {
  text: string;
  kind: Kind;
}

/** Ends that nobody need look into. */
export const kWell = ['hung_up', 'cancelled', 'transferred', 'answered_elsewhere'];

/** A reason's name as people read it; they search for what they read. */
export const reasonWords = (reason: string | undefined): string => (reason ?? 'ended').replaceAll('_', ' ').replace('consumer', 'customer');

/** Today's by the time alone. */
export function shortTime(iso: string, now = new Date()): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return '–';
  if (at.toDateString() === now.toDateString()) return at.toLocaleTimeString();
  return at.toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
}

/** Whether a call is to be shown: every word of the search is somewhere in it. */
export function matches(call: CallSummary, { text, kind }: Filter): boolean {
  if (kind === 'phone' && call.consumer?.kind !== 'phone' && call.agent?.kind !== 'phone') return false;
  if (kind === 'failed' && (call.state !== 'ended' || kWell.includes(call.reason ?? ''))) return false;
  const of = (party: Party | undefined) => [party?.name, party?.address, party?.user, party?.number, party?.number?.replaceAll(' ', '')];
  const hay = [call.call, call.reason, reasonWords(call.reason), call.state, call.correlationId, call.broker, ...of(call.consumer), ...of(call.agent)];
  const all = hay.filter(Boolean).join('\n').toLowerCase();
  return text.trim().toLowerCase().split(/\s+/).every((word) => all.includes(word));
}

/** Who takes part, in words: a name, else a number. */
export function partyName(party: Party | undefined, fallback: string): string {
  return party?.name || party?.number || party?.address?.replace(/^(sips?|tel):/, '') || fallback;
}
