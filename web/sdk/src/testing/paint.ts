// One synchronous painting of the page that a test is in, as a shared page is painted; tests look at its pixels.
import { Escapes } from '../assist/capture/escapes';
import { Images } from '../assist/capture/images';
import { MaskRules, type MaskOptions } from '../assist/capture/masks';
import { Painter } from '../assist/capture/paint';
import { Scan } from '../assist/capture/scan';
import { Fonts } from '../assist/capture/text';
import { packed } from '../assist/capture/tiles';

export { createActor } from '../assist/acting/index';
export { startCapture } from '../assist/capture/capture';
export { ChangeWatcher } from '../assist/capture/changes';
export { SensitiveRules, SensitiveWatch } from '../assist/sensitive';
export { MaskRules } from '../assist/capture/masks';
export { scaleOf } from '../assist/capture/options';
export { decodeFrame } from '../assist/frame';
export { PictureSurface } from '../assist/picture_surface';

export interface Painted {
  /** Pixels of pure magenta: what tests hide. */
  magenta: number;
  black: number;
  white: number;
  /** Anything that is neither white nor black. */
  coloured: number;
  /** Of all pixels: that of two pictures that look the same. */
  sum: number;
  masked: string[];
  /** How many were walked. */
  elements: number;
  unsupported: string[];
}

/** What is kept from one painting to the next. */
export const newImages = (): Images => new Images(() => {}, () => {});

export function paintPage(masks: MaskOptions = {}, area = { x: 0, y: 0, w: innerWidth, h: innerHeight }, images = newImages()): Painted {
  const { canvas, told, hidden, elements } = painting(masks, area, images);
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
  const painted: Painted = { magenta: 0, black: 0, white: 0, coloured: 0, sum: 0, masked: hidden, elements, unsupported: told };
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b] = [data[i]!, data[i + 1]!, data[i + 2]!];
    painted.sum = (painted.sum * 31 + ((r << 16) | (g << 8) | b)) % 0x1fffffffff;
    if (r > 190 && g < 90 && b > 190) painted.magenta++;
    if (r < 20 && g < 20 && b < 20) painted.black++;
    else if (r < 235 || g < 235 || b < 235) painted.coloured++;
    else painted.white++;
  }
  return painted;
}

/** Of two pictures of one size: the mean difference of their pixels, and the largest, 0 … 255. */
export function apart(one: ImageData, two: ImageData): { mean: number; most: number } {
  let sum = 0, most = 0;
  one.data.forEach((v, i) => {
    const off = Math.abs(v - two.data[i]!);
    sum += off;
    most = Math.max(most, off);
  });
  return { mean: sum / one.data.length, most };
}

export function pixelsOf(image: CanvasImageSource, w: number, h: number): ImageData {
  const g = new OffscreenCanvas(w, h).getContext('2d')!;
  g.drawImage(image, 0, 0);
  return g.getImageData(0, 0, w, h);
}

/** What is painted beside what the browser shows: `png`, base64. */
export async function beside(png: string): Promise<{ mean: number; most: number }> {
  const { canvas } = painting({}, { x: 0, y: 0, w: innerWidth, h: innerHeight }, newImages());
  const shot = await createImageBitmap(new Blob([Uint8Array.from(atob(png), (c) => c.charCodeAt(0))], { type: 'image/png' }));
  return apart(pixelsOf(canvas, shot.width, shot.height), pixelsOf(shot, shot.width, shot.height));
}

function painting(masks: MaskOptions, area: { x: number; y: number; w: number; h: number }, images: Images) {
  const fonts = new Fonts(), told: string[] = [], hidden: string[] = [];
  const unsupported = (_: Element, what: string, why: string) => void told.push(`${what}: ${why}`);
  const escapes = new Escapes(document);
  escapes.look(Infinity);
  const scan = new Scan({ masks: new MaskRules(masks), fonts, areas: [area], window: area, scale: 1, ignore: '[data-parley-overlay]', seen: new Map(), escapes, onMasked: (_, rule) => void hidden.push(rule) });
  const painter = new Painter(images, fonts, 1, unsupported);
  return { canvas: painter.paintAll(scan.page(document), [area], packed([area])), told, hidden, elements: scan.count };
}
