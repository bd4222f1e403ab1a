// Drawings: simple ones are painted shape by shape, the others as a picture made of their text.
import { dotted } from '../private_fields';
import { bounds, inverse, multiply, type Mat, type Rect } from './affine';
import { placeholder } from './brush';
import { px } from './css';
import { paintIslands } from './islands';
import { styleOf, type Scan, type Walk } from './scan';

/** Elements that shapes alone do not show. */
const kHard = 'linearGradient,radialGradient,pattern,mask,clipPath,filter,image,textPath,marker,switch,animate,animateTransform';
const kShapes = new Set(['path', 'rect', 'circle', 'ellipse', 'line', 'polyline', 'polygon']);
const kMaxNodes = 3000;

interface Shape {
  path: Path2D | null;
  text: string;
  x: number;
  y: number;
  mat: Mat;
  cs: CSSStyleDeclaration;
  opacity: number;
}

export function paintSvg(scan: Scan, svg: SVGSVGElement, cs: CSSStyleDeclaration, walk: Walk, at: Rect): void {
  if (at.w <= 0 || at.h <= 0) return;
  paintShapes(scan, svg, cs, walk, at);
  const { inner, dx, dy } = walk.space, back = inner ? inverse(inner) : null;
  if (svg.getElementsByTagName('foreignObject').length > 0) paintIslands(scan, svg, walk, back ? multiply([1, 0, 0, 1, dx, dy], back) : [1, 0, 0, 1, dx, dy]);
}

function paintShapes(scan: Scan, svg: SVGSVGElement, cs: CSSStyleDeclaration, walk: Walk, at: Rect): void {
  if (svg.querySelector(kHard) && svg.querySelectorAll('*').length <= kMaxNodes) return asPicture(scan, svg, walk, at);
  const screen = matrixOf(svg.getScreenCTM());
  if (!screen) return;
  const shapes: Shape[] = [];
  // From the drawing's own coordinates to local ones: the browser's matrix, without the transforms around the drawing.
  const back = walk.space.inner ? inverse(walk.space.inner) : null;
  const plain = walk.space.mat === null;
  const shift = plain ? [Math.round(at.x) - at.x, Math.round(at.y) - at.y] : [0, 0];
  const toLocal = multiply([1, 0, 0, 1, walk.space.dx + shift[0]!, walk.space.dy + shift[1]!], back ? multiply(back, screen) : screen);
  collect(scan, svg, toLocal, 1, shapes, 0);
  const clips = cs.overflow !== 'visible';
  scan.push(walk, at, ({ g, fonts }) => {
    const outer = g.getTransform();
    g.save();
    if (clips) {
      g.beginPath();
      g.rect(at.x, at.y, at.w, at.h);
      g.clip();
    }
    for (const s of shapes) {
      g.setTransform(outer);
      g.transform(...s.mat);
      draw(g, s, (own) => fonts.set(g, own));
    }
    g.restore();
  }, clips ? 2 : 200);
}

const matrixOf = (m: DOMMatrix | null): Mat | null => (m ? [m.a, m.b, m.c, m.d, m.e, m.f] : null);

function collect(scan: Scan, el: Element, at: Mat, opacity: number, out: Shape[], depth: number): void {
  for (const child of el.children) {
    if (out.length > kMaxNodes || depth > 30) return;
    const name = child.localName;
    if (name === 'defs' || name === 'symbol' || name === 'title' || name === 'desc' || name === 'style' || name === 'script' || name === 'metadata' || name === 'foreignObject') continue;
    const cs = styleOf(child);
    if (cs.display === 'none') continue;
    const rule = scan.options.masks.ruleOf(child);
    const mat = multiply(at, ownMatrix(child as SVGGraphicsElement, cs));
    const shown = opacity * Number(cs.opacity);
    if (rule !== null) {
      scan.options.onMasked(child, rule);
      continue;
    }
    if (name === 'use') {
      const id = (child.getAttribute('href') ?? child.getAttribute('xlink:href') ?? '').replace(/^#/, '');
      const target = id ? (child.getRootNode() as Document | ShadowRoot).getElementById?.(id) : null;
      const hidden = target && scan.options.masks.ruleAround(target);
      if (target && hidden) scan.options.onMasked(target, hidden);
      else if (target) used(scan, child as SVGUseElement, target, mat, shown, out, depth);
    } else if (kShapes.has(name)) {
      if (cs.visibility === 'visible') out.push({ path: shapeOf(child, cs), text: '', x: 0, y: 0, mat, cs, opacity: shown });
    } else if (name === 'text') texts(scan, child as SVGTextElement, mat, shown, out);
    else if (name === 'svg') collect(scan, child, multiply(at, nested(child as SVGSVGElement)), shown, out, depth + 1);
    else collect(scan, child, mat, shown, out, depth + 1);
  }
}

/** Multiplied here: `consolidate` would write it back into the page. */
function attributeMatrix(el: SVGGraphicsElement): Mat | null {
  const list = el.transform?.baseVal;
  if (!list?.numberOfItems) return null;
  let all: Mat = [1, 0, 0, 1, 0, 0];
  for (let i = 0; i < list.numberOfItems; i++) all = multiply(all, matrixOf(list.getItem(i).matrix as unknown as DOMMatrix)!);
  return all;
}

function ownMatrix(el: SVGGraphicsElement, cs: CSSStyleDeclaration): Mat {
  const attribute = attributeMatrix(el);
  if (cs.transform && cs.transform !== 'none' && !attribute) {
    const m = new DOMMatrix(cs.transform);
    const [ox = 0, oy = 0] = cs.transformOrigin.split(' ').map(px);
    const box = cs.transformBox === 'fill-box' ? el.getBBox() : { x: 0, y: 0 };
    const [x, y] = [ox + box.x, oy + box.y];
    return [m.a, m.b, m.c, m.d, m.e + x - m.a * x - m.c * y, m.f + y - m.b * x - m.d * y];
  }
  return attribute ?? [1, 0, 0, 1, 0, 0];
}

function nested(svg: SVGSVGElement): Mat {
  const box = svg.viewBox.baseVal, x = svg.x.baseVal.value, y = svg.y.baseVal.value;
  if (!box || !box.width) return [1, 0, 0, 1, x, y];
  const k = Math.min(svg.width.baseVal.value / box.width, svg.height.baseVal.value / box.height);
  return [k, 0, 0, k, x - box.x * k, y - box.y * k];
}

function used(scan: Scan, use: SVGUseElement, target: Element, mat: Mat, opacity: number, out: Shape[], depth: number): void {
  const x = use.x.baseVal.value, y = use.y.baseVal.value;
  let at = multiply(mat, [1, 0, 0, 1, x, y]);
  const box = (target as SVGSymbolElement).viewBox?.baseVal;
  if (target.localName === 'symbol' && box?.width) {
    const view = use.ownerSVGElement!;
    const w = use.hasAttribute('width') ? use.width.baseVal.value : view.viewBox.baseVal?.width || view.clientWidth;
    const h = use.hasAttribute('height') ? use.height.baseVal.value : view.viewBox.baseVal?.height || view.clientHeight;
    const k = Math.min(w / box.width, h / box.height);
    at = multiply(at, [k, 0, 0, k, (w - box.width * k) / 2 - box.x * k, (h - box.height * k) / 2 - box.y * k]);
  }
  const from = out.length;
  if (target.localName === 'symbol' || target.localName === 'g') collect(scan, target, at, opacity, out, depth + 1);
  else if (kShapes.has(target.localName)) out.push({ path: shapeOf(target, styleOf(target)), text: '', x: 0, y: 0, mat: at, cs: styleOf(target), opacity });
  // What the referenced shape leaves open it has from the place where it is used.
  const own = styleOf(use);
  for (const shape of out.slice(from)) shape.cs = inheriting(shape.cs, own);
}

function inheriting(cs: CSSStyleDeclaration, from: CSSStyleDeclaration): CSSStyleDeclaration {
  const black = cs.fill === 'rgb(0, 0, 0)' && from.fill !== 'rgb(0, 0, 0)';
  return new Proxy(cs, {
    get: (target, name) => {
      const value = (target as unknown as Record<string | symbol, unknown>)[name];
      if (name === 'color' || (name === 'fill' && (black || value === target.color))) return (from as unknown as Record<string | symbol, unknown>)[name];
      if ((name === 'stroke' || name === 'strokeWidth') && (target.stroke === 'none' || target.stroke === target.color) && from.stroke !== 'none') return (from as unknown as Record<string | symbol, unknown>)[name];
      return value;
    },
  });
}

export function shapeOf(el: Element, cs: CSSStyleDeclaration): Path2D {
  const path = new Path2D();
  const n = (name: string) => {
    const value = (el as unknown as Record<string, { baseVal?: { value?: number } }>)[name]?.baseVal?.value;
    return typeof value === 'number' ? value : px(el.getAttribute(name) ?? '0');
  };
  switch (el.localName) {
    case 'path': {
      const own = /^path\("([^"]*)"\)$/.exec((cs as unknown as Record<string, string>).d ?? '');
      return new Path2D(own?.[1] ?? el.getAttribute('d') ?? '');
    }
    case 'rect': {
      const rx = el.hasAttribute('rx') ? n('rx') : n('ry'), ry = el.hasAttribute('ry') ? n('ry') : rx;
      if (rx > 0 || ry > 0) path.roundRect(n('x'), n('y'), n('width'), n('height'), { x: Math.min(rx, n('width') / 2), y: Math.min(ry, n('height') / 2) });
      else path.rect(n('x'), n('y'), n('width'), n('height'));
      break;
    }
    case 'circle': path.arc(n('cx'), n('cy'), Math.max(0, n('r')), 0, 2 * Math.PI); break;
    case 'ellipse': path.ellipse(n('cx'), n('cy'), Math.max(0, n('rx')), Math.max(0, n('ry')), 0, 0, 2 * Math.PI); break;
    case 'line':
      path.moveTo(n('x1'), n('y1'));
      path.lineTo(n('x2'), n('y2'));
      break;
    default: {
      const points = (el.getAttribute('points') ?? '').match(/-?[\d.]+(?:e-?\d+)?/g)?.map(Number) ?? [];
      for (let i = 0; i + 1 < points.length; i += 2) path.lineTo(points[i]!, points[i + 1]!);
      if (el.localName === 'polygon') path.closePath();
    }
  }
  return path;
}

function texts(scan: Scan, el: SVGTextElement, mat: Mat, opacity: number, out: Shape[]): void {
  for (const node of [el, ...el.querySelectorAll('tspan')] as SVGTextContentElement[]) {
    const rule = node === el ? null : scan.options.masks.ruleAround(node);
    if (rule !== null) {
      scan.options.onMasked(node, rule);
      continue;
    }
    const own = [...node.childNodes].filter((c) => c.nodeType === 3).map((c) => (c as Text).data).join('').replace(/\s+/g, ' ').trim();
    if (!own) continue;
    const cs = styleOf(node);
    if (cs.visibility !== 'visible') continue;
    let at = { x: 0, y: 0 };
    try {
      at = node.getNumberOfChars() > 0 ? node.getStartPositionOfChar(0) : at;
    } catch {
      continue;
    }
    out.push({ path: null, text: dotted(own, cs), x: at.x, y: at.y, mat, cs, opacity });
  }
}

function draw(g: OffscreenCanvasRenderingContext2D, s: Shape, setFont: (cs: CSSStyleDeclaration) => void): void {
  const { cs } = s;
  const fill = cs.fill === 'none' ? null : cs.fill, stroke = cs.stroke === 'none' || px(cs.strokeWidth) === 0 ? null : cs.stroke;
  if (!s.path) setFont(cs);
  if (fill) {
    g.globalAlpha = s.opacity * Number(cs.fillOpacity);
    g.fillStyle = fill;
    if (s.path) g.fill(s.path, cs.fillRule === 'evenodd' ? 'evenodd' : 'nonzero');
    else g.fillText(s.text, s.x, s.y);
  }
  if (stroke) {
    g.globalAlpha = s.opacity * Number(cs.strokeOpacity);
    g.strokeStyle = stroke;
    g.lineWidth = px(cs.strokeWidth);
    g.lineCap = cs.strokeLinecap as CanvasLineCap;
    g.lineJoin = (cs.strokeLinejoin === 'round' || cs.strokeLinejoin === 'bevel' ? cs.strokeLinejoin : 'miter') as CanvasLineJoin;
    g.miterLimit = Number(cs.strokeMiterlimit) || 4;
    g.setLineDash(cs.strokeDasharray === 'none' ? [] : cs.strokeDasharray.split(/[ ,]+/).map(px));
    g.lineDashOffset = px(cs.strokeDashoffset);
    if (s.path) g.stroke(s.path);
    else g.strokeText(s.text, s.x, s.y);
    g.setLineDash([]);
    g.lineDashOffset = 0;
    g.lineCap = 'butt';
    g.lineJoin = 'miter';
  }
  g.globalAlpha = 1;
}

const kCarried = ['fill', 'fill-opacity', 'fill-rule', 'stroke', 'stroke-width', 'stroke-opacity', 'stroke-linecap', 'stroke-linejoin', 'stroke-dasharray', 'stroke-dashoffset', 'opacity', 'color', 'display', 'visibility', 'font-family', 'font-size', 'font-weight', 'font-style', 'text-anchor', '-webkit-text-security', 'dominant-baseline', 'stop-color', 'stop-opacity', 'transform', 'transform-origin'];

/** A copy that carries its computed styles with it; masked parts and everything active are left out. */
function textOf(scan: Scan, svg: SVGSVGElement, at: Rect): string {
  const copy = svg.cloneNode(false) as SVGSVGElement;
  const add = (from: Element, to: Element) => {
    const cs = styleOf(from);
    to.removeAttribute('class');
    to.setAttribute('style', kCarried.map((name) => `${name}:${cs.getPropertyValue(name)}`).join(';'));
    for (const child of from.childNodes) {
      if (child.nodeType === 3) to.appendChild(child.cloneNode());
      if (child.nodeType !== 1) continue;
      const element = child as Element;
      if (/^(script|foreignObject|style|animate.*|set)$/.test(element.localName)) continue;
      const rule = scan.options.masks.ruleOf(element);
      if (rule !== null) {
        scan.options.onMasked(element, rule);
        continue;
      }
      const twin = element.cloneNode(false) as Element;
      for (const attribute of [...twin.attributes]) if (attribute.name.startsWith('on')) twin.removeAttribute(attribute.name);
      add(element, twin);
      to.appendChild(twin);
    }
  };
  add(svg, copy);
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('width', String(at.w));
  copy.setAttribute('height', String(at.h));
  copy.style.cssText += ';margin:0;padding:0;border:0;position:static;transform:none;opacity:1';
  return new XMLSerializer().serializeToString(copy);
}

function asPicture(scan: Scan, svg: SVGSVGElement, walk: Walk, at: Rect): void {
  // Its text is long in the making.
  if (!scan.wanted(bounds(walk.space.mat, at), 2)) return;
  const url = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(textOf(scan, svg, at))}`;
  scan.push(walk, at, (brush) => {
    const found = brush.images.load(url, svg);
    if (found) brush.g.drawImage(found.source, at.x, at.y, at.w, at.h);
    else if (brush.images.failed(url)) {
      placeholder(brush.g, at, 'drawing');
      brush.unsupported(svg, 'drawing', 'The content security policy of the page does not allow pictures made in it.');
    }
  });
}

