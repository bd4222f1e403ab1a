// The remote pointer as the page sees it: hovering, pressing, dragging, releasing.
import { flatParent, type Realm } from './dom';
import type { Target } from './targets';
import type { Modifiers } from './types';

/** No pointer of the browser's own has this number, so that nothing of ours mixes with the consumer's mouse. */
const kPointerId = 7129;

interface Shape {
  button: number;
  buttons: number;
  detail: number;
  mods?: Modifiers;
  related?: Element | null;
}

const kHover: Shape = { button: -1, buttons: 0, detail: 0 };

export class RemotePointer {
  private over_: Element | null = null;
  private pressed_: { target: Target; button: number } | null = null;
  /** What the page gave to `setPointerCapture`. */
  private captured_: Element | null = null;
  private last_: Target | null = null;

  /** Where the button was pressed that is still held. */
  get pressedOn(): Element | null {
    return this.pressed_?.target.element ?? null;
  }

  /** Moves to a target; enters and leaves what lies between. */
  move(target: Target, mods?: Modifiers): void {
    const shape = { ...kHover, mods, buttons: this.pressed_ ? 1 << this.pressed_.button : 0 };
    this.hover(target, shape);
    const at = this.held(target);
    this.pointer(at, 'pointermove', shape);
    this.mouse(at, 'mousemove', { ...shape, button: 0 });
    this.last_ = target;
  }

  /** false: the page prevented what follows (focus, selecting, opening a list). */
  down(target: Target, button: number, detail: number, mods?: Modifiers): boolean {
    const shape = { button, buttons: 1 << (button === 1 ? 2 : button === 2 ? 1 : button), detail, mods };
    this.pressed_ = { target, button };
    this.last_ = target;
    const pointer = this.pointer(target, 'pointerdown', { ...shape, detail: 0 });
    // A prevented pointerdown suppresses the mouse events, as the browser does.
    if (!pointer) return false;
    return this.mouse(target, 'mousedown', shape);
  }

  /** true: the page had captured the pointer. */
  up(target: Target, detail: number, mods?: Modifiers): boolean {
    const button = this.pressed_?.button ?? 0;
    const at = this.held(target);
    const shape = { button, buttons: 0, detail, mods };
    this.pointer(at, 'pointerup', { ...shape, detail: 0 });
    this.mouse(at, 'mouseup', shape);
    this.pressed_ = null;
    const captured = this.captured_;
    if (captured) this.pointer({ ...at, element: captured }, 'lostpointercapture', kHover);
    this.captured_ = null;
    return captured !== null;
  }

  /** The click itself, with its place: activates what it meets, as `element.click()` does. */
  click(target: Target, type: 'click' | 'dblclick' | 'contextmenu' | 'auxclick', shape: Omit<Shape, 'buttons'>): boolean {
    return this.pointer(target, type, { ...shape, buttons: 0 });
  }

  /** Takes the pointer away: a press that was not released is cancelled. */
  leave(): void {
    const last = this.last_;
    if (!last) return;
    if (this.pressed_) {
      const at = this.held(last);
      this.pointer(at, 'pointercancel', kHover);
      this.mouse(at, 'mouseup', { ...kHover, button: this.pressed_.button });
    }
    this.pressed_ = this.captured_ = null;
    if (this.over_?.isConnected) this.crossing({ ...last, element: this.over_ }, null, kHover);
    this.over_ = this.last_ = null;
  }

  /** Where its events go: to what has captured the pointer. */
  held(target: Target): Target {
    if (this.captured_ && !this.captured_.isConnected) this.captured_ = null;
    return this.captured_ ? { ...target, element: this.captured_ } : target;
  }

  private hover(target: Target, shape: Shape): void {
    const from = this.over_?.isConnected ? this.over_ : null;
    if (from === target.element) return;
    if (from) this.crossing({ ...target, element: from }, target.element, shape);
    this.over_ = target.element;
    const entered = chain(target.element).filter((e) => !from || !chain(from).includes(e));
    this.pointer(target, 'pointerover', { ...shape, related: from });
    for (const e of entered.reverse()) this.pointer({ ...target, element: e }, 'pointerenter', { ...shape, related: from });
    this.mouse(target, 'mouseover', { ...shape, related: from });
    for (const e of entered) this.mouse({ ...target, element: e }, 'mouseenter', { ...shape, related: from });
  }

  private crossing(from: Target, to: Element | null, shape: Shape): void {
    const left = chain(from.element).filter((e) => !to || !chain(to).includes(e));
    this.pointer(from, 'pointerout', { ...shape, related: to });
    for (const e of left) this.pointer({ ...from, element: e }, 'pointerleave', { ...shape, related: to });
    this.mouse(from, 'mouseout', { ...shape, related: to });
    for (const e of left) this.mouse({ ...from, element: e }, 'mouseleave', { ...shape, related: to });
  }

  private pointer(at: Target, type: string, shape: Shape): boolean {
    const Kind = at.realm.PointerEvent ?? at.realm.MouseEvent;
    const event = new Kind(type, {
      ...init(at, type, shape), pointerId: kPointerId, pointerType: 'mouse', isPrimary: true, width: 1, height: 1, pressure: shape.buttons ? 0.5 : 0,
    });
    return this.withCapture(at.realm, () => at.element.dispatchEvent(event));
  }

  private mouse(at: Target, type: string, shape: Shape): boolean {
    return at.element.dispatchEvent(new at.realm.MouseEvent(type, init(at, type, shape)));
  }

  /** Sliders and drag libraries capture the pointer they are given; the browser knows ours not and would throw at them. */
  private withCapture<T>(realm: Realm, run: () => T): T {
    const prototype = realm.Element.prototype;
    const { setPointerCapture, releasePointerCapture, hasPointerCapture } = prototype;
    const self = this;
    prototype.setPointerCapture = function (this: Element, id: number) {
      if (id !== kPointerId) return setPointerCapture.call(this, id);
      if (self.pressed_) self.captured_ = this;
    };
    prototype.releasePointerCapture = function (this: Element, id: number) {
      if (id !== kPointerId) return releasePointerCapture.call(this, id);
      if (self.captured_ === this) self.captured_ = null;
    };
    prototype.hasPointerCapture = function (this: Element, id: number) {
      return id === kPointerId ? self.captured_ === this : hasPointerCapture.call(this, id);
    };
    try {
      return run();
    } finally {
      Object.assign(prototype, { setPointerCapture, releasePointerCapture, hasPointerCapture });
    }
  }
}

function chain(element: Element): Element[] {
  const all: Element[] = [];
  for (let e: Element | null = element; e && e.ownerDocument === element.ownerDocument; e = flatParent(e)) all.push(e);
  return all;
}

function init(at: Target, type: string, shape: Shape): MouseEventInit {
  const quiet = /(?:enter|leave)$/.test(type);
  const { mods = {} } = shape;
  return {
    bubbles: !quiet,
    cancelable: !quiet && !/(?:out|cancel|capture)$/.test(type),
    composed: !quiet,
    view: at.realm,
    detail: shape.detail,
    clientX: at.x,
    clientY: at.y,
    screenX: at.x + at.realm.screenX,
    screenY: at.y + at.realm.screenY,
    button: shape.button,
    buttons: shape.buttons,
    relatedTarget: shape.related ?? null,
    ctrlKey: mods.ctrl === true,
    shiftKey: mods.shift === true,
    altKey: mods.alt === true,
    metaKey: mods.meta === true,
  };
}
