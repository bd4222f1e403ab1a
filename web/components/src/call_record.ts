import { parseFrame, type Environment, type MediaChoice } from '@parley/sdk';
import type { AssistOptions } from '../../sdk/src/assist/consumer_module';
import type { Place } from './assist/movable';
import type { DeviceChoice } from './device_picker';

/** What the next page of the site needs to go on with a call: kept in the tab's storage while the call runs. */
export interface CallRecord {
  id: string;
  options: AssistOptions;
  choice: Partial<DeviceChoice>;
  muted: MediaChoice;
  /** A picture was sent: else no camera is opened on the next page. */
  camera: boolean;
  place?: Place | null;
  /** When its page was left (ms since 1970); 0: it is still there, and a copy of its tab must not take the call. */
  leftAt: number;
}

const kKey = 'parley.call';
/** The session on `/gateway/websocketcall`. */
export const kCallLinkKey = 'parley.call.link';
/** What is older is not worth a word. */
const kOldMs = 600_000;

/** What the page with the call holds as long as it lives. */
export const holdOfCall = (id: string): string => `${kKey}.${id}`;

export function keepCall({ storage }: Environment, record: CallRecord): void {
  const { environment: _mine, ...options } = record.options;
  storage.set(kKey, JSON.stringify({ ...record, options }));
}

export function forgetCall({ storage }: Environment): void {
  storage.remove(kKey);
  storage.remove(kCallLinkKey);
}

/** The call that the page before left to this one, or null. With `leftAt` 0 it may be another tab's: `holdOfCall` tells. */
export function keptCall(env: Environment): CallRecord | null {
  const record = parseFrame(env.storage.get(kKey)) as CallRecord | null;
  if (!record) return null;
  const whole = typeof record.id === 'string' && [record.options, record.choice, record.muted].every((part) => typeof part === 'object' && part !== null);
  if (whole && (!record.leftAt || Math.abs(Date.now() - record.leftAt) < kOldMs)) return record;
  forgetCall(env);
  return null;
}
