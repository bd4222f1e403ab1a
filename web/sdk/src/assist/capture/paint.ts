// Puts what a scan has written down onto a canvas: one pass for each wanted rectangle, all of it synchronous.
import { overlaps, type Mat, type Rect } from './affine';
import { addPath, type Brush } from './brush';
import type { Images } from './images';
import type { Clip, Layer, Op } from './scan';
import type { Fonts } from './text';

type G = OffscreenCanvasRenderingContext2D;

const kPageBlend = 'source-over';

export class Painter {
  private readonly brush_: Brush;
  private rect_: Rect = { x: 0, y: 0, w: 0, h: 0 };

  constructor(images: Images, fonts: Fonts, private readonly scale_: number, unsupported: Brush['unsupported']) {
    this.brush_ = { g: fonts.measuring, scale: scale_, images, fonts, unsupported };
  }

  /** `rect`: CSS pixels of the viewport, on whole picture pixels. The canvas is the caller's. */
  paint(root: Layer, rect: Rect): OffscreenCanvas {
    this.rect_ = rect;
    const canvas = new OffscreenCanvas(Math.max(1, Math.round(rect.w * this.scale_)), Math.max(1, Math.round(rect.h * this.scale_)));
    const g = canvas.getContext('2d', { alpha: false })!;
    this.layer(root, g);
    return canvas;
  }

  private place(g: G, mat: Mat | null): void {
    const s = this.scale_, { x, y } = this.rect_;
    if (mat) g.setTransform(mat[0] * s, mat[1] * s, mat[2] * s, mat[3] * s, (mat[4] - x) * s, (mat[5] - y) * s);
    else g.setTransform(s, 0, 0, s, -x * s, -y * s);
  }

  private layer(layer: Layer, g: G): void {
    const apart = layer.opacity < 1 || layer.filter !== 'none' || (layer.blend !== 'normal' && layer.blend !== '') || layer.shape !== null;
    if (!apart) return this.contents(layer, g);
    if (layer.opacity === 0 || !this.touches(layer)) return;
    const own = new OffscreenCanvas(g.canvas.width, g.canvas.height), og = own.getContext('2d')!;
    this.contents(layer, og);
    g.save();
    if (layer.shape) {
      this.place(g, layer.shape.mat);
      g.clip(layer.shape.path);
    }
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.globalAlpha = layer.opacity;
    if (layer.filter !== 'none') g.filter = layer.filter;
    g.globalCompositeOperation = (layer.blend === 'normal' || layer.blend === '' ? kPageBlend : layer.blend) as GlobalCompositeOperation;
    g.drawImage(own, 0, 0);
    g.restore();
  }

  private touches(layer: Layer): boolean {
    return layer.ops.some((op) => overlaps(op.bounds, this.rect_)) || [layer.under, layer.level, layer.over].some((list) => list.some((l) => this.touches(l)));
  }

  private contents(layer: Layer, g: G): void {
    const byZ = (a: Layer, b: Layer) => a.z - b.z;
    // The box of the element itself comes first; what lies under is above that box.
    const own = layer.under.length > 0 ? layer.ops.slice(0, 1) : [];
    this.ops(own, g);
    for (const l of [...layer.under].sort(byZ)) this.layer(l, g);
    this.ops(own.length > 0 ? layer.ops.slice(1) : layer.ops, g);
    for (const l of layer.level) this.layer(l, g);
    for (const l of [...layer.over].sort(byZ)) this.layer(l, g);
  }

  private ops(ops: readonly Op[], g: G): void {
    let clip: Clip | null = null;
    g.save();
    for (const op of ops) {
      if (!overlaps(op.bounds, this.rect_)) continue;
      if (op.clip !== clip) {
        g.restore();
        g.save();
        this.clip(g, op.clip);
        ({ clip } = op);
      }
      this.place(g, op.mat);
      this.brush_.g = g;
      op.draw(this.brush_);
    }
    g.restore();
  }

  private clip(g: G, clip: Clip | null): void {
    for (let at = clip; at; at = at.parent) {
      this.place(g, at.mat);
      g.beginPath();
      addPath(g, at.rect, at.radii);
      g.clip();
    }
  }
}
