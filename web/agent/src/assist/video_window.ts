import { css, html, LitElement } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { WindowPlace } from '@parley/agents';
import { assistIcons } from './icons';

interface Spot {
  left: number;
  top: number;
}

const kStep = 24;

/**
 * The call, in a window that can be moved off what it hides. Where it lies over the consumer's page (fractions of it) is the same
 * at the consumer. Slotted content is the call. Event `moved` (detail: place without `shown`).
 */
@customElement('parley-video-window')
export class VideoWindow extends LitElement {
  static override styles = css`
    :host {
      position: fixed; z-index: 20; right: 20px; bottom: 20px; display: flex; flex-direction: column; width: min(320px, calc(100vw - 24px)); max-height: calc(100dvh - 24px);
      overflow: hidden; background: var(--p-surface); color: var(--p-text); border: 1px solid var(--p-line-strong); border-radius: 12px; box-shadow: var(--p-shadow);
    }
    .handle {
      display: flex; align-items: center; gap: 8px; flex: none; min-height: 36px; padding: 0 12px; border: 0; background: var(--p-sunken); color: inherit;
      font: 600 13px/1 var(--p-font); cursor: move; touch-action: none;
    }
    .handle:focus-visible { outline: 3px solid var(--p-focus); outline-offset: -3px; }
    .handle svg { width: 16px; height: 16px; }
    ::slotted(*) { min-height: 0; flex: 1; overflow: auto; }
  `;

  /** Where the picture of the page lies on the screen; null: none is shown, and the window has a place of its own. */
  @property({ attribute: false }) over: DOMRect | null = null;
  @property({ attribute: false }) place: WindowPlace | null = null;
  @state() private own_: Spot | null = null;
  private drag_: { pointer: number; dx: number; dy: number } | null = null;

  private get spot(): Spot | null {
    const { over, place } = this;
    if (over && over.width > 0 && place?.shown && place.w > 0 && !this.drag_) return this.kept({ left: over.left + place.x * over.width, top: over.top + place.y * over.height });
    return this.own_ && this.kept(this.own_);
  }

  /** It stays on the screen, with its buttons. */
  private kept({ left, top }: Spot): Spot {
    const box = this.getBoundingClientRect();
    return { left: Math.min(Math.max(0, left), Math.max(0, innerWidth - box.width)), top: Math.min(Math.max(0, top), Math.max(0, innerHeight - box.height)) };
  }

  private grab(event: PointerEvent): void {
    if (event.button !== 0) return;
    event.preventDefault();
    const box = this.getBoundingClientRect();
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    this.own_ = { left: box.left, top: box.top };
    this.drag_ = { pointer: event.pointerId, dx: event.clientX - box.left, dy: event.clientY - box.top };
  }

  private dragged(event: PointerEvent): void {
    if (this.drag_?.pointer !== event.pointerId) return;
    this.moveTo({ left: event.clientX - this.drag_.dx, top: event.clientY - this.drag_.dy });
  }

  private dropped(event: PointerEvent): void {
    if (this.drag_?.pointer !== event.pointerId) return;
    this.drag_ = null;
    this.requestUpdate();
  }

  private nudge(event: KeyboardEvent): void {
    const steps: Record<string, [number, number]> = { ArrowLeft: [-kStep, 0], ArrowRight: [kStep, 0], ArrowUp: [0, -kStep], ArrowDown: [0, kStep] };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const box = this.getBoundingClientRect();
    this.moveTo({ left: box.left + step[0], top: box.top + step[1] });
  }

  private moveTo(spot: Spot): void {
    const own = (this.own_ = this.kept(spot));
    const { over, place } = this;
    if (!over || over.width <= 0) return;
    const part = (value: number) => Math.min(1, Math.max(0, value));
    const box = this.getBoundingClientRect();
    const detail = {
      x: part((own.left - over.left) / over.width), y: part((own.top - over.top) / over.height),
      w: place?.w || part(box.width / over.width), h: place?.h || part(box.height / over.height),
    };
    if (place) Object.assign(place, detail, { shown: true });
    this.dispatchEvent(new CustomEvent('moved', { detail }));
  }

  protected override updated(): void {
    const spot = this.spot;
    const { style } = this;
    style.left = spot ? `${spot.left}px` : '';
    style.top = spot ? `${spot.top}px` : '';
    style.right = style.bottom = spot ? 'auto' : '';
  }

  override render() {
    return html`<button
        type="button"
        class="handle"
        data-test="video-window-handle"
        aria-label="Move the call window, with the arrow keys or by dragging"
        @pointerdown=${this.grab}
        @pointermove=${this.dragged}
        @pointerup=${this.dropped}
        @pointercancel=${this.dropped}
        @keydown=${this.nudge}
      >
        ${assistIcons.move} Call
      </button>
      <slot></slot>`;
  }
}
