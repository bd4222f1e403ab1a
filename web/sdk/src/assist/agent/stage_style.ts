const kWriting = `
  .writing { position: absolute; z-index: 2; box-sizing: border-box; width: 260px; min-height: 36px; padding: 0 10px; border: 2px solid currentColor; border-radius: 8px; background: #fff; font: 600 16px/1.4 system-ui, sans-serif; }
`;

const kStage = `
  :host { display: block; position: relative; min-height: 120px; }
  .room { position: absolute; inset: 0; display: grid; place-items: center; overflow: hidden; }
  .room.full { display: block; overflow: auto; }
  .sheet { position: relative; flex: none; background: #fff; box-shadow: 0 0 0 1px var(--parley-line, #8c99a566); overflow: hidden; }
  .sheet:has(.keys:focus) { box-shadow: 0 0 0 3px var(--parley-focus, #16803c); }
  .sheet[hidden] { display: none; }
  .picture { position: absolute; inset: 0; width: 100%; height: 100%; display: block; }
  .inklayer { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; overflow: hidden; }
  .hand { position: absolute; inset: 0; outline: 0; }
  .hand.draws { cursor: crosshair; touch-action: none; }
  .hand.point { cursor: none; cursor: cell; touch-action: none; }
  .hand.acts { cursor: default; touch-action: none; }
  .keys { position: absolute; left: 0; top: 0; width: 1px; height: 1px; padding: 0; border: 0; opacity: 0; resize: none; outline: 0; }
`;

const kDocument = `
  :host { display: block; position: relative; min-height: 120px; }
  .paper { position: absolute; inset: 0; overflow: hidden; }
  .pages, .pages > div { position: absolute; inset: 0; }
  .pages > div { display: grid; place-items: center; padding: 16px; box-sizing: border-box; text-align: center; }
  .hand { position: absolute; inset: 0; cursor: crosshair; touch-action: none; }
  .hand[hidden] { display: none; }
`;

/** A sheet made by script: allowed where a site's policy forbids styles in the page. */
function adopt(root: ShadowRoot, text: string): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text + kWriting);
  root.adoptedStyleSheets = [sheet];
}

export const stageStyle = (root: ShadowRoot): void => adopt(root, kStage);
export const documentStageStyle = (root: ShadowRoot): void => adopt(root, kDocument);
