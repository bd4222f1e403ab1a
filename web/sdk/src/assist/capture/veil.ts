// What a page blurs, an agent is not to read either: `backdrop-filter`, as a privacy screen over a page has it.
import { snapped, type Rect } from './affine';
import { addPath, kGrey, type Brush } from './brush';
import { radii } from './css';
import { newLayer, type Layer, type Scan, type Walk } from './scan';

/** Grey instead of what lies behind and is blurred: no part of a picture holds enough of that. */
export function paintVeil({ g }: Brush, cs: CSSStyleDeclaration, r: Rect): void {
  g.fillStyle = kGrey;
  g.beginPath();
  addPath(g, r, radii(cs, r.w, r.h));
  g.fill();
}

/** A layer to lie right behind that of an element. */
export function veil(scan: Scan, cs: CSSStyleDeclaration, walk: Walk, { z, opacity, shape }: Layer, rect: Rect): Layer {
  const behind = { ...newLayer(z), opacity, shape }, at = walk.space.mat ? rect : snapped(rect, scan.options.scale);
  scan.push({ ...walk, layer: behind }, at, (brush) => paintVeil(brush, cs, at));
  return behind;
}
