import type { Box } from '@parley/assist';
import { html } from 'lit';
import { ref as at } from 'lit/directives/ref.js';

/** Lays a pattern over what the agent does not see. */
export function maskHints(boxes: readonly Box[]) {
  const place = (box: Box) => (element?: Element) => {
    const style = (element as HTMLElement | undefined)?.style;
    style?.setProperty('left', `${box.x}px`);
    style?.setProperty('top', `${box.y}px`);
    style?.setProperty('width', `${box.w}px`);
    style?.setProperty('height', `${box.h}px`);
  };
  return html`<div class="hints" data-test="assist-hidden" data-count=${boxes.length}>
    ${boxes.map((box) => html`<div class="hint" ${at(place(box))}>hidden</div>`)}
  </div>`;
}

