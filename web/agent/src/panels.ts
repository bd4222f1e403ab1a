// Parts of the console that only draw.
import { clockText, describeEnd, icons, initials, peerName } from '@parley/components';
import type { Availability, Call, ConnectionState } from '@parley/sdk';
import { html, nothing } from 'lit';
import { assistIcons } from './assist/icons';
import type { Desk, LastCall } from './desk';

export const logo = html`<svg class="logo" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" fill="#0b5f6b" /><path
    d="M8 9h11a4 4 0 0 1 4 4v2a4 4 0 0 1-4 4h-5l-5 4v-4a3 3 0 0 1-3-3v-4a3 3 0 0 1 2-3z" fill="#fff" /></svg>`;

function whence(call: Call): string {
  const { kind, number, address, name } = call.peer;
  if (kind === 'phone') return number && number !== name ? number : address;
  return address === 'consumer' ? 'From the web site' : address;
}

export function ringingPanel(desk: Desk, call: Call) {
  const name = call.peer.name || call.peer.number || 'A customer';
  const automatic = desk.automatic === call;
  const kind = call.peer.kind === 'phone' ? 'Telephone call' : call.media.video ? 'Video call' : 'Voice call';
  return html`<section class="ringing card" role="alertdialog" aria-labelledby="caller" aria-describedby="caller-more" data-test="ringing" data-call=${call.id} data-auto=${String(automatic)}>
    <div class="pulse" aria-hidden="true"><span class="face">${initials(name) || icons.deskPhone}</span></div>
    <p class="soft">${kind}${call.group ? html` · <span data-test="caller-group">${call.group}</span>` : nothing}</p>
    <h2 id="caller" data-test="caller-name">${name}</h2>
    <div id="caller-more">
      <p class="soft" data-test="caller-address">${whence(call)}</p>
      ${call.transferredBy ? html`<p class="soft" data-test="caller-transferred-by">Passed on by ${call.transferredBy}</p>` : nothing}
      ${call.uui ? html`<p class="soft" data-test="caller-uui">Sent along: ${call.uui}</p>` : nothing}
    </div>
    ${automatic
      ? html`<p class="auto" role="status" data-test="auto-answer">${icons.info} This call is answered automatically.</p>`
      : html`<div class="row">
          <button class="button good" data-test="answer" ?disabled=${desk.answering} @click=${() => desk.answer()}>
            ${icons.phone} ${desk.answering ? 'Answering…' : 'Answer'} <kbd>A</kbd>
          </button>
          <button class="button bad" data-test="reject" ?disabled=${desk.answering} @click=${() => call.reject()}>${icons.hangUp} Reject <kbd>R</kbd></button>
        </div>`}
  </section>`;
}

/** Talks to both, or splits them again: one button in two states, so that the keyboard stays on it (a disabled one would lose it). */
function togetherButton(desk: Desk, pair: { customer: Call; colleague: Call }) {
  const on = desk.conference !== null && !desk.joining;
  const ready = [pair.customer, pair.colleague].every((call) => call.state === 'connected');
  const customer = peerName(pair.customer);
  return html`<button
    class="button"
    data-test="together"
    aria-pressed=${String(on)}
    title=${on ? `Puts ${customer} on hold again` : `Takes ${customer} back from hold, so that all three hear each other`}
    aria-disabled=${String(desk.joining)}
    ?disabled=${!on && !ready}
    @click=${() => (on ? desk.split() : desk.talkTogether())}
  >
    ${on ? icons.hold : icons.people} ${on ? 'Split' : desk.joining ? 'One moment…' : 'Talk all three'}
  </button>`;
}

/** How a conference goes, in words; empty: there is none. */
function conferenceWords(desk: Desk, pair: { customer: Call; colleague: Call }): string {
  const { conference } = desk;
  if (!conference || desk.joining) return '';
  if (conference.state === 'interrupted') return `Interrupted: ${peerName(pair.customer)} and ${peerName(pair.colleague)} do not hear each other`;
  return conference.muted ? 'All three are joined. Your microphone is off' : 'All three hear each other';
}

/** The call beside the one that is spoken in; in a conference both are. */
export function otherCall(desk: Desk, other: Call) {
  const pair = desk.consult!;
  const ready = pair.colleague.state === 'connected' && pair.customer.can.transfer;
  const words = conferenceWords(desk, pair);
  const state = words ? desk.conference!.state : 'no';
  return html`<section class="other card ${words ? 'together' : ''}" aria-label=${words ? 'Conference' : 'Second call'} data-test="other-call" data-call=${other.id} data-state=${other.state} data-held=${String(other.held)} data-conference=${state}>
    <span class="icon" aria-hidden="true">${words ? icons.people : icons.hold}</span>
    <div class="words">
      <strong data-test="other-name">${words ? `${peerName(pair.customer)}, ${peerName(pair.colleague)} and you` : peerName(other)}</strong>
      <p>${words || (other.held ? 'On hold' : other.state === 'ringing' ? 'Rings' : 'Waits')}${other.answeredAt ? ` · ${clockText(other.answeredAt)}` : ''}</p>
      <span class="sr" role="status">${words}</span>
    </div>
    <div class="choices">
      ${togetherButton(desk, pair)}
      ${state === 'interrupted' ? html`<button class="button primary" data-test="conference-sound" @click=${() => desk.resumeSound()}>${icons.sound} Turn on sound</button>` : nothing}
      <button class="button" data-test="swap" ?disabled=${other.state !== 'connected'} @click=${() => desk.swap()}>${icons.swap} ${words ? `Show ${peerName(other)}` : 'Swap'}</button>
      <button class="button primary" data-test="complete-transfer" ?disabled=${!ready} @click=${() => desk.complete()}>${icons.transfer} ${words ? 'Leave the two' : 'Complete transfer'}</button>
      ${words || pair.customer === other
        ? html`<button class="button" data-test="cancel-consult" @click=${() => desk.back()}>${icons.hangUp} Back to ${peerName(pair.customer)}</button>`
        : html`<button class="button" data-test="end-other" @click=${() => other.end()}>${icons.hangUp} End</button>`}
    </div>
  </section>`;
}

/** The customer's page can be looked at together; the customer decides. `instead`: of another page. */
export function invitation(call: Call, ask: () => void, instead: boolean) {
  return html`<section class="invite card" aria-label="Co-browse" data-test="assist-invite" data-cid=${call.assistCid}>
    <span class="icon" aria-hidden="true">${assistIcons.page}</span>
    <div><strong>Look at the page together</strong><p class="soft">${peerName(call)} is asked first.${instead ? ' You leave the page that you see now.' : ''}</p></div>
    <button class="button primary" data-test="assist-ask" @click=${ask}>Ask to see the page</button>
  </section>`;
}

/** A blind transfer that is under way, or that failed. */
export function transferBar(call: Call) {
  const info = call.transferInfo;
  if (!info || info.state === 'done' || info.state === 'failed' || call.ended) return nothing;
  return html`<section class="other card" role="status" data-test="transfer-state" data-state=${info.state}>
    <span class="icon" aria-hidden="true">${icons.transfer}</span>
    <div class="words"><strong>${info.to}</strong><p>${info.state === 'trying' ? 'Passing the call on…' : 'Rings'}</p></div>
    <div class="choices"><button class="button" data-test="cancel-transfer" @click=${() => call.cancelTransfer()}>${icons.close} Call it off</button></div>
  </section>`;
}

export function lastCall(last: LastCall, dismiss: () => void) {
  return html`<section class="last card" role="status" data-test="last-call" data-reason=${last.ended.reason} data-by=${last.ended.by} data-call=${last.id}>
    <div><strong>${last.name}</strong><p>${describeEnd(last.ended, last.direction, 'agent')}</p></div>
    <button class="tool" data-test="dismiss" aria-label="Dismiss" @click=${dismiss}>${icons.close}</button>
  </section>`;
}

export interface IdleHooks {
  reconnect: () => void;
  available: () => void;
}

export function idle(connection: ConnectionState, availability: Availability | null, hooks: IdleHooks) {
  const away = availability === 'away';
  const words: Record<string, [string, string]> = {
    replaced: ['You are signed in elsewhere', 'This account was opened in another window. Calls ring there.'],
    closed: ['Not connected', 'The connection to the service was closed.'],
    reconnecting: ['Reconnecting…', 'The connection was lost. It comes back by itself. Until then no calls ring here.'],
    connecting: ['Connecting…', 'One moment.'],
    idle: ['Connecting…', 'One moment.'],
  };
  const [title, text] = words[connection] ?? (away
    ? ['You are away', 'No calls ring here. Switch to Available to take calls.']
    : ['Ready for calls', 'When somebody calls, this page rings.']);
  const over = connection === 'replaced' || connection === 'closed';
  return html`<section class="idle card">
    <div class="mark ${away || connection !== 'connected' ? '' : 'on'}" aria-hidden="true">${icons.phone}</div>
    <h2>${title}</h2>
    <p class="soft" data-test="presence">${text}</p>
    ${over
      ? html`<button class="button primary" data-test="use-here" @click=${hooks.reconnect}>${connection === 'replaced' ? 'Use this window' : 'Connect again'}</button>`
      : connection === 'connected' && away
        ? html`<button class="button primary" data-test="go-available" @click=${hooks.available}>Become available</button>`
        : nothing}
  </section>`;
}
