/** A place as fractions of the room that is left: (0, 0) upper left, (1, 1) lower right; it fits windows of any size. */
export interface Place {
  x: number;
  y: number;
}

const kStep = 24;
const kMargin = 8;
const within = (value: number) => Math.min(1, Math.max(0, value));

/**
 * Lets a person move an element that is fixed on the page: by its handle with mouse, finger or pen, or with the arrow
 * keys while the handle has the focus. Styles are set one by one, which a strict policy allows.
 */
export class Movable {
  private place_: Place | null = null;
  private drag_: { id: number; dx: number; dy: number } | null = null;
  private readonly stops_: (() => void)[] = [];

  constructor(
    private readonly element_: HTMLElement,
    private readonly handle_: HTMLElement,
    private readonly moved_: (place: Place) => void,
  ) {
    this.listen(handle_, 'pointerdown', (event) => this.grab(event as PointerEvent));
    this.listen(handle_, 'pointermove', (event) => this.drag(event as PointerEvent));
    this.listen(handle_, 'pointerup', () => this.drop());
    this.listen(handle_, 'pointercancel', () => this.drop());
    this.listen(handle_, 'keydown', (event) => this.key(event as KeyboardEvent));
    this.listen(window, 'resize', () => this.apply());
  }

  get place(): Place | null {
    return this.place_;
  }

  /** Where it lies over the viewport, as fractions of the viewport. */
  get box(): { x: number; y: number; w: number; h: number } {
    const { left, top, width, height } = this.element_.getBoundingClientRect();
    return { x: left / innerWidth, y: top / innerHeight, w: width / innerWidth, h: height / innerHeight };
  }

  moveTo(place: Place | null): void {
    this.place_ = place && { x: within(place.x), y: within(place.y) };
    this.apply();
  }

  /** The upper left corner, as a fraction of the viewport. */
  moveCorner(x: number, y: number): void {
    const { width, height } = this.element_.getBoundingClientRect();
    this.moveTo({ x: part(x * innerWidth, innerWidth - width), y: part(y * innerHeight, innerHeight - height) });
  }

  stop(): void {
    for (const stop of this.stops_) stop();
  }

  private listen(target: EventTarget, name: string, fn: (event: Event) => void): void {
    target.addEventListener(name, fn);
    this.stops_.push(() => target.removeEventListener(name, fn));
  }

  private grab(event: PointerEvent): void {
    if (event.button !== 0) return;
    const { left, top } = this.element_.getBoundingClientRect();
    this.drag_ = { id: event.pointerId, dx: event.clientX - left, dy: event.clientY - top };
    this.handle_.setPointerCapture?.(event.pointerId);
    event.preventDefault();
    this.handle_.focus({ preventScroll: true });
  }

  private drag(event: PointerEvent): void {
    if (this.drag_?.id !== event.pointerId) return;
    const { width, height } = this.element_.getBoundingClientRect();
    this.moveTo({ x: part(event.clientX - this.drag_.dx, innerWidth - width), y: part(event.clientY - this.drag_.dy, innerHeight - height) });
    this.moved_(this.place_!);
  }

  private drop(): void {
    this.drag_ = null;
  }

  private key(event: KeyboardEvent): void {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const { left, top, width, height } = this.element_.getBoundingClientRect();
    this.moveTo({
      x: part(left + step[0]! * kStep, innerWidth - width),
      y: part(top + step[1]! * kStep, innerHeight - height),
    });
    this.moved_(this.place_!);
  }

  private apply(): void {
    const { style } = this.element_;
    if (!this.place_) {
      for (const name of ['left', 'top', 'right', 'bottom', 'margin']) style.removeProperty(name);
      return;
    }
    const { width, height } = this.element_.getBoundingClientRect();
    style.setProperty('left', `${kMargin + this.place_.x * Math.max(0, innerWidth - width - 2 * kMargin)}px`);
    style.setProperty('top', `${kMargin + this.place_.y * Math.max(0, innerHeight - height - 2 * kMargin)}px`);
    style.setProperty('right', 'auto');
    style.setProperty('bottom', 'auto');
    style.setProperty('margin', '0');
  }
}

function part(corner: number, room: number): number {
  const free = room - 2 * kMargin;
  return free <= 0 ? 0 : within((corner - kMargin) / free);
}
