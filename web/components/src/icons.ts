import { html, svg, type TemplateResult } from 'lit';

const stroke = (body: TemplateResult) => html`<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"
  stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${body}</svg>`;

const slash = svg`<path d="M4 3.5l16.5 17"/>`;
const mic = svg`<rect x="9" y="3" width="6" height="11" rx="3"/><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3"/>`;
const camera = svg`<rect x="2.5" y="6.5" width="12.5" height="11" rx="2.5"/><path d="M15 11l6-3.5v9L15 13"/>`;
const handset = svg`<path d="M6.5 3.5h3l1.6 4.2-2.1 1.6a12 12 0 0 0 5.7 5.7l1.6-2.1 4.2 1.6v3a2 2 0 0 1-2.2 2A17 17 0 0 1 4.5 5.7a2 2 0 0 1 2-2.2z"/>`;

export const icons = {
  mic: stroke(mic),
  micOff: stroke(svg`${mic}${slash}`),
  camera: stroke(camera),
  cameraOff: stroke(svg`${camera}${slash}`),
  phone: stroke(handset),
  hangUp: stroke(svg`<g transform="rotate(135 12 12)">${handset}</g>`),
  keypad: html`<svg viewBox="0 0 24 24" fill="currentColor" aria-hidden="true" focusable="false">${[5, 12, 19].map((x) =>
    [5, 12, 19].map((y) => svg`<circle cx=${x} cy=${y} r="2"/>`),
  )}</svg>`,
  settings: stroke(svg`<path d="M4 7h9M19 7h1M4 17h1M11 17h9"/><circle cx="16" cy="7" r="2.6"/><circle cx="8" cy="17" r="2.6"/>`),
  close: stroke(svg`<path d="M6 6l12 12M18 6L6 18"/>`),
  sound: stroke(svg`<path d="M4 9.5v5h3.5L12 18V6L7.5 9.5zM16 9a4.5 4.5 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11"/>`),
  info: stroke(svg`<circle cx="12" cy="12" r="9"/><path d="M12 11v5.5M12 7.5v.01"/>`),
  theme: stroke(svg`<circle cx="12" cy="12" r="8.5"/><path d="M12 3.5a8.5 8.5 0 0 1 0 17z" fill="currentColor"/>`),
  signOut: stroke(svg`<path d="M10 4H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h4M15 16l4-4-4-4M19 12H9"/>`),
  incoming: stroke(svg`<path d="M18 6L7 17M7 9v8h8"/>`),
  outgoing: stroke(svg`<path d="M7 17L18 6M10 6h8v8"/>`),
  hold: stroke(svg`<path d="M8.500 5v14M15.500 5v14" stroke-width="3"/>`),
  resume: stroke(svg`<path d="M8 5.500l10 6.500-10 6.500z" fill="currentColor"/>`),
  transfer: stroke(svg`<path d="M4 17v-3a5 5 0 0 1 5-5h10M15 4.500L19.500 9 15 13.500"/>`),
  swap: stroke(svg`<path d="M7 5v14M7 5L3.500 8.500M7 5l3.500 3.500M17 19V5M17 19l3.500-3.500M17 19l-3.500-3.500"/>`),
  person: stroke(svg`<circle cx="12" cy="8" r="4"/><path d="M4.500 20a7.500 7.500 0 0 1 15 0"/>`),
  people: stroke(svg`<circle cx="9" cy="8.500" r="3.500"/><path d="M2.500 19.500a6.500 6.500 0 0 1 13 0M15.500 5.300a3.500 3.500 0 0 1 0 6.400M18 14.200a6.500 6.500 0 0 1 3.500 5.300"/>`),
  deskPhone: stroke(svg`<path d="M3.500 9.500C3.500 6 8 4.500 12 4.500s8.500 1.500 8.500 5v1.500h-5V8.800a16 16 0 0 0-7 0V11h-5zM6 14l1-3h10l1 3 1.500 5.500h-15z"/><circle cx="12" cy="15.300" r="1.600"/>`),
  backspace: stroke(svg`<path d="M8.500 5.500H20v13H8.500L3 12zM11.500 9.500l5 5M16.500 9.500l-5 5"/>`),
  missed: stroke(svg`<path d="M4 7l8 8 8-8M4 12V7h5"/>`),
} as const;
