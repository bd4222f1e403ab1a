// What a page does not tell afterwards, noted from the moment on that this runs: it comes with the first script. The shadow roots
// that it keeps closed: what is in them is to be painted, masked and barred as everything else; nothing on the page leads to them.
// And canvases that the browser empties as soon as it has shown them.
import { guarded } from '../common/guard';
import { attributeOf, matches } from './capture/element';

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
/** The internals of components, whoever asked for them: they tell of a closed root, also of one that comes later. */
const held = new WeakMap<Element, ElementInternals>();
/** Whose were asked for before the page did, which gets them only once: its own call is given those. */
const ahead = new WeakSet<Element>();
const asked = new WeakSet<Element>();
/** The browser's own function, for each window in which the page's calls come by here. */
const internalsIn = new WeakMap<object, HTMLElement['attachInternals']>();
const watched = new WeakSet<object>();
const hearers = new Set<(host: Element, root: ShadowRoot) => void>();
const fleeting = new WeakSet<Element>();
let earlier: Early | null = null;

/** In the page's own call: whatever goes wrong in here is not to be its trouble. */
const learn = guarded('components', (host: Element, root: ShadowRoot) => {
  // Parley's own things are no part of the page.
  if (attributeOf(host, 'data-parley-overlay') !== null) return;
  if (root.mode === 'closed') {
    known.set(host, root);
    any = true;
  }
  for (const hear of hearers) hear(host, root);
});

/** Learns of every shadow root that is attached in a window from now on, and of every canvas. */
export function watchRealm(view: Window | null): void {
  if (!view) return;
  const { Element: { prototype: element }, HTMLElement: { prototype: html }, HTMLCanvasElement: { prototype: canvas } } = view as Realm;
  if (watched.has(element)) return;
  watched.add(element);
  const { attachShadow: attach } = element, { attachInternals: internals } = html, { getContext } = canvas;
  // As methods of an object they have the names and lengths of the browser's own, and are no constructors either.
  const ours = {
    attachShadow(this: Element, init: ShadowRootInit): ShadowRoot {
      const root = attach.call(this, init);
      learn(this, root);
      return root;
    },
    getContext(this: HTMLCanvasElement, kind: string, ...more: []): RenderingContext | null {
      const context = getContext.call(this, kind, ...more);
      if (context && /webg[lp]/.test(kind) && !(context as WebGLRenderingContext).getContextAttributes?.()?.preserveDrawingBuffer) fleeting.add(this);
      return context;
    },
    attachInternals(this: HTMLElement): ElementInternals {
      const own = (ahead.delete(this) && held.get(this)) || internals.call(this);
      held.set(this, own);
      if (own.shadowRoot && !known.has(this)) learn(this, own.shadowRoot);
      return own;
    },
  };
  try {
    element.attachShadow = ours.attachShadow;
    canvas.getContext = ours.getContext as HTMLCanvasElement['getContext'];
    if (!internals) return;
    html.attachInternals = ours.attachInternals;
    internalsIn.set(html, internals);
  } catch {
    // A page that has frozen what is the browser's: only what is open is known.
  }
}

/** What a component's internals tell. One that was made before this script came is asked for them, unless it has asked itself. */
function ask(element: Element): ShadowRoot | null {
  // By an expression: a form's fields may hide its name.
  if (!/-/.test(element.localName)) return null;
  const own = held.get(element);
  if (own) return own.shadowRoot;
  if (asked.has(element) || earlier?.isClear(element) || !matches(element, ':defined')) return null;
  const { HTMLElement: kind } = (element.ownerDocument.defaultView ?? window) as Realm, internals = internalsIn.get(kind.prototype);
  // Where the page's own call does not come by here, it would be refused afterwards.
  if (!internals || !(element instanceof kind)) return null;
  asked.add(element);
  try {
    const made = internals.call(element);
    held.set(element, made);
    ahead.add(element);
    return made.shadowRoot;
  } catch {
    return null;
  }
}

const closedOf: RootOf = (element) => (any ? known.get(element) : null) ?? earlier?.closedOf(element) ?? ask(element);
/** The shadow root of an element, also a closed one that is known. */
export const rootOf: RootOf = (element) => element.shadowRoot ?? closedOf(element);
export const isFleeting: Early['isFleeting'] = (canvas) => fleeting.has(canvas) || (earlier?.isFleeting(canvas) ?? false);
export const isClear: Early['isClear'] = (element) => held.has(element) || (earlier?.isClear(element) ?? false);
export const early: Early = { closedOf, isClear, isFleeting };

/** The slot that shows a child of a component. */
export function slotOf(node: Element | Text): Element | null {
  const { assignedSlot: open, parentElement: parent } = node;
  if (open || !parent) return open;
  const root = closedOf(parent);
  if (root?.mode !== 'closed') return null;
  // By name: to search what each slot shows takes long for each of many children.
  const name = node.nodeType === 1 ? (attributeOf(node as Element, 'slot') ?? '') : '', manual = root.slotAssignment === 'manual';
  for (const slot of root.querySelectorAll('slot')) if (manual ? slot.assignedNodes().includes(node) : slot.name === name) return slot;
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
