import { LitElement } from 'lit';
import { property } from 'lit/decorators.js';
import type { Cobrowse } from '@parley/agents';

/** A part of the workspace, drawn into the page itself: it is drawn anew whenever its session changes. */
export abstract class SessionElement extends LitElement {
  /** The same as long as the element lives. */
  @property({ attribute: false }) cobrowse!: Cobrowse;
  protected stops_: (() => void)[] = [];

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.stops_.push(this.cobrowse.on('changed', () => this.requestUpdate()));
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const stop of this.stops_) stop();
    this.stops_ = [];
  }
}
