// One synchronous painting of the page that a test is in, as a shared page is painted; tests look at its pixels.
import { Escapes } from '../assist/capture/escapes';
import { Images } from '../assist/capture/images';
import { MaskRules, type MaskOptions } from '../assist/capture/masks';
import { Painter } from '../assist/capture/paint';
import { Scan } from '../assist/capture/scan';
import { Fonts } from '../assist/capture/text';

export { startCapture } from '../assist/capture/capture';
export { ChangeWatcher } from '../assist/capture/changes';
export { MaskRules } from '../assist/capture/masks';

export interface Painted {
  /** Pixels of pure magenta: what tests hide. */
  magenta: number;
  black: number;
  white: number;
  /** Anything that is neither white nor black. */
  coloured: number;
  masked: string[];
  /** How many were walked. */
  elements: number;
  unsupported: string[];
}

/** What is kept from one painting to the next. */
export const newImages = (): Images => new Images(() => {}, () => {});

export function paintPage(masks: MaskOptions = {}, area = { x: 0, y: 0, w: innerWidth, h: innerHeight }, images = newImages()): Painted {
  const fonts = new Fonts(), told: string[] = [], hidden: string[] = [];
  const unsupported = (_: Element, what: string, why: string) => void told.push(`${what}: ${why}`);
  const escapes = new Escapes(document);
  escapes.look(Infinity);
  const scan = new Scan({ masks: new MaskRules(masks), fonts, areas: [area], window: area, scale: 1, ignore: '[data-parley-overlay]', seen: new Map(), escapes, onMasked: (_, rule) => void hidden.push(rule) });
  const painter = new Painter(images, fonts, 1, unsupported);
  const canvas = painter.paint(scan.page(document), area);
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
  const painted: Painted = { magenta: 0, black: 0, white: 0, coloured: 0, masked: hidden, elements: scan.count, unsupported: told };
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b] = [data[i]!, data[i + 1]!, data[i + 2]!];
    if (r > 190 && g < 90 && b > 190) painted.magenta++;
    if (r < 20 && g < 20 && b < 20) painted.black++;
    else if (r < 235 || g < 235 || b < 235) painted.coloured++;
    else painted.white++;
  }
  return painted;
}
