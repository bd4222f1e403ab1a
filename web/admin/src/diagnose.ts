// Why a call ended, and why there was no sound or picture: sentences for an administrator. Pure functions.
import type { BrokerLeg, CallDetail, CallSummary, Direction, LegState } from './api';

export interface Finding {
  level: 'info' | 'warn' | 'error';
  text: string;
}

const kWho: Record<string, string> = { consumer: 'customer', agent: 'agent' };

const kReasons: Record<string, string> = {
  hung_up: 'hung up.',
  rejected: 'The agent refused the call.',
  busy: 'The agent was in another call.',
  no_answer: 'The agent did not answer within the ringing time.',
  agent_not_signed_in: 'The agent was not signed in, so nothing rang.',
  agent_away: 'The agent was signed in and away, so nothing rang.',
  destination_refused: 'The destination is not allowed by the destination rules of the gateway.',
  destination_unknown: 'There is no agent of this name.',
  consumer_left: 'The customer closed or left the page.',
  agent_left: 'The agent signed out.',
  consumer_lost: 'The customer’s connection was gone for longer than a session is kept.',
  agent_lost: 'The agent’s connection was gone for longer than a session is kept.',
  media_failed: 'No media path came up in time, although the call was answered.',
  broker_down: 'No media broker could be reached.',
  broker_lost: 'The media broker went away during the call.',
  broker_overloaded: 'Every media broker was at its maximum load.',
  sdp_refused: 'The media broker could not accept what a browser offered: no codec in common, or a malformed offer.',
  server_stopping: 'The server was stopped.',
  cancelled: 'The customer hung up before the call was answered.',
  too_many_calls: 'The limit of calls was reached.',
  answered_elsewhere: 'Another agent of the group was faster.',
  transferred: 'The call was passed on.',
  phone_busy: 'The telephone was busy (486 or 600).',
  phone_unreachable: 'The telephone could not be reached (408, 480 or 5xx): switched off, not registered, or no answer.',
  phone_declined: 'The call was refused at the telephone (603 or 403).',
  phone_not_found: 'The number does not exist (404, 484 or 604).',
  trunk_down: 'No outbound SIP server answered. See Performance Log for their state.',
  no_trunk: 'A telephone was called, and no outbound SIP server is set up.',
  number_refused: 'The number is on the list of refused destinations.',
  session_expired: 'The telephone no longer refreshed the session (RFC 4028): it is gone, or its network is.',
  sip_error: 'A SIP message could not be understood or was answered with an error.',
  phones_not_allowed: 'A customer’s page dialled a telephone, and neither a number expression nor gateway.anonymous_phone_calls allows it.',
  phone_silent: 'Nothing was heard of the telephone for gateway.phone_silence_seconds, although it was not on hold: it is gone, or its media does not get here.',
  media_incompatible: 'Both sides have no codec in common (488 or 606), or the security of the media does not fit.',
};

const kTrunkReasons: Record<string, string> = {
  'sip.transport_tls_failed': 'TLS failed: its certificate is not trusted here (sip.authorities), names another server, or it speaks no TLS.',
  'sip.transport_refused': 'The connection was refused: nothing listens there.',
  'sip.transport_unreachable': 'The network leads nowhere.',
  'sip.timeout': 'Nothing came back in time: address, firewall.',
  'sip.unresolved': 'The name leads nowhere.',
  '503': 'It said that it is out of service.',
};

/** Why an outbound server is down, in words; empty when its reason says enough. */
export const whyDown = (reason: string | undefined): string => (reason && kTrunkReasons[reason]) || '';

export function span(milliseconds: number): string {
  if (!Number.isFinite(milliseconds) || milliseconds < 0) return '–';
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

const between = (from?: string, to?: string): number => (from && to ? Date.parse(to) - Date.parse(from) : NaN);

export function talkTime(call: CallSummary | CallDetail): string {
  const ms = between(call.answeredAt, call.endedAt);
  return Number.isNaN(ms) ? '' : span(ms);
}

/** One sentence: who ended the call, why, after how long. */
export function whyEnded(call: CallDetail | CallSummary): string {
  if (call.state !== 'ended') return 'The call is running.';
  const talked = between(call.answeredAt, call.endedAt);
  const after = Number.isNaN(talked) ? '' : ` It had lasted ${span(talked)} since the answer.`;
  const reason = call.reason ?? '';
  if (reason === 'hung_up') return `The ${kWho[call.by ?? ''] ?? 'system'} hung up.${after}`;
  return (kReasons[reason] ?? call.text ?? `Reason: ${reason || 'unknown'}.`) + after;
}

export function findings(call: CallDetail): Finding[] {
  const out: Finding[] = [];
  const answered = Boolean(call.answeredAt);
  if (!call.media?.legs?.length) {
    if (answered) out.push({ level: 'warn', text: 'The broker gave no report, so nothing is known about the media.' });
    return out;
  }
  for (const leg of call.media.legs) {
    // After a transfer the broker's name of a leg is another one than the gateway's.
    const state = call.legs.find((l) => (l.leg || l.id) === leg.id);
    out.push(...legFindings(leg, state, kWho[state?.id ?? leg.id] ?? leg.id, call));
  }
  if (answered && out.every((finding) => finding.level === 'info')) out.push({ level: 'info', text: 'Media flowed both ways on both legs.' });
  return out;
}

const isUp = (state?: string) => state === 'connected' || state === 'completed';

function legFindings(leg: BrokerLeg, state: LegState | undefined, side: string, call: CallDetail): Finding[] {
  const answered = Boolean(call.answeredAt);
  if (leg.kind === 'rtp') return phoneFindings(leg, `${side}’s phone`, answered);
  const who = side;
  const out: Finding[] = [];
  const wasUp = Boolean(leg.selected?.remote);
  if (answered && !wasUp && !isUp(leg.ice)) {
    out.push({
      level: 'error',
      text: `Nothing from the ${who}’s browser reached the broker (ICE: ${leg.ice ?? 'none'}). A firewall between them probably blocks the broker’s UDP ports, or its public address is set wrongly.`,
    });
    return out;
  }
  // The final report is made after the broker said goodbye: closed, with keys, was fine.
  if (answered && !isUp(leg.dtls) && !(leg.dtls === 'closed' && leg.srtp)) {
    out.push({
      level: 'error',
      text: `The keys with the ${who}’s browser were not agreed (DTLS: ${leg.dtls ?? 'none'}). Packets pass, so look at the reasons for drops below.`,
    });
    return out;
  }
  for (const section of leg.sections ?? []) {
    const word = section.kind === 'audio' ? 'sound' : 'picture';
    const muted = state?.muted?.[section.kind];
    // A call by voice may have a place for pictures that nobody asked for.
    if (section.fromPeer?.packets === 0 && (section.kind === 'audio' || call.video)) {
      const why = section.kind === 'audio' ? 'no microphone was sending' : 'there was no camera, or it was not allowed';
      out.push({ level: muted || section.kind === 'video' ? 'info' : 'warn', text: `No ${word} came from the ${who}: ${muted ? 'it was muted' : why}.` });
    }
    out.push(...lossFindings(section.fromPeer, word, `from the ${who}`), ...lossFindings(section.toPeer, word, `to the ${who}`));
  }
  if ((leg.rttMs ?? 0) > 400) out.push({ level: 'warn', text: `The way to the ${who} is long: ${Math.round(leg.rttMs!)} ms for the round trip.` });
  // Browsers probe how much a way takes with packets that repeat or hold nothing: counted, no fault.
  // What comes during a hold, or before there is anybody to hear it, goes nowhere by intent.
  const usual = ['rtp_duplicate', 'rtp_padding_only', 'on_hold', 'no_peer'];
  const drops = Object.entries(leg.drops ?? {}).filter(([reason, count]) => count > 0 && !usual.includes(reason));
  if (drops.length > 0) {
    const list = drops.map(([reason, count]) => `${count} × ${reason}`).join(', ');
    const flowed = (leg.sections ?? []).reduce((sum, s) => sum + (s.fromPeer?.packets ?? 0) + (s.toPeer?.packets ?? 0), 0);
    const dropped = drops.reduce((sum, [, count]) => sum + count, 0);
    // Some at the start and around a restart are usual: keys and the other leg come a moment later.
    if (dropped > 20 + flowed * 0.05) out.push({ level: 'warn', text: `Many packets of the ${who} were dropped: ${list}.` });
  }
  return out;
}

/** A telephone has neither ICE nor DTLS: what arrives is all there is to know. */
function phoneFindings(leg: BrokerLeg, who: string, answered: boolean): Finding[] {
  const out: Finding[] = [];
  for (const section of leg.sections ?? []) {
    const word = section.kind === 'audio' ? 'sound' : 'picture';
    if (answered && section.kind === 'audio' && section.fromPeer?.packets === 0) {
      out.push({
        level: 'error',
        text: `No RTP came from the ${who}${leg.selected?.remote ? '' : ' at all'}. A firewall or address translation probably blocks the broker’s RTP ports, or its address towards SIP is set wrongly.`,
      });
    }
    out.push(...lossFindings(section.fromPeer, word, `from the ${who}`), ...lossFindings(section.toPeer, word, `to the ${who}`));
  }
  return out;
}

function lossFindings(direction: Direction | undefined, word: string, where: string): Finding[] {
  if (!direction || direction.packets === 0) return [];
  const percent = (direction.lost / (direction.packets + direction.lost)) * 100;
  if (percent < 2) return [];
  return [{ level: percent > 8 ? 'error' : 'warn', text: `${percent.toFixed(1)} % of the packets with ${word} ${where} were lost.` }];
}
