// Makes everything masked black in the page itself, for the path that films the tab: in every document and shadow root, before
// anything is filmed. The consumer sees those fields black, too, as long as the tab is filmed.
import { guarded } from '../../common/guard';
import { ChangeWatcher } from './changes';
import { rootOf, slotOf, watchRealm } from '../early';
import { closest } from './element';
import type { MaskRules } from './masks';
import { documentIn, isForeign, isHollow, isSeen, kForeign, kFrames, kHollow, kindOf, titleOf, type Told } from './unseen';

/** What a mask looks like to the page's style: black. An attribute, since rules in code (names of card fields) are no selectors. */
const kAttribute = 'data-parley-black';
/** In elements without a box, and for parts of drawings, there is nothing to make black: what is in it is not shown. */
const kBoxless = 'boxless';
const kMarked = `[${kAttribute}]`;
/** Above the rules of the page: no selector that a page is likely to have counts more than five ids. */
const kAbove = ':not(#parley#parley#parley#parley#parley)';
const kClearText = 'color:transparent!important;-webkit-text-fill-color:transparent!important;-webkit-text-stroke-color:transparent!important;text-shadow:none!important;';
const kBlack =
  `${kMarked}${kAbove}{${kClearText}background:#000!important;border-color:#000!important;border-image:none!important;` +
  'outline-color:#000!important;box-shadow:none!important;caret-color:#000!important;filter:brightness(0)!important;transition:none!important;mask:none!important}' +
  `${kMarked} *${kAbove},[${kAttribute}=${kBoxless}]${kAbove}{visibility:hidden!important;transition:none!important}` +
  ['before', 'after', 'placeholder', 'marker', 'first-line', 'first-letter'].map((pseudo) => `${kMarked}${kAbove}::${pseudo}`).join() +
  `{visibility:hidden!important;${kClearText}}${kMarked}${kAbove}::selection{background:#000!important;${kClearText}}`;
/**
 * What was found late, not when it came (then it is black before it is ever on the screen), is black in the film so much
 * later.
 */
const kSettleMs = 250;
/** Above that, elements that have left the page are forgotten. */
const kMaxMarked = 500;
const kSvg = 'http://www.w3.org/2000/svg';

const styleOf = (element: Element): CSSStyleDeclaration => (element.ownerDocument.defaultView ?? window).getComputedStyle(element);

/** A frame whose own style keeps it from being black is hidden instead: widgets of other sites come with such. */
const isSet = (element: Element): boolean =>
  kFrames.test(element.localName) && ['filter', 'background-color'].some((name) => (element as HTMLElement).style.getPropertyPriority(name) !== '');

/** What a box around it does not make black: no box of its own, or a shape or text of a drawing (a black text can be read). */
const isBoxless = (element: Element): boolean =>
  element.namespaceURI === kSvg
    ? element.localName !== 'svg' || (element as SVGElement).ownerSVGElement !== null
    : styleOf(element).display === 'contents' || isSet(element);

/**
 * Whether the style of a mask around the element does not reach it by itself: what slots show, what is in components, what is in
 * an element without a box. Of the things in other masked ones the box is black.
 */
function inherits(element: Element): boolean {
  const slot = slotOf(element), parent = element.parentElement;
  if (parent?.getAttribute(kAttribute) === kBoxless) return true;
  if (slot && closest(slot, kMarked)) return true;
  const root = parent ? null : element.getRootNode();
  return root !== null && 'host' in root && closest((root as ShadowRoot).host, kMarked) !== null;
}

export class MaskStyle {
  private readonly sheets_ = new Map<Document | ShadowRoot, CSSStyleSheet>();
  private readonly marked_ = new Set<Element>();
  private readonly told_ = new WeakSet<Element>();
  private readonly counted_ = new WeakSet<Element>();
  private telling_ = false;
  /** Of the page that is made black. */
  readonly watcher: ChangeWatcher;
  private changedAt_ = -Infinity;
  private failed_ = false;
  private stubborn_ = false;
  private stopped_ = false;
  private late_ = false;

  /** `onUnseen`: of what is black since nobody can look into it; null: it is not any more. `isQuiet`: nothing has a name just now. */
  constructor(
    private readonly document_: Document, private readonly rules_: MaskRules, private readonly onMasked: (element: Element, rule: string) => void,
    private readonly onUnseen: (element: Element, told: Told | null) => void = () => {}, private readonly isQuiet = () => false,
  ) {
    const apply = guarded('mask', (element: Element) => this.apply(element));
    this.watcher = new ChangeWatcher(document_, { changed: apply, added: (element, type) => (rules_.remember(element, type), apply(element)), scrolled: () => {}, everything: () => this.applyAll() }, '[data-parley-overlay]');
  }

  start(): void {
    this.applyAll();
    this.watcher.start();
  }

  stop(): void {
    this.stopped_ = true;
    this.watcher.stop();
    for (const element of this.marked_) element.removeAttribute(kAttribute);
    this.marked_.clear();
    for (const [root, sheet] of this.sheets_) root.adoptedStyleSheets = [...root.adoptedStyleSheets].filter((each) => each !== sheet);
    this.sheets_.clear();
  }

  /** Masked elements of the page, in sight or not. */
  get count(): number {
    return this.marked_.size;
  }

  elements(): Element[] {
    return [...this.marked_].filter((element) => element.isConnected);
  }

  /** Whether a picture taken now shows everything masked as black. */
  covers(): boolean {
    this.late_ = true;
    this.applyAll();
    this.late_ = false;
    return !this.failed_ && performance.now() - this.changedAt_ > kSettleMs;
  }

  /** When something was last found that was not black yet (`performance.now`). */
  get changedAt(): number {
    return this.changedAt_;
  }

  /** Whether the page keeps something that is masked visible, by a style that is stronger than any of a page's. */
  get stubborn(): boolean {
    return this.stubborn_;
  }

  private applyAll(): void {
    this.failed_ = this.stubborn_ = false;
    if (this.marked_.size > kMaxMarked) for (const element of this.marked_) if (!element.isConnected) this.marked_.delete(element);
    this.root(this.document_);
  }

  /** false: the page's own style is stronger (`!important` in a layer or on the element), and nothing can be filmed. */
  private blackened(element: Element): boolean {
    if (!element.isConnected) return true;
    const { display, visibility, filter, backgroundColor } = styleOf(element);
    if (display === 'none') return true;
    if (element.getAttribute(kAttribute) === kBoxless) return visibility !== 'visible';
    if (filter !== 'brightness(0)' || backgroundColor !== 'rgb(0, 0, 0)') return false;
    for (const inside of element.querySelectorAll('*')) if (styleOf(inside).visibility === 'visible') return false;
    return true;
  }

  private root(root: Document | ShadowRoot): void {
    if (this.stopped_) return;
    if (root.nodeType === 9) watchRealm((root as Document).defaultView);
    this.style(root);
    for (const element of root.querySelectorAll('*')) this.one(element);
  }

  private apply(element: Element): void {
    if (this.stopped_) return;
    this.one(element);
    for (const inside of element.querySelectorAll('*')) this.one(inside);
  }

  /** First the element, then what is in it: that may be masked with it. */
  private one(element: Element): void {
    const kind = kindOf(element), frame = kind === 'frame', inside = frame ? documentIn(element) : kind === 'host' ? rootOf(element) : null;
    const rule = this.rules_.ruleOf(element) ?? (kind === 'plain' ? null : this.unseen(element, frame, inside !== null));
    if (rule !== null || (this.marked_.size > 0 && inherits(element))) this.masked(element, rule);
    else if (this.marked_.delete(element)) element.removeAttribute(kAttribute);
    if (inside) this.root(inside);
  }

  /** The rule for what nobody can look into: it may hold what is always masked. */
  private unseen(element: Element, frame: boolean, readable: boolean): string | null {
    const foreign = !readable && frame && isForeign(element), black = (foreign || (!readable && !frame && isHollow(element))) && !this.rules_.allows(element);
    if (black && isSeen(element) && !this.isQuiet() && !this.rules_.isMasked(element)) {
      this.telling_ = true;
      this.told_.add(element);
      this.onUnseen(element, foreign ? [titleOf(element), kForeign] : kHollow);
    } else if (this.telling_ && this.told_.delete(element)) this.onUnseen(element, null);
    return black ? (foreign ? 'frame' : 'closed') : null;
  }

  private masked(element: Element, rule: string | null): void {
    const how = isBoxless(element) ? kBoxless : '';
    // Written again where the page has taken it away, or has given the element another box.
    if (element.getAttribute(kAttribute) !== how || !this.marked_.has(element)) this.mark(element, how);
    // What is masked with something else is counted with it.
    if (rule !== null && !this.counted_.has(element) && !this.isQuiet()) {
      this.counted_.add(element);
      this.onMasked(element, rule);
    }
    if (this.late_ && !this.blackened(element)) this.failed_ = this.stubborn_ = true;
  }

  private mark(element: Element, how: string): void {
    this.marked_.add(element);
    element.setAttribute(kAttribute, how);
    if (this.late_) this.changedAt_ = performance.now();
  }

  private style(root: Document | ShadowRoot): void {
    if (this.sheets_.size > kMaxMarked) for (const each of this.sheets_.keys()) if (each.nodeType === 11 && !(each as ShadowRoot).host.isConnected) this.sheets_.delete(each);
    const known = this.sheets_.get(root);
    // A page may replace the list of its sheets: then ours is put back.
    if (known && root.adoptedStyleSheets.includes(known)) return;
    try {
      const view = (root.nodeType === 9 ? (root as Document) : root.ownerDocument!).defaultView as (Window & typeof globalThis) | null;
      if (!view) return;
      const sheet = known ?? new view.CSSStyleSheet();
      if (!known) sheet.replaceSync(kBlack);
      root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
      this.sheets_.set(root, sheet);
      if (this.late_) this.changedAt_ = performance.now();
    } catch {
      // Cannot be made black: nothing is filmed.
      this.failed_ = true;
    }
  }
}
