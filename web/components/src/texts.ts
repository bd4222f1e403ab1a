import type { Call, CallPhase, ConnectionState, EndedInfo } from '@parley/sdk';

/** The state of a call in words, for this side. */
export function describeState(call: Call): string {
  const peer = call.peer.name || 'the other side';
  switch (call.state) {
    case 'preparing':
      return 'Getting ready…';
    case 'ringing':
      return call.direction === 'out' ? 'Calling…' : `${peer} is calling`;
    case 'connecting':
      return 'Connecting…';
    case 'connected':
      return 'Connected';
    case 'reconnecting':
      return call.peerConnection === 'lost'
        ? `${call.peer.name || 'The other side'} has lost the connection. Waiting for it to come back…`
        : 'Your connection was interrupted. Reconnecting…';
    case 'ended':
      return call.ended ? describeEnd(call.ended, call.direction) : 'The call has ended.';
  }
}

const kEnded: Record<string, [outgoing: string, incoming: string]> = {
  hung_up: ['The call has ended.', 'The call has ended.'],
  rejected: ['Nobody could take your call just now.', 'You refused the call.'],
  busy: ['Our agent is in another call. Please try again in a few minutes.', 'You were in another call.'],
  no_answer: ['Nobody answered. Please try again in a few minutes.', 'You did not answer in time.'],
  agent_not_signed_in: ['Nobody is here to take your call at the moment.', 'You were not signed in.'],
  agent_away: ['Nobody is available at the moment. Please try again later.', 'You were away.'],
  destination_refused: ['This destination cannot be called from here.', 'The destination is not allowed.'],
  destination_unknown: ['This destination does not exist.', 'The destination does not exist.'],
  consumer_left: ['You left the call.', 'The customer left the page.'],
  agent_left: ['The agent left the call.', 'You left the call.'],
  consumer_lost: ['The connection was gone for too long, so the call has ended.', 'The customer’s connection was gone for too long.'],
  agent_lost: ['The agent’s connection was gone for too long, so the call has ended.', 'Your connection was gone for too long.'],
  media_failed: [
    'Sound and picture could not be connected. A firewall may be in the way.',
    'Sound and picture could not be connected.',
  ],
  broker_down: ['Calls are not possible at the moment. Please try again soon.', 'No media broker is running.'],
  broker_lost: ['The call was cut off by a fault on our side. Please call again.', 'The media broker was lost.'],
  broker_overloaded: ['All lines are in use. Please try again in a few minutes.', 'The media broker is at its limit.'],
  server_stopping: ['The service is being restarted. Please call again in a minute.', 'The server is stopping.'],
  cancelled: ['You cancelled the call.', 'The caller hung up before you answered.'],
  too_many_calls: ['All lines are in use. Please try again in a few minutes.', 'Too many calls.'],
};

/** Why a call ended, in words; a reason that is not in the table brings its own text. */
export function describeEnd(info: Pick<EndedInfo, 'reason' | 'text' | 'by'>, direction: 'in' | 'out'): string {
  const mine = direction === 'out' ? 'consumer' : 'agent';
  if (info.reason === 'hung_up') {
    if (info.by === mine) return 'You ended the call.';
    return info.text || (direction === 'out' ? 'The agent ended the call.' : 'The customer ended the call.');
  }
  const row = kEnded[info.reason];
  return row ? row[direction === 'out' ? 0 : 1] : info.text || 'The call has ended.';
}

export function describeConnection(state: ConnectionState): string {
  switch (state) {
    case 'idle':
    case 'connecting':
      return 'Connecting…';
    case 'connected':
      return 'Connected';
    case 'reconnecting':
      return 'Connection lost. Reconnecting…';
    case 'replaced':
      return 'Signed in elsewhere';
    case 'closed':
      return 'Not connected';
  }
}

/** `data-state` of the panel: a consumer's `ringing` is `calling`. */
export const panelState = (phase: CallPhase): string => (phase === 'ringing' ? 'calling' : phase);

export function clockText(from: Date | null, now = Date.now()): string {
  if (!from || Number.isNaN(from.getTime())) return '0:00';
  const seconds = Math.max(0, Math.floor((now - from.getTime()) / 1000));
  const two = (n: number) => String(n).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}:${two(seconds % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

export const initials = (name: string): string =>
  name
    .split(/\s+/)
    .filter(Boolean)
    .slice(0, 2)
    .map((word) => word[0]!.toUpperCase())
    .join('') || '?';
