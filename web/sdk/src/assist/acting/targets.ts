// From a place in the consumer's viewport to the element there: through open shadow roots and frames of the same origin.
import { frameDocument, isFrame, realmOf, type Realm } from './dom';
import type { Refusal } from './types';

export interface Target {
  element: Element;
  realm: Realm;
  /** In the viewport of the element's own document. */
  x: number;
  y: number;
}

export interface Scene {
  root: Realm;
  shadowOf: (element: Element) => ShadowRoot | null;
}

const kDepth = 64;

export function resolve(scene: Scene, x: number, y: number): Target | Refusal {
  if (!Number.isFinite(x) || !Number.isFinite(y)) return 'bad_message';
  if (x < 0 || y < 0 || x >= scene.root.innerWidth || y >= scene.root.innerHeight) return 'outside';
  let scope: DocumentOrShadowRoot = scene.root.document;
  let found: Element | null = null;
  for (let depth = 0; depth < kDepth; depth++) {
    const hit: Element | null = topmost(scope, x, y);
    if (!hit || hit === found) break;
    found = hit;
    const shadow = scene.shadowOf(hit);
    if (shadow) {
      scope = shadow;
      continue;
    }
    if (!isFrame(hit)) break;
    const inner = frameDocument(hit);
    if (!inner) return 'foreign_frame';
    [x, y] = intoFrame(hit, x, y);
    scope = inner;
  }
  if (!found) return 'outside';
  if (isFrame(found)) found = frameDocument(found)?.documentElement ?? found;
  return { element: found, realm: realmOf(found), x, y };
}

/** Our own overlay lies above the page and is no part of it. */
function topmost(scope: DocumentOrShadowRoot, x: number, y: number): Element | null {
  const first = scope.elementFromPoint(x, y);
  if (!first || !first.closest('[data-parley-overlay]')) return first;
  return scope.elementsFromPoint(x, y).find((e) => !e.closest('[data-parley-overlay]')) ?? null;
}

/** From the viewport around a frame to the one inside; the frame may be scaled. */
function intoFrame(frame: HTMLIFrameElement, x: number, y: number): [number, number] {
  const box = frame.getBoundingClientRect();
  const style = realmOf(frame).getComputedStyle(frame);
  const scaleX = frame.offsetWidth > 0 ? box.width / frame.offsetWidth : 1;
  const scaleY = frame.offsetHeight > 0 ? box.height / frame.offsetHeight : 1;
  return [
    (x - box.left) / (scaleX || 1) - frame.clientLeft - (parseFloat(style.paddingLeft) || 0),
    (y - box.top) / (scaleY || 1) - frame.clientTop - (parseFloat(style.paddingTop) || 0),
  ];
}

/** From an element's own viewport to the consumer's: the box of an element, wherever it is. */
export function boxInRoot(element: Element): { x: number; y: number; w: number; h: number } {
  const own = element.getBoundingClientRect();
  let { left: x, top: y, width: w, height: h } = own;
  let realm = realmOf(element);
  for (let depth = 0; depth < kDepth; depth++) {
    let frame: Element | null = null;
    try {
      frame = realm.frameElement;
    } catch {
      // The top is not ours: coordinates end here.
    }
    if (!frame || !isFrame(frame)) break;
    const box = frame.getBoundingClientRect();
    const style = realmOf(frame).getComputedStyle(frame);
    const sx = frame.offsetWidth > 0 ? box.width / frame.offsetWidth : 1;
    const sy = frame.offsetHeight > 0 ? box.height / frame.offsetHeight : 1;
    x = box.left + (x + frame.clientLeft + (parseFloat(style.paddingLeft) || 0)) * sx;
    y = box.top + (y + frame.clientTop + (parseFloat(style.paddingTop) || 0)) * sy;
    w *= sx;
    h *= sy;
    realm = realmOf(frame);
  }
  return { x: Math.round(x), y: Math.round(y), w: Math.round(w), h: Math.round(h) };
}
