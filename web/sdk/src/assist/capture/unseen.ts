// What is shown on a page and cannot be looked into: frames of other sites, viewers of the browser, components whose shadow roots
// were closed before Parley's script came. Nobody can say what in there is to be masked.
import { isClear, rootOf } from '../early';
import { attributeOf, childNodesOf, matches } from './element';

/** How it is called, and why it is not shown. */
export type Told = readonly [what: string, why: string];

export const kHollow: Told = ['component', 'Its inside is closed, and was so before Parley’s script came: the site has to load that first.'];
export const kForeign = 'A film shows what is in a frame and cannot be read only where the page says so: data-parley-allow on the frame.';

/** What may have a shadow root beside elements with names of their own. */
const kHosts = /^(?:article|aside|blockquote|div|footer|h[1-6]|header|main|nav|p|section|span)$/;
export const kFrames = /^(?:iframe|frame|object|embed)$/;
/** What a page says that its own embedded thing is: no document that could ask for anything. A drawing may be one. */
const kHarmless = /^(?:application\/pdf$|image\/(?!svg))/i;
/** More than white space: a space that does not break takes its place. */
const kInk = /[^\t\n\f\r ]/;

/** Of an element that can neither hold a document nor have a shadow root: `plain`. By its name, asked for thousands of times. */
type Kind = 'frame' | 'host' | 'plain';
const kinds = new Map<string, Kind>();
const kMaxKinds = 500;

export function kindOf({ localName }: Element): Kind {
  const found = kinds.get(localName);
  if (found) return found;
  const kind = kFrames.test(localName) ? 'frame' : /-/.test(localName) || kHosts.test(localName) || localName === 'body' ? 'host' : 'plain';
  if (kinds.size < kMaxKinds) kinds.set(localName, kind);
  return kind;
}

const addressOf = (el: Element): string => el.getAttribute('src') ?? el.getAttribute('data') ?? '';

export const isPdf = (el: Element): boolean => /pdf/i.test(el.getAttribute('type') ?? '') || /\.pdf(?:$|[?#])/i.test(addressOf(el));

/** Not its name: sites keep data of their own in there. */
export const titleOf = (el: Element): string => (el.getAttribute('title') ?? '').slice(0, 100) || (isPdf(el) ? 'PDF document' : 'content of another site');

/** The document in a frame; null when it belongs to somebody else. */
export function documentIn(el: Element): Document | null {
  try {
    return kFrames.test(el.localName) ? ((el as HTMLIFrameElement).contentDocument ?? null) : null;
  } catch {
    return null;
  }
}

function isOwnAddress(el: Element): boolean {
  try {
    const { origin, protocol } = new URL(addressOf(el), el.baseURI);
    return origin === location.origin || /^(?:data|about):$/.test(protocol);
  } catch {
    return false;
  }
}

/** Shows what cannot be looked into. What a frame shows in the end is not told by its address: that may lead elsewhere. */
export function isForeign(el: Element): boolean {
  const { localName } = el;
  if (!kFrames.test(localName) || documentIn(el)) return false;
  if (localName === 'object' && !addressOf(el)) return false;
  return !/^(?:embed|object)$/.test(localName) || !kHarmless.test(el.getAttribute('type') ?? '') || !isOwnAddress(el);
}

/** Larger than what sites count their visitors with. */
export const isSeen = (el: Element): boolean => [...el.getClientRects()].some((r) => r.width > 1 && r.height > 1);

const hasBox = (el: Element): boolean => el.getClientRects().length > 0;
/** Its children are drawn as its parent's. */
const isContents = (el: Element): boolean => el.ownerDocument.defaultView?.getComputedStyle(el).display === 'contents';

/** Whether a child of the element is drawn where it stands: those of a host are only in a slot. */
function showsChildren(el: Element): boolean {
  const slotted = el.localName === 'slot' ? (el as HTMLSlotElement).assignedNodes({ flatten: true }) : [];
  for (const node of slotted.length > 0 ? slotted : childNodesOf(rootOf(el) ?? el)) {
    if (node.nodeType === 1 && (hasBox(node as Element) || (isContents(node as Element) && showsChildren(node as Element)))) return true;
    if (node.nodeType !== 3 || !kInk.test((node as Text).data)) continue;
    const range = el.ownerDocument.createRange();
    range.selectNode(node);
    if (range.getClientRects().length > 0) return true;
  }
  return false;
}

/** Whether a length holds more than others that are in it. */
const hasMore = (lengths: string[], room: number): boolean => room - lengths.reduce((sum, each) => sum + parseFloat(each), 0) > 1;

/** A box as large as what is in it: there is something, and the page's tree does not tell what. */
function isFilled(el: HTMLElement): boolean {
  const { parentElement: parent } = el, view = el.ownerDocument.defaultView;
  if (!parent || !view || el.offsetHeight <= 1 || el.isContentEditable || showsChildren(el)) return false;
  const cs = view.getComputedStyle(el), text = [...childNodesOf(el)].some((node) => node.nodeType === 3);
  if ((text && /pre|break/.test(cs.whiteSpace)) || ['::before', '::after'].some((pseudo) => !/^(?:none|normal)$/.test(view.getComputedStyle(el, pseudo).content))) return false;
  if (cs.display === 'inline') return hasMore([cs.paddingLeft, cs.paddingRight, cs.borderLeftWidth, cs.borderRightWidth], el.getBoundingClientRect().width);
  const size = (el as { computedStyleMap?: () => { get(name: string): unknown } }).computedStyleMap?.();
  if (String(size?.get('height')) !== 'auto' || cs.minHeight !== '0px' || cs.contain !== 'none' || cs.aspectRatio !== 'auto' || cs.float !== 'none') return false;
  if (!/^(?:block|flow-root)$/.test(cs.display) || !/^(?:static|relative)$/.test(cs.position) || /flex|grid/.test(view.getComputedStyle(parent).display)) return false;
  return hasMore([cs.paddingTop, cs.paddingBottom], el.clientHeight);
}

/** Plain elements that have shown a child of theirs: asked for thousands of times. */
const open = new WeakSet<Element>();

/** Something is drawn in the element, and neither it nor its children nor a root that is known do. */
export function isHollow(el: Element): boolean {
  const { localName, firstChild: first, firstElementChild: inner } = el, own = /-/.test(localName);
  // Most elements of a page show others, or text.
  if (!own && (open.has(el) || !kHosts.test(localName) || (first?.nodeType === 3 && kInk.test((first as Text).data)))) return false;
  if (!own && inner && hasBox(inner)) {
    open.add(el);
    return false;
  }
  if (el.namespaceURI !== 'http://www.w3.org/1999/xhtml' || attributeOf(el, 'data-parley-overlay') !== null || rootOf(el)) return false;
  return own && matches(el, ':defined') ? !isClear(el) && isSeen(el) && !showsChildren(el) : isFilled(el as HTMLElement);
}
