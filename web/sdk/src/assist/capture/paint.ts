// Puts what a scan has written down onto a canvas: one pass for each wanted rectangle, all of it synchronous.
import { reportFault } from '../../common/guard';
import { around, common, grown, overlaps, type Mat, type Rect } from './affine';
import { addPath, kGrey, type Brush } from './brush';
import type { Images } from './images';
import type { Clip, Layer, Op } from './scan';
import { canvasOf, type Fonts } from './text';
import type { Packed } from './tiles';

type G = OffscreenCanvasRenderingContext2D;

const kPageBlend = 'source-over';
/** More states than a painting function ever saves. */
const kDeep = 32;
const kOrigin = { x: 0, y: 0 };

function extent(layer: Layer): Rect | null {
  let all: Rect | null = null;
  for (const op of layer.ops) all = all ? around(all, op.bounds) : op.bounds;
  for (const inside of [...layer.under, ...layer.level, ...layer.over]) {
    const one = extent(inside);
    if (one) all = all ? around(all, one) : one;
  }
  return all;
}

export class Painter {
  private readonly brush_: Brush;
  private rect_: Rect = { x: 0, y: 0, w: 0, h: 0 };
  /** Where the rectangle lies on the canvas, its pixels. */
  private at_: { x: number; y: number } = kOrigin;
  /** Keeps what is painted in its rectangle of a canvas that has several. */
  private frame_: (() => void) | null = null;
  private told_ = false;
  private readonly pool_: G[] = [];
  private readonly frames_ = new WeakMap<Document, G[]>();
  private depth_ = 0;
  /** Whose fonts are used; null: the page's. */
  private document_: Document | null = null;

  constructor(images: Images, private readonly fonts_: Fonts, private readonly scale_: number, unsupported: Brush['unsupported']) {
    this.brush_ = { g: fonts_.measuring, scale: scale_, upright: true, images, fonts: fonts_, unsupported, layer: (layer) => this.layer(layer, this.brush_.g) };
  }

  private pool(): G[] {
    if (!this.document_) return this.pool_;
    let pool = this.frames_.get(this.document_);
    if (!pool) this.frames_.set(this.document_, (pool = []));
    return pool;
  }

  /** An empty canvas of the pool for a part of the viewport: making a new one costs more than painting a little. */
  private fresh(depth: number, { w, h }: Rect): G {
    const g = (this.pool()[depth] ??= canvasOf(this.document_, depth > 0));
    // Setting the size empties it, and sets everything else back, too.
    g.canvas.width = Math.max(1, Math.round(w * this.scale_));
    g.canvas.height = Math.max(1, Math.round(h * this.scale_));
    return g;
  }

  /**
   * Rectangles in CSS pixels of the viewport, on whole picture pixels, all on one canvas: each canvas costs as much as painting a little. It is the
   * caller's until the next painting. `places`: where on it, in its pixels.
   */
  paintAll(root: Layer, rects: readonly Rect[], { places, w, h }: Packed): OffscreenCanvas {
    const s = this.scale_, g = this.fresh(0, { x: 0, y: 0, w: w / s, h: h / s });
    rects.forEach((rect, i) => {
      const { x, y } = places[i]!;
      this.rect_ = rect;
      this.at_ = { x, y };
      this.frame_ = () => {
        g.setTransform(1, 0, 0, 1, 0, 0);
        g.beginPath();
        g.rect(x, y, Math.round(rect.w * s), Math.round(rect.h * s));
        g.clip();
      };
      g.save();
      this.frame_();
      this.layer(root, g);
      g.restore();
    });
    this.at_ = kOrigin;
    this.frame_ = null;
    return g.canvas;
  }

  private place(g: G, mat: Mat | null): void {
    const s = this.scale_, x = this.rect_.x - this.at_.x / s, y = this.rect_.y - this.at_.y / s;
    if (mat) g.setTransform(mat[0] * s, mat[1] * s, mat[2] * s, mat[3] * s, (mat[4] - x) * s, (mat[5] - y) * s);
    else g.setTransform(s, 0, 0, s, -x * s, -y * s);
  }

  private layer(layer: Layer, g: G): void {
    const apart = layer.frame !== null || layer.opacity < 1 || layer.filter !== 'none' || (layer.blend !== 'normal' && layer.blend !== '') || layer.shape !== null;
    if (!apart) return this.contents(layer, g);
    if (layer.opacity === 0) return;
    const whole = this.rect_, at = this.at_, area = this.part(layer), document_ = this.document_;
    if (!area) return;
    this.document_ = layer.frame ?? document_;
    const og = this.fresh(++this.depth_, area);
    this.rect_ = area;
    this.at_ = kOrigin;
    if (layer.frame) this.fonts_.inside(layer.frame, () => this.contents(layer, og));
    else this.contents(layer, og);
    this.rect_ = whole;
    this.at_ = at;
    this.depth_--;
    this.document_ = document_;
    g.save();
    if (layer.shape) {
      this.place(g, layer.shape.mat);
      g.clip(layer.shape.path);
    }
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.globalAlpha = layer.opacity;
    if (layer.filter !== 'none') g.filter = layer.filter;
    // A browser whose canvases have no filters.
    if (/blur\((?!0px)/.test(layer.filter) && !('filter' in OffscreenCanvasRenderingContext2D.prototype)) this.grey(og);
    g.globalCompositeOperation = (layer.blend === 'normal' || layer.blend === '' ? kPageBlend : layer.blend) as GlobalCompositeOperation;
    g.drawImage(og.canvas, at.x + Math.round((area.x - whole.x) * this.scale_), at.y + Math.round((area.y - whole.y) * this.scale_));
    g.restore();
  }

  /** In place of what is to be blurred and cannot be. */
  private grey(g: G): void {
    g.save();
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.fillStyle = kGrey;
    g.fillRect(0, 0, g.canvas.width, g.canvas.height);
    g.restore();
  }

  /** The part of the picture that a layer can leave pixels in, on whole pixels; null: none. */
  private part(layer: Layer): Rect | null {
    const all = extent(layer);
    if (!all) return null;
    const at = common(grown(all, layer.filter === 'none' ? 2 : 64), this.rect_), s = this.scale_;
    if (at.w <= 0 || at.h <= 0) return null;
    const x = Math.floor(at.x * s) / s, y = Math.floor(at.y * s) / s;
    return { x, y, w: Math.ceil((at.x + at.w - x) * s) / s, h: Math.ceil((at.y + at.h - y) * s) / s };
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
      this.brush_.upright = op.mat === null;
      try {
        op.draw(this.brush_);
      } catch (fault) {
        // A size or colour that the canvas does not take: only this is missing. What was saved half way is undone.
        for (let i = 0; i < kDeep; i++) g.restore();
        if (this.depth_ === 0 && this.frame_) {
          // That of the whole rectangle is undone with it.
          g.save();
          this.frame_();
        }
        g.save();
        this.clip(g, op.clip);
        if (!this.told_) reportFault('painting', fault);
        this.told_ = true;
      }
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
