// Elements whose inside is not text and boxes: pictures, canvases, videos, frames, drawings, form controls.
import { isFleeting } from '../early';
import { bounds, snapped, type Rect } from './affine';
import { borderWidths, inset, paddings } from './box';
import { addPath, placeholder, type Brush } from './brush';
import { paintControl } from './controls';
import { inner, radii, splitTop } from './css';
import type { Drawable } from './images';
import { position } from './gradient';
import { newLayer, styleOf, type Scan, type Walk } from './scan';
import { paintSvg } from './svg';
import { hasOtherFonts } from './text';
import { documentIn, isHollow, kHollow, isPdf, titleOf, type Told } from './unseen';

const kControls = new Set(['input', 'textarea', 'select', 'progress', 'meter']);

/** true: nothing in the element is to be walked. */
export function paintContent(scan: Scan, el: Element, cs: CSSStyleDeclaration, walk: Walk, rect: Rect, visible: boolean): boolean {
  const name = el.localName;
  if (kControls.has(name)) {
    if (visible) paintControl(scan, el as HTMLInputElement, cs, walk, rect);
    return true;
  }
  const room = inset(inset(rect, borderWidths(cs)), paddings(cs));
  const content = walk.space.mat || name === 'svg' ? room : snapped(room, scan.options.scale);
  switch (name) {
    case 'img':
    case 'canvas':
    case 'video':
      if (visible) picture(scan, el, cs, walk, rect, content);
      return true;
    case 'svg':
      if (visible) paintSvg(scan, el as SVGSVGElement, cs, walk, content);
      return true;
    case 'iframe':
    case 'frame':
      if (visible) frame(scan, el as HTMLIFrameElement, walk, content);
      return true;
    case 'object':
    case 'embed':
      if (name === 'object' && el.firstElementChild && !(el as HTMLObjectElement).contentDocument && !el.getAttribute('data')) return false;
      if (visible) scan.push(walk, content, (brush) => missing(brush, el, content, ...(isPdf(el) ? kPdf : kEmbedded)));
      return true;
    case 'audio':
      return true;
    default:
      if (!visible || !isHollow(el)) return false;
      scan.push(walk, content, (brush) => missing(brush, el, content, ...kHollow));
      return true;
  }
}

const kPdf: Told = ['PDF document', 'A viewer of the browser shows it: only a film of the tab can show it, too.'];
const kEmbedded: Told = ['embedded document', 'A plug-in or viewer of the browser shows it: only a film of the tab can show it, too.'];

function missing(brush: Brush, el: Element, at: Rect, what: string, why: string): void {
  placeholder(brush.g, at, what);
  brush.unsupported(el, what, why);
}

function picture(scan: Scan, el: Element, cs: CSSStyleDeclaration, walk: Walk, rect: Rect, content: Rect): void {
  if (content.w <= 0 || content.h <= 0) return;
  const w = borderWidths(cs), p = paddings(cs);
  const q = inner(radii(cs, rect.w, rect.h), w[0] + p[0], w[1] + p[1], w[2] + p[2], w[3] + p[3]);
  scan.push(walk, content, (brush) => {
    const { g } = brush;
    const found = drawable(brush, el, content);
    if (!found) return;
    g.save();
    g.beginPath();
    addPath(g, content, q);
    g.clip();
    g.imageSmoothingQuality = 'medium';
    g.imageSmoothingEnabled = cs.imageRendering !== 'pixelated' && cs.imageRendering !== 'crisp-edges';
    const at = fitted(cs, content, found);
    g.drawImage(found.source, at.x, at.y, at.w, at.h);
    g.restore();
  });
}

function drawable(brush: Brush, el: Element, at: Rect): Drawable | null {
  const { images } = brush;
  if (el.localName === 'img') {
    const img = el as HTMLImageElement, url = img.currentSrc || img.src;
    const found = url ? images.ofElement(img, url) : null;
    if (!found && url && images.failed(url)) missing(brush, el, at, img.alt || 'picture', 'It comes from another site that does not allow it to be read.');
    return found;
  }
  if (el.localName === 'canvas') {
    const canvas = el as HTMLCanvasElement;
    if (canvas.width === 0 || canvas.height === 0) return null;
    if (images.isClean(canvas, '')) return isFleeting(canvas) ? fleeting(brush, canvas, at) : { source: canvas, width: canvas.width, height: canvas.height };
    missing(brush, el, at, 'drawing', 'It holds pictures of another site.');
    return null;
  }
  const video = el as HTMLVideoElement;
  // Without a picture it is transparent.
  if (video.videoWidth === 0 || video.readyState < 2) return video.poster ? images.background(video.poster, video) : null;
  if (images.isClean(video, '')) return { source: video, width: video.videoWidth, height: video.videoHeight };
  missing(brush, el, at, 'video', 'It comes from another site or is protected.');
  return null;
}

/** What it showed when it was last seen, which may be long ago or never: a film always shows it. */
function fleeting({ g, images, unsupported }: Brush, canvas: HTMLCanvasElement, at: Rect): Drawable | null {
  const found = images.ofFleeting(canvas);
  unsupported(canvas, '3D drawing', 'The browser keeps it for a moment only: a film of the tab always shows it.');
  // Nothing over the page that one can click through.
  if (!found && styleOf(canvas).pointerEvents !== 'none') placeholder(g, at, '3D drawing');
  return found;
}

function fitted(cs: CSSStyleDeclaration, box: Rect, { width, height }: Drawable): Rect {
  const fit = cs.objectFit;
  if (fit === 'fill' || fit === '' || width === 0 || height === 0) return box;
  let k = 1;
  const contain = Math.min(box.w / width, box.h / height);
  if (fit === 'contain') k = contain;
  else if (fit === 'cover') k = Math.max(box.w / width, box.h / height);
  else if (fit === 'scale-down') k = Math.min(1, contain);
  const w = width * k, h = height * k;
  const [x, y] = position(splitTop(cs.objectPosition || '50% 50%', ' '), box, w, h);
  return { x, y, w, h };
}

function frame(scan: Scan, el: HTMLIFrameElement, walk: Walk, content: Rect): void {
  if (!scan.wanted(bounds(walk.space.mat, content), 2)) return;
  const document_ = documentIn(el);
  if (!document_?.documentElement) {
    const told: Told = isPdf(el) ? kPdf : [titleOf(el), 'Content of another site cannot be read.'];
    scan.push(walk, content, (brush) => missing(brush, el, content, ...told));
    return;
  }
  const clip = { parent: walk.clip, mat: walk.space.mat, rect: content, radii: null };
  const space = { dx: content.x, dy: content.y, inner: null, mat: walk.space.mat, held: walk.space.held };
  const inside: Walk = { ...walk, space, clip, absolute: clip, fixed: clip, decorations: [], ellipsis: null, escaping: false, flex: false, shared: null };
  if (!hasOtherFonts(document_, el.ownerDocument)) return scan.document(document_, inside, content, false);
  const layer = newLayer();
  layer.frame = document_;
  scan.push(walk, content, (brush) => brush.layer(layer));
  scan.options.fonts.inside(document_, () => scan.document(document_, { ...inside, layer, context: layer }, content, false));
}

