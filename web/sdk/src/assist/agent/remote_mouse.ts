import type { Modifiers } from '../protocol';

interface Place {
  x: number;
  y: number;
}

/** What the mouse becomes on the consumer's page. */
export interface RemoteMouseTarget {
  readonly controlling: boolean;
  pointer(x: number, y: number): void;
  press(x: number, y: number): void;
  release(x: number, y: number): void;
  click(x: number, y: number, button: number, detail: number, mods: Modifiers): void;
}

type Press = Place & { clientX: number; clientY: number; pointer: number; dragging: boolean };
type Hand = Pick<PointerEvent, 'clientX' | 'clientY' | 'pointerId'>;

/** A hand that clicks moves by a pixel or two; what goes farther is a drag. CSS pixels of the console. */
const kDragFrom = 5;

/**
 * The agent's mouse over the picture: a click is told as one, whole; a drag as a press where it began, movements, and a release.
 * `at`: the place on the consumer's page, null beside the picture.
 */
export class RemoteMouse {
  private pressed_: Press | null = null;
  private last_: Place | null = null;
  /** A browser says `click` after a drag, too. */
  private dragged_ = false;

  constructor(private readonly target_: RemoteMouseTarget) {}

  /** The first button goes down. */
  down({ clientX, clientY, pointerId }: Hand, at: Place | null): void {
    if (this.pressed_) return; // A second finger.
    this.dragged_ = false;
    this.pressed_ = at && this.target_.controlling ? { ...at, clientX, clientY, pointer: pointerId, dragging: false } : null;
  }

  moved({ clientX, clientY, pointerId }: Hand, at: Place | null): void {
    const { pressed_: pressed } = this;
    if (pressed && pressed.pointer === pointerId && !pressed.dragging) {
      if (Math.hypot(clientX - pressed.clientX, clientY - pressed.clientY) < kDragFrom) return;
      pressed.dragging = this.dragged_ = true;
      this.target_.press(pressed.x, pressed.y);
    }
    if (!at) return;
    this.last_ = at;
    this.target_.pointer(at.x, at.y);
  }

  up({ pointerId }: Pick<Hand, 'pointerId'>, at: Place | null): void {
    if (this.pressed_?.pointer === pointerId) this.letGo(at);
  }

  /** Ends a drag, wherever the mouse is: another tool was chosen, the picture is gone. */
  letGo(at: Place | null = null): void {
    const { pressed_: pressed } = this;
    this.pressed_ = null;
    if (!pressed?.dragging) return;
    const { x, y } = at ?? this.last_ ?? pressed;
    this.target_.release(x, y);
  }

  clicked(event: Pick<MouseEvent, 'type' | 'button' | 'detail'>, at: Place | null, mods: Modifiers): void {
    // The menu may have been asked for by a key or, on a Mac, with Ctrl: the page gets the button that asks for it.
    const button = event.type === 'contextmenu' ? 2 : event.button;
    if (!at || (button === 0 && this.dragged_)) return;
    this.target_.click(at.x, at.y, button, Math.max(1, event.detail), mods);
  }
}
