import { css, unsafeCSS } from 'lit';

const light = `
  color-scheme: light;
  --p-bg: #f4f6f8; --p-surface: #ffffff; --p-sunken: #e9edf1; --p-line: #d3dae1; --p-line-strong: #7d8a97;
  --p-text: #15212d; --p-soft: #4b5b6a; --p-accent: #0b5f6b; --p-accent-hover: #084a54; --p-on-accent: #ffffff;
  --p-accent-soft: #dcf0f1; --p-good: #176b3a; --p-good-soft: #dcf3e4; --p-warn: #7a4c00; --p-warn-soft: #fdefcf;
  --p-bad: #b3261e; --p-bad-hover: #8f1d17; --p-bad-soft: #fbe3e1; --p-focus: #0b5f6b;
  --p-shadow: 0 1px 2px rgb(15 30 45 / 8%), 0 8px 28px rgb(15 30 45 / 12%);
`;
const dark = `
  color-scheme: dark;
  --p-bg: #0f161d; --p-surface: #18222c; --p-sunken: #101820; --p-line: #2c3a47; --p-line-strong: #7b8b9a;
  --p-text: #e8eef3; --p-soft: #a9b8c5; --p-accent: #5cc3cf; --p-accent-hover: #86d8e1; --p-on-accent: #04252a;
  --p-accent-soft: #12363c; --p-good: #79d69c; --p-good-soft: #12331f; --p-warn: #f3c26b; --p-warn-soft: #3a2a0b;
  --p-bad: #ff8a80; --p-bad-hover: #ffaca5; --p-bad-soft: #40191a; --p-focus: #86d8e1;
  --p-shadow: 0 1px 2px rgb(0 0 0 / 40%), 0 8px 28px rgb(0 0 0 / 45%);
`;

/** Colours and measures. Light and dark by the system, or by `data-theme` on the element (`light`, `dark`). */
function themed(root: string): string {
  const host = root === ':host';
  const when = (theme: string) => (host ? `:host([data-theme='${theme}'])` : `${root}[data-theme='${theme}']`);
  const automatic = host ? ':host(:not([data-theme=light]))' : `${root}:not([data-theme='light'])`;
  return `
    ${root} {
      --p-font: system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif;
      --p-radius: 12px; --p-radius-small: 8px;
      ${light}
    }
    @media (prefers-color-scheme: dark) { ${automatic} { ${dark} } }
    ${when('dark')} { ${dark} }
  `;
}

/** For elements with a shadow root that stand alone on a foreign page. */
export const hostTokens = css`${unsafeCSS(themed(':host'))}`;
/** For pages of our own. */
export const pageTokens = themed(':root');

export const controls = css`
  *, *::before, *::after { box-sizing: border-box; }
  [hidden] { display: none !important; }
  button, select, input { font: inherit; color: inherit; }
  :focus-visible { outline: 3px solid var(--p-focus); outline-offset: 2px; }
  .sr { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  .button {
    display: inline-flex; align-items: center; justify-content: center; gap: 8px; min-height: 44px; padding: 0 18px;
    border: 1px solid var(--p-line-strong); border-radius: 999px; background: var(--p-surface); color: var(--p-text);
    font-weight: 600; cursor: pointer; text-decoration: none;
  }
  .button:hover { background: var(--p-sunken); }
  .button.primary { background: var(--p-accent); border-color: var(--p-accent); color: var(--p-on-accent); }
  .button.primary:hover { background: var(--p-accent-hover); border-color: var(--p-accent-hover); }
  .button.good { background: #1b7a43; border-color: #1b7a43; color: #fff; }
  .button.good:hover { background: #135c31; }
  .button.bad { background: #b3261e; border-color: #b3261e; color: #fff; }
  .button.bad:hover { background: #8f1d17; }
  .button:disabled { opacity: .55; cursor: default; }
  .button svg, .icon svg { width: 20px; height: 20px; flex: none; }
  kbd {
    font: 600 12px/1 var(--p-font); padding: 3px 6px; border: 1px solid currentColor; border-radius: 5px; opacity: .85;
  }
  select, input {
    width: 100%; min-height: 42px; padding: 0 12px; border: 1px solid var(--p-line-strong); border-radius: var(--p-radius-small);
    background: var(--p-surface); color: var(--p-text);
  }
  label { display: block; font-size: 14px; font-weight: 600; }
  label > select, label > input { display: block; margin-top: 6px; font-size: 16px; font-weight: 400; }
  ::placeholder { color: var(--p-soft); opacity: 1; }
  @media (prefers-reduced-motion: reduce) {
    *, *::before, *::after { animation: none !important; transition: none !important; scroll-behavior: auto !important; }
  }
`;
