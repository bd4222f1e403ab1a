import { html, LitElement, nothing, svg } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { ceiling, points } from './performance';

export interface Series {
  name: string;
  values: number[];
}

const kTones = ['accent', 'warn', 'bad', 'good', 'soft'] as const;
const clock = (at: Date, seconds: boolean) => at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: seconds ? '2-digit' : undefined });

/** Lines over time, with the values under the pointer (else the last ones) in the legend, and a table for who sees no lines. */
@customElement('parley-chart')
export class Chart extends LitElement {
  @property() heading = '';
  @property({ attribute: false }) times: string[] = [];
  @property({ attribute: false }) series: Series[] = [];
  @property() unit = '';
  /** 0: as high as the values. */
  @property({ type: Number }) top = 0;
  /** Each value is a second's; else a minute's. */
  @property({ type: Boolean }) fine = false;
  @state() private at_: number | null = null;
  @state() private table_ = false;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  private moved(event: PointerEvent): void {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const share = (event.clientX - box.left) / Math.max(1, box.width);
    this.at_ = Math.round(Math.min(1, Math.max(0, share)) * (this.times.length - 1));
  }

  private table() {
    // Enough to follow a course, and no more than can be read.
    const every = Math.max(1, Math.ceil(this.times.length / 30));
    const rows = this.times.map((_, i) => i).filter((i) => (this.times.length - 1 - i) % every === 0).reverse();
    return html`<div class="scroll" tabindex="0" role="region" aria-label="${this.heading}, table"><table>
      <thead><tr><th scope="col">Time</th>${this.series.map((s) => html`<th scope="col" class="number">${s.name}</th>`)}</tr></thead>
      <tbody>${rows.map(
        (i) => html`<tr><th scope="row">${clock(new Date(this.times[i]!), this.fine)}</th>${this.series.map((s) => html`<td class="number">${s.values[i] ?? '–'}${this.unit}</td>`)}</tr>`,
      )}</tbody>
    </table></div>`;
  }

  override render() {
    const { times, series } = this;
    const top = this.top || ceiling(Math.max(0, ...series.flatMap((s) => s.values)));
    const shown = Math.min(this.at_ ?? times.length - 1, times.length - 1);
    const label = (i: number) => (times[i] ? clock(new Date(times[i]!), this.fine) : '');
    const cursor = this.at_ === null || times.length < 2 ? null : (shown / (times.length - 1)) * 100;
    return html`<section class="card chartcard" data-test="chart" data-name=${this.heading} data-points=${times.length}>
      <div class="title">
        <h2>${this.heading}</h2>
        <span class="soft">${this.at_ === null ? 'now' : label(shown)}</span>
      </div>
      <ul class="legend">
        ${series.map((s, i) => html`<li class="tone-${kTones[i % kTones.length]}"><i class="line-${i % kTones.length}" aria-hidden="true"></i>${s.name} <b>${s.values[shown] ?? '–'}${this.unit}</b></li>`)}
      </ul>
      <div class="plot" aria-hidden="true" @pointermove=${this.moved} @pointerleave=${() => (this.at_ = null)}>
        <span class="y" style="top:0">${top}${this.unit}</span><span class="y" style="top:50%">${top / 2}${this.unit}</span><span class="y" style="top:100%">0</span>
        <svg viewBox="0 0 100 100" preserveAspectRatio="none">
          ${[0, 50, 100].map((y) => svg`<line class="grid" x1="0" x2="100" y1=${y} y2=${y} />`)}
          ${series.map((s, i) => svg`<polyline class="tone-${kTones[i % kTones.length]} line-${i % kTones.length}" points=${points(s.values, top)} />`)}
          ${cursor === null ? nothing : svg`<line class="cursor" x1=${cursor} x2=${cursor} y1="0" y2="100" />`}
        </svg>
        ${times.length === 0 ? html`<span class="nothing">Nothing yet.</span>` : nothing}
      </div>
      <div class="x soft" aria-hidden="true"><span>${label(0)}</span><span>${label(Math.floor((times.length - 1) / 2))}</span><span>${label(times.length - 1)}</span></div>
      <details @toggle=${(e: Event) => (this.table_ = (e.target as HTMLDetailsElement).open)}>
        <summary>As a table</summary>
        ${this.table_ ? this.table() : nothing}
      </details>
    </section>`;
  }
}
