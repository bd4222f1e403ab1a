// A viewer for tests: decodes picture frames in a page, compares what it sees with a screenshot, looks for colours.

/** Goes into a page of its own (any browser). Pictures are kept by name. */
export function installViewer() {
  const state = { canvas: null, g: null, frames: 0, leaks: [], whole: 0 };
  const readFrame = (buffer) => {
    const v = new DataView(buffer), ops = [];
    const frame = { whole: (v.getUint8(2) & 1) !== 0, lossless: (v.getUint8(2) & 2) !== 0, frame: v.getUint32(4), epoch: v.getUint32(8), w: v.getUint16(12), h: v.getUint16(14), scrollY: v.getInt32(24), ops };
    for (let at = 28; at < buffer.byteLength;) {
      const op = { kind: v.getUint8(at), x: v.getUint16(at + 1), y: v.getUint16(at + 3), w: v.getUint16(at + 5), h: v.getUint16(at + 7) };
      ops.push(op);
      if (op.kind === 1) { op.dx = v.getInt16(at + 9); op.dy = v.getInt16(at + 11); at += 13; continue; }
      op.type = ['', 'image/webp', 'image/jpeg', 'image/png'][v.getUint8(at + 9)];
      const length = v.getUint32(at + 11);
      op.bytes = buffer.slice(at + 15, at + 15 + length);
      at += 15 + length;
    }
    return frame;
  };
  /** base64 of a frame; `secret`: counts pixels in the colour of what must not be seen (magenta). */
  window.__show = async (base64, secret) => {
    const frame = readFrame(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer);
    if (!state.canvas || state.canvas.width !== frame.w || state.canvas.height !== frame.h || (frame.whole && frame.epoch !== state.epoch)) {
      if (!frame.whole) throw new Error('the first frame of an epoch is not whole');
      state.canvas = new OffscreenCanvas(frame.w, frame.h);
      state.g = state.canvas.getContext('2d', { willReadFrequently: true });
      state.epoch = frame.epoch;
    }
    const { g, canvas } = state;
    for (const op of frame.ops) {
      if (op.kind === 1) {
        const copy = new OffscreenCanvas(op.w, op.h);
        copy.getContext('2d').drawImage(canvas, op.x, op.y, op.w, op.h, 0, 0, op.w, op.h);
        g.drawImage(copy, op.x + op.dx, op.y + op.dy);
      } else {
        const image = await createImageBitmap(new Blob([op.bytes], { type: op.type }));
        if (image.width !== op.w || image.height !== op.h) throw new Error('an image is not as large as it says');
        g.drawImage(image, op.x, op.y);
      }
    }
    state.frames++;
    let found = 0;
    if (secret) {
      const d = g.getImageData(0, 0, canvas.width, canvas.height).data;
      for (let i = 0; i < d.length; i += 4) if (d[i] > 190 && d[i + 1] < 90 && d[i + 2] > 190) found++;
    }
    return { frame: frame.frame, w: frame.w, found, whole: frame.whole, lossless: frame.lossless, scrollY: frame.scrollY, ops: frame.ops.map(({ bytes, ...op }) => ({ ...op, bytes: bytes?.byteLength })) };
  };
  window.__pixels = (x, y, w, h) => [...state.g.getImageData(x, y, w, h).data];
  window.__png = async () => {
    const bytes = new Uint8Array(await (await state.canvas.convertToBlob({ type: 'image/png' })).arrayBuffer());
    let s = '';
    for (let i = 0; i < bytes.length; i += 8192) s += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return btoa(s);
  };
  /** Mean structural similarity of two pictures, on grey windows of 8 × 8 pixels with steps of 4 (Wang et al. 2004). */
  window.__similar = (one, two, w, h) => {
    const grey = (d) => Float32Array.from({ length: w * h }, (_, i) => 0.299 * d[4 * i] + 0.587 * d[4 * i + 1] + 0.114 * d[4 * i + 2]);
    const a = grey(one), b = grey(two);
    const c1 = (0.01 * 255) ** 2, c2 = (0.03 * 255) ** 2, n = 64;
    let sum = 0, count = 0;
    for (let y = 0; y + 8 <= h; y += 4) {
      for (let x = 0; x + 8 <= w; x += 4) {
        let sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
        for (let j = 0; j < 8; j++) for (let i = 0; i < 8; i++) { const p = a[(y + j) * w + x + i], q = b[(y + j) * w + x + i]; sa += p; sb += q; saa += p * p; sbb += q * q; sab += p * q; }
        const ma = sa / n, mb = sb / n, va = saa / n - ma * ma, vb = sbb / n - mb * mb, cov = sab / n - ma * mb;
        sum += ((2 * ma * mb + c1) * (2 * cov + c2)) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
        count++;
      }
    }
    return sum / count;
  };
  /** Of what is shown with a PNG. */
  window.__ssim = async (base64) => {
    const image = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], { type: 'image/png' }));
    const w = Math.min(image.width, state.canvas.width), h = Math.min(image.height, state.canvas.height);
    if (Math.abs(image.width - state.canvas.width) > 20 || Math.abs(image.height - state.canvas.height) > 20) throw new Error(`sizes differ: ${image.width}x${image.height} ${state.canvas.width}x${state.canvas.height}`);
    const other = new OffscreenCanvas(w, h).getContext('2d', { willReadFrequently: true });
    other.drawImage(image, 0, 0);
    return window.__similar(state.g.getImageData(0, 0, w, h).data, other.getImageData(0, 0, w, h).data, w, h);
  };
}

/** Goes into the page that is shared, after its script: begins to share and keeps the frames. */
export async function installCapture(options, start = 'startCapture') {
  const base64 = (buffer) => { const u = new Uint8Array(buffer); let s = ''; for (let i = 0; i < u.length; i += 8192) s += String.fromCharCode(...u.subarray(i, i + 8192)); return btoa(s); };
  const shared = (window.__shared = { frames: [], unsupported: [], receipts: [], painted: [], sensitive: [], view: null, sent: 0, at: [] });
  shared.capture = await window.Parley[start]({
    ...options,
    onFrame: (f) => { shared.sent++; shared.at.push([performance.now(), f.byteLength]); shared.frames.push(base64(f)); },
    onUnsupported: (l) => { shared.unsupported = l; }, onReceipt: (r) => { shared.receipts.push(r); },
  });
  shared.capture.on('painted', (p) => shared.painted.push(p));
  shared.capture.on('view', (v) => { shared.view = v; });
  shared.capture.on('sensitive', (s) => shared.sensitive.push(s));
}
