import { html, LitElement, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { BrokerLeg, BrokerSection, Direction, LegState } from './api';

const kNames: Record<string, string> = { consumer: 'Customer', agent: 'Agent' };
const nameOf = (id: string, phone: boolean): string => {
  const name = kNames[id];
  if (!name) return phone ? `Telephone ${id}` : id;
  return phone ? `${name}’s phone` : name;
};
const number = (value: number | undefined): string => (value === undefined ? '–' : value.toLocaleString('en'));
const bits = (value: number | undefined): string => {
  if (value === undefined) return '–';
  return value >= 1_000_000 ? `${(value / 1_000_000).toFixed(2)} Mbit/s` : `${Math.round(value / 1000)} kbit/s`;
};
const percent = (d: Direction): string => {
  const all = d.packets + d.lost;
  return all === 0 ? '–' : `${((d.lost / all) * 100).toFixed(1)} %`;
};

const kAsked: Record<string, string> = { none: 'plain', sdes: 'encrypted', 'sdes-preferred': 'encrypted if possible' };

/** How a telephone's media is protected, and what was asked for. */
function security(leg: BrokerLeg): string {
  const asked = kAsked[leg.security ?? ''];
  return (leg.srtp ? `SRTP (SDES) ${leg.srtp}` : 'None: plain RTP') + (asked ? ` (asked: ${asked})` : '');
}

/** Statistics of one leg as the broker saw it. */
@customElement('parley-leg')
export class Leg extends LitElement {
  @property({ attribute: false }) leg: BrokerLeg | null = null;
  @property({ attribute: false }) party: LegState | null = null;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  private rows(section: BrokerSection) {
    const row = (name: string, d: Direction | undefined) =>
      d
        ? html`<tr>
            <th scope="row">${section.kind === 'audio' ? 'Sound' : 'Picture'} ${name}</th>
            <td>${section.codec ?? '–'}</td>
            <td>${number(d.packets)}</td>
            <td>${bits(d.bitrate)}</td>
            <td class=${d.lost > 0 && d.lost / (d.packets + d.lost) > 0.02 ? 'bad' : ''}>${number(d.lost)} (${percent(d)})</td>
            <td>${d.jitterMs === undefined ? '–' : `${d.jitterMs.toFixed(1)} ms`}</td>
            <td>${number(d.nacks)} / ${number(d.retransmitted)}</td>
            <td>${section.kind === 'video' ? `${number((d.plis ?? 0) + (d.firs ?? 0))} / ${number(d.keyFrames)}` : '–'}</td>
          </tr>`
        : nothing;
    return html`${row('received', section.fromPeer)}${row('sent', section.toPeer)}`;
  }

  override render() {
    const { leg, party } = this;
    const id = party?.id ?? leg?.id ?? '';
    const phone = leg?.kind === 'rtp' || party?.kind === 'phone';
    const title = nameOf(id, phone);
    const drops = Object.entries(leg?.drops ?? {});
    const fact = (name: string, value: string | undefined) => html`<div><dt>${name}</dt><dd>${value || '–'}</dd></div>`;
    return html`<section class="card leg" data-test="leg" data-leg=${id} data-kind=${phone ? 'rtp' : 'webrtc'} aria-label="Leg: ${title}">
      <h2>${title}${party?.name ? html` <small>${party.name}</small>` : nothing}</h2>
      ${leg
        ? html`<dl>
              ${phone
                ? html`${fact('RTP', leg.rtp)} ${fact('Security', security(leg))} ${fact('Phone’s address', leg.selected?.remote)}`
                : html`${fact('ICE', leg.ice)} ${fact('DTLS', leg.dtls)} ${fact('Encryption', leg.srtp)} ${fact('Browser’s address', leg.selected?.remote)}`}
              ${fact('Broker’s address', leg.selected?.local)} ${fact('Round trip', leg.rttMs === undefined ? undefined : `${leg.rttMs.toFixed(1)} ms`)}
              ${fact('Bandwidth estimate', leg.remb ? bits(leg.remb) : undefined)}
            </dl>
            ${leg.sections?.length
              ? html`<div class="scroll" tabindex="0" role="region" aria-label="Media: ${title}"><table>
                    <thead>
                      <tr><th scope="col">Media</th><th scope="col">Codec</th><th scope="col">Packets</th><th scope="col">Bit rate</th><th scope="col">Lost</th><th scope="col">Jitter</th><th scope="col">NACK / sent again</th><th scope="col">Key frames asked / seen</th></tr>
                    </thead>
                    <tbody>${leg.sections.map((section) => this.rows(section))}</tbody>
                  </table></div>`
              : nothing}
            <h3>Dropped packets</h3>
            ${drops.length === 0
              ? html`<p class="soft">None.</p>`
              : html`<ul class="drops">${drops.map(
                  ([reason, count]) => html`<li data-test="drop" data-reason=${reason} data-count=${count}><code>${reason}</code> <b>${number(count)}</b></li>`,
                )}</ul>`}`
        : html`<p class="soft">The broker has no figures for this leg.</p>`}
    </section>`;
  }
}
