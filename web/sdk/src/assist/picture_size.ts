// How large a compressed picture says it is, from its first bytes: a few hundred bytes may unpack to gigabytes, so a viewer
// looks before it decodes. null: not a picture of that kind, or cut short.

export interface Size {
  w: number;
  h: number;
}

const text = (bytes: Uint8Array, at: number, length: number) => String.fromCharCode(...bytes.subarray(at, at + length));

/** PNG 1.2, 11.2.2: IHDR is the first chunk. */
function png(bytes: Uint8Array, view: DataView): Size | null {
  if (bytes.length < 24 || text(bytes, 1, 3) !== 'PNG' || text(bytes, 12, 4) !== 'IHDR') return null;
  return { w: view.getUint32(16), h: view.getUint32(20) };
}

/** RFC 9649: lossy (VP8), lossless (VP8L) and extended (VP8X) files. */
function webp(bytes: Uint8Array, view: DataView): Size | null {
  if (bytes.length < 30 || text(bytes, 0, 4) !== 'RIFF' || text(bytes, 8, 4) !== 'WEBP') return null;
  const kind = text(bytes, 12, 4);
  if (kind === 'VP8 ') return { w: view.getUint16(26, true) & 0x3fff, h: view.getUint16(28, true) & 0x3fff };
  if (kind === 'VP8L') {
    const bits = view.getUint32(21, true);
    return { w: (bits & 0x3fff) + 1, h: ((bits >>> 14) & 0x3fff) + 1 };
  }
  const three = (at: number) => bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
  return kind === 'VP8X' ? { w: three(24) + 1, h: three(27) + 1 } : null;
}

/** ITU-T T.81, B.1.1: markers up to the start of frame. */
function jpeg(bytes: Uint8Array, view: DataView): Size | null {
  if (bytes.length < 4 || view.getUint16(0) !== 0xffd8) return null;
  for (let at = 2; at + 9 <= bytes.length; ) {
    if (bytes[at] !== 0xff) return null;
    const marker = bytes[at + 1]!;
    const frame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (frame) return { w: view.getUint16(at + 7), h: view.getUint16(at + 5) };
    at += 2 + Math.max(2, view.getUint16(at + 2));
  }
  return null;
}

export function pictureSize(bytes: Uint8Array, kind: 'webp' | 'jpeg' | 'png'): Size | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return kind === 'png' ? png(bytes, view) : kind === 'webp' ? webp(bytes, view) : jpeg(bytes, view);
}
