// What the workspace says of a session, in words.
import { ParleyError } from '@parley/sdk';
import type { Cobrowse } from '@parley/agents';

export interface Words {
  title: string;
  text: string;
}

const kRemoved = 'assist.party_removed';

/** What lies over the picture; null: the picture is seen. */
export function coverWords(cobrowse: Cobrowse): Words | null {
  const name = cobrowse.customer;
  switch (cobrowse.phase) {
    case 'connecting':
      return { title: 'Connecting…', text: 'One moment.' };
    case 'reconnecting':
      return { title: 'Your connection was interrupted', text: 'It comes back by itself. The customer’s page is not lost.' };
    case 'waiting':
      return { title: 'Waiting for the customer', text: 'Nobody has opened this session yet. The page appears here as soon as the customer does.' };
    case 'asking':
      return { title: `Waiting for ${name === 'The customer' ? 'the customer' : name} to agree`, text: 'The customer is being asked whether you may see the page.' };
    case 'refused':
      return { title: 'The page is not shared with you', text: `${name} did not agree. You can ask again.` };
    case 'ended':
      return { title: cobrowse.error?.code === kRemoved ? 'You do not see the page any more' : 'Sharing has ended', text: endWords(cobrowse.error) };
    case 'failed':
      return { title: 'This session cannot be shown', text: failWords(cobrowse.error) };
    case 'joined':
      return sharingWords(cobrowse);
  }
}

function sharingWords(cobrowse: Cobrowse): Words | null {
  const { session, customer } = cobrowse;
  if (session && !session.consumer.present) {
    return { title: `${customer} is away for a moment`, text: 'The page was closed, is loading anew, or the network is gone. It comes back by itself, or sharing ends.' };
  }
  switch (session?.sharing) {
    case 'paused':
      return { title: 'Paused', text: `${customer} has paused sharing and continues when ready.` };
    case 'sensitive':
      return { title: 'Sensitive page', text: `${customer} is on a page that is never shown. Sharing continues on the next page.` };
    case 'off':
    case 'asking':
      return { title: 'The page is not shared', text: `${customer} is not sharing the page now.` };
    default:
      return cobrowse.seeing ? null : { title: 'The first picture is on its way…', text: 'One moment.' };
  }
}

function endWords(error: ParleyError | null): string {
  const words: Record<string, string> = {
    consumer_ended: 'The customer ended sharing.',
    consumer_lost: 'The customer’s connection was gone for too long.',
    [kRemoved]: 'The customer took you out of this session.',
  };
  return error ? (words[error.code] ?? error.message) : 'You left the session.';
}

function failWords(error: ParleyError | null): string {
  const words: Record<string, string> = {
    'assist.unknown_session': 'No customer opened this session. Check the code or the address.',
    'assist.full': 'As many people take part as may. One of them has to leave first.',
    'session.replaced': 'This session is open in another window of yours.',
    'login.required': 'Your sign-in has expired. Please sign in again.',
  };
  return error ? (words[error.code] ?? error.message) : 'Please try again.';
}

/** The state of consent and sharing in a word or two, and how it is meant. */
export function stateChip(cobrowse: Cobrowse): { text: string; tone: 'good' | 'warn' | 'bad' | 'soft' } {
  const { phase, session } = cobrowse;
  if (phase === 'asking') return { text: 'Asking for consent', tone: 'warn' };
  if (phase === 'refused') return { text: 'Not agreed', tone: 'bad' };
  if (phase === 'ended' || phase === 'failed') return { text: 'Ended', tone: 'soft' };
  if (phase === 'reconnecting') return { text: 'Reconnecting', tone: 'warn' };
  if (phase !== 'joined') return { text: 'Waiting', tone: 'soft' };
  if (session && !session.consumer.present) return { text: 'Customer away', tone: 'warn' };
  if (session?.sharing === 'paused') return { text: 'Paused', tone: 'warn' };
  if (session?.sharing === 'sensitive') return { text: 'Sensitive page', tone: 'warn' };
  if (session?.sharing !== 'on') return { text: 'Not shared', tone: 'soft' };
  return cobrowse.controlling ? { text: 'You control the page', tone: 'good' } : { text: 'Shared with you', tone: 'good' };
}

export function paceWords(cobrowse: Cobrowse): { text: string; level: string; title: string } | null {
  if (!cobrowse.sharing || !cobrowse.seeing) return null;
  const { level, kbps, rate } = cobrowse.pace();
  const words = { good: 'Live', idle: 'Up to date', slow: 'Slow connection', unknown: 'Live' }[level];
  return { text: words, level, title: `${rate} pictures a second, ${kbps} kbit/s` };
}

/** Reasons of refused requests that are better said in the console's own words. */
export function pushWords(thrown: unknown): ParleyError {
  const error = ParleyError.from(thrown);
  const words: Record<string, string> = {
    'assist.feature_off': 'Sending this is switched off by the administration.',
    'assist.not_allowed': 'This cannot be sent in this session.',
    'assist.no_consent': 'The customer has to agree first.',
    'request.timeout': 'The service did not answer in time. Please try again.',
  };
  return new ParleyError(error.code, { text: words[error.code] ?? error.message });
}
