import { early } from '@parley/assist';

/** So often it is looked at whether something of the site makes the element dead; nothing tells of dialogs in shadow roots. */
const kLookMs = 500;

/**
 * Keeps an element within reach. A modal dialog of the site, and what is shown full screen, make everything outside of them dead:
 * the element goes into them, also in a shadow root. A film or frame that fills the screen has no room in it: the element is shown above it,
 * where it is seen but takes no pointer. `place`: where a part of it must be reached; `moved`: it stands elsewhere now.
 */
export function keepOnTop(host: HTMLElement, place: () => DOMRect | undefined, moved: () => void): () => void {
  const put = (parent: ParentNode) => {
    if (host.parentNode === parent) return;
    parent.append(host);
    // That is no change of the page's, to be followed in its turn.
    observer.takeRecords();
    moved();
  };
  const follow = () => {
    const hit = hitAt(host, place());
    // Where nothing takes the pointer from it, it is where it has to be. The order in the document is a guess, and knows of no shadow root.
    const top = hit === host ? dialogOf(host) : (dialogOf(hit) ?? lastModal() ?? dialogOf(host));
    const box = fullScreen();
    // What has a shadow root shows its children only in slots, if it has any.
    put(box && (!top || top.contains(box)) ? (rootIn(box) ?? box) : (top ?? document.documentElement));
    raise(host, false);
  };
  // What came above the page last is above what came before.
  const filled = () => {
    follow();
    raise(host, true);
  };
  const look = () => {
    const { parentElement: parent } = host;
    // Nothing tells of what is taken out of a shadow root either.
    if (!host.isConnected || (parent?.localName === 'dialog' && !isModal(parent))) follow();
    const hit = hitAt(host, place());
    const dialog = hit === host ? null : dialogOf(hit);
    if (dialog) put(dialog);
    raise(host, false);
  };
  // Where nothing of it can have changed, the page is not searched: it may change a hundred times a second.
  const holds = (nodes: NodeList) => [...nodes].some((n) => n === host || n.nodeName === 'DIALOG' || (n.nodeType === 1 && ((n as Element).contains(host) || (n as Element).querySelector('dialog') !== null)));
  const observer = new MutationObserver((records) => {
    if (!host.isConnected || records.some((r) => r.type === 'attributes' || holds(r.addedNodes) || holds(r.removedNodes))) follow();
  });
  observer.observe(document.documentElement, { subtree: true, childList: true, attributes: true, attributeFilter: ['open'] });
  document.addEventListener('fullscreenchange', filled);
  const timer = window.setInterval(look, kLookMs);
  follow();
  return () => {
    observer.disconnect();
    document.removeEventListener('fullscreenchange', filled);
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

function lastModal(): Element | null {
  try {
    return [...document.querySelectorAll('dialog:modal')].pop() ?? null;
  } catch {
    // A browser without :modal.
    return null;
  }
}

const rootIn = (element: Element): ShadowRoot | null => element.shadowRoot ?? early.closedOf(element);

/** What is shown full screen, where it shows its children: a film or frame by itself shows none. */
function fullScreen(): Element | null {
  let at = document.fullscreenElement;
  for (let inner = at; inner; inner = rootIn(inner)?.fullscreenElement ?? null) at = inner;
  return /^(?:video|audio|iframe|img|svg|canvas|object|embed)$/.test(at?.localName ?? '') ? null : at;
}

/** Shows an element above what fills the screen and has no room for it; `again`: also when it is shown so already. */
function raise(host: HTMLElement, again: boolean): void {
  if (typeof host.showPopover !== 'function' || !host.isConnected) return;
  if (!document.fullscreenElement || fullScreen()) return host.removeAttribute('popover');
  if (host.getAttribute('popover') !== 'manual') host.setAttribute('popover', 'manual');
  const open = host.matches(':popover-open');
  if (open && again) host.hidePopover();
  if (!open || again) host.showPopover();
}

/** What takes the pointer where the element stands. */
function hitAt(host: Element, box: DOMRect | undefined): Element | null {
  if (!box?.width) return null;
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  let at = document.elementFromPoint(x, y);
  while (at && at !== host) {
    const inner: Element | null = rootIn(at)?.elementFromPoint(x, y) ?? null;
    if (!inner || inner === at) break;
    at = inner;
  }
  return at;
}

/** The modal dialog that something is in; its backdrop is part of it. */
function dialogOf(element: Element | null): Element | null {
  let at = element;
  while (at && !isModal(at)) at = at.parentElement ?? ((at.getRootNode() as Partial<ShadowRoot>).host ?? null);
  return at;
}
