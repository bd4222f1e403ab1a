import { early } from '@parley/assist';

/** So often it is looked at whether something of the site makes the element dead; nothing tells of dialogs in shadow roots. */
const kLookMs = 500;

/**
 * Keeps an element within reach. A modal dialog of the site, and in Chromium what is shown full screen, make everything outside of them dead:
 * the element goes into them, also in a shadow root. `place`: where a part of it must be reached; `moved`: it stands elsewhere now.
 */
export function keepOnTop(host: HTMLElement, place: () => DOMRect | undefined, moved: () => void): () => void {
  const put = (parent: Element) => {
    if (host.parentNode === parent) return;
    parent.append(host);
    moved();
  };
  const follow = () => {
    let top: Element | undefined;
    try {
      top = [...document.querySelectorAll('dialog:modal')].pop();
    } catch {
      // A browser without :modal.
    }
    // In a shadow root, where the document does not find it.
    if (!top && host.parentElement && isModal(host.parentElement)) top = host.parentElement;
    const box = fullScreen();
    put(box && (!top || top.contains(box)) ? box : (top ?? document.documentElement));
  };
  const look = () => {
    const { parentElement: parent } = host;
    if (parent?.localName === 'dialog' && !isModal(parent)) follow();
    const dialog = over(host, place());
    if (dialog) put(dialog);
  };
  // Where nothing of it can have changed, the page is not searched: it may change a hundred times a second.
  const holds = (nodes: NodeList) => [...nodes].some((n) => n === host || n.nodeName === 'DIALOG' || (n.nodeType === 1 && ((n as Element).contains(host) || (n as Element).querySelector('dialog') !== null)));
  const observer = new MutationObserver((records) => {
    if (!host.isConnected || records.some((r) => r.type === 'attributes' || holds(r.addedNodes) || holds(r.removedNodes))) follow();
  });
  observer.observe(document.documentElement, { subtree: true, childList: true, attributes: true, attributeFilter: ['open'] });
  document.addEventListener('fullscreenchange', follow);
  const timer = window.setInterval(look, kLookMs);
  follow();
  return () => {
    observer.disconnect();
    document.removeEventListener('fullscreenchange', follow);
    window.clearInterval(timer);
  };
}

function isModal(element: Element): boolean {
  try {
    return element.matches('dialog:modal');
  } catch {
    return false;
  }
}

const rootIn = (element: Element): ShadowRoot | null => element.shadowRoot ?? early.closedOf(element);

/** What is shown full screen, where it shows its children: a film or frame by itself shows none. */
function fullScreen(): Element | null {
  let at = document.fullscreenElement;
  for (let inner = at; inner; inner = rootIn(inner)?.fullscreenElement ?? null) at = inner;
  return /^(?:video|iframe|img|canvas|object|embed)$/.test(at?.localName ?? '') ? null : at;
}

/** The modal dialog that takes the pointer where the element stands; its backdrop is part of it. */
function over(host: Element, box: DOMRect | undefined): Element | null {
  if (!box?.width) return null;
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  let at = document.elementFromPoint(x, y);
  while (at && at !== host) {
    const inner: Element | null = rootIn(at)?.elementFromPoint(x, y) ?? null;
    if (!inner || inner === at) break;
    at = inner;
  }
  while (at && at !== host) {
    if (isModal(at)) return at;
    at = at.parentElement ?? ((at.getRootNode() as Partial<ShadowRoot>).host ?? null);
  }
  return null;
}
