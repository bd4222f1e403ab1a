import { kSensitiveAttribute, type AssistSession, type ConsentRequest } from '@parley/assist';
import { html } from 'lit';
import { assistIcons } from './icons';

/** Asks in words, before anything is seen or done. Escape is a no. */
export function consentDialog(session: AssistSession, request: ConsentRequest) {
  const answer = (grant: boolean) => () => session.answer(request, grant);
  const cancelled = (event: Event) => {
    event.preventDefault();
    session.answer(request, false);
  };
  const control = request.what === 'control';
  return html`<dialog
    aria-labelledby="ask-title"
    data-test="consent"
    data-what=${request.what}
    data-party=${request.party}
    @cancel=${cancelled}
  >
    <div class="ask">
      <h2 id="ask-title" tabindex="-1">${control ? `Let ${request.name} act on this page?` : `Share this page with ${request.name}?`}</h2>
      ${control ? controlWords(request.name) : viewWords(session, request.name)}
      <div class="answers">
        <button type="button" class="button" data-test="consent-no" @click=${answer(false)}>Not now</button>
        <button type="button" class="button primary" data-test="consent-yes" @click=${answer(true)}>
          ${control ? html`${assistIcons.hand} Allow it` : html`${assistIcons.eye} Share this page`}
        </button>
      </div>
    </div>
  </dialog>`;
}

function viewWords(session: AssistSession, name: string) {
  const { maskDefault } = session.settings;
  const typed = maskDefault === 'all' || session.rules.maskAll;
  const privatePages = (session.rules.sensitive?.length ?? 0) > 0 || document.querySelector(`[${kSensitiveAttribute}]`) !== null;
  return html`<ul>
      <li class="yes">
        ${assistIcons.eye}
        <span><b>${name} sees</b>this page as a moving picture, and other pages of this site that you open in this tab.</span>
      </li>
      <li class="no">
        ${assistIcons.eyeOff}
        <span>
          <b>${name} does not see</b>your other tabs, windows and files. Passwords, card numbers and
          ${typed ? 'everything that you type' : 'what this site marks as private'} are black${privatePages ? ', and private pages are not shown at all' : ''}.
        </span>
      </li>
    </ul>
    <p class="soft">You can pause or end this at any time. ${name} cannot click or type unless you allow it.</p>`;
}

function controlWords(name: string) {
  return html`<ul>
      <li class="yes">
        ${assistIcons.hand}
        <span><b>${name} can</b>click, scroll and type on this page for you, also where the picture is black. You see everything that is done.</span>
      </li>
      <li class="no">
        ${assistIcons.lock}
        <span>
          <b>${name} cannot</b>see what is black in the picture, and use neither passwords, card numbers and files nor what this site reserves for you.
        </span>
      </li>
    </ul>
    <p class="soft">Touch the page or press a key to take the control back.</p>`;
}
