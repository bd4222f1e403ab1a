// Debian's Chromium with fake camera and microphone.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

export const kChromium = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const haveChromium = () => existsSync(kChromium);

export function launch({ devices = true } = {}) {
  return chromium.launch({
    executablePath: kChromium,
    headless: true,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--autoplay-policy=no-user-gesture-required', '--allow-loopback-in-peer-connection',
      ...(devices ? ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'] : []),
    ],
  });
}

/** Until nothing moves any more but what moves for ever: dialogs have opened, panels have slid in. */
export const still = (page) => page.waitForFunction(() => {
  const roots = [document];
  for (const root of roots) for (const e of root.querySelectorAll('*')) if (e.shadowRoot) roots.push(e.shadowRoot);
  return roots.every((root) => root.getAnimations().every((a) => a.playState !== 'running' || a.effect?.getComputedTiming().iterations === Infinity));
});

/** Until a video plays: `name` is its `data-test`. */
export const plays = (page, name = 'remote-video') => page.waitForFunction((wanted) => {
  const deep = (s, r = document) => { const h = r.querySelector(s); if (h) return h; for (const e of r.querySelectorAll('*')) { const i = e.shadowRoot && deep(s, e.shadowRoot); if (i) return i; } return null; };
  const v = deep(`[data-test=${wanted}]`);
  return v && v.videoWidth > 0 && v.currentTime > 0.5;
}, name, { timeout: 15000 });
