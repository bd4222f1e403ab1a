import { html, svg, type TemplateResult } from 'lit';

const stroke = (body: TemplateResult) => html`<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"
  stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${body}</svg>`;
const eye = svg`<path d="M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12z"/><circle cx="12" cy="12" r="3"/>`;

export const assistIcons = {
  eye: stroke(eye),
  eyeOff: stroke(svg`${eye}<path d="M4 3.500l16.500 17"/>`),
  pause: stroke(svg`<path d="M8.500 5v14M15.500 5v14" stroke-width="3"/>`),
  play: stroke(svg`<path d="M8 5.500l10 6.500-10 6.500z" fill="currentColor"/>`),
  stop: stroke(svg`<rect x="6.500" y="6.500" width="11" height="11" rx="2" fill="currentColor"/>`),
  hand: stroke(svg`<path d="M8 12V6.500a1.500 1.500 0 0 1 3 0V11V5a1.500 1.500 0 0 1 3 0v6V6.500a1.500 1.500 0 0 1 3 0V14a6.500 6.500 0 0 1-6.500 6.500c-2.500 0-4-1-5.500-3.500L3.700 14.500a1.500 1.500 0 0 1 2.400-1.700L8 14.500"/>`),
  grip: html`<svg viewBox="0 0 24 24" fill="currentColor" aria-hidden="true" focusable="false">${[9, 15].map((x) =>
    [6, 12, 18].map((y) => svg`<circle cx=${x} cy=${y} r="1.7"/>`),
  )}</svg>`,
  link: stroke(svg`<path d="M10 14a4.500 4.500 0 0 0 6.400 0l3-3A4.500 4.500 0 0 0 13 4.600l-1 1M14 10a4.500 4.500 0 0 0-6.400 0l-3 3A4.500 4.500 0 0 0 11 19.400l1-1"/>`),
  page: stroke(svg`<path d="M6.500 3.500h7l4.500 4.500v12.500h-11.500zM13.500 3.500V8H18M9.500 12.500h5.500M9.500 16h5.500"/>`),
  picture: stroke(svg`<rect x="3.500" y="5" width="17" height="14" rx="2"/><circle cx="9" cy="10" r="1.600"/><path d="M4 17l5-4 3 2.500 4-4 4.500 4"/>`),
  film: stroke(svg`<rect x="3" y="5.500" width="18" height="13" rx="2"/><path d="M10 9.500v5l4.500-2.500z" fill="currentColor"/>`),
  plus: stroke(svg`<path d="M12 5.500v13M5.500 12h13"/>`),
  minus: stroke(svg`<path d="M5.500 12h13"/>`),
  lock: stroke(svg`<rect x="5.500" y="10.500" width="13" height="9.500" rx="2"/><path d="M8.500 10.500V8a3.500 3.500 0 0 1 7 0v2.500"/>`),
  cursor: html`<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="M4 2.500l15.500 9-6.700 1.600-3.500 6.400z" fill="currentColor" stroke="#fff" stroke-width="1.500" stroke-linejoin="round"/></svg>`,
} as const;
