import { PageStage, type Mode, type Zoom } from '@parley/agents';
import { nothing, type PropertyValues } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { SessionElement } from './session_element';

/** The SDK's stage as an element of the console. Events: `release` (the keyboard was given back by Escape). */
@customElement('parley-assist-stage')
export class AssistStage extends SessionElement {
  @property() mode: Mode = 'look';
  @property() ink = '';
  @property({ attribute: false }) zoom: Zoom = 'fit';
  private stage_: PageStage | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    // Once: this element lives as long as its session is shown.
    this.stage_ ??= new PageStage(this.cobrowse, { container: this });
    this.stops_.push(this.stage_.on('released', () => this.dispatchEvent(new CustomEvent('release'))));
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.stage_?.close();
  }

  /** Where the picture lies in this element, for what floats above it. */
  get picture(): DOMRect | undefined {
    return this.stage_?.canvas.getBoundingClientRect();
  }

  protected override updated(_changed: PropertyValues): void {
    const { stage_: stage } = this;
    if (!stage) return;
    stage.mode = this.mode;
    stage.color = this.ink;
    stage.zoom = this.zoom;
  }

  override render() {
    return nothing;
  }
}
