import type { AgentAssist, Cobrowse } from '@parley/agents';
import { Emitter, ParleyError } from '@parley/sdk';

export interface AssistDeskEvents {
  /** A session was opened, left, or has changed. */
  changed: void;
  /** The video window is somewhere else, or the picture under it. */
  window: void;
}

const kCid = /^[A-Za-z0-9_.-]{1,64}$/;

/** What is looked at stands in the address: the page that is loaded anew goes on with it. */
function toAddress(cid: string | null): void {
  const url = new URL(location.href);
  if (url.searchParams.get('cid') === cid) return;
  if (cid) url.searchParams.set('cid', cid);
  else url.searchParams.delete('cid');
  history.replaceState(history.state, '', url);
}

/** The session that this page looks at: one at a time. */
export class AssistDesk extends Emitter<AssistDeskEvents> {
  session: Cobrowse | null = null;

  constructor(private readonly assist_: AgentAssist) {
    super();
  }

  /** false, too: what was looked at is over, and its end is still told. */
  get looking(): boolean {
    return this.session !== null && !this.session.over;
  }

  /** `?cid=…` in the address of the page (CON-1). Returns what is wrong with it. */
  openAddress(search: string): ParleyError | null {
    const cid = new URLSearchParams(search).get('cid') ?? '';
    if (kCid.test(cid)) {
      if (this.session?.cid !== cid) this.open(cid);
    } else if (cid) {
      const text = `The address of this page names no session: “${cid.slice(0, 40)}${cid.length > 40 ? '…' : ''}”. An id has up to 64 letters, digits, dots, dashes and underscores.`;
      return new ParleyError('argument.invalid', { text });
    }
    return null;
  }

  open(cid: string): void {
    this.leave();
    toAddress(cid);
    const session = this.assist_.open(cid);
    this.session = session;
    session.on('changed', () => {
      if (session.phase === 'ended') toAddress(null);
      this.emit('changed', undefined);
      this.emit('window', undefined);
    });
    session.on('window', () => this.emit('window', undefined));
    this.emit('changed', undefined);
  }

  /** `back`: whoever signs in again here goes on with it. */
  leave(back = false): void {
    const session = this.session;
    this.session = null;
    if (!back) toAddress(null);
    session?.leave();
    if (session) this.emit('changed', undefined);
  }
}
