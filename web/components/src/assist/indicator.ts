import type { AssistSession, Party } from '@parley/assist';
import { html, nothing } from 'lit';
import { icons } from '../icons';
import { clockText } from '../texts';
import { assistIcons } from './icons';
import type { OverlayModel } from './overlay';
import { describeSharing, listNames, spacedCode, viewerNames, type SharingLook } from './texts';

const kLooks = {
  starting: assistIcons.eyeOff, waiting: assistIcons.eyeOff, on: assistIcons.eye, paused: assistIcons.pause, private: assistIcons.lock,
  lost: assistIcons.eyeOff, ended: assistIcons.eyeOff,
} satisfies Record<SharingLook, unknown>;

/** The bar that is there as long as the session is: who sees the page, and how to stop it. */
export function indicator(model: OverlayModel) {
  const { session } = model;
  const { look, text } = describeSharing(session);
  const ended = look === 'ended';
  return html`<section class="bar" aria-label="Shared page" data-test="assist-bar" data-look=${look} data-sharing=${session.ended ? 'off' : session.sharing}>
    <div class="row">
      <button type="button" class="grip" aria-label="Move this bar (arrow keys)" data-test="assist-move">${assistIcons.grip}</button>
      <span class="look">${kLooks[look]}</span>
      <span class="words">
        <span role="status" data-test="assist-state">${text}</span>
        ${model.deed ? html`<span class="deed" aria-hidden="true" data-test="assist-deed">${model.deed}</span>` : nothing}
      </span>
      ${ended ? closeButton(model) : buttons(model, look)}
    </div>
    ${!ended && listed(model) ? html`<ul aria-label="Who looks on">${session.viewers.map((party) => viewerRow(model, party))}</ul>` : nothing}
    ${!ended && session.inControl ? controlRow(model) : nothing}
    ${session.canShareAgain ? againRow(session) : !ended && look === 'waiting' ? codeRow(model) : nothing}
    ${!ended && look === 'on' && session.canFilm ? filmRow(model) : nothing}
    ${model.notice && !ended ? html`<p class="notice" role="status" data-test="assist-notice">${model.notice}</p>` : nothing}
  </section>`;
}

function closeButton(model: OverlayModel) {
  return html`<button type="button" class="small" data-test="assist-close" aria-label="Close" @click=${() => model.close()}>${icons.close}</button>`;
}

/** Where there is a choice, and room, they stand there; else when the person wants it. */
const listed = ({ people, session: { viewers } }: OverlayModel): boolean => viewers.length > 0 && (people ?? (viewers.length > 1 && innerWidth > 640));

function viewerRow({ session }: OverlayModel, { party, role }: Party) {
  const name = session.nameOf(party);
  const remove = (event: Event) => {
    (event.currentTarget as Element).closest('section')!.querySelector<HTMLElement>('[data-test=assist-people]')?.focus();
    session.revoke(party, 'view');
  };
  return html`<li class="row" data-test="assist-viewer" data-party=${party}>
    <span>${name}${role === 'supervisor' ? ' (watches)' : ''}</span>
    <button type="button" class="small" data-test="assist-remove" aria-label="Remove ${name}" @click=${remove}>${icons.close}Remove</button>
  </li>`;
}

function buttons(model: OverlayModel, look: SharingLook) {
  const { session } = model;
  const paused = session.wanted === 'paused';
  return html`
    ${session.viewers.length > 0 && look !== 'lost'
      ? html`<button type="button" class="small" data-test="assist-people" aria-expanded=${String(listed(model))} aria-label="Who looks on" title="Who looks on"
          @click=${() => model.togglePeople(!listed(model))}>${icons.people}</button>`
      : nothing}
    ${look === 'on' || look === 'paused'
      ? html`<button
            type="button" class="small" data-test="assist-hints" aria-pressed=${String(model.hints)} title="Show what the agent does not see"
            aria-label="Hidden parts: show what the agent does not see" @click=${() => model.toggleHints()}
          >${assistIcons.eyeOff}<span class="label">Hidden parts</span></button>
          <button type="button" class="small" data-test="assist-pause" aria-label=${paused ? 'Go on sharing' : 'Pause sharing'} @click=${() => (paused ? session.resume() : session.pause())}>
            ${paused ? assistIcons.play : assistIcons.pause}<span class="label">${paused ? 'Go on' : 'Pause'}</span>
          </button>`
      : nothing}
    <button type="button" class="small end" data-test="assist-end" aria-label="End sharing" @click=${() => session.end()}>
      ${assistIcons.stop}<span class="label">End</span>
    </button>
  `;
}

function controlRow({ session }: OverlayModel) {
  const name = session.nameOf(session.state.control);
  return html`<div class="row control" data-test="assist-control" data-party=${session.state.control}>
    <span><b>${name} may act on this page.</b> Touch the page to take it back.</span>
    <button type="button" class="small" data-test="assist-take" @click=${() => session.takeControl()}>
      ${assistIcons.hand}<span class="label">Take back</span>
    </button>
  </div>`;
}

/** Who was let in stays so when the page is opened anew, but sees nothing of it before the person says so. */
function againRow(session: AssistSession) {
  return html`<div class="row control" data-test="assist-again">
    <span>${listNames(viewerNames(session))} ${session.viewers.length > 1 ? 'are' : 'is'} still here.</span>
    <button type="button" class="small" data-test="assist-share-again" @click=${() => session.shareAgain()}>${assistIcons.play}<span class="label">Share again</span></button>
  </div>`;
}

/** What the page cannot paint (frames of other sites) the browser can film, if the person lets it. */
function filmRow({ session }: OverlayModel) {
  return html`<div class="row control" data-test="assist-film" data-again=${String(session.filmEnded)} role="status">
    <span>${session.filmEnded ? 'The film of this tab ended with the page before. Without it the agent sees less.' : 'Some parts of this page cannot be shown to the agent.'}</span>
    <button type="button" class="small" data-test="assist-film-start" @click=${() => session.film()}>${assistIcons.film}<span class="label">${session.filmEnded ? 'Film it again' : 'Film this tab'}</span></button>
  </div>`;
}

function codeRow(model: OverlayModel) {
  const { code } = model;
  if (model.session.phase !== 'open') return nothing;
  if (!code) {
    return html`<div class="code">
      <button type="button" class="small" data-test="make-code" ?disabled=${model.codeBusy} @click=${() => model.makeCode()}>
        ${model.codeBusy ? 'One moment…' : 'Show a code for the agent'}
      </button>
    </div>`;
  }
  const left = clockText(new Date(Date.now()), code.until);
  return html`<div class="code">
    <span>Read this code to the agent:</span>
    <div class="row">
      <output data-test="short-code" data-code=${code.code} aria-label=${[...code.code].join(' ')}>${spacedCode(code.code)}</output>
      <button type="button" class="small" @click=${() => model.copyCode()}>Copy</button>
    </div>
    <span class="soft">It works once, for ${left} minutes.</span>
  </div>`;
}
