// From the console's canvas to the consumer's page and back.

/** What of the consumer's page the picture shows; w and h in pixels of the picture, `scale` pixels per CSS pixel. */
export interface PageView {
  w: number;
  h: number;
  scale: number;
  scrollX: number;
  scrollY: number;
}

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export type Zoom = 'fit' | 1;

export const kNoView: PageView = { w: 0, h: 0, scale: 1, scrollX: 0, scrollY: 0 };

/** The consumer's viewport in CSS pixels. */
export const viewport = (view: PageView) => ({ w: view.w / view.scale, h: view.h / view.scale });

/** CSS pixels of the console for one CSS pixel of the consumer's page. A small page is not blown up beyond its size. */
export function magnification(view: PageView, room: { w: number; h: number }, zoom: Zoom): number {
  const { w, h } = viewport(view);
  if (zoom === 1 || w <= 0 || h <= 0 || room.w <= 0 || room.h <= 0) return 1;
  return Math.min(1, room.w / w, room.h / h);
}

/** CSS pixels of the consumer's viewport under a pointer of the console. null: beside the picture. */
export function toViewport(view: PageView, box: Box, clientX: number, clientY: number): { x: number; y: number } | null {
  const { w, h } = viewport(view);
  if (box.width <= 0 || box.height <= 0 || w <= 0 || h <= 0) return null;
  const x = ((clientX - box.left) / box.width) * w;
  const y = ((clientY - box.top) / box.height) * h;
  return x < 0 || y < 0 || x >= w || y >= h ? null : { x: round(x), y: round(y) };
}

/** As `toViewport`, in CSS pixels of the document; a stroke that runs off the picture stays at its edge. */
export function toDocument(view: PageView, box: Box, clientX: number, clientY: number): [number, number] {
  const { w, h } = viewport(view);
  const clamp = (value: number, limit: number) => Math.min(Math.max(value, 0), limit);
  const x = clamp(((clientX - box.left) / (box.width || 1)) * w, w);
  const y = clamp(((clientY - box.top) / (box.height || 1)) * h, h);
  return [round(x + view.scrollX), round(y + view.scrollY)];
}

const round = (value: number) => Math.round(value * 10) / 10;
