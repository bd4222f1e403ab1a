import { reportFault } from '../../common/guard';
import { rootOf } from '../early';
import { Bars, notePasswords } from './barred';
import { placeCaret } from './caret';
import { clip, fire, flatParent, isDisabled, isEditable, isHtml, isInput, isPicked, isSelect, setNatively, type Realm } from './dom';
import { Fields, nameOf } from './fields';
import { focusTarget, moveFocus } from './focus';
import { RemoteKeyboard } from './keyboard';
import { isOpened, Picker } from './picker';
import { RemotePointer } from './pointer';
import { scrollAt } from './scrolling';
import { resolve, type Scene, type Target } from './targets';
import { watchTouch } from './touch';
import { kLimits, kRefusals, type Activity, type ActorOptions, type ActResult, type ClickInput, type FormField, type FormResult, type FormSetInput, type Modifiers, type Refusal } from './types';
import { ChangeWatch, graphemes } from './typing';
import { watchForm, type FormWatch } from './watch_form';

export function createActor(options: ActorOptions = {}): Actor {
  return new Actor(options);
}

/**
 * Carries out on the consumer's page what an agent asks for. It asks for no permission: that is the server's and the session's.
 * Everything that comes in is a stranger's; nothing of it, nor a page that throws, leaves this class as an exception.
 */
export class Actor {
  private readonly root_: Realm;
  private readonly bars_: Bars;
  private readonly options_: ActorOptions;
  private readonly scene_: Scene;
  private readonly pointer_ = new RemotePointer();
  private readonly changes_ = new ChangeWatch();
  private readonly picker_: Picker;
  private readonly keyboard_: RemoteKeyboard;
  private readonly fields_: Fields;
  private readonly stopTouch_: () => void;
  private readonly watching_ = new Set<FormWatch>();
  private stopped_ = false;

  constructor(options: ActorOptions) {
    this.options_ = options;
    this.root_ = (options.root ?? window) as Realm;
    this.bars_ = new Bars(options.barred);
    this.scene_ = { root: this.root_, shadowOf: rootOf };
    this.picker_ = new Picker((field) => this.tell('select', this.nameOf(field)));
    this.keyboard_ = new RemoteKeyboard({
      scene: this.scene_, bars: this.bars_, changes: this.changes_, openPicker: (field) => this.hiddenChoice(field) ?? (this.picker_.show(field) ? 'done' : 'not_editable'),
    });
    this.fields_ = new Fields({ scene: this.scene_, bars: this.bars_, isMasked: (e) => this.masked(e) });
    notePasswords(this.root_.document);
    this.stopTouch_ = watchTouch(this.root_, () => {
      this.release();
      this.options_.onTouch?.();
    });
  }

  /**
   * Moves the remote pointer. `down`: with the button held (dragging), until it is not; a click is `click`, not this. `gone`: away
   * from the page.
   */
  pointer({ x, y, down, gone }: { x: number; y: number; down?: boolean; gone?: boolean }): ActResult {
    if (gone) return this.run(() => (this.pointer_.leave(), this.done(null, '')));
    const result = this.at(x, y, (under) => {
      const target = this.pointer_.pressedOn ? this.pointer_.held(under) : under;
      // Menus and places to drop on act when the button is let go, or while it is held: such a drag ends in nothing.
      const refusal = down || this.pointer_.pressedOn ? (this.refusal(target.element) ?? this.hiddenChoice(target.element)) : null;
      if (refusal) return refusal;
      this.pointer_.move(target);
      if (down && !this.pointer_.pressedOn && this.pointer_.down(target, 0, 1)) this.focus(target.element);
      const element = this.pointer_.pressedOn;
      if (element) slideTo({ ...target, element });
      if (element && !down) this.drop(target, element);
      return null;
    }, null);
    // Let go where nothing can be done (over a frame of another site): the button does not stay pressed.
    if (!down && this.pointer_.pressedOn) this.run(() => (this.pointer_.leave(), this.done(null, '')));
    return result;
  }

  /** Ends a drag. On the element where it began it is a click, as with any mouse. */
  private drop(target: Target, from: Element): void {
    const captured = this.pointer_.up(target, 1);
    if (from !== target.element || !from.isConnected || captured) return;
    this.pointer_.click(target, 'click', { button: 0, detail: 1 });
    this.tell('click', this.name(from));
  }

  click({ x, y, button = 0, detail = 1, mods }: ClickInput): ActResult {
    if (![0, 1, 2].includes(button)) return refused('bad_message');
    const times = Math.max(1, Math.min(3, Math.round(Number(detail)) || 1));
    return this.at(x, y, (target) => this.refusal(target.element) ?? (button === 0 ? this.hiddenChoice(target.element) : null) ?? this.press(target, button, times, mods), 'click');
  }

  scroll({ x, y, dx, dy }: { x: number; y: number; dx: number; dy: number }): ActResult {
    if (!Number.isFinite(dx) || !Number.isFinite(dy)) return refused('bad_message');
    return this.at(x, y, (target) => {
      scrollAt(target, dx, dy, this.bars_.why(target.element) !== null);
      return null;
    }, 'scroll');
  }

  /** Text at the caret: key by key, or at once where it is long. */
  text({ text }: { text: string }): ActResult {
    if (typeof text !== 'string' || text === '') return refused('bad_message');
    if (text.length > kLimits.text) return refused('too_long');
    return this.run(() => {
      const element = this.keyboard_.active;
      const refusal = this.keyboard_.refusal(element);
      if (refusal) return refused(refusal, this.nameOf(element));
      const parts = text.length <= kLimits.keys && !text.includes('\n') ? graphemes(text) : [];
      for (const part of parts) {
        const outcome = this.keyboard_.type(part);
        if (outcome !== 'done') return refused(outcome, this.nameOf(element));
      }
      const outcome = parts.length > 0 ? 'done' : this.keyboard_.paste(text);
      if (outcome !== 'done') return refused(outcome, this.nameOf(element));
      return this.done('type', this.nameOf(element));
    });
  }

  key({ key, code, mods }: { key: string; code?: string; mods?: Modifiers }): ActResult {
    if (typeof key !== 'string' || key === '' || key.length > 32) return refused('bad_message');
    return this.run(() => {
      if (this.picker_.key(key)) return this.done(null, '');
      const element = this.keyboard_.active;
      const outcome = this.keyboard_.press(key, code, mods);
      return outcome === 'done' ? this.done([...key].length === 1 ? 'type' : 'key', this.nameOf(element)) : refused(outcome, this.nameOf(element));
    });
  }

  /** The fields that can be seen. Masked ones have no value. */
  formGet(): FormField[] {
    if (this.stopped_) return [];
    try {
      notePasswords(this.root_.document);
      return this.fields_.list();
    } catch (fault) {
      reportFault('form', fault);
      return [];
    }
  }

  formSet(input: FormSetInput): FormResult {
    const id = typeof input.id === 'string' ? input.id : '';
    const failed = (reason: Refusal): FormResult => ({ id, ok: false, valid: true, message: kRefusals[reason], reason });
    if (this.stopped_) return failed('stopped');
    try {
      const { target, ...result } = this.fields_.set({ ...input, id });
      if (result.ok) this.tell('fill', target);
      // Also where nothing changed: whoever fills a masked field is not to know that by what comes of it.
      if (result.ok) for (const watch of this.watching_) watch.soon();
      return result;
    } catch (fault) {
      reportFault('form', fault);
      return failed('page_failed');
    }
  }

  /** Tells, a moment after it changed, what `formGet` says. Returns a function that stops it. */
  watchForm(changed: (fields: FormField[]) => void): () => void {
    const watch = watchForm(this.scene_, () => changed(this.formGet()));
    this.watching_.add(watch);
    return () => {
      this.watching_.delete(watch);
      watch.stop();
    };
  }

  isBarred(element: Element): boolean {
    return this.bars_.why(element) !== null;
  }

  setBarred(selectors: readonly string[]): void {
    this.bars_.set(selectors);
  }

  /** Lets go of everything: control was given back, or the agent left. The actor can be used again. */
  release(): void {
    try {
      this.pointer_.leave();
      this.picker_.close();
      this.changes_.stop();
    } catch (fault) {
      reportFault('release', fault);
    }
  }

  stop(): void {
    if (this.stopped_) return;
    this.release();
    this.stopped_ = true;
    this.stopTouch_();
    for (const watch of this.watching_) watch.stop();
    this.watching_.clear();
  }

  private run(act: () => ActResult): ActResult {
    if (this.stopped_) return refused('stopped');
    try {
      return act();
    } catch (fault) {
      reportFault('act', fault);
      return refused('page_failed');
    }
  }

  private at(x: number, y: number, act: (target: Target) => Refusal | null, what: Activity['what'] | null): ActResult {
    return this.run(() => {
      const target = resolve(this.scene_, x, y);
      if (typeof target === 'string') return refused(target);
      const name = this.name(target.element);
      const refusal = act(target);
      return refusal ? refused(refusal, name) : this.done(what, name);
    });
  }

  /** Of the nearest thing that a person would name. */
  private name(element: Element): string {
    if (this.picker_.element && element.getRootNode() === this.picker_.element.shadowRoot) return '';
    const named = element.closest('button, a, input, select, textarea, label, summary, option, [role], [aria-label], h1, h2, h3, li, td, th');
    if (named) return this.nameOf(named);
    return this.masked(element) ? '' : clip(element.getAttribute('title') ?? '', kLimits.label);
  }

  private masked(element: Element): boolean {
    return this.options_.isMasked?.(element) ?? false;
  }

  private nameOf(element: Element): string {
    return nameOf(element, (e) => this.masked(e));
  }

  private refusal(element: Element): Refusal | null {
    if (this.bars_.why(element)) return 'barred';
    return isDisabled(element) ? 'disabled' : null;
  }

  /** Our lists and calendars would show in the picture what a masked field holds. */
  private hiddenChoice(element: Element): Refusal | null {
    if (!isOpened(element) || !this.masked(element)) return null;
    this.picker_.close();
    return 'masked';
  }

  private press(target: Target, button: number, detail: number, mods?: Modifiers): Refusal | null {
    const { element } = target;
    // A drag that was never ended: the button cannot go down twice.
    if (this.pointer_.pressedOn) this.pointer_.up(target, 1, mods);
    this.pointer_.move(target, mods);
    const focus = this.pointer_.down(target, button, detail, mods);
    if (focus && element.isConnected) {
      this.focus(element);
      if (button === 0) placeCaret(target, detail);
    }
    this.pointer_.up(target, detail, mods);
    if (!element.isConnected) return null;
    const shape = { button, detail, mods };
    if (button === 2) this.pointer_.click(target, 'contextmenu', shape);
    else if (button === 1) this.pointer_.click(target, 'auxclick', shape);
    else {
      const went = this.pointer_.click(target, 'click', shape);
      if (detail === 2) this.pointer_.click(target, 'dblclick', shape);
      if (focus && went) this.follow(target, mods);
    }
    return null;
  }

  /** What a browser does for a person's click, and not for one of a script's. */
  private follow(target: Target, mods?: Modifiers): void {
    const { element } = target;
    const option = element.closest('option');
    if (option) chooseInList(option, mods);
    else if (isSelect(element) || isPicked(element)) this.picker_.show(element);
    else slideTo(target);
  }

  private focus(element: Element): void {
    if (this.picker_.element?.shadowRoot === element.getRootNode()) return;
    const target = focusTarget(element);
    const { active } = this.keyboard_;
    if (target ? active === target : isEditable(element) || active === active.ownerDocument.body) return;
    moveFocus(target, active);
  }

  private done(what: Activity['what'] | null, target: string): ActResult {
    if (what) this.tell(what, target);
    return { ok: true, target };
  }

  private tell(what: Activity['what'], target: string): void {
    try {
      this.options_.onActivity?.({ what, target });
    } catch (fault) {
      reportFault('activity', fault);
    }
  }
}

function refused(reason: Refusal, target = ''): ActResult {
  return { ok: false, reason, text: kRefusals[reason], target };
}

/** A press on a slider moves it there. */
function slideTo({ element, x, y }: Target): void {
  if (!isInput(element) || element.type !== 'range' || isDisabled(element)) return;
  const box = element.getBoundingClientRect();
  const upright = box.height > box.width;
  // The knob is about as wide as the slider is high; its middle is what moves.
  const knob = Math.min(16, upright ? box.width : box.height);
  const along = upright ? 1 - (y - box.top - knob / 2) / (box.height - knob) : (x - box.left - knob / 2) / (box.width - knob);
  const mirrored = !upright && element.matches(':dir(rtl)') ? 1 - along : along;
  const min = Number(element.min || 0);
  const max = Math.max(min, Number(element.max || 100));
  const value = String(min + Math.max(0, Math.min(1, mirrored)) * (max - min));
  const before = element.value;
  setNatively(element, 'value', value); // The browser rounds it to a step.
  if (element.value === before) return;
  fire(element, 'input');
  fire(element, 'change');
}

function chooseInList(option: HTMLOptionElement, mods: Modifiers = {}): void {
  let parent: Element | null = option;
  while (parent && !isSelect(parent)) parent = flatParent(parent);
  if (!isSelect(parent) || isHtml(option, 'optgroup')) return;
  const many = parent.multiple && (mods.ctrl === true || mods.meta === true);
  if (parent.multiple && !many) for (const other of parent.options) if (other !== option) setNatively(other, 'selected', false);
  setNatively(option, 'selected', many ? !option.selected : true);
  fire(parent, 'input');
  fire(parent, 'change');
}

