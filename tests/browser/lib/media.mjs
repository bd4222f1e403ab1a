// Known sound and picture for a participant: a tone, and frames with an identity colour on the left and a
// binary frame counter on the right. Written as WAV and Y4M for Chromium, drawn in the page for Firefox.
import fs from 'node:fs';

export const people = {
  consumer: { tone: 440, colour: [200, 40, 40] },
  agent: { tone: 700, colour: [40, 160, 60] },
  second: { tone: 1000, colour: [50, 70, 200] },
};
export const WIDTH = 320, HEIGHT = 240, FPS = 20, COUNTER_FRAMES = 4;

export function writeTone(file, hertz, seconds = 10, rate = 48000) {
  const samples = rate * seconds;
  const wav = Buffer.alloc(44 + samples * 2);
  wav.write('RIFF', 0); wav.writeUInt32LE(36 + samples * 2, 4); wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16); wav.writeUInt16LE(1, 20); wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(rate, 24); wav.writeUInt32LE(rate * 2, 28); wav.writeUInt16LE(2, 32); wav.writeUInt16LE(16, 34);
  wav.write('data', 36); wav.writeUInt32LE(samples * 2, 40);
  for (let i = 0; i < samples; i++) wav.writeInt16LE(Math.round(9000 * Math.sin(2 * Math.PI * hertz * i / rate)), 44 + i * 2);
  fs.writeFileSync(file, wav);
}

const yuv = ([r, g, b]) => [
  Math.round(16 + 0.257 * r + 0.504 * g + 0.098 * b),
  Math.round(128 - 0.148 * r - 0.291 * g + 0.439 * b),
  Math.round(128 + 0.439 * r - 0.368 * g - 0.071 * b),
];

export function writePattern(file, colour, frames = 16 * COUNTER_FRAMES) {
  const parts = [Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${FPS}:1 Ip A1:1 C420jpeg\n`)];
  const [y0, u0, v0] = yuv(colour);
  for (let n = 0; n < frames; n++) {
    const count = Math.floor(n / COUNTER_FRAMES) & 15;
    const y = Buffer.alloc(WIDTH * HEIGHT), u = Buffer.alloc(WIDTH * HEIGHT / 4), v = Buffer.alloc(WIDTH * HEIGHT / 4);
    for (let row = 0; row < HEIGHT; row++) {
      const bit = Math.floor(row / (HEIGHT / 4));
      const light = count >> bit & 1 ? 235 : 16;
      y.fill(y0, row * WIDTH, row * WIDTH + WIDTH / 2);
      y.fill(light, row * WIDTH + WIDTH / 2, (row + 1) * WIDTH);
    }
    for (let row = 0; row < HEIGHT / 2; row++) {
      u.fill(u0, row * WIDTH / 2, row * WIDTH / 2 + WIDTH / 4); u.fill(128, row * WIDTH / 2 + WIDTH / 4, (row + 1) * WIDTH / 2);
      v.fill(v0, row * WIDTH / 2, row * WIDTH / 2 + WIDTH / 4); v.fill(128, row * WIDTH / 2 + WIDTH / 4, (row + 1) * WIDTH / 2);
    }
    parts.push(Buffer.from('FRAME\n'), y, u, v);
  }
  fs.writeFileSync(file, Buffer.concat(parts));
}

/** A picture that costs as many bits as one allows: noise that never repeats itself soon. */
export function writeNoise(file, width = 640, height = 480, frames = 24) {
  const size = width * height * 3 / 2;
  const parts = [Buffer.from(`YUV4MPEG2 W${width} H${height} F${FPS}:1 Ip A1:1 C420jpeg\n`)];
  let seed = 12345;
  for (let n = 0; n < frames; n++) {
    const frame = Buffer.alloc(size, 128);
    for (let i = 0; i < width * height; i++) { seed = (seed * 1103515245 + 12345) & 0x7fffffff; frame[i] = 60 + (seed >> 16) % 130; }
    parts.push(Buffer.from('FRAME\n'), frame);
  }
  fs.writeFileSync(file, Buffer.concat(parts));
}

// Runs in the page before its own scripts. Chromium: the given files, but without processing that would
// take a steady tone for noise. Firefox: tone and pattern are made here.
export function capturePatch({ synthetic, tone, colour, width, height, fps, counterFrames }) {
  const devices = navigator.mediaDevices;
  if (!devices) return;
  const original = devices.getUserMedia.bind(devices);
  const plain = (c) => c === true || c === undefined ? {} : c;
  devices.getUserMedia = async (constraints) => {
    if (window.__denyMedia) throw new DOMException('denied by the test', 'NotAllowedError');
    if (window.__noCamera && constraints.video) throw new DOMException('no camera in this test', 'NotFoundError');
    if (!synthetic) {
      const wanted = { ...constraints };
      if (wanted.audio) wanted.audio = { ...plain(wanted.audio), echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      return original(wanted);
    }
    const stream = new MediaStream();
    if (constraints.audio) {
      const context = new AudioContext();
      const oscillator = new OscillatorNode(context, { frequency: tone });
      const gain = new GainNode(context, { gain: 0.3 });
      const out = context.createMediaStreamDestination();
      oscillator.connect(gain).connect(out);
      oscillator.start();
      await context.resume();
      stream.addTrack(out.stream.getAudioTracks()[0]);
    }
    if (constraints.video) {
      const canvas = Object.assign(document.createElement('canvas'), { width, height });
      const draw = canvas.getContext('2d');
      let frame = 0;
      const paint = () => {
        const count = Math.floor(frame++ / counterFrames) & 15;
        draw.fillStyle = `rgb(${colour.join()})`;
        draw.fillRect(0, 0, width / 2, height);
        for (let bit = 0; bit < 4; bit++) {
          draw.fillStyle = count >> bit & 1 ? '#fff' : '#000';
          draw.fillRect(width / 2, bit * height / 4, width / 2, height / 4);
        }
      };
      paint();
      setInterval(paint, 1000 / fps);
      stream.addTrack(canvas.captureStream(fps).getVideoTracks()[0]);
    }
    return stream;
  };
}
