// One face over Chromium (playwright-core) and Firefox (puppeteer-core, WebDriver BiDi).
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import playwright from 'playwright-core';
import puppeteer from 'puppeteer-core';
import { capturePatch, COUNTER_FRAMES, FPS, HEIGHT, people, WIDTH, writeNoise, writePattern, writeTone } from './media.mjs';
import { hear, installDeep, keepPlayers, levels, see } from './measure.mjs';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FIREFOX = process.env.FIREFOX ?? '/usr/bin/firefox-esr';

export async function until(what, condition, ms = 20000) {
  const end = Date.now() + ms;
  let last;
  for (;;) {
    try { last = await condition(); if (last) return last; } catch (error) { last = error; }
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms (last: ${last instanceof Error ? last.message : JSON.stringify(last)})`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

class Page {
  constructor(name, person, raw, browser) {
    Object.assign(this, { name, person, raw, browser, errors: [], console: [] });
    raw.on('pageerror', (e) => this.errors.push(String(e)));
    raw.on('console', (m) => { this.console.push(`${m.type()}: ${m.text()}`); if (this.console.length > 200) this.console.shift(); });
  }
  test(id) { return `[data-test="${id}"]`; }
  async state(selector) {
    return this.evaluate((s) => {
      const e = window.__deep?.(s);
      if (!e) return null;
      const box = e.getBoundingClientRect();
      const style = getComputedStyle(e);
      return { text: (e.innerText ?? e.textContent ?? '').trim(), disabled: !!e.disabled, pressed: e.getAttribute('aria-pressed'),
        state: e.dataset.state ?? null, visible: box.width > 0 && box.height > 0 && style.visibility !== 'hidden' && style.display !== 'none' };
    }, selector);
  }
  async appears(id, ms = 20000) { return until(`${this.name}: ${id} appears`, async () => { const s = await this.state(this.test(id)); return s?.visible && s; }, ms); }
  async gone(id, ms = 20000) { return until(`${this.name}: ${id} goes`, async () => !(await this.state(this.test(id)))?.visible, ms); }
  async says(id, pattern, ms = 20000) {
    return until(`${this.name}: ${id} says ${pattern}`, async () => { const s = await this.state(this.test(id)); return s && pattern.test(s.text) ? s.text : Promise.reject(new Error(s ? s.text : 'absent')); }, ms);
  }
  async is(id, state, ms = 20000) {
    return until(`${this.name}: ${id} is ${state}`, async () => { const s = await this.state(this.test(id)); return s && new RegExp(`^(${state})$`).test(s.state ?? '') ? s : Promise.reject(new Error(s ? s.state : 'absent')); }, ms);
  }
  hear(id, ms = 800) { return this.evaluate(hear, this.test(id), ms); }
  /** `id`: a `data-test`, or the number of an element that is not shown (after `keepPlayers`). */
  levels(id, hertz, ms = 700) { return this.evaluate(levels, typeof id === 'number' ? id : this.test(id), hertz, ms); }
  /** How long it sounded these tones by itself (after `keepOwnSound`), in ms; `since`: of its own clock. */
  async sounded(hertz, since = 0) {
    const own = (await this.evaluate(() => window.__own)).filter(([at, tone, db]) => at >= since && db > -50 && hertz.some((each) => Math.abs(tone - each) < 15));
    return own.length * 50;
  }
  keepPlayers() { return this.evaluate(keepPlayers); }
  see(id, ms = 1200) { return this.evaluate(see, this.test(id), ms); }
  attribute(id, name) { return this.evaluate((s, n) => window.__deep(s)?.getAttribute(n) ?? null, this.test(id), name); }
  async goto(url) {
    // Making a namespace's link is a change of network to every browser here; one that is loading a page starts over.
    for (let tries = 0; ; tries++) {
      try { return await this.raw.goto(url, { waitUntil: 'load' }); } catch (error) { if (tries >= 3 || !/ERR_NETWORK_CHANGED/.test(String(error))) throw error; }
    }
  }
  reload() { return this.raw.reload({ waitUntil: 'load' }); }
  press(key) { return this.raw.keyboard.press(key); }
  async screenshot(file, fullPage = false) { fs.mkdirSync(path.dirname(file), { recursive: true }); return this.raw.screenshot({ path: file, fullPage }); }
}

class ChromiumPage extends Page {
  // One argument at most there: function and arguments go as one expression.
  evaluate(f, ...a) { return this.raw.evaluate(`(${f})(...${JSON.stringify(a)})`); }
  click(id) { return this.clickAt(this.test(id)); }
  clickAt(selector) { return this.raw.locator(selector).first().click({ timeout: 15000 }); }
  fill(id, text) { return this.raw.locator(this.test(id)).first().fill(text, { timeout: 15000 }); }
  resize(width, height) { return this.raw.setViewportSize({ width, height }); }
  closeTab() { return this.raw.close({ runBeforeUnload: false }); }
  /** A file, {name, mimeType, buffer}, for an input. */
  give(id, file) { return this.raw.locator(this.test(id)).setInputFiles(file); }
  /** Another person in the same browser, with cookies of their own; it closes with this one. */
  async beside(person) {
    return Object.assign(new ChromiumPage(`${person} (chromium)`, person, await (await this.newContext()).newPage(), this.browser), { newContext: this.newContext });
  }
  async close() { await this.browser.close().catch(() => {}); }
}

class FirefoxPage extends Page {
  evaluate(f, ...a) { return this.raw.evaluate(f, ...a); }
  async at(selector) {
    return until(`${this.name}: ${selector}`, async () => (await this.raw.evaluateHandle((s) => window.__deep(s), selector)).asElement(), 15000);
  }
  element(id) { return this.at(this.test(id)); }
  async click(id) { await (await this.element(id)).click(); }
  async clickAt(selector) { await (await this.at(selector)).click(); }
  async fill(id, text) {
    const element = await this.element(id);
    await element.evaluate((e) => { e.focus(); e.value = ''; });
    await element.type(text);
  }
  /** Firefox 140 knows nothing of a screen's orientation, which puppeteer sets besides. */
  resize(width, height) {
    return this.raw.setViewport({ width, height }).catch((error) => { if (!/unknown command emulation\.setScreenOrientationOverride/.test(String(error))) throw error; });
  }
  closeTab() { return this.raw.close(); }
  async give(id, { name, buffer }) {
    const file = path.join(fs.mkdtempSync(path.join(this.scratch, 'files-')), name);
    fs.writeFileSync(file, buffer);
    await (await this.element(id)).uploadFile(file);
  }
  async close() { this.browser.process()?.kill('SIGKILL'); }
}

/** Opens a browser with one page. `focused`: a tab that has the keyboard; Firefox gives it to none that it began with. `tab`: title of the tab that may be filmed, without asking. `cameras`: so many, with pictures of Chromium's own. `inNamespace`: prefix command, e.g. ['ip','netns','exec','x']. */
export async function open(kind, person, scratch, { inNamespace = null, noise = false, cameras = 0, focused = false, tab = null, viewport = { width: 1280, height: 800 }, colorScheme = 'light', pulse } = {}) {
  const who = people[person];
  const patch = { synthetic: kind === 'firefox', tone: who.tone, colour: who.colour, width: WIDTH, height: HEIGHT, fps: FPS, counterFrames: COUNTER_FRAMES };
  if (kind === 'chromium') {
    const wav = path.join(scratch, `${person}.wav`), y4m = path.join(scratch, noise ? 'noise.y4m' : `${person}.y4m`);
    if (!fs.existsSync(wav)) writeTone(wav, who.tone);
    if (!fs.existsSync(y4m)) noise ? writeNoise(y4m) : writePattern(y4m, who.colour);
    const browser = await playwright.chromium.launch({
      executablePath: inNamespace ? namespaceWrapper(scratch, CHROMIUM, inNamespace) : CHROMIUM, headless: true,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
        '--disable-sync', `--use-fake-device-for-media-stream${cameras ? `=device-count=${cameras}` : ''}`, tab ? `--auto-select-tab-capture-source-by-title=${tab}` : '--use-fake-ui-for-media-stream', `--use-file-for-fake-audio-capture=${wav}`,
        ...(cameras ? [] : [`--use-file-for-fake-video-capture=${y4m}`]), '--autoplay-policy=no-user-gesture-required', '--allow-loopback-in-peer-connection'],
    });
    const newContext = async () => {
      const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport, colorScheme });
      await context.addInitScript(`(${installDeep})();(${capturePatch})(${JSON.stringify(patch)});`);
      return context;
    };
    return Object.assign(new ChromiumPage(`${person} (chromium)`, person, await (await newContext()).newPage(), browser), { newContext });
  }
  const browser = await puppeteer.launch({
    browser: 'firefox', executablePath: inNamespace ? namespaceWrapper(scratch, FIREFOX, inNamespace) : FIREFOX, headless: true, acceptInsecureCerts: true,
    env: { ...process.env, PULSE_SERVER: `unix:${pulse}`, HOME: scratch },
    extraPrefsFirefox: {
      'media.navigator.streams.fake': true, 'media.navigator.permission.disabled': true, 'permissions.default.camera': 1,
      'permissions.default.microphone': 1, 'media.peerconnection.ice.loopback': true, 'media.peerconnection.ice.obfuscate_host_addresses': false,
      'media.devices.unfocused.enabled': true, 'media.autoplay.default': 0, 'media.autoplay.blocking_policy': 0,
      'app.update.enabled': false, 'datareporting.policy.dataSubmissionEnabled': false, 'network.captive-portal-service.enabled': false, 'network.connectivity-service.enabled': false,
    },
  });
  const page = (!focused && (await browser.pages())[0]) || await browser.newPage();
  await page.setViewport(viewport).catch(() => {});
  await page.evaluateOnNewDocument(`(${installDeep})();(${capturePatch})(${JSON.stringify(patch)});`);
  return Object.assign(new FirefoxPage(`${person} (firefox)`, person, page, browser), { scratch });
}

function namespaceWrapper(scratch, program, prefix) {
  const file = path.join(scratch, `wrap-${path.basename(program)}-${prefix.at(-1)}`);
  fs.writeFileSync(file, `#!/bin/sh\nexec ${prefix.join(' ')} ${program} "$@"\n`, { mode: 0o755 });
  return file;
}

/** A sound server without a sound card: Firefox's audio clock needs one. */
export async function startPulse(scratch) {
  const socket = path.join(scratch, 'pulse.sock');
  const process_ = spawn('pulseaudio', ['-n', '--daemonize=no', '--use-pid-file=no', '--exit-idle-time=-1', '-L', 'module-null-sink sink_name=nul',
    '-L', `module-native-protocol-unix auth-anonymous=1 socket=${socket}`], { stdio: 'ignore', env: { ...process.env, HOME: scratch, XDG_RUNTIME_DIR: scratch } });
  await until('pulseaudio', () => fs.existsSync(socket));
  return { socket, stop: () => process_.kill('SIGKILL') };
}
