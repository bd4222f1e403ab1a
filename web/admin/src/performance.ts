// Sums over the performance log, the reckoning of its charts, and how trunks are named. Pure functions.
import type { Sample, Trunk } from './api';

export const sum = (samples: readonly Sample[], key: 'started' | 'ended' | 'failed'): number =>
  samples.reduce((total, sample) => total + (sample[key] ?? 0), 0);

/** How long something has lasted: the two largest units. */
export function lasting(since: string, now = Date.now()): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(since)) / 1000));
  if (Number.isNaN(seconds)) return '–';
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Upper case; from the URI where the gateway does not say. */
export function trunkTransport(trunk: Pick<Trunk, 'uri' | 'transport'>): string {
  const named = trunk.transport ?? /;transport=(\w+)/i.exec(trunk.uri)?.[1];
  return (named ?? (trunk.uri.startsWith('sips:') ? 'tls' : 'udp')).toUpperCase();
}

export const trunkGroup = (trunk: Pick<Trunk, 'group'>): string => (trunk.group ? `group ${trunk.group}` : '');

/** A round number that is not below `value`: 1, 2, 5, 10, 20 … */
export function ceiling(value: number): number {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const factor of [1, 2, 5, 10]) if (factor * power >= value) return factor * power;
  return 10 * power;
}

/** Points of a line in a field of 100 × 100, y downwards. */
export function points(values: readonly number[], top: number): string {
  const step = values.length > 1 ? 100 / (values.length - 1) : 0;
  return values.map((v, i) => `${(i * step).toFixed(2)},${(100 - Math.min(1, Math.max(0, v) / top) * 100).toFixed(2)}`).join(' ');
}
