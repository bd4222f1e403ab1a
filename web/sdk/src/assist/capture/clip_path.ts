// clip-path with basic shapes; other kinds (url(), path geometry boxes) leave the element unclipped.
import type { Rect } from './affine';
import { length, splitTop } from './css';
import { position } from './gradient';

export function clipPathOf(value: string, r: Rect): Path2D | null {
  const m = /^(polygon|circle|ellipse|inset|path)\(([\s\S]*)\)/.exec(value);
  if (!m) return null;
  const path = new Path2D();
  const inside = m[2]!;
  if (m[1] === 'polygon') {
    splitTop(inside).forEach((point, i) => {
      if (point === 'evenodd' || point === 'nonzero') return;
      const [x = '0', y = '0'] = splitTop(point, ' ');
      const at: [number, number] = [r.x + length(x, r.w), r.y + length(y, r.h)];
      if (i === 0) path.moveTo(...at);
      else path.lineTo(...at);
    });
    path.closePath();
  } else if (m[1] === 'inset') {
    const [edges = '', round = ''] = inside.split(/ ?\bround /);
    const e = splitTop(edges, ' ');
    const [t = '0', rt = t, b = t, l = rt] = e;
    const x = r.x + length(l, r.w), y = r.y + length(t, r.h);
    const w = Math.max(0, r.x + r.w - length(rt, r.w) - x), h = Math.max(0, r.y + r.h - length(b, r.h) - y);
    path.roundRect(x, y, w, h, round ? splitTop(round.split('/')[0]!, ' ').map((v) => length(v, r.w)).slice(0, 4) : 0);
  } else if (m[1] === 'path') {
    const d = /"([^"]*)"/.exec(inside)?.[1];
    if (!d) return null;
    path.addPath(new Path2D(d), new DOMMatrix([1, 0, 0, 1, r.x, r.y]));
  } else {
    const [size = '', where = ''] = inside.split(/ ?\bat /);
    const [cx, cy] = position(splitTop(where, ' '), r);
    const near = { x: Math.min(cx - r.x, r.x + r.w - cx), y: Math.min(cy - r.y, r.y + r.h - cy) };
    const far = { x: Math.max(cx - r.x, r.x + r.w - cx), y: Math.max(cy - r.y, r.y + r.h - cy) };
    const words = splitTop(size, ' ');
    const radius = (word: string | undefined, whole: number, n: number, f: number) => (!word || word === 'closest-side' ? n : word === 'farthest-side' ? f : length(word, whole));
    if (m[1] === 'circle') {
      const one = radius(words[0], Math.hypot(r.w, r.h) / Math.SQRT2, Math.min(near.x, near.y), Math.max(far.x, far.y));
      path.arc(cx, cy, Math.max(0, one), 0, 2 * Math.PI);
    } else path.ellipse(cx, cy, Math.max(0, radius(words[0], r.w, near.x, far.x)), Math.max(0, radius(words[1], r.h, near.y, far.y)), 0, 0, 2 * Math.PI);
  }
  return path;
}
