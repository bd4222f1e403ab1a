// What a page really plays: dominant frequency and level of its remote sound, colour and counter of its
// remote picture. These functions run in the page; `selector` names the video element.

/** Loudest frequency (Hz) and level (dB, −∞…0) of the element's stream over `ms`. */
export async function hear(selector, ms) {
  const video = window.__deep(selector);
  const stream = video?.srcObject;
  if (!stream || stream.getAudioTracks().length === 0) return { hertz: 0, db: -200, why: 'no audio track' };
  const context = window.__context ??= new AudioContext();
  await context.resume();
  const source = context.createMediaStreamSource(stream);
  const analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
  source.connect(analyser);
  const bins = new Float32Array(analyser.frequencyBinCount);
  let best = { hertz: 0, db: -200 };
  const loud = [];
  const end = performance.now() + ms;
  while (performance.now() < end) {
    await new Promise((done) => setTimeout(done, 60));
    analyser.getFloatFrequencyData(bins);
    let top = 3;
    for (let i = 3; i < bins.length; i++) if (bins[i] > bins[top]) top = i;
    const now = { hertz: top * context.sampleRate / analyser.fftSize, db: bins[top] };
    loud.push(now.db);
    if (now.db > best.db) best = now;
  }
  source.disconnect();
  return { ...best, last: loud.slice(-3).reduce((a, b) => Math.max(a, b), -200) };
}

/** Level (dB) of each of these tones in the sound of an element of the page, or of one that the page never showed, over `ms`. */
export async function levels(selector, hertz, ms) {
  const element = typeof selector === 'number' ? window.__players[selector] : window.__deep(selector);
  const stream = element?.srcObject;
  if (!stream || stream.getAudioTracks().length === 0) return hertz.map(() => -200);
  const context = window.__context ??= new AudioContext();
  await context.resume();
  const source = context.createMediaStreamSource(stream);
  const analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
  source.connect(analyser);
  const bins = new Float32Array(analyser.frequencyBinCount);
  const end = performance.now() + ms;
  const seen = [];
  while (performance.now() < end) {
    await new Promise((done) => setTimeout(done, 60));
    analyser.getFloatFrequencyData(bins);
    seen.push(hertz.map((f) => { const at = Math.round(f * analyser.fftSize / context.sampleRate); return Math.max(-200, ...bins.slice(at - 2, at + 3)); }));
  }
  source.disconnect();
  // The last quarter of a second: what has just begun or ended counts.
  return hertz.map((_, i) => Math.max(...seen.slice(-4).map((levels) => levels[i])));
}

/** Elements that a page makes and never shows are kept in `__players`. */
export const keepPlayers = () => {
  const Made = window.Audio;
  window.__players = [];
  window.Audio = function Audio() { const element = new Made(); window.__players.push(element); return element; };
};

/**
 * What a page sounds by itself, as it rings or before it answers: goes into the page before its scripts, which then has in
 * `__own` the loudest frequency and its level of every twentieth of a second, [ms, Hz, dB].
 */
export const keepOwnSound = () => {
  const { connect } = AudioNode.prototype;
  const ears = new Map();
  window.__own = [];
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode) {
      if (!ears.has(this.context)) ears.set(this.context, new AnalyserNode(this.context, { fftSize: 4096, smoothingTimeConstant: 0 }));
      connect.call(this, ears.get(this.context));
    }
    return connect.call(this, to, ...rest);
  };
  setInterval(() => {
    for (const [context, ear] of ears) {
      const bins = new Float32Array(ear.frequencyBinCount);
      ear.getFloatFrequencyData(bins);
      const top = bins.indexOf(Math.max(...bins));
      window.__own.push([Math.round(performance.now()), top * context.sampleRate / ear.fftSize, bins[top]]);
    }
  }, 50);
};

/** Mean colour of the left half and the counter values seen on the right half over `ms`. */
export async function see(selector, ms) {
  const video = window.__deep(selector);
  if (!video?.srcObject || video.srcObject.getVideoTracks().length === 0) return { colour: null, counters: 0, why: 'no video track' };
  const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 48 });
  const draw = canvas.getContext('2d', { willReadFrequently: true });
  const counters = new Set();
  let colour = null;
  const end = performance.now() + ms;
  while (performance.now() < end) {
    await new Promise((done) => setTimeout(done, 40));
    if (video.readyState < 2 || video.videoWidth === 0) continue;
    draw.drawImage(video, 0, 0, 64, 48);
    const mean = (x, y, w, h) => {
      const d = draw.getImageData(x, y, w, h).data;
      const sum = [0, 0, 0];
      for (let i = 0; i < d.length; i += 4) for (let c = 0; c < 3; c++) sum[c] += d[i + c];
      return sum.map((s) => Math.round(s / (d.length / 4)));
    };
    colour = mean(6, 8, 20, 32);
    let count = 0;
    for (let bit = 0; bit < 4; bit++) if (mean(40, bit * 12 + 3, 18, 6)[1] > 128) count |= 1 << bit;
    counters.add(count);
  }
  return { colour, counters: counters.size, width: video.videoWidth, height: video.videoHeight };
}

export const installDeep = () => {
  // What Parley lays over a shared page is closed to every script of the page; a test that presses its buttons opens it first.
  // What the page itself closes stays closed.
  const { attachShadow: attach, hasAttribute: has } = Element.prototype;
  Element.prototype.attachShadow = function attachShadow(init) {
    return attach.call(this, has.call(this, 'data-parley-overlay') || this.localName.startsWith('parley-') ? { ...init, mode: 'open' } : init);
  };
  window.__deep = (selector, root = document) => {
    const direct = root.querySelector(selector);
    if (direct) return direct;
    for (const element of root.querySelectorAll('*')) {
      if (!element.shadowRoot) continue;
      const found = window.__deep(selector, element.shadowRoot);
      if (found) return found;
    }
    return null;
  };
};

export const near = (a, b, tolerance = 45) => !!a && a.every((v, i) => Math.abs(v - b[i]) <= tolerance);
