import { html, nothing } from 'lit';
import type { CallDetail, LegState, Party } from './api';
import { partyName, reasonWords } from './call_filter';
import { findings, talkTime, whyEnded } from './diagnose';
import './ladder';
import './legs';
import { setupTimes } from './setup_times';

/** Customer and agent with what the broker knows of each, then legs that only the broker knows (who joined, or left, by transfer). */
function legsOf(call: CallDetail) {
  const reports = [...(call.media?.legs ?? [])];
  const take = (id: string) => {
    const at = reports.findIndex((leg) => leg.id === id);
    return at < 0 ? null : (reports.splice(at, 1)[0] ?? null);
  };
  const sides = (['consumer', 'agent'] as const).map((id) => {
    const own = call.legs?.find((leg) => leg.id === id);
    const party: Party | undefined = call[id];
    return { party: { ...party, ...own, id } as LegState, leg: take(own?.leg || id) };
  });
  return [...sides, ...reports.map((leg) => ({ party: { id: leg.id } as LegState, leg }))];
}

/** One call: why it ended, what happened, what the broker saw. */
export function callPage(call: CallDetail, error: unknown) {
  const troubled = call.state === 'ended' && !['hung_up', 'cancelled', 'transferred'].includes(call.reason ?? '');
  const fact = (name: string, value: string | undefined) => (value ? html`<div><dt>${name}</dt><dd>${value}</dd></div>` : nothing);
  const time = (value: string | undefined) => (value ? new Date(value).toLocaleString([], { dateStyle: 'medium', timeStyle: 'medium' }) : undefined);
  const phone = (party: Party | undefined) => (party?.kind === 'phone' ? (party.number ?? party.address) : undefined);
  return html`<main>
    <p class="back"><a href="#/">← All calls</a></p>
    <div class="heading">
      <h1 tabindex="-1">${partyName(call.consumer, 'Customer')} → ${partyName(call.agent, 'agent')}</h1>
      <span class="state ${call.state}">${call.state}</span>
    </div>
    ${error}
    <section class="card why ${troubled ? 'trouble' : ''}" data-test="why" data-reason=${call.reason ?? ''} data-by=${call.by ?? ''}>
      <h2>${call.state === 'ended' ? 'Why it ended' : 'State'}</h2>
      <p class="sentence">${whyEnded(call)}</p>
      <ul class="findings">${findings(call).map((f) => html`<li class=${f.level}>${f.text}</li>`)}</ul>
      <dl>
        ${fact('Started', time(call.startedAt))} ${fact('Answered', time(call.answeredAt))} ${fact('Media connected', time(call.connectedAt))}
        ${fact('Ended', time(call.endedAt))} ${fact('Talked', talkTime(call))} ${fact('Reason', call.reason)} ${fact('Ended by', call.by === 'system' ? 'the service' : call.by && reasonWords(call.by))}
        ${fact('Customer’s phone', phone(call.consumer))} ${fact('Agent’s phone', phone(call.agent))}
        ${fact('Broker', call.broker)} ${fact('Correlation id', call.correlationId)} ${fact('Call id', call.call)}
      </dl>
    </section>
    <parley-ladder .entries=${call.timeline ?? []} .dropped=${call.dropped ?? 0}></parley-ladder>
    <div class="legs">${legsOf(call).map(({ leg, party }) => html`<parley-leg .leg=${leg} .party=${party}></parley-leg>`)}</div>
    <div class="legs">${setupTimes(call.timeline ?? [])}</div>
  </main>`;
}
