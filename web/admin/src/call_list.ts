import { icons } from '@parley/components';
import { html, nothing } from 'lit';
import type { CallSummary, Party } from './api';
import { kWell, matches, partyName, type Filter } from './call_filter';
import { talkTime } from './diagnose';

function party(who: Party | undefined, fallback: string) {
  const name = partyName(who, fallback);
  const more = who?.kind === 'phone' && who.number && who.number !== name ? who.number : '';
  return html`<td>
    ${who?.kind === 'phone' ? html`<span class="kind" role="img" aria-label="Telephone" title="Telephone">${icons.deskPhone}</span>` : nothing}${name}${more ? html`<small>${more}</small>` : nothing}
  </td>`;
}

function row(call: CallSummary, test: string) {
  const started = new Date(call.startedAt);
  return html`<tr data-test=${test} data-call=${call.call} data-state=${call.state} data-reason=${call.reason ?? ''}>
    <td><time datetime=${call.startedAt}>${started.toLocaleString([], { dateStyle: 'medium', timeStyle: 'medium' })}</time></td>
    ${party(call.consumer, 'Customer')}
    ${party(call.agent, '–')}
    <td><span class="state ${call.state === 'ended' && !kWell.includes(call.reason ?? '') ? 'failed' : call.state}">${call.state === 'ended' ? (call.reason ?? 'ended').replaceAll('_', ' ') : call.state}</span></td>
    <td class="number">${talkTime(call) || '–'}</td>
    <td><a href="#/calls/${encodeURIComponent(call.call)}" data-test="call-link">Show<span class="sr"> call of ${partyName(call.consumer, 'customer')} at ${started.toLocaleTimeString()}</span></a></td>
  </tr>`;
}

export function callTable(title: string, calls: CallSummary[] | null, test: string, empty: string, filter: Filter) {
  const shown = calls?.filter((call) => matches(call, filter)) ?? [];
  const filtered = filter.text.trim() !== '' || filter.kind !== 'all';
  const count = calls && (filtered ? `${shown.length} of ${calls.length}` : calls.length);
  return html`<section class="card list" aria-label=${title}>
    <h2>${title} ${calls ? html`<small data-test="${test}-count">${count}</small>` : nothing}</h2>
    ${calls === null
      ? html`<p class="soft">Loading…</p>`
      : shown.length === 0
        ? html`<p class="soft" data-test="${test}-empty">${filtered && calls.length > 0 ? 'No call matches the search.' : empty}</p>`
        : html`<div class="scroll" tabindex="0" role="region" aria-label="${title}, table"><table>
            <thead><tr><th scope="col">Started</th><th scope="col">Customer</th><th scope="col">Agent</th><th scope="col">State</th><th scope="col" class="number">Talked</th><th scope="col"><span class="sr">Details</span></th></tr></thead>
            <tbody>${shown.map((call) => row(call, `${test}-row`))}</tbody>
          </table></div>`}
  </section>`;
}
