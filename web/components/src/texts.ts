import type { Call, CallPhase, ConnectionState, EndedInfo, Role } from '@parley/sdk';

/** Who is at the other end, when there is no name. */
export function peerName(call: Pick<Call, 'peer' | 'direction' | 'role'>): string {
  const { name, number, address } = call.peer;
  if (name || number) return name || number!;
  if (call.role === 'agent' && call.direction === 'out') return address.replace(/^(sip|sips|tel):/, '') || 'The other side';
  return call.role === 'agent' ? 'Customer' : 'Agent';
}

/** The state of a call in words, for this side. */
export function describeState(call: Call): string {
  const peer = call.peer.name || 'the other side';
  switch (call.state) {
    case 'preparing':
      return `Getting ready… If the browser asks, allow the ${call.media.video ? 'microphone and camera' : 'microphone'}.`;
    case 'ringing':
      if (call.direction === 'in') return `${peer} is calling`;
      return call.early ? 'Calling… (you hear the other side)' : 'Calling…';
    case 'connecting':
      return 'Connecting…';
    case 'connected':
      // That a transfer failed is a remark beside the call, which goes on.
      return call.transferInfo && call.transferInfo.state !== 'failed' ? describeTransfer(call) : describeHold(call);
    case 'reconnecting':
      if (call.peerPageLeft) return `${call.peer.name || 'The other side'} has left the page. Reconnecting, if another page of the site follows…`;
      return call.peerConnection === 'lost'
        ? `${call.peer.name || 'The other side'} has lost the connection. Waiting for it to come back…`
        : 'Your connection was interrupted. Reconnecting…';
    case 'ended':
      return call.ended ? describeEnd(call.ended, call.direction, call.role) : 'The call has ended.';
  }
}

function describeHold(call: Call): string {
  const consumer = call.role === 'consumer';
  if (call.held && call.peerHeld) return 'On hold, on both sides';
  if (call.held) return `On hold. ${peerName(call)} cannot hear you.`;
  if (call.peerHeld) return consumer ? 'You are on hold. One moment, please: we will be right back.' : `${peerName(call)} has put you on hold`;
  const third = call.conferenceWith;
  if (!third) return 'Connected';
  return call.role === 'consumer' ? `You, ${peerName(call)} and ${third} hear each other` : `${peerName(call)}, ${third} and you hear each other`;
}

function describeTransfer(call: Call): string {
  const { state, to } = call.transferInfo!;
  if (state === 'trying') return `Passing the call on to ${to}…`;
  return state === 'ringing' ? `It rings at ${to}…` : `The call is with ${to} now.`;
}

/** For who called from a page, for the agent who was called, and for an agent who called where it differs. */
const kEnded: Record<string, [outgoing: string, incoming: string, agentOutgoing?: string]> = {
  hung_up: ['The call has ended.', 'The call has ended.'],
  rejected: ['Nobody could take your call just now.', 'You refused the call.', 'The call was refused.'],
  busy: ['Our agent is in another call. Please try again in a few minutes.', 'You were in another call.', 'Your colleague is in another call.'],
  no_answer: ['Nobody answered. Please try again in a few minutes.', 'You did not answer in time.', 'Nobody answered.'],
  agent_not_signed_in: ['Nobody is here to take your call at the moment.', 'You were not signed in.', 'Your colleague is not signed in.'],
  agent_away: ['Nobody is available at the moment. Please try again later.', 'You were away.', 'Your colleague is away.'],
  destination_refused: ['This destination cannot be called from here.', 'The destination is not allowed.'],
  destination_unknown: ['This destination does not exist.', 'The destination does not exist.'],
  consumer_left: ['You left the call.', 'The customer left the page.'],
  agent_left: ['The agent left the call.', 'You left the call.', 'Your colleague left the call.'],
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
  cancelled: ['You cancelled the call.', 'The caller hung up before you answered.', 'You cancelled the call.'],
  too_many_calls: ['All lines are in use. Please try again in a few minutes.', 'Too many calls.'],
  answered_elsewhere: ['The call was taken elsewhere.', 'A colleague took the call.'],
  transferred: ['You were passed on.', 'You passed the call on.'],
  phone_busy: ['The line is busy. Please try again in a few minutes.', 'The line is busy.'],
  phone_unreachable: ['The telephone could not be reached. Please try again later.', 'The telephone could not be reached.'],
  phone_declined: ['Nobody could take your call just now.', 'The call was refused at the telephone.'],
  phone_not_found: ['This number does not exist.', 'This number does not exist.'],
  trunk_down: [
    'Calls to telephones are not possible at the moment. Please try again soon.',
    'The telephone system does not answer, so telephones cannot be called at the moment.',
  ],
  no_trunk: ['Telephones cannot be called from here.', 'No telephone system is set up, so only agents can be called.'],
  number_refused: [
    'This number cannot be called from here. In an emergency use a telephone.',
    'This number may not be called from here. In an emergency use a telephone.',
  ],
  session_expired: ['The other side did not answer any more, so the call has ended.', 'The telephone did not answer any more.'],
  sip_error: ['The call failed in the telephone network. Please try again.', 'The telephone system refused the call.'],
  phones_not_allowed: ['Telephones cannot be called from this page.', 'Telephones cannot be called from this page.'],
  phone_silent: ['Nothing was heard of the telephone any more, so the call has ended.', 'Nothing was heard of the telephone any more.'],
  sdp_refused: ['Your browser and our service found no common sound or picture.', 'The browser’s sound and picture were not understood.'],
  media_incompatible: ['The other side cannot take this kind of call.', 'There is no kind of sound that both sides know.'],
};

/** Why a call ended, in words; a reason that is not in the table brings its own text. */
export function describeEnd(info: Pick<EndedInfo, 'reason' | 'text' | 'by'>, direction: 'in' | 'out', role: Role = direction === 'out' ? 'consumer' : 'agent'): string {
  if (info.reason === 'hung_up') {
    // An agent's call to a colleague has an agent at each end: there only the text tells who it was.
    if (info.by === role && !(role === 'agent' && direction === 'out')) return 'You ended the call.';
    return info.text || (role === 'consumer' ? 'The agent ended the call.' : 'The customer ended the call.');
  }
  const row = kEnded[info.reason];
  if (!row) return info.text || 'The call has ended.';
  if (role === 'consumer') return row[0];
  return direction === 'out' ? (row[2] ?? row[1]) : row[1];
}

/** What stays so until the page, the browser or the settings are others: another call would end in the same way. */
const kFinal = new Set([
  'destination_refused', 'destination_unknown', 'number_refused', 'phone_not_found', 'phones_not_allowed', 'no_trunk', 'sdp_refused', 'media_incompatible',
  'access_disabled', 'uui_not_allowed', 'argument_invalid', 'browser_unsupported', 'browser_insecure',
]);

/** Whether it may help to call again; `reason`: of the call (`number_refused`) or an error's code (`number.refused`). */
export const mayCallAgain = (reason: string): boolean => !kFinal.has(reason.replace('.', '_'));

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

/** Empty for what is no name: a number has no initials. */
export const initials = (name: string): string =>
  name
    .split(/\s+/)
    .filter((word) => /^\p{L}/u.test(word))
    .slice(0, 2)
    .map((word) => word[0]!.toUpperCase())
    .join('');
