import type { AssistSession, Party } from '@parley/assist';

/** `Anna`, `Anna and Ben`, `Anna, Ben and Cem`. */
export function listNames(names: readonly string[]): string {
  if (names.length < 2) return names[0] ?? '';
  return `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;
}

export type SharingLook = 'waiting' | 'on' | 'paused' | 'private' | 'lost' | 'starting' | 'ended';

/** What the indicator shows, as a state and as a sentence. */
export function describeSharing(session: AssistSession): { look: SharingLook; text: string } {
  if (session.ended) return { look: 'ended', text: session.ended.text };
  const viewers = viewerNames(session);
  const who = listNames(viewers);
  const off = session.switchedOff ? ' Sharing is switched off now.' : '';
  const none = viewers.length === 0;
  if (session.phase === 'starting') return { look: 'starting', text: 'Connecting…' };
  if (session.phase === 'reconnecting') {
    return { look: 'lost', text: 'The connection is gone. Nobody sees anything new. Trying to connect again…' };
  }
  if (none && !off) return { look: 'waiting', text: 'Nobody sees this page. Waiting for an agent…' };
  switch (session.sharing) {
    case 'on':
      return { look: 'on', text: `${who} ${viewers.length > 1 ? 'see' : 'sees'} this page` };
    case 'paused':
      return { look: 'paused', text: `Paused. ${who} ${viewers.length > 1 ? 'see' : 'sees'} nothing new.` };
    case 'sensitive':
      return { look: 'private', text: `This page is private. ${who} cannot see it.` };
    default:
      return { look: 'waiting', text: `Nobody sees this page.${off}` };
  }
}

export function viewerNames(session: AssistSession): string[] {
  return session.viewers.map((p: Party) => session.nameOf(p.party));
}

const kDeeds: Record<string, string> = {
  click: 'clicks', scroll: 'scrolls', type: 'types', text: 'types', key: 'types', fill: 'fills in', 'form-set': 'fills in', select: 'chooses in',
  draw: 'draws', point: 'points', pointer: 'points',
};

/** `Anna types in “Street”`. */
export function describeActivity(name: string, what: string, target: string): string {
  const deed = kDeeds[what] ?? what;
  if (!target) return `${name} ${deed}`;
  const joint = what === 'click' ? ' on' : deed.endsWith(' in') ? '' : ' in';
  return `${name} ${deed}${joint} “${target}”`;
}

/** The host of a link that may be opened; null: not a web address. */
export function webHost(url: string): string | null {
  try {
    const { protocol, host, username, password } = new URL(url);
    return (protocol === 'https:' || protocol === 'http:') && !username && !password ? host : null;
  } catch {
    return null;
  }
}

/** `482913` as people read it aloud. */
export const spacedCode = (code: string): string => code.replace(/(\d{3})(?=\d)/g, '$1 ');
