import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, haveChromium, TestPages } from '../../testing/page';

interface Step {
  codecs: string[];
  whole: boolean;
  lossless: boolean;
  /** How far the worst pixel of what was drawn is from what was painted, 0 … 255. */
  off: number;
  blurred: number;
}

/** In the page: paints, encodes, decodes and draws; all kinds of pictures that the encoder was asked for are in `asked`. */
const kRig = `
  window.asked = [];
  const real = OffscreenCanvas.prototype.convertToBlob;
  OffscreenCanvas.prototype.convertToBlob = function (options) {
    asked.push(options.type);
    return real.call(this, can.includes(options.type) ? options : { type: 'image/png' });
  };
  window.encoder = new Both.PictureEncoder();
  window.page_ = new OffscreenCanvas(200, 300).getContext('2d', { willReadFrequently: true });
  page_.fillStyle = '#fff'; page_.fillRect(0, 0, 200, 300);
  for (let y = 0; y < 300; y += 20) { page_.fillStyle = 'rgb(' + y / 2 + ', 90, ' + (200 - y / 2) + ')'; page_.fillRect(0, y, 200, 20); }
  window.screen_ = new OffscreenCanvas(1, 1);
  window.spoiled = [];
  window.surface = new Both.PictureSurface(screen_, { drawn: () => drawn(), spoiled: (why) => { spoiled.push(why); drawn(); } });
  let number = 0, top = 0;
  window.step = async (rects, { to = top, sharp = false } = {}) => {
    const dy = to - top;
    top = to;
    const patches = await Promise.all(rects.map(async ([x, y, w, h]) => ({ x, y, w, h, from: { x: 0, y: 0 }, bitmap: await createImageBitmap(page_.canvas, x, y + top, w, h) })));
    const done = await encoder.run({ id: ++number, frame: number, epoch: 1, width: 200, height: 150, scale: 1, scrollX: 0, scrollY: top, whole: false, dx: 0, dy, copies: dy ? [{ x: 0, y: Math.max(0, dy), w: 200, h: 150 - Math.abs(dy) }] : [], patches, quality: 0.9, sharp, sharpBytes: 1e6 });
    const frame = Both.decodeFrame(done.frame);
    await new Promise((done_) => { window.drawn = done_; surface.push(done.frame); });
    const one = screen_.getContext('2d').getImageData(0, 0, 200, 150).data, two = page_.getImageData(0, top, 200, 150).data;
    return { codecs: frame.ops.map((op) => op.codec ?? op.op), whole: frame.whole, lossless: frame.lossless, off: one.reduce((most, v, i) => Math.max(most, Math.abs(v - two[i])), 0), blurred: done.blurred };
  };`;

describe.skipIf(!haveChromium())('pictures of a browser', () => {
  let pages: TestPages, page: Page;
  const step = (rects: number[][], how = {}) => page.evaluate(`step(${JSON.stringify(rects)}, ${JSON.stringify(how)})`) as Promise<Step>;

  beforeAll(async () => {
    pages = new TestPages(await bundle(fileURLToPath(new URL('../../testing/encode.ts', import.meta.url)), 'Both'));
  });
  afterAll(() => pages.close());

  it.each([
    ['that writes WebP', 'webp', ['image/webp', 'image/jpeg'], ['image/webp']],
    ['that answers a wish for WebP with PNG', 'jpeg', ['image/jpeg'], ['image/webp', 'image/jpeg']],
    ['that writes nothing but PNG', 'png', [], ['image/webp', 'image/jpeg', 'image/png']],
  ])('%s are what was painted, and say what they are', async (_, codec, can, asked) => {
    page = await pages.open('');
    await page.evaluate(`window.can = ${JSON.stringify(can)}; (() => {${kRig}})()`);
    const exact = codec === 'png', near = exact ? 0 : 60;
    const first = await step([[0, 0, 200, 150]]);
    expect(first).toMatchObject({ whole: true, codecs: [codec] });
    expect(first.off).toBeLessThanOrEqual(near);
    // What it cannot write it is asked for once.
    expect(await page.evaluate('asked.splice(0)')).toEqual(asked);
    const scrolled = await step([[0, 64, 200, 86]], { to: 40 });
    expect(scrolled).toMatchObject({ whole: false, codecs: ['copy', codec] });
    expect(scrolled.off).toBeLessThanOrEqual(near);
    await page.evaluate(`page_.fillStyle = '#083'; page_.fillRect(0, 40, 60, 60)`);
    const changed = await step([[0, 0, 64, 64], [64, 64, 64, 64]]);
    expect(changed.codecs).toEqual([codec]);
    expect(changed.off).toBeLessThanOrEqual(near);
    expect([...new Set(await page.evaluate('asked.splice(0)') as string[])]).toEqual([`image/${codec}`]);
    if (exact) return expect([first.lossless, first.blurred, changed.lossless]).toEqual([true, 0, true]);
    expect([first.lossless, first.blurred > 0]).toEqual([false, true]);
    // When nothing moves any more it becomes as sharp as the codec can, and is said to be exact only when it is.
    const sharp = await step([], { sharp: true });
    expect(sharp).toMatchObject({ whole: false, lossless: codec === 'webp', blurred: 0 });
    expect(sharp.off).toBeLessThanOrEqual(codec === 'webp' ? 0 : 6);
    expect(await page.evaluate('spoiled')).toEqual([]);
  });
});
