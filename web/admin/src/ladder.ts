import { html, LitElement, nothing, svg } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { Lane, TimelineEntry } from './api';
import { span } from './diagnose';
import { lanesOf, nameOf } from './lanes';

/** Two entries further apart than this get a line that says how far. */
const kGap = 2_000;

/** A call's timeline, drawn as a ladder: a lane for each part that took part, time downwards. */
@customElement('parley-ladder')
export class Ladder extends LitElement {
  @property({ attribute: false }) entries: TimelineEntry[] = [];
  @property({ type: Number }) dropped = 0;
  /** Lanes that are drawn though nothing happened in them; absent: a call's. */
  @property({ attribute: false }) always: readonly Lane[] | undefined;
  @state() private stats_ = true;
  @state() private problems_ = false;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  private lanes_: Lane[] = [];

  /** Middle of a lane in percent. */
  private middle(lane: Lane): number {
    return (Math.max(0, this.lanes_.indexOf(lane)) + 0.5) * (100 / this.lanes_.length);
  }

  private arrow(entry: TimelineEntry) {
    if (entry.from === entry.to) return nothing;
    const [from, to] = [this.middle(entry.from), this.middle(entry.to)];
    const right = to > from;
    // The head is its own shape: its size must not depend on the width of the page.
    return html`<svg class="arrow" aria-hidden="true">
        ${svg`<line x1="${from}%" x2="${to}%" y1="50%" y2="50%"/><circle cx="${from}%" cy="50%" r="3.500"/>`}
      </svg>
      <span class="head ${right ? 'right' : 'left'}" style="left:${to}%" aria-hidden="true"></span>`;
  }

  private row(entry: TimelineEntry, before: TimelineEntry | undefined) {
    const gap = before ? entry.ms - before.ms : 0;
    const note = entry.from === entry.to;
    const from = Math.min(this.middle(entry.from), this.middle(entry.to));
    const to = Math.max(this.middle(entry.from), this.middle(entry.to));
    const details = Object.entries(entry.detail ?? {});
    const label = note ? `${nameOf(entry.from)}: ` : `${nameOf(entry.from)} to ${nameOf(entry.to)}: `;
    const place = note ? `left:${this.middle(entry.from)}%` : `left:${(from + to) / 2}%`;
    return html`${gap > kGap ? html`<li class="gap" aria-label="${span(gap)} later"><span>${span(gap)} later</span></li>` : nothing}
      <li
        class="entry ${entry.level} ${note ? 'note' : ''}"
        data-test="ladder-entry"
        data-from=${entry.from}
        data-to=${entry.to}
        data-what=${entry.what}
        data-level=${entry.level}
        data-ms=${entry.ms}
      >
        <time datetime=${entry.at} title=${entry.at}>${(entry.ms / 1000).toFixed(3)}</time>
        <div class="lanes">
          ${this.arrow(entry)}
          <span class="label" style=${place}
            ><span class="sr">${label}</span>${entry.level === 'error' ? '✕ ' : entry.level === 'warn' ? '! ' : ''}${entry.what}</span
          >
        </div>
        ${details.length === 0
          ? html`<span></span>`
          : html`<details>
              <summary>${brief(details)}</summary>
              <pre tabindex="0">${JSON.stringify(entry.detail, null, 2)}</pre>
            </details>`}
      </li>`;
  }

  override render() {
    const shown = this.entries.filter(
      (entry) => (this.stats_ || !entry.what.startsWith('stats')) && (!this.problems_ || entry.level !== 'info'),
    );
    this.lanes_ = lanesOf(this.entries, this.always);
    return html`<section class="card ladder" data-test="ladder" aria-labelledby="ladder-title">
      <div class="title">
        <h2 id="ladder-title">What happened</h2>
        <label><input type="checkbox" .checked=${this.stats_} @change=${(e: Event) => (this.stats_ = (e.target as HTMLInputElement).checked)} /> reports of the browsers</label>
        <label><input type="checkbox" .checked=${this.problems_} @change=${(e: Event) => (this.problems_ = (e.target as HTMLInputElement).checked)} /> only warnings and errors</label>
      </div>
      <div class="scroll" tabindex="0" role="region" aria-label="Timeline">
        <div class="chart" style="--lanes:${this.lanes_.length}">
          <div class="heads" aria-hidden="true">
            <span>Seconds</span>
            <div class="lanes">${this.lanes_.map((lane) => html`<b style="left:${this.middle(lane)}%">${nameOf(lane)}</b>`)}</div>
            <span>Details</span>
          </div>
          <div class="body">
            <div class="rails" aria-hidden="true">${this.lanes_.map((lane) => html`<i style="left:${this.middle(lane)}%"></i>`)}</div>
            <ol>
              ${shown.map((entry, index) => this.row(entry, shown[index - 1]))}
            </ol>
            ${shown.length === 0 ? html`<p class="soft none">Nothing to show.</p>` : nothing}
          </div>
        </div>
      </div>
      ${this.dropped > 0 ? html`<p class="soft">${this.dropped} entries from the middle were thinned out.</p>` : nothing}
    </section>`;
  }
}

/** The first few values in one line. */
function brief(details: [string, unknown][]): string {
  const simple = details.filter(([, value]) => typeof value !== 'object');
  if (simple.length === 0) return `${details.length} values`;
  const text = simple
    .slice(0, 3)
    .map(([key, value]) => `${key} ${String(value)}`)
    .join(' · ');
  return text.length > 70 ? `${text.slice(0, 69)}…` : text;
}
