import { css } from 'lit';

/** The overlay's own rules. The host takes nothing from the site's sheets and no pointer but for its parts. */
export const overlayStyle = css`
  :host {
    all: initial !important; position: fixed !important; inset: 0 !important; display: block !important; z-index: 2147483100 !important;
    pointer-events: none !important; visibility: visible !important; opacity: 1 !important; font: 16px/1.4 var(--p-font) !important;
  }
  :host::backdrop { display: none !important; }
  .layer, .cursors, .hints { position: fixed; inset: 0; overflow: hidden; pointer-events: none; }
  .ui > * { pointer-events: auto; }
  .ui > .hints { pointer-events: none; }
  p, h2 { margin: 0; }
  .bar {
    position: fixed; inset: 10px 8px auto; margin: 0 auto; width: fit-content; display: grid; grid-template-columns: minmax(0, auto); gap: 2px; max-width: min(860px, calc(100vw - 16px)); box-sizing: border-box;
    padding: 6px 8px 6px 4px; border-radius: 18px; background: var(--p-surface); color: var(--p-text); border: 2px solid var(--p-line-strong);
    box-shadow: var(--p-shadow); animation: drop .25s ease-out;
  }
  .bar[data-look='on'] { border-color: var(--p-bad); }
  .bar[data-look='private'], .bar[data-look='paused'], .bar[data-look='lost'] { border-color: var(--p-warn); }
  @keyframes drop { from { transform: translateY(-14px); opacity: 0; } }
  .row { display: flex; align-items: center; gap: 6px; min-width: 0; }
  .grip { display: grid; place-items: center; width: 28px; height: 40px; padding: 0; border: 0; border-radius: 10px; background: none; color: var(--p-soft); cursor: grab; touch-action: none; }
  .grip svg { width: 18px; height: 18px; }
  .look { display: grid; place-items: center; width: 32px; height: 32px; flex: none; border-radius: 50%; background: var(--p-sunken); }
  .look svg { width: 20px; height: 20px; }
  [data-look='on'] .look { background: var(--p-bad-soft); color: var(--p-bad); }
  [data-look='private'] .look, [data-look='paused'] .look, [data-look='lost'] .look { background: var(--p-warn-soft); color: var(--p-warn); }
  .words { flex: 1; min-width: 0; font-size: 15px; font-weight: 600; padding: 0 6px 0 2px; overflow-wrap: anywhere; }
  .words .deed { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; max-width: min(320px, 100%); font-size: 13px; font-weight: 400; color: var(--p-soft); }
  .small {
    display: inline-flex; align-items: center; justify-content: center; gap: 6px; min-width: 40px; min-height: 40px; padding: 0 12px; border: 1px solid var(--p-line-strong);
    border-radius: 999px; background: var(--p-surface); color: var(--p-text); font-size: 14px; font-weight: 600; cursor: pointer; white-space: nowrap;
  }
  .small svg { width: 18px; height: 18px; flex: none; }
  .small:hover { background: var(--p-sunken); }
  .small[aria-pressed='true'] { background: var(--p-text); border-color: var(--p-text); color: var(--p-surface); }
  .small.end { background: #b3261e; border-color: #b3261e; color: #fff; }
  .small.end:hover { background: #8f1d17; }
  .control { justify-content: space-between; padding: 4px 2px 2px 12px; font-size: 14px; border-top: 1px solid var(--p-line); margin-top: 4px; flex-wrap: wrap; }
  .control b { font-weight: 600; }
  .bar ul { display: grid; gap: 4px; margin: 4px 0 0; padding: 4px 2px 0 12px; list-style: none; border-top: 1px solid var(--p-line); font-size: 14px; }
  .bar li { justify-content: space-between; overflow-wrap: anywhere; }
  .code { display: grid; gap: 4px; padding: 8px 12px 8px 12px; border-top: 1px solid var(--p-line); margin-top: 4px; font-size: 14px; }
  .code output { font-size: 30px; line-height: 1.15; font-weight: 700; letter-spacing: .06em; font-variant-numeric: tabular-nums; }
  .code .soft { color: var(--p-soft); }
  .notice { padding: 6px 12px; font-size: 14px; color: var(--p-warn); }

  .cursor { position: absolute; left: 0; top: 0; display: flex; align-items: flex-start; color: var(--c); will-change: transform; transition: opacity .3s; }
  .cursor svg { width: 26px; height: 26px; flex: none; filter: drop-shadow(0 1px 2px rgb(0 0 0 / 35%)); }
  .cursor span { margin: 18px 0 0 -6px; padding: 2px 8px; border-radius: 8px; background: var(--c); color: #fff; font-size: 12px; font-weight: 600; white-space: nowrap; }
  .cursor.idle { opacity: 0; }
  .cursor.down::before { content: ''; position: absolute; left: -14px; top: -14px; width: 34px; height: 34px; border: 3px solid var(--c); border-radius: 50%; }
  .hint {
    position: absolute; border: 2px solid #fff; outline: 2px solid #10181f; color: #fff; font-size: 11px; font-weight: 600; overflow: hidden; padding: 1px 5px; border-radius: 3px;
    background: repeating-linear-gradient(135deg, rgb(16 24 31 / 88%) 0 8px, rgb(44 58 71 / 88%) 8px 16px);
  }

  dialog {
    width: min(520px, calc(100vw - 24px)); max-height: calc(100dvh - 24px); overflow: auto; padding: 0; border: 1px solid var(--p-line); border-radius: 18px;
    background: var(--p-surface); color: var(--p-text); box-shadow: var(--p-shadow); font: 16px/1.45 var(--p-font);
  }
  dialog::backdrop { background: rgb(10 18 26 / 55%); }
  .ask { display: grid; gap: 14px; padding: 22px 24px 20px; }
  .ask h2 { font-size: 22px; line-height: 1.25; outline: none; }
  .ask ul { display: grid; gap: 10px; margin: 0; padding: 0; list-style: none; }
  .ask li { display: flex; gap: 12px; padding: 10px 12px; border-radius: 12px; background: var(--p-sunken); }
  .ask li svg { width: 22px; height: 22px; flex: none; margin-top: 1px; }
  .ask li.yes svg { color: var(--p-good); }
  .ask li.no svg { color: var(--p-bad); }
  .ask li b { display: block; }
  .ask li span { font-size: 15px; color: var(--p-soft); }
  .ask .soft { font-size: 15px; color: var(--p-soft); }
  .answers { display: flex; gap: 10px; flex-wrap: wrap; }
  .answers .button { flex: 1 1 160px; }

  .cards { position: fixed; left: 16px; bottom: 16px; display: grid; gap: 10px; width: min(360px, calc(100vw - 32px)); }
  .cards:empty { display: none; }
  .card { display: grid; gap: 10px; color: var(--p-text); padding: 14px 14px 14px 16px; border-radius: 16px; background: var(--p-surface); border: 1px solid var(--p-line-strong); box-shadow: var(--p-shadow); }
  .card .row { align-items: flex-start; gap: 12px; }
  .card .row > svg { width: 24px; height: 24px; flex: none; color: var(--p-accent); margin-top: 2px; }
  .card b { display: block; overflow-wrap: anywhere; }
  .card small { display: block; font-size: 14px; color: var(--p-soft); overflow-wrap: anywhere; }
  .card .answers .small { flex: 1 1 auto; }
  .card .answers .go { background: var(--p-accent); border-color: var(--p-accent); color: var(--p-on-accent); text-decoration: none; }
  .card .answers .go:hover { background: var(--p-accent-hover); }

  .document {
    position: fixed; inset: 100px auto 16px 50%; translate: -50% 0; width: min(920px, calc(100vw - 32px)); display: flex; flex-direction: column; overflow: hidden; border-radius: 16px;
    background: var(--p-bg); color: var(--p-text); border: 1px solid var(--p-line-strong); box-shadow: var(--p-shadow);
  }
  .document-head { display: flex; align-items: center; gap: 8px; padding: 8px 8px 8px 16px; background: var(--p-surface); border-bottom: 1px solid var(--p-line); }
  .title { flex: 1; min-width: 0; }
  .title b, .title small { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .title small { color: var(--p-soft); font-size: 13px; }
  .page-of { font-size: 14px; font-variant-numeric: tabular-nums; white-space: nowrap; }
  .sheet { flex: 1; min-height: 0; }
  .document .small { padding: 0 10px; }
  .document .small[aria-pressed='true'] { border-color: var(--p-accent); background: var(--p-accent); color: var(--p-on-accent); }
  .document .small:disabled { opacity: .45; cursor: default; }
  /* Below the bar, also when that has a second row. */
  .ui:has(~ .ui .control) .document { top: 158px; }
  @media (max-width: 640px) {
    .bar { inset: 8px 8px auto; width: auto; max-width: none; }
    .bar .small .label { display: none; }
    .bar .control .small .label, .bar .code .small .label, .bar .end .label { display: inline; }
    .bar .end svg { display: none; }
    .row { gap: 4px; }
    .words + .small, .small + .small:not(.end) { padding: 0; }
    .words { font-size: 14px; line-height: 1.3; padding: 0; }
    .bar .grip { display: none; }
    .bar { padding-left: 8px; }
    .document { inset: 100px 0 0; translate: none; width: auto; border-radius: 14px 14px 0 0; }
    .ui:has(~ .ui .control) .document { top: 216px; }
    .document-head { flex-wrap: wrap; padding: 8px 12px; }
    .document-head .title { flex: 1 0 100%; }
    .document-head .small:last-child { margin-left: auto; }
    .cards { left: 12px; bottom: max(12px, env(safe-area-inset-bottom)); width: calc(100vw - 24px); }
  }
  @media (forced-colors: active) { .bar, .card, dialog { border: 2px solid; } }
`;
