import { css } from 'lit';

export const callViewStyle = css`
  :host { display: flex; flex-direction: column; min-height: 0; container-type: inline-size; background: var(--p-surface); color: var(--p-text); font-family: var(--p-font); }
  .pictures { position: relative; flex: 1; min-height: 200px; background: #10181f; }
  :host([layout='dock']) .low { min-height: 120px; }
  parley-video.remote { position: absolute; inset: 0; }
  parley-video.self {
    position: absolute; right: 12px; bottom: 12px; width: clamp(96px, 20%, 200px); aspect-ratio: 4/3; border-radius: 10px;
    border: 2px solid rgb(255 255 255 / 75%); box-shadow: 0 4px 14px rgb(0 0 0 / 40%);
  }
  .over { position: absolute; left: 12px; top: 12px; display: flex; flex-wrap: wrap; gap: 8px; max-width: calc(100% - 24px); z-index: 1; }
  .badge {
    display: inline-flex; align-items: center; gap: 6px; padding: 5px 10px; border-radius: 999px; background: rgb(10 18 26 / 82%);
    color: #fff; font-size: 13px; font-weight: 600;
  }
  .badge svg { width: 16px; height: 16px; }
  .badge.warn { background: #7a4c00; }
  .dot { width: 9px; height: 9px; border-radius: 50%; background: #9fb0be; }
  .dot.good { background: #5fd38d; } .dot.fair { background: #f3c26b; } .dot.poor { background: #ff8a80; }
  .bar { display: flex; align-items: baseline; gap: 10px; padding: 12px 16px 0; }
  .bar strong { font-size: 16px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .bar .time { margin-left: auto; font-variant-numeric: tabular-nums; color: var(--p-soft); }
  .state { margin: 0; padding: 4px 16px 0; color: var(--p-soft); line-height: 1.4; }
  .state[data-state='reconnecting'] { color: var(--p-warn); font-weight: 600; }
  .state[data-state='ended'] { padding-top: 10px; color: var(--p-text); font-size: 17px; text-wrap: pretty; }
  .note { display: flex; gap: 8px; align-items: center; margin: 10px 16px 0; padding: 8px 12px; border-radius: var(--p-radius-small); background: var(--p-warn-soft); color: var(--p-warn); font-size: 14px; line-height: 1.35; }
  .note.plain { background: var(--p-sunken); color: var(--p-text); }
  .note svg { width: 18px; height: 18px; flex: none; }
  .tools { display: flex; justify-content: center; flex-wrap: wrap; gap: 10px 6px; padding: 14px 8px; position: sticky; bottom: 0; z-index: 1; background: var(--p-surface); }
  @container (max-width: 350px) { :host([layout='stage']) .tools { gap: 3px; } }
  .facts { display: flex; flex-wrap: wrap; gap: 2px 14px; margin: 0; padding: 2px 16px 0; color: var(--p-soft); font-size: 14px; }
  .state[data-hold='held'], .state[data-hold='peer'] { color: var(--p-warn); font-weight: 600; }
  .tray .button { margin-top: 14px; }
  .tray { padding: 12px 16px 0; }
  .digits { min-height: 24px; margin: 0 0 8px; text-align: center; font-size: 18px; font-weight: 600; letter-spacing: .1em; font-variant-numeric: tabular-nums; overflow: hidden; }
  .play { position: absolute; inset: 0; display: grid; place-items: center; z-index: 2; background: rgb(10 18 26 / 65%); }
  :host([layout='stage']) .bar { padding: 16px 24px 0; }
  :host([layout='stage']) .bar strong { font-size: 20px; }
  :host([layout='stage']) .state { padding: 4px 24px 0; }
  :host([layout='stage']) .facts { padding: 2px 24px 0; }
  :host([layout='stage']) .note { margin: 10px 24px 0; }
  :host([layout='stage']) .tray { padding: 14px 24px 0; }
  :host([layout='stage']) parley-keypad { width: min(320px, 100%); margin: 0 auto; }
  :host([layout='stage']) parley-device-picker { grid-template-columns: repeat(auto-fit, minmax(min(200px, 100%), 1fr)); }
  :host([layout='stage']) { --p-face: 120px; --p-video-fit: contain; }
  :host([layout='stage']) parley-video.self { --p-video-fit: cover; }
`;
