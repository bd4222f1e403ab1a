import { Emitter, type Abilities, type CallFields, type MediaChoice, type Peer } from '../common/index';
import type { CallEvents } from './call_types';

export const kNoMedia: MediaChoice = { audio: false, video: false };
const kNoPeer: Peer = { name: '', address: '', kind: 'page' };
const kNothing: Abilities = { hold: false, transfer: false, video: false, dtmf: false };

/** What the gateway said of a call last, to be read. */
export abstract class CallFacts extends Emitter<CallEvents> {
  protected fields_: CallFields | null = null;

  get peer(): Peer {
    return this.fields_?.peer ?? kNoPeer;
  }
  get peerMuted(): MediaChoice {
    return this.fields_?.peerMuted ?? kNoMedia;
  }
  /** The other side holds this one. */
  get peerHeld(): boolean {
    return this.fields_?.peerHeld ?? false;
  }
  get can(): Abilities {
    return this.fields_?.can ?? kNothing;
  }
  /** Who passed this call on to this agent; empty: nobody. */
  get transferredBy(): string {
    return this.fields_?.transferredBy ?? '';
  }
  /** The assist session (`cid`) in which the other page can be seen; empty: none. */
  get assistCid(): string {
    return this.fields_?.assist?.cid ?? '';
  }
  /** Who is in the call, too: an agent's page mixes it with another call (a conference of three). Empty: nobody. */
  get conferenceWith(): string {
    return this.fields_?.conference?.name ?? '';
  }
  /** @internal This page's other call in that conference. */
  get conferenceCall(): string {
    return this.fields_?.conference?.call ?? '';
  }
  /** The hunt group through which it came; empty: none. */
  get group(): string {
    return this.fields_?.group ?? '';
  }
  /** The gateway asks this page to answer by itself. */
  get autoAnswer(): boolean {
    return this.fields_?.autoAnswer ?? false;
  }
  /** The call in whose place this one comes (a consult that is joined); empty: none. */
  get replaces(): string {
    return this.fields_?.replaces ?? '';
  }
  /** What came with the call (User-to-User), for agents only; empty: nothing. */
  get uui(): string {
    return this.fields_?.uui ?? '';
  }
  get correlationId(): string {
    return this.fields_?.correlationId ?? '';
  }
  get peerConnection(): 'ok' | 'lost' {
    return this.fields_?.peerConnection ?? 'ok';
  }
  /** Lost because the other page was left: it is being loaded anew, or gone. */
  get peerPageLeft(): boolean {
    return this.fields_?.peerPageLeft ?? false;
  }
  get startedAt(): Date | null {
    return this.fields_?.startedAt ? new Date(this.fields_.startedAt) : null;
  }
  get answeredAt(): Date | null {
    return this.fields_?.answeredAt ? new Date(this.fields_.answeredAt) : null;
  }
}
