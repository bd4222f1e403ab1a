import { html, nothing } from 'lit';
import type { TimelineEntry } from './api';
import { span } from './diagnose';

const kParts: Record<string, string> = {
  getUserMedia: 'Camera and microphone',
  token: 'Token',
  webSocket: 'WebSocket',
  offer: 'Offer',
  dial: 'Dial to ringing',
  ringing: 'Waiting for the answer',
  sdp: 'Descriptions',
  ice: 'ICE',
  dtls: 'DTLS',
  firstFrame: 'First picture decoded',
};

interface Part {
  start: number;
  duration: number;
}

/** Bars of the parts of a call's set-up, as the browser measured them. */
export function setupTimes(timeline: TimelineEntry[]) {
  const reports = timeline.filter((entry) => entry.what.startsWith('stats') && entry.detail.kind === 'setup');
  if (reports.length === 0) return nothing;
  return html`${reports.map((entry) => {
    const parts = Object.entries((entry.detail.parts ?? {}) as Record<string, Part>)
      .filter(([, part]) => typeof part?.start === 'number' && typeof part?.duration === 'number')
      .sort((a, b) => a[1].start - b[1].start);
    const total = Math.max(1, ...parts.map(([, part]) => part.start + part.duration));
    const first = entry.detail.firstFrame ?? entry.detail.firstAudio;
    const who = entry.from === 'agent' ? 'Agent: from Answer (or reload) to the first picture' : 'Customer: from Assist to the first picture';
    return html`<section class="card setup">
      <h2>${who} ${typeof first === 'number' ? html`<small>${span(first)}</small>` : nothing}</h2>
      <ul>
        ${parts.map(
          ([name, part]) => html`<li>
            <span>${kParts[name] ?? name}</span>
            <span class="bar" aria-hidden="true"><i class=${name === 'ringing' ? 'human' : ''} style="margin-left:${(part.start / total) * 100}%;width:${Math.max(0.5, (part.duration / total) * 100)}%"></i></span>
            <span class="value">${span(part.duration)}</span>
          </li>`,
        )}
      </ul>
    </section>`;
  })}`;
}
