import type { Cobrowse, Party } from '@parley/agents';
import { html, nothing } from 'lit';
import { styleMap } from 'lit/directives/style-map.js';
import { assistIcons } from './icons';

function person(cobrowse: Cobrowse, party: Party) {
  const mine = party.party === cobrowse.me?.party;
  const role = party.role === 'supervisor' ? 'Supervisor, watching' : 'Agent';
  const state = party.state === 'asking' ? 'asks for consent' : party.state === 'refused' ? 'not agreed' : cobrowse.session?.control === party.party ? 'controls the page' : 'sees the page';
  return html`<li data-test="party" data-party=${party.party} data-role=${party.role} data-state=${party.state} data-me=${String(mine)}>
    <i style=${styleMap({ background: party.color })} aria-hidden="true"></i>
    <span><strong>${party.name || 'Agent'}${mine ? ' (you)' : ''}</strong><small>${role} · ${state}</small></span>
  </li>`;
}

/** Who takes part. */
export function peoplePanel(cobrowse: Cobrowse) {
  const { session } = cobrowse;
  const parties = session?.parties.filter(({ role }) => role !== 'consumer') ?? [];
  return html`<div class="panelhead"><h2>People</h2></div>
    <ul class="parties">
      <li data-test="party" data-role="consumer" data-state=${session?.consumer.present ? 'joined' : 'away'}>
        <i class="customer" aria-hidden="true"></i>
        <span><strong>${cobrowse.customer}</strong><small>Customer · ${session?.consumer.present ? 'here' : 'away'}</small></span>
      </li>
      ${parties.map((party) => person(cobrowse, party))}
    </ul>
    <p class="soft hint">Up to ${cobrowse.settings?.maxParties ?? 4} people take part, the customer included. Each is asked for on the customer’s page before seeing it.</p>
    ${session && session.unsupported.length > 0
      ? html`<h3>${assistIcons.warn} Not shown in the picture</h3>
          <ul class="unsupported" data-test="unsupported-list">${session.unsupported.map(({ what, why }) => html`<li><strong>${what}</strong><small>${why}</small></li>`)}</ul>`
      : nothing}`;
}
