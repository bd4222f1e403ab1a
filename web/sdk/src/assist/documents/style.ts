const kSheet = `
  :host { display: block; position: relative; min-height: 0; }
  .scroller { position: absolute; inset: 0; overflow: auto; padding: 12px; background: #5c6770; outline: none; text-align: center; color: #fff; font: 16px/1.5 system-ui, sans-serif; }
  .scroller:focus-visible { outline: 3px solid #5cc3cf; outline-offset: -3px; }
  .scroller[data-state='loading'], .scroller[data-state='failed'] { padding-top: 15%; }
  .page { position: relative; margin: 0 auto 12px; background: #fff; box-shadow: 0 1px 6px rgb(0 0 0 / 40%); }
  .page[data-drawn='failed']::after { content: 'This page cannot be shown.'; position: absolute; inset: 40% 10% auto; color: #4b5b6a; }
  .hand { position: absolute; inset: 0; cursor: crosshair; touch-action: none; }
  canvas, svg { position: absolute; inset: 0; width: 100%; height: 100%; display: block; }
  svg { pointer-events: none; overflow: hidden; }
  .pointer { position: absolute; display: flex; align-items: flex-start; color: var(--c); pointer-events: none; }
  .pointer svg { position: static; flex: none; width: 26px; height: 26px; margin: -3px 0 0 -4px; }
  .pointer span { margin: 15px 0 0 -6px; padding: 2px 8px; border-radius: 8px; background: var(--c); color: #fff; font: 600 12px/1.5 system-ui, sans-serif; white-space: nowrap; }
`;

/** A sheet made by script: allowed where a site's policy forbids styles in the page. */
export function documentStyle(root: ShadowRoot): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(kSheet);
  root.adoptedStyleSheets = [sheet];
}
