import { ParleyError } from '@parley/sdk';
import { html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { api, type Performance, type Sample, type Strangers, type Trunk } from './api';
import './chart';
import { whyDown } from './diagnose';
import { lasting, sum, trunkGroup, trunkTransport } from './performance';

const kRanges = [
  { name: '2 minutes', minutes: 2, fine: true },
  { name: '10 minutes', minutes: 10, fine: true },
  { name: '1 hour', minutes: 60, fine: false },
  { name: '24 hours', minutes: 1440, fine: false },
] as const;

/** Gateway > Performance Log (GW-11): outbound SIP servers, and counts of each second or minute. Event `failed` (ParleyError). */
@customElement('parley-performance')
export class PerformancePage extends LitElement {
  @state() private trunks_: Trunk[] | null = null;
  @state() private strangers_: Strangers | null = null;
  @state() private log_: Performance | null = null;
  @state() private range_: (typeof kRanges)[number] = kRanges[0];
  @state() private paused_ = false;
  @state() private error_: ParleyError | null = null;
  private timer_: ReturnType<typeof setTimeout> | undefined;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer_);
  }

  private async load(): Promise<void> {
    clearTimeout(this.timer_);
    try {
      const [{ trunks = [], strangers = null }, log] = await Promise.all([api.trunks(), api.performance(this.range_.minutes)]);
      this.trunks_ = trunks;
      this.strangers_ = strangers;
      this.log_ = log;
      this.error_ = null;
    } catch (thrown) {
      this.error_ = ParleyError.from(thrown);
      this.dispatchEvent(new CustomEvent('failed', { detail: this.error_ }));
    }
    if (this.isConnected && !this.paused_) this.timer_ = setTimeout(() => void this.load(), this.range_.fine ? 2_000 : 10_000);
  }

  private choose(event: Event): void {
    this.range_ = kRanges[Number((event.target as HTMLSelectElement).value)] ?? kRanges[0];
    void this.load();
  }

  private pause(): void {
    this.paused_ = !this.paused_;
    if (this.paused_) clearTimeout(this.timer_);
    else void this.load();
  }

  private get samples(): Sample[] {
    const { minutes, fine } = this.range_;
    return (fine ? this.log_?.seconds : this.log_?.minutes)?.slice(fine ? -minutes * 60 : -minutes) ?? [];
  }

  private tiles(samples: Sample[]) {
    const last = samples[samples.length - 1];
    const up = this.trunks_?.filter((t) => t.state === 'up').length ?? 0;
    const failed = sum(samples, 'failed');
    const all = sum(samples, 'started');
    const tile = (name: string, value: string | number, more: string, bad = false) =>
      html`<div class="card tile ${bad ? 'trouble' : ''}" data-test="tile" data-name=${name}><dt>${name}</dt><dd>${value}</dd><dd class="more">${more}</dd></div>`;
    return html`<dl class="tiles">
      ${tile('Calls', last?.calls ?? '–', 'now')}
      ${tile('Sessions', last?.sessions ?? '–', 'pages that are connected')}
      ${tile('Calls begun', all, `in ${this.range_.name}`)}
      ${tile('Calls that failed', failed, all > 0 ? `${((failed / all) * 100).toFixed(1)} % of them` : 'none began', failed > 0 && failed > all * 0.05)}
      ${this.trunks_?.length ? tile('SIP servers up', `${up} of ${this.trunks_.length}`, 'outbound', up < this.trunks_.length) : nothing}
    </dl>`;
  }

  private trunkRow(trunk: Trunk) {
    const share = trunk.requests > 0 ? ` (${((trunk.failures / trunk.requests) * 100).toFixed(1)} %)` : '';
    const group = trunkGroup(trunk);
    return html`<tr data-test="trunk-row" data-uri=${trunk.uri} data-state=${trunk.state}>
      <th scope="row"><span class="uri">${trunk.uri.split(/(?=;|:\d)/).map((part) => html`${part}<wbr />`)}</span><small>${trunkTransport(trunk)}${group ? ` · ${group}` : ''}</small></th>
      <td><span class="state ${trunk.state}">${trunk.state}</span><small>${trunk.since ? `for ${lasting(trunk.since)}` : ''}</small></td>
      <td class="wrap">${trunk.lastReason || '–'}<small>${whyDown(trunk.lastReason)}</small></td>
      <td class="number">${trunk.rttMs ? `${trunk.rttMs.toFixed(1)} ms` : '–'}</td>
      <td class="number">${trunk.optionsOk} / ${trunk.optionsSent}</td>
      <td class="number">${trunk.requests}</td>
      <td class="number ${trunk.failures > 0 && trunk.failures > trunk.requests * 0.05 ? 'bad' : ''}">${trunk.failures}${share}</td>
      <td>${trunk.addresses?.length ? trunk.addresses.map((a) => html`<span class="address ${a.state ?? ''}">${a.address}</span>`) : '–'}</td>
    </tr>`;
  }

  private trunkTable() {
    const trunks = this.trunks_;
    return html`<section class="card list trunks" aria-label="Outbound SIP servers" data-test="trunks">
      <h2>Outbound SIP servers ${trunks ? html`<small>${trunks.length}</small>` : nothing}</h2>
      ${trunks === null
        ? html`<p class="soft">Loading…</p>`
        : trunks.length === 0
          ? html`<p class="soft" data-test="trunks-empty">None is set up: agents in browsers can be called, telephones cannot.</p>`
          : html`<div class="scroll" tabindex="0" role="region" aria-label="Outbound SIP servers, table"><table>
              <thead>
                <tr><th scope="col">Server</th><th scope="col">State</th><th scope="col">Last reason</th><th scope="col" class="number">Round trip</th><th scope="col" class="number">OPTIONS answered / sent</th><th scope="col" class="number">Requests</th><th scope="col" class="number">Failed</th><th scope="col">Addresses</th></tr>
              </thead>
              <tbody>${trunks.map((trunk) => this.trunkRow(trunk))}</tbody>
            </table></div>`}
    </section>`;
  }

  /** Only where somebody knocked. */
  private strangerTable() {
    const strangers = this.strangers_;
    if (!strangers || strangers.refused === 0) return nothing;
    return html`<section class="card list" aria-label="Refused strangers" data-test="strangers">
      <h2>Refused strangers <small>${strangers.refused}</small></h2>
      <p class="soft">SIP requests of addresses that are neither an outbound server nor an allowed peer (<code>sip.allowed_peers</code>).</p>
      <div class="scroll" tabindex="0" role="region" aria-label="Refused strangers, table"><table>
        <thead><tr><th scope="col">Address</th><th scope="col">Last request</th><th scope="col" class="number">Requests</th><th scope="col">Last seen</th></tr></thead>
        <tbody>${strangers.addresses.map((one) => html`<tr data-test="stranger">
          <th scope="row">${one.address}</th><td>${one.method}</td><td class="number">${one.count}</td><td>${lasting(one.lastAt)} ago</td>
        </tr>`)}</tbody>
      </table></div>
    </section>`;
  }

  override render() {
    const samples = this.samples;
    const times = samples.map((s) => s.at);
    const of = (key: Exclude<keyof Sample, 'at' | 'brokerLoad'>) => samples.map((s) => s[key]);
    const brokers = [...new Set(samples.flatMap((s) => Object.keys(s.brokerLoad ?? {})))].sort();
    const per = this.range_.fine ? 'second' : 'minute';
    const chart = (heading: string, series: { name: string; values: number[] }[], unit = '', top = 0) =>
      html`<parley-chart heading=${heading} .times=${times} .series=${series} .unit=${unit} .top=${top} ?fine=${this.range_.fine}></parley-chart>`;
    return html`<main data-test="performance">
      <div class="heading">
        <div><p class="kicker">Gateway</p><h1 tabindex="-1">Performance Log</h1></div>
        <label class="search">Time <select data-test="range" @change=${this.choose}>${kRanges.map((r, i) => html`<option value=${i} ?selected=${r === this.range_}>${r.name}</option>`)}</select></label>
        <button class="button quiet" data-test="pause" aria-pressed=${String(this.paused_)} @click=${this.pause}>${this.paused_ ? 'Go on' : 'Pause'}</button>
      </div>
      ${this.error_ ? html`<p class="error" role="alert" data-test="page-error" data-code=${this.error_.code}>${this.error_.message}</p>` : nothing}
      ${this.tiles(samples)} ${this.trunkTable()}
      ${this.strangerTable()}
      <div class="charts">
        ${chart('Calls and sessions', [{ name: 'Calls', values: of('calls') }, { name: 'Sessions', values: of('sessions') }])}
        ${chart(`Calls each ${per}`, [{ name: 'Begun', values: of('started') }, { name: 'Ended', values: of('ended') }, { name: 'Failed', values: of('failed') }])}
        ${chart(`SIP messages each ${per}`, [{ name: 'Received', values: of('sipIn') }, { name: 'Sent', values: of('sipOut') }])}
        ${this.trunks_?.length ? chart('Outbound SIP servers', [{ name: 'Up', values: of('sipServersUp') }, { name: 'Down', values: of('sipServersDown') }]) : nothing}
        ${chart('Load of the media brokers', brokers.map((name) => ({ name, values: samples.map((s) => s.brokerLoad?.[name] ?? 0) })), ' %', 100)}
      </div>
    </main>`;
  }
}
