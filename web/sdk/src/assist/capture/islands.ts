// HTML in drawings (foreignObject): walked like the rest of the page, in the drawing's coordinates, above its shapes.
import { multiply, type Mat } from './affine';
import { styleOf, type Scan, type Walk } from './scan';

const kMaxIslands = 200;

const matrixOf = (m: DOMMatrix): Mat => [m.a, m.b, m.c, m.d, m.e, m.f];

const isShift = ([a, b, c, d]: Mat): boolean => Math.abs(a - 1) + Math.abs(b) + Math.abs(c) + Math.abs(d - 1) < 1e-4;

/** A masked part of a drawing is left out with all that is in it. */
function hidden(scan: Scan, island: Element, svg: Element): boolean {
  for (let at: Element | null = island; at && at !== svg; at = at.parentElement) {
    const rule = scan.options.masks.ruleOf(at);
    if (rule === null) continue;
    scan.options.onMasked(at, rule);
    return true;
  }
  return false;
}

/** `toWalk`: from what the browser reports to the walk's local coordinates. */
export function paintIslands(scan: Scan, svg: SVGSVGElement, walk: Walk, toWalk: Mat): void {
  let n = 0;
  for (const island of svg.querySelectorAll<SVGForeignObjectElement>('foreignObject')) {
    if (n++ >= kMaxIslands) return;
    const screen = island.getScreenCTM(), cs = styleOf(island);
    // In definitions it has no box.
    if (!screen || cs.display === 'none' || island.getClientRects().length === 0 || hidden(scan, island, svg)) continue;
    const inner = matrixOf(screen);
    const { space } = walk;
    let at = { x: island.x.baseVal.value, y: island.y.baseVal.value, w: island.width.baseVal.value, h: island.height.baseVal.value }, own = space;
    if (!space.mat && isShift(inner)) at = scan.local(walk, island.getBoundingClientRect());
    else {
      const toLocal = multiply(toWalk, inner);
      own = { dx: 0, dy: 0, inner, mat: space.mat ? multiply(space.mat, toLocal) : toLocal };
    }
    const clip = cs.overflowX === 'visible' ? walk.clip : { parent: walk.clip, mat: own.mat, rect: at, radii: null };
    scan.children(island, cs, { ...walk, space: own, clip, absolute: clip, fixed: clip, decorations: [], ellipsis: null, escaping: false, flex: false, shared: null }, null);
  }
}
