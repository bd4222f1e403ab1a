import { icons } from '@parley/components';
import { html } from 'lit';
import type { Registration } from './api';

/** Telephones and apps that registered with this server. */
export function registrationsPage(registrations: Registration[] | null, error: unknown) {
  const time = (value: string | undefined) => (value ? new Date(value).toLocaleString([], { dateStyle: 'medium', timeStyle: 'medium' }) : '–');
  return html`<main data-test="registrations">
    <div class="heading"><h1 tabindex="-1">Registrations</h1></div>
    ${error}
    <section class="card list" aria-label="Registrations">
      ${registrations === null
        ? html`<p class="soft">Loading…</p>`
        : registrations.length === 0
          ? html`<div class="empty" data-test="registrations-empty">
              ${icons.deskPhone}
              <h2>Nothing is registered here</h2>
              <p class="soft">Telephones and apps that register through this server are listed here. Agents in browsers do not register: they sign in.</p>
            </div>`
          : html`<div class="scroll" tabindex="0" role="region" aria-label="Registrations, table"><table>
              <thead><tr><th scope="col">Address</th><th scope="col">Contact</th><th scope="col">From</th><th scope="col">Device</th><th scope="col">Until</th></tr></thead>
              <tbody>${registrations.map(
                (r) => html`<tr data-test="registration-row"><th scope="row">${r.address}</th><td>${r.contact ?? '–'}</td><td>${r.source ?? '–'}</td><td>${r.userAgent ?? '–'}</td><td>${time(r.expiresAt)}</td></tr>`,
              )}</tbody>
            </table></div>`}
    </section>
  </main>`;
}
