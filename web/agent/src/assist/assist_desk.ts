import type { AgentAssist, Cobrowse } from '@parley/agents';
import { Emitter } from '@parley/sdk';

export interface AssistDeskEvents {
  /** A session was opened, left, or has changed. */
  changed: void;
  /** The video window is somewhere else, or the picture under it. */
  window: void;
}

const kCid = /^[A-Za-z0-9_.-]{1,64}$/;

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

  /** `?cid=…` in the address of the page (CON-1). */
  openAddress(search: string): void {
    const cid = new URLSearchParams(search).get('cid') ?? '';
    if (kCid.test(cid) && this.session?.cid !== cid) this.open(cid);
  }

  open(cid: string): void {
    this.leave();
    const session = this.assist_.open(cid);
    this.session = session;
    session.on('changed', () => {
      this.emit('changed', undefined);
      this.emit('window', undefined);
    });
    session.on('window', () => this.emit('window', undefined));
    this.emit('changed', undefined);
  }

  leave(): void {
    const session = this.session;
    this.session = null;
    session?.leave();
    if (session) this.emit('changed', undefined);
  }
}
