// What a recording holds: the loudest tone, its level, and how much of the sound it is (Goertzel). Reads 16-bit PCM
// as baresip and linphone write it, also while they still do (the header's length is not believed).
import fs from 'node:fs';

/** A recording that has not grown for a while is one of silence: nothing arrives. */
const STILL_MS = 700;

/** `unheaded`: the rate of a file whose header is not written yet. */
export function readWav(file, unheaded = 8000) {
  if (!fs.existsSync(file) || Date.now() - fs.statSync(file).mtimeMs > STILL_MS) return { rate: 8000, samples: new Float32Array(0) };
  const bytes = fs.readFileSync(file);
  if (bytes.length < 44) return { rate: 8000, samples: new Float32Array(0) };
  // linphone writes the header at the end of the call; until then there are 44 zeros.
  const headed = bytes.toString('latin1', 0, 4) === 'RIFF';
  let rate = unheaded, channels = 1, at = headed ? 12 : 44;
  while (headed && at + 8 <= bytes.length) {
    const id = bytes.toString('latin1', at, at + 4), size = bytes.readUInt32LE(at + 4);
    if (id === 'fmt ') { channels = bytes.readUInt16LE(at + 10); rate = bytes.readUInt32LE(at + 12); }
    if (id === 'data') { at += 8; break; }
    at += 8 + size + (size & 1);
  }
  const count = Math.max(0, Math.floor((bytes.length - at) / 2 / channels));
  const samples = new Float32Array(count);
  for (let i = 0; i < count; i++) samples[i] = bytes.readInt16LE(at + i * 2 * channels) / 32768;
  return { rate, samples };
}

/** The amplitude of one frequency in a stretch of samples, 0 … 1. */
export function amplitude(samples, from, to, rate, hertz) {
  const k = 2 * Math.cos(2 * Math.PI * hertz / rate);
  let a = 0, b = 0;
  for (let i = from; i < to; i++) [a, b] = [samples[i] + k * a - b, a];
  return 2 * Math.sqrt(Math.max(0, a * a + b * b - k * a * b)) / (to - from);
}

/** Of the last `seconds` of it: the loudest frequency (Hz), its level (dB of full scale), and the part of the energy in it. */
export function listen({ rate, samples }, seconds = 1) {
  const to = samples.length, from = Math.max(0, to - Math.round(rate * seconds));
  const nothing = { hertz: 0, db: -200, share: 0, seconds: to / rate };
  if (to - from < rate / 4) return nothing;
  let energy = 0;
  for (let i = from; i < to; i++) energy += samples[i] * samples[i];
  energy /= to - from;
  let best = { hertz: 0, level: 0 };
  const look = (low, high, step) => { for (let f = low; f <= high; f += step) { const level = amplitude(samples, from, to, rate, f); if (level > best.level) best = { hertz: f, level }; } };
  // Short stretches first would be cheaper, but a second of 8 kHz is 8,000 samples: 340 × 8,000 is nothing.
  look(100, Math.min(3500, rate / 2 - 100), Math.max(1, rate / (to - from)));
  if (best.level === 0) return nothing;
  return { hertz: Math.round(best.hertz), db: 20 * Math.log10(best.level), share: Math.min(1, best.level * best.level / 2 / Math.max(energy, 1e-12)), seconds: to / rate };
}

/** RFC 4733's other way: is this digit's pair of tones in it? */
export function holdsDigit(recording, digit, seconds = 1) {
  const at = '123A456B789C*0#D'.indexOf(digit);
  const low = [697, 770, 852, 941][Math.floor(at / 4)], high = [1209, 1336, 1477, 1633][at % 4];
  const { rate, samples } = recording, to = samples.length, step = Math.round(rate / 20);
  for (let from = Math.max(0, to - Math.round(rate * seconds)); from + step <= to; from += step) {
    if (amplitude(samples, from, from + step, rate, low) > 0.02 && amplitude(samples, from, from + step, rate, high) > 0.02) return true;
  }
  return false;
}

/** G.711 µ-law bytes as samples. */
export function fromUlaw(bytes) {
  const samples = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    const u = ~bytes[i] & 0xff, magnitude = (((u & 0x0f) << 3) + 0x84 << (u >> 4 & 7)) - 0x84;
    samples[i] = (u & 0x80 ? -magnitude : magnitude) / 32768;
  }
  return { rate: 8000, samples };
}
