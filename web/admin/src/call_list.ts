import { clockText, icons } from '@parley/components';
import { html, nothing } from 'lit';
import type { CallSummary, Party } from './api';
import { kWell, matches, partyName, reasonWords, shortTime, type Filter } from './call_filter';
import { talkTime } from './diagnose';

function party(who: Party | undefined, fallback: string, link: (name: string) => unknown = (name) => name) {
  const name = partyName(who, fallback);
  const more = who?.kind === 'phone' && who.number && who.number !== name ? who.number : '';
  return html`<td>
    ${who?.kind === 'phone' ? html`<span class="kind" role="img" aria-label="Telephone" title="Telephone">${icons.deskPhone}</span>` : nothing}${link(name)}${more ? html`<small>${more}</small>` : nothing}
  </td>`;
}

function row(call: CallSummary, test: string) {
  const link = (name: string) => html`<a href="#/calls/${encodeURIComponent(call.call)}" data-test="call-link">${name}<span class="sr">, call at ${shortTime(call.startedAt)}</span></a>`;
  // A call that runs: how long by now.
  const talked = call.state !== 'ended' && call.answeredAt ? clockText(new Date(call.answeredAt)) : talkTime(call);
  return html`<tr data-test=${test} data-call=${call.call} data-state=${call.state} data-reason=${call.reason ?? ''}>
    <td><time datetime=${call.startedAt} title=${new Date(call.startedAt).toLocaleString()}>${shortTime(call.startedAt)}</time></td>
    ${party(call.consumer, 'Customer', link)}
    ${party(call.agent, '–')}
    <td><span class="state ${call.state === 'ended' && !kWell.includes(call.reason ?? '') ? 'failed' : call.state}">${call.state === 'ended' ? reasonWords(call.reason) : call.state}</span></td>
    <td class="number">${talked || '–'}</td>
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
        : html`<div class="scroll" tabindex="0" role="region" aria-label="${title}, table"><table class="even">
            <thead><tr><th scope="col">Started</th><th scope="col">Customer</th><th scope="col">Agent</th><th scope="col">State</th><th scope="col" class="number">Talked</th></tr></thead>
            <tbody>${shown.map((call) => row(call, `${test}-row`))}</tbody>
          </table></div>`}
  </section>`;
}
