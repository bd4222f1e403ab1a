// Makes everything masked black in the page itself, for the path that films the tab: in every document and shadow root, before
// anything is filmed. The consumer sees those fields black, too, as long as the tab is filmed.
import { guarded } from '../../common/guard';
import { ChangeWatcher } from './changes';
import type { MaskRules } from './masks';

/** What a mask looks like to the page's style: black. An attribute, since rules in code (names of card fields) are no selectors. */
const kAttribute = 'data-parley-black';
const kBlack =
  `[${kAttribute}]{background:#000!important;background-image:none!important;color:transparent!important;-webkit-text-fill-color:transparent!important;-webkit-text-stroke-color:transparent!important;border-color:#000!important;` +
  'outline-color:#000!important;text-shadow:none!important;box-shadow:none!important;caret-color:#000!important;filter:brightness(0)!important;transition:none!important;mask:none!important}' +
  `[${kAttribute}] *,[${kAttribute}=boxless]{visibility:hidden!important}[${kAttribute}]::before,[${kAttribute}]::after,[${kAttribute}]::placeholder,[${kAttribute}]::marker{visibility:hidden!important;color:transparent!important}[${kAttribute}]::selection{background:#000!important;color:transparent!important}`;
/**
 * What was found late, not when it came (then it is black before it is ever on the screen), is black in the film so much
 * later.
 */
const kSettleMs = 250;
/** Above that, elements that have left the page are forgotten. */
const kMaxMarked = 500;

export class MaskStyle {
  private readonly sheets_ = new Map<Document | ShadowRoot, CSSStyleSheet>();
  private readonly marked_ = new Set<Element>();
  private readonly watcher_: ChangeWatcher;
  private changedAt_ = -Infinity;
  private failed_ = false;
  private stopped_ = false;
  private late_ = false;

  constructor(private readonly document_: Document, private readonly rules_: MaskRules, private readonly onMasked: (element: Element, rule: string) => void) {
    const apply = guarded('mask', (element: Element) => this.apply(element));
    this.watcher_ = new ChangeWatcher(document_, { changed: apply, added: apply, scrolled: () => {}, everything: () => this.applyAll() }, '[data-parley-overlay]');
  }

  start(): void {
    this.applyAll();
    this.watcher_.start();
  }

  stop(): void {
    this.stopped_ = true;
    this.watcher_.stop();
    for (const element of this.marked_) element.removeAttribute(kAttribute);
    this.marked_.clear();
    for (const [root, sheet] of this.sheets_) root.adoptedStyleSheets = [...root.adoptedStyleSheets].filter((each) => each !== sheet);
    this.sheets_.clear();
  }

  /** Masked elements of the page, in sight or not. */
  get count(): number {
    return this.marked_.size;
  }

  /** Whether a picture taken now shows everything masked as black. */
  covers(): boolean {
    this.late_ = true;
    this.applyAll();
    this.late_ = false;
    return !this.failed_ && performance.now() - this.changedAt_ > kSettleMs;
  }

  private applyAll(): void {
    this.failed_ = false;
    if (this.marked_.size > kMaxMarked) for (const element of this.marked_) if (!element.isConnected) this.marked_.delete(element);
    this.root(this.document_);
  }

  private root(root: Document | ShadowRoot): void {
    if (this.stopped_) return;
    this.style(root);
    for (const element of root.querySelectorAll('*')) this.one(element);
  }

  private apply(element: Element): void {
    if (this.stopped_) return;
    this.one(element);
    for (const inside of element.querySelectorAll('*')) this.one(inside);
  }

  private one(element: Element): void {
    if (element.shadowRoot) this.root(element.shadowRoot);
    let foreign = false;
    if (element.localName === 'iframe') {
      let inside: Document | null = null;
      try {
        inside = (element as HTMLIFrameElement).contentDocument;
      } catch {
        // Of another site: shown as it is, unless the frame itself is masked or everything typed is.
      }
      if (inside) this.root(inside);
      else foreign = this.rules_.hidesFrame(element);
    }
    const rule = this.rules_.ruleOf(element) ?? (foreign ? 'default' : null);
    if (rule === null) {
      if (this.marked_.delete(element)) element.removeAttribute(kAttribute);
      return;
    }
    if (element.hasAttribute(kAttribute) && this.marked_.has(element)) return;
    this.marked_.add(element);
    // Without a box there is nothing to make black: what is in it is not shown.
    const boxless = (element.ownerDocument.defaultView ?? window).getComputedStyle(element).display === 'contents';
    element.setAttribute(kAttribute, boxless ? 'boxless' : '');
    if (this.late_) this.changedAt_ = performance.now();
    this.onMasked(element, rule);
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
