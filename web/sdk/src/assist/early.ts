// What a page does not tell afterwards, noted from the moment on that this runs: it comes with the first script. The shadow roots
// that it keeps closed: what is in them is to be painted, masked and barred as everything else; nothing on the page leads to them.
// And canvases that the browser empties as soon as it has shown them.

type RootOf = (element: Element) => ShadowRoot | null;

export interface Early {
  /** The closed shadow root of an element, where it is known. */
  closedOf: RootOf;
  /** A component that is known to have had no shadow root but those of which `closedOf` knows. */
  isClear(element: Element): boolean;
  /** A canvas whose drawing buffer is empty but right after something was drawn: WebGL without `preserveDrawingBuffer`. */
  isFleeting(canvas: Element): boolean;
}

type Realm = Window & typeof globalThis;

const known = new WeakMap<Element, ShadowRoot>();
/** Nobody looks for roots on a page that closes none. */
let any = false;
const asked = new WeakSet<Element>();
/** What was asked for before the page did, which gets it only once: its own call is given this. */
const kept = new WeakMap<Element, ElementInternals>();
const watched = new WeakSet<object>();
const hearers = new Set<(host: Element, root: ShadowRoot) => void>();
const clear = new WeakSet<Element>();
const fleeting = new WeakSet<Element>();
let earlier: Early | null = null;

function learn(host: Element, root: ShadowRoot | null): ShadowRoot | null {
  // Parley's own things are no part of the page.
  if (!root || host.hasAttribute('data-parley-overlay')) return null;
  if (root.mode === 'closed') {
    known.set(host, root);
    any = true;
  }
  for (const hear of hearers) hear(host, root);
  return root;
}

/** Learns of every shadow root that is attached in a window from now on, and of every canvas. */
export function watchRealm(view: Window | null): void {
  if (!view) return;
  const { Element: { prototype: element }, HTMLElement: { prototype: html }, HTMLCanvasElement: { prototype: canvas } } = view as Realm;
  if (watched.has(element)) return;
  watched.add(element);
  const { attachShadow: attach } = element, { attachInternals: internals } = html, { getContext } = canvas;
  try {
    element.attachShadow = function attachShadow(this: Element, init: ShadowRootInit): ShadowRoot {
      const root = attach.call(this, init);
      learn(this, root);
      return root;
    };
    canvas.getContext = function (this: HTMLCanvasElement, ...all: [string]): RenderingContext | null {
      const context = getContext.apply(this, all);
      if (context && /webg[lp]/.test(all[0]) && !(context as WebGLRenderingContext).getContextAttributes?.()?.preserveDrawingBuffer) fleeting.add(this);
      return context;
    } as HTMLCanvasElement['getContext'];
    if (!internals) return;
    html.attachInternals = function attachInternals(this: HTMLElement): ElementInternals {
      const own = kept.get(this) ?? internals.call(this);
      kept.delete(this);
      clear.add(this);
      if (own.shadowRoot && !known.has(this)) learn(this, own.shadowRoot);
      return own;
    };
  } catch {
    // A page that has frozen what is the browser's: only what is open is known.
  }
}

/** A component that was made before this script came tells of its closed root, unless it has asked for its internals itself. */
function ask(element: Element): ShadowRoot | null {
  // By an expression: a form's fields may hide its name.
  if (!/-/.test(element.localName) || asked.has(element) || !element.matches(':defined')) return null;
  asked.add(element);
  try {
    const { HTMLElement: { prototype } } = (element.ownerDocument.defaultView ?? window) as Realm;
    const own = prototype.attachInternals.call(element as HTMLElement);
    kept.set(element, own);
    return own.shadowRoot;
  } catch {
    return null;
  }
}

const closedOf: RootOf = (element) => (any ? known.get(element) : null) ?? earlier?.closedOf(element) ?? ask(element);
/** The shadow root of an element, also a closed one that is known. */
export const rootOf: RootOf = (element) => element.shadowRoot ?? closedOf(element);
export const isFleeting: Early['isFleeting'] = (canvas) => fleeting.has(canvas) || (earlier?.isFleeting(canvas) ?? false);
export const isClear: Early['isClear'] = (element) => clear.has(element) || (earlier?.isClear(element) ?? false);
export const early: Early = { closedOf, isClear, isFleeting };

/** The slot that shows an element. */
export function slotOf(element: Element): Element | null {
  const { assignedSlot: open, parentElement: parent } = element;
  if (open || !parent) return open;
  const root = closedOf(parent);
  if (root?.mode !== 'closed') return null;
  for (const slot of root.querySelectorAll('slot')) if (slot.assignedNodes().includes(element)) return slot;
  return null;
}

/** What a script that was there before knows. */
export function knowAlso(early: Early): void {
  earlier = early;
}

/** Hears of shadow roots as they are attached. Returns a function that stops it. */
export function onRoot(hear: (host: Element, root: ShadowRoot) => void): () => void {
  hearers.add(hear);
  return () => hearers.delete(hear);
}

if (typeof window !== 'undefined' && typeof HTMLElement !== 'undefined') watchRealm(window);
