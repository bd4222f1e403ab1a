import type { Rect } from './affine';
import type { Radii } from './css';
import type { Images } from './images';
import type { Layer } from './scan';
import type { Fonts } from './text';

/** What a painting function paints with. `g` is set to the local coordinates of what is painted. */
export interface Brush {
  g: OffscreenCanvasRenderingContext2D;
  /** Picture pixels for one CSS pixel. */
  scale: number;
  /** Local coordinates differ from the picture's by a shift and the scale only. */
  upright: boolean;
  images: Images;
  fonts: Fonts;
  /** A layer of its own right here. */
  layer(layer: Layer): void;
  /** Tells the agent that something cannot be shown; once for each element. */
  unsupported(element: Element, what: string, why: string): void;
}

export function addPath(g: CanvasPath, r: Rect, q: Radii | null): void {
  const w = Math.max(0, r.w), h = Math.max(0, r.h);
  if (!q) return g.rect(r.x, r.y, w, h);
  g.roundRect(r.x, r.y, w, h, [{ x: q[0], y: q[1] }, { x: q[2], y: q[3] }, { x: q[4], y: q[5] }, { x: q[6], y: q[7] }]);
}

/** Of what is not shown. */
export const kGrey = '#dfe3e8';

/** In place of what cannot be shown: grey with its name. */
export function placeholder(g: OffscreenCanvasRenderingContext2D, r: Rect, label: string): void {
  g.fillStyle = kGrey;
  g.fillRect(r.x, r.y, r.w, r.h);
  g.strokeStyle = '#aab2bd';
  g.lineWidth = 1;
  g.setLineDash([]);
  g.strokeRect(r.x + 0.5, r.y + 0.5, Math.max(0, r.w - 1), Math.max(0, r.h - 1));
  if (r.w < 60 || r.h < 16) return;
  g.save();
  g.beginPath();
  g.rect(r.x, r.y, r.w, r.h);
  g.clip();
  g.font = '12px sans-serif';
  g.letterSpacing = '0px';
  g.fillStyle = '#4a5360';
  g.textAlign = 'center';
  g.textBaseline = 'middle';
  g.fillText(label, r.x + r.w / 2, r.y + r.h / 2);
  g.restore();
}
