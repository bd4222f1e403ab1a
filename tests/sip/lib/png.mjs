// The pictures that baresip takes of what it decodes: PNG with eight bits a channel, RGB, not interlaced.
import fs from 'node:fs';
import zlib from 'node:zlib';

/** PNG section 9.4: what each filter adds to a byte, of its neighbours to the left, above, and above to the left. */
const predictors = [
  () => 0,
  (left) => left,
  (left, up) => up,
  (left, up) => left + up >> 1,
  (left, up, corner) => {
    const [a, b, c] = [up - corner, left - corner, left + up - 2 * corner].map(Math.abs);
    return a <= b && a <= c ? left : b <= c ? up : corner;
  },
];

function unfilter(rows, width, height) {
  const stride = width * 3, pixels = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const from = y * (stride + 1), to = y * stride, predict = predictors[rows[from]];
    for (let i = 0; i < stride; i++) {
      const left = i < 3 ? 0 : pixels[to + i - 3], up = y === 0 ? 0 : pixels[to - stride + i];
      pixels[to + i] = rows[from + 1 + i] + predict(left, up, i < 3 || y === 0 ? 0 : pixels[to - stride + i - 3]);
    }
  }
  return pixels;
}

/** { width, height, pixels: RGB }; null while the file is not all there. */
export function readPng(file) {
  const bytes = fs.existsSync(file) ? fs.readFileSync(file) : Buffer.alloc(0), packed = [];
  let width = 0, height = 0;
  for (let at = 8; at + 12 <= bytes.length;) {
    const size = bytes.readUInt32BE(at), type = bytes.toString('latin1', at + 4, at + 8), end = at + 12 + size;
    if (end > bytes.length) return null;
    const data = bytes.subarray(at + 8, end - 4);
    if (type === 'IHDR') {
      [width, height] = [data.readUInt32BE(0), data.readUInt32BE(4)];
      if (data[8] !== 8 || data[9] !== 2 || data[12] !== 0) throw new Error(`a PNG of another kind: ${data.toString('hex')}`);
    }
    if (type === 'IDAT') packed.push(data);
    if (type === 'IEND') return { width, height, pixels: unfilter(zlib.inflateSync(Buffer.concat(packed)), width, height) };
    at = end;
  }
  return null;
}

/** What `see` of measure.mjs finds in a page's picture: the mean colour of the left half, the counter on the right. */
export function patternOf({ width, height, pixels }) {
  // In 64ths of its width and 48ths of its height.
  const mean = (x, y, w, h) => {
    const [left, right] = [x, x + w].map((v) => Math.floor(v * width / 64)), [top, bottom] = [y, y + h].map((v) => Math.floor(v * height / 48));
    const sum = [0, 0, 0];
    for (let row = top; row < bottom; row++) for (let column = left; column < right; column++) for (let c = 0; c < 3; c++) sum[c] += pixels[(row * width + column) * 3 + c];
    return sum.map((s) => Math.round(s / ((right - left) * (bottom - top))));
  };
  let counter = 0;
  for (let bit = 0; bit < 4; bit++) if (mean(40, bit * 12 + 3, 18, 6)[1] > 128) counter |= 1 << bit;
  return { colour: mean(6, 8, 20, 32), counter, width, height };
}
