import { html, svg, type TemplateResult } from 'lit';

const stroke = (body: TemplateResult) => html`<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"
  stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${body}</svg>`;

/** Icons of the co-browse workspace. */
export const assistIcons = {
  page: stroke(svg`<rect x="3" y="4.500" width="18" height="15" rx="2.500"/><path d="M3 9h18M6.500 6.800v.01M9.500 6.800v.01"/>`),
  look: stroke(svg`<path d="M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12z"/><circle cx="12" cy="12" r="2.800"/>`),
  point: stroke(svg`<path d="M5 3.500l14 7.500-6 2-2.500 6z"/>`),
  control: stroke(svg`<rect x="6.500" y="2.500" width="11" height="19" rx="5.500"/><path d="M12 6.500v4"/>`),
  pen: stroke(svg`<path d="M4 20l1-4.500L16 4.500l3.500 3.500L8.500 19zM13.500 7l3.500 3.500"/>`),
  highlighter: stroke(svg`<path d="M9 14L6.500 11.500 15 3l6 6-8.500 8.500L10 15M6.500 11.500L5.500 16 8 18.500l4.500-1M5.500 16L3 20.500h5l1-1.500"/>`),
  arrow: stroke(svg`<path d="M5 19L19 5M10 5h9v9"/>`),
  rect: stroke(svg`<rect x="3.500" y="5.500" width="17" height="13" rx="1.500"/>`),
  text: stroke(svg`<path d="M5 7V4.500h14V7M12 4.500v15M9 19.500h6"/>`),
  spot: stroke(svg`<circle cx="12" cy="12" r="4.500"/><path d="M12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400"/>`),
  clear: stroke(svg`<path d="M9 19.500h11M6.500 16.500L3.700 13.700a2 2 0 0 1 0-2.800l7.200-7.200a2 2 0 0 1 2.800 0l5 5a2 2 0 0 1 0 2.800L10 19.500H9.500z M8 8l8 8"/>`),
  fit: stroke(svg`<path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"/>`),
  form: stroke(svg`<rect x="4" y="3.500" width="16" height="17" rx="2"/><path d="M8 8.500h8M8 12.500h8M8 16.500h4"/>`),
  push: stroke(svg`<path d="M12 15V4M12 4L7.500 8.500M12 4l4.500 4.500M4.500 15v3.500a2 2 0 0 0 2 2h11a2 2 0 0 0 2-2V15"/>`),
  people: stroke(svg`<circle cx="9" cy="8.500" r="3.500"/><path d="M2.500 19.500a6.500 6.500 0 0 1 13 0M16 5.300a3.500 3.500 0 0 1 0 6.400M18 14a6.500 6.500 0 0 1 3.500 5.500"/>`),
  document: stroke(svg`<path d="M6 3h8l5 5v11.500a1.500 1.500 0 0 1-1.500 1.500h-11.500A1.500 1.500 0 0 1 5 19.500v-15A1.500 1.500 0 0 1 6.500 3zM14 3v5h5M8.500 13h7M8.500 16.500h7"/>`),
  image: stroke(svg`<rect x="3.500" y="4.500" width="17" height="15" rx="2"/><circle cx="9" cy="10" r="1.600"/><path d="M4 17l5-4.500 3.500 3 3-2.500 4.500 4"/>`),
  link: stroke(svg`<path d="M10 13.500a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.700-5.700L12 6.500M14 10.500a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.700 5.700L12 17.500"/>`),
  video: stroke(svg`<rect x="3" y="5" width="18" height="14" rx="2.500"/><path d="M10 9l5 3-5 3z" fill="currentColor"/>`),
  lock: stroke(svg`<rect x="5" y="10.500" width="14" height="10" rx="2"/><path d="M8 10.500V7.500a4 4 0 0 1 8 0v3"/>`),
  pause: stroke(svg`<path d="M8.500 5v14M15.500 5v14" stroke-width="3"/>`),
  check: stroke(svg`<path d="M5 12.500l4.500 4.500L19 7.500"/>`),
  warn: stroke(svg`<path d="M12 3.500L22 20.500H2zM12 10v5M12 17.800v.01"/>`),
  reload: stroke(svg`<path d="M19.500 12a7.500 7.500 0 1 1-2.200-5.300L19.500 9M19.500 4v5h-5"/>`),
  previous: stroke(svg`<path d="M14.500 6l-6 6 6 6"/>`),
  next: stroke(svg`<path d="M9.500 6l6 6-6 6"/>`),
  up: stroke(svg`<path d="M6 14.500l6-6 6 6"/>`),
  down: stroke(svg`<path d="M6 9.500l6 6 6-6"/>`),
  plus: stroke(svg`<path d="M12 5v14M5 12h14"/>`),
  minus: stroke(svg`<path d="M5 12h14"/>`),
  bin: stroke(svg`<path d="M4.500 6.500h15M9.500 6.500V4h5v2.500M6.500 6.500l1 14h9l1-14M10 10.500v6M14 10.500v6"/>`),
  move: stroke(svg`<path d="M12 3v18M3 12h18M12 3L9.500 5.500M12 3l2.500 2.500M12 21l-2.500-2.500M12 21l2.500-2.500M3 12l2.500-2.500M3 12l2.500 2.500M21 12l-2.500-2.500M21 12l-2.500 2.500"/>`),
} as const;
