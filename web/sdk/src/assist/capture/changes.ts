// Watches a page for whatever can change its looks: the tree, values, scrolling, focus, hovering, fonts, animation. Reaches into
// shadow roots and frames of the same origin, also those that appear later.
import { guarded } from '../../common/guard';
import { onRoot, rootOf, watchRealm } from '../early';
import { closest, matches } from './element';
import { documentIn, kFrames } from './unseen';

export type Extent =
  /** The element's own box. */
  | 'self'
  /** The element and everything in it. */
  | 'deep';

export interface ChangeSink {
  changed(element: Element, extent: Extent): void;
  scrolled(target: Element | null, document: Document): void;
  /** Everything may look different: window size, style sheets, fonts. */
  everything(): void;
  /** A node came into the page: it may be a password field. `type`: of a field, what it was until now. */
  added(element: Element, type?: string): void;
}

const kEvents = ['input', 'change', 'focusin', 'focusout', 'pointerover', 'pointerdown', 'pointerup', 'transitionrun', 'transitionend', 'animationstart', 'animationend', 'toggle', 'load', 'error', 'selectionchange', 'fullscreenchange', 'loadeddata', 'seeked', 'reset'];
const kPressable = 'a,button,input,select,textarea,label,summary,option,[role],[tabindex],[onclick],[contenteditable]';
/** Roots beyond are looked at by a clock. */
export const kMaxRoots = 2000;
/** Looked for roots that are gone after so many new ones. */
const kSweepEvery = 50;

/** Not in a frame, or a part of the page, that is gone. */
const isHere = (root: Document | ShadowRoot): boolean =>
  root.nodeType === 9 ? (root as Document).defaultView !== null : (root as ShadowRoot).host.isConnected && root.ownerDocument!.defaultView !== null;

const isSheet = (node: Node): boolean => /^(style|link)$/.test((node as Element).localName);

export class ChangeWatcher {
  private readonly heed_: (record: MutationRecord) => void;
  private readonly kind_: (record: MutationRecord) => void;
  private readonly observer_: MutationObserver;
  /** A second one for the kinds of fields: old values of all attributes would be a copy of every style that is set. */
  private readonly kinds_: MutationObserver;
  private readonly roots_ = new Map<Document | ShadowRoot, () => void>();
  private readonly documents_ = new Set<Document>();
  private readonly frames_ = new Set<Element>();
  private readonly beyond_ = new Set<ShadowRoot>();
  private unswept_ = 0;
  private version_ = 0;
  private removals_ = 0;
  private readonly states_ = new WeakMap<Element, string>();
  private readonly undo_: (() => void)[] = [];
  private hovered_: Element | null = null;
  private hoverSelectors_: string[] = [];
  private stopped_ = false;

  constructor(private readonly document_: Document, private readonly sink_: ChangeSink, private readonly ignore_: string) {
    this.heed_ = guarded('capture', (record: MutationRecord) => this.mutated(record));
    this.observer_ = new MutationObserver((records) => records.forEach((record) => this.heed_(record)));
    this.kind_ = guarded('capture', ({ target, oldValue }: MutationRecord) => sink_.added(target as Element, oldValue ?? ''));
    this.kinds_ = new MutationObserver((records) => records.forEach((record) => this.kind_(record)));
  }

  start(): void {
    this.watchRoot(this.document_);
    // A shadow root that is attached later changes nothing that an observer sees.
    this.undo_.push(onRoot(guarded('capture', (host: Element, root: ShadowRoot) => {
      // Until its constructor has returned a component may not get an attribute; that it comes into the page is seen anyway.
      if (!host.isConnected) return;
      this.watchRoot(root);
      this.sink_.changed(host, 'deep');
    })));
    const everything = guarded('capture', () => this.sink_.everything());
    const on = (target: EventTarget | null | undefined, type: string) => {
      target?.addEventListener(type, everything);
      this.undo_.push(() => target?.removeEventListener(type, everything));
    };
    const view = this.document_.defaultView!;
    on(view, 'resize');
    on(this.document_, 'visibilitychange');
    on(view.visualViewport, 'resize');
    this.readHoverSelectors();
  }

  stop(): void {
    this.stopped_ = true;
    this.observer_.disconnect();
    this.kinds_.disconnect();
    for (const undo of [...this.undo_.splice(0), ...this.roots_.values()]) undo();
    this.roots_.clear();
    this.documents_.clear();
    this.frames_.clear();
    this.beyond_.clear();
  }

  /** Another one after each change of nodes or attributes, wherever it was. Inline styles do not count. */
  get version(): number {
    return this.version_;
  }

  /** Another one after each change that took nodes away. */
  get removals(): number {
    return this.removals_;
  }

  /** Components that are too many to be watched. */
  get beyond(): ReadonlySet<ShadowRoot> {
    return this.beyond_;
  }

  /** Documents and shadow roots that are on the page now, also those that are not watched. */
  roots(): (Document | ShadowRoot)[] {
    return [...this.roots_.keys(), ...this.beyond_].filter(isHere);
  }

  get documents(): ReadonlySet<Document> {
    return this.documents_;
  }

  /** Hears of what happened in this very task, and of documents that frames have begun to load. */
  catchUp(): void {
    if (this.stopped_) return;
    for (const record of this.kinds_.takeRecords()) this.kind_(record);
    for (const record of this.observer_.takeRecords()) this.heed_(record);
    for (const frame of this.frames_) {
      const inside = frame.isConnected ? documentIn(frame) : null;
      if (inside && !this.roots_.has(inside)) this.watchRoot(inside);
      if (!frame.isConnected) this.frames_.delete(frame);
    }
    for (const each of this.documents_) if (!each.defaultView) return this.sweep();
  }

  /** Elements that a running animation or transition moves or colours, in every document that is watched. */
  animated(): Element[] {
    const out = new Set<Element>();
    for (const root of this.roots_.keys()) {
      for (const animation of root.getAnimations?.() ?? []) {
        const { effect } = animation;
        if (animation.playState === 'running' && effect && 'target' in effect && effect.target) out.add(effect.target as Element);
      }
    }
    return [...out];
  }

  /** Canvases and videos: nobody tells when they change. */
  volatile(): Element[] {
    const out: Element[] = [];
    for (const root of this.roots_.keys()) for (const element of root.querySelectorAll('canvas, video')) out.push(element);
    return out;
  }

  private watchRoot(root: Document | ShadowRoot): void {
    if (this.roots_.has(root) || this.stopped_) return;
    if (++this.unswept_ >= kSweepEvery) this.sweep();
    this.version_++;
    if (root.nodeType === 11 && this.roots_.size >= kMaxRoots) {
      const known = this.beyond_.has(root as ShadowRoot);
      this.beyond_.add(root as ShadowRoot);
      // What is in there may have roots of its own.
      return known ? undefined : this.look(root);
    }
    this.beyond_.delete(root as ShadowRoot);
    this.kinds_.observe(root, { subtree: true, attributes: true, attributeFilter: ['type'], attributeOldValue: true });
    this.observer_.observe(root, { subtree: true, childList: true, attributes: true, characterData: true });
    const heard = guarded('capture', (event: Event) => this.heard(event, root));
    for (const type of kEvents) root.addEventListener(type, heard, { capture: true, passive: true });
    const scrolled = guarded('capture', (event: Event) => this.scrolled(event, root));
    root.addEventListener('scroll', scrolled, { capture: true, passive: true });
    if (root.nodeType === 9) {
      this.documents_.add(root as Document);
      watchRealm((root as Document).defaultView);
    }
    const { fonts } = root as Document;
    const written = guarded('capture', () => this.sink_.everything());
    fonts?.addEventListener('loadingdone', written);
    this.roots_.set(root, () => {
      fonts?.removeEventListener('loadingdone', written);
      for (const type of kEvents) root.removeEventListener(type, heard, { capture: true });
      root.removeEventListener('scroll', scrolled, { capture: true });
    });
    this.look(root);
  }

  /** Lets go of components and frames that are gone from the page; those that come back are found again. */
  private sweep(): void {
    this.unswept_ = 0;
    for (const [root, undo] of this.roots_) {
      if (isHere(root)) continue;
      undo();
      this.roots_.delete(root);
      this.documents_.delete(root as Document);
      this.version_++;
    }
    for (const root of this.beyond_) if (!isHere(root)) this.beyond_.delete(root);
  }

  /** Shadow roots and frames in a part of the page. */
  private look(root: Document | ShadowRoot | Element): void {
    const visit = (element: Element) => {
      const inside = rootOf(element);
      if (inside) this.watchRoot(inside);
      if (kFrames.test(element.localName)) this.watchFrame(element);
      if (element.localName === 'input') this.sink_.added(element);
    };
    if (root.nodeType === 1) visit(root as Element);
    for (const element of root.querySelectorAll('*')) visit(element);
  }

  private watchFrame(frame: Element): void {
    this.frames_.add(frame);
    const inside = documentIn(frame);
    if (inside) this.watchRoot(inside);
  }

  private mutated(record: MutationRecord): void {
    const { target } = record;
    if (record.attributeName !== 'style' && record.type !== 'characterData') this.version_++;
    const element = target.nodeType === 1 ? (target as Element) : target.parentElement ?? ((target.getRootNode() as ShadowRoot).host as Element | undefined);
    if (!element || closest(element, this.ignore_)) return;
    if (record.type === 'childList') {
      if (record.removedNodes.length > 0) this.removals_++;
      let text = false;
      for (const node of record.addedNodes) {
        if (node.nodeType !== 1) text = true;
        else if (node.isConnected) {
          this.look(node as Element);
          if (isSheet(node)) return this.restyled();
          if (!matches(node as Element, this.ignore_)) this.sink_.changed(node as Element, 'deep');
        }
      }
      for (const node of record.removedNodes) {
        if (isSheet(node)) return this.restyled();
        if (node.nodeType === 3) text = true;
      }
      this.sink_.changed(element, text ? 'deep' : 'self');
      return;
    }
    if (isSheet(element)) return this.restyled();
    this.sink_.changed(element, 'deep');
  }

  private restyled(): void {
    this.readHoverSelectors();
    this.sink_.everything();
  }

  private scrolled(event: Event, root: Document | ShadowRoot): void {
    const target = event.target as Node;
    if (target.nodeType === 9) this.sink_.scrolled(null, target as Document);
    else this.sink_.scrolled(target as Element, root.nodeType === 9 ? (root as Document) : root.ownerDocument!);
  }

  private heard(event: Event, root: Document | ShadowRoot): void {
    const { type } = event;
    const target = (event.composedPath()[0] ?? event.target) as Node;
    if (type === 'selectionchange') {
      const active = root.nodeType === 9 ? (root as Document).activeElement : null;
      if (active && active !== (root as Document).body) this.sink_.changed(active, 'self');
      return;
    }
    if (target.nodeType !== 1) return;
    const element = target as Element;
    if (closest(element, this.ignore_)) return;
    if (type === 'pointerover') return this.hover(element);
    if (type === 'load') {
      if (element.localName === 'link') return this.restyled();
      if (kFrames.test(element.localName)) this.watchFrame(element);
    }
    // A press beside everything makes nothing look pressed.
    const pressed = type === 'pointerdown' || type === 'pointerup', bare = pressed && !element.closest(kPressable);
    const turned = type !== 'input' || this.turned(element as HTMLInputElement);
    if (!bare) this.sink_.changed(element, pressed || type === 'focusin' || type === 'focusout' ? 'deep' : 'self');
    // :checked and :invalid show at the label or right around it; what shows farther away comes with the slow refresh.
    if (type === 'change' || (type === 'input' && turned)) {
      if (element.parentElement) this.sink_.changed(element.parentElement, 'self');
      for (const label of (element as HTMLInputElement).labels ?? []) this.sink_.changed(label, 'deep');
      if ((element as HTMLInputElement).type === 'radio') this.others(element as HTMLInputElement, root);
    }
  }

  /** The one of the group that was chosen before says nothing. */
  private others(radio: HTMLInputElement, root: Document | ShadowRoot): void {
    for (const other of root.querySelectorAll<HTMLInputElement>('input[type=radio i]')) if (other.name === radio.name && other !== radio) this.sink_.changed(other, 'self');
  }

  /** Whether a style can look different now: a letter more makes no field valid or filled that was so before. */
  private turned(field: HTMLInputElement): boolean {
    const state = field.localName === 'select' || /^(checkbox|radio)$/.test(field.type) ? '' : `${field.validity?.valid} ${field.value === ''}`;
    const same = state !== '' && this.states_.get(field) === state;
    this.states_.set(field, state);
    return !same;
  }

  /** Only what a rule with :hover speaks of is painted again. */
  private hover(now: Element): void {
    const before = this.hovered_?.isConnected ? this.hovered_ : null;
    this.hovered_ = now;
    for (const selector of this.hoverSelectors_) {
      let left: Element | null = null, entered: Element | null = null;
      try {
        left = before?.closest(selector) ?? null;
        entered = now.closest(selector);
      } catch {
        continue;
      }
      if (left === entered) continue;
      if (left) this.sink_.changed(left, 'deep');
      if (entered) this.sink_.changed(entered, 'deep');
    }
  }

  private readHoverSelectors(): void {
    const found = new Set<string>();
    const read = (rules: CSSRuleList) => {
      for (const rule of rules) {
        const { selectorText } = rule as CSSStyleRule;
        if (selectorText?.includes(':hover')) {
          for (const part of selectorText.split(',')) {
            const at = part.indexOf(':hover');
            if (at >= 0) found.add(part.slice(0, at).trim() || '*');
          }
        }
        const inner = (rule as CSSGroupingRule).cssRules;
        if (inner && inner.length > 0 && found.size < 200) read(inner);
      }
    };
    for (const sheet of this.document_.styleSheets) {
      try {
        read(sheet.cssRules);
      } catch {
        // A sheet of another origin.
      }
    }
    found.delete('*');
    this.hoverSelectors_ = [...found].slice(0, 200);
  }
}
