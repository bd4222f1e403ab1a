import type { Environment, ParleyError } from '../common/index';
import type { AssistSettings, Grant, PushKind, SessionState, SharedMessage, WindowPlace } from './protocol';
import type { SharerLoader, SharingRules } from './sharer';

export interface AssistStartOptions {
  /** Origin of the Parley server; default: the page's own. */
  server?: string;
  /** The session's id, shared with the agent; default: a new one. */
  cid?: string;
  /** An assist token that the site's own server fetched, with its `cid`. */
  token?: string;
  /** How the agent sees the person called. */
  name?: string;
  destination?: string;
  applicationId?: string;
  correlationId?: string;
  rules?: SharingRules;
  environment?: Environment;
}

export interface ConsentRequest {
  id: string;
  party: string;
  name: string;
  what: Grant;
}

export interface Push {
  id: string;
  kind: PushKind;
  src: string;
  name: string;
  /** The agent who sent it. */
  by: string;
}

export interface AssistEnd {
  reason: string;
  text: string;
}

/** `open`: connected, whether or not anybody is there. */
export type AssistPhase = 'starting' | 'open' | 'reconnecting' | 'ended';

export interface AssistEvents {
  changed: void;
  request: ConsentRequest;
  /** Nobody waits for the answer any more. */
  requestOver: string;
  push: Push;
  pointer: { party: string; x: number; y: number; down: boolean; gone: boolean; on?: string; page?: number };
  /** What an agent did on the page. */
  activity: { party: string; what: string; target: string };
  document: Extract<SharedMessage, { type: 'document' }>;
  annotation: Extract<SharedMessage, { type: 'draw' | 'erase' }>;
  window: WindowPlace;
  notice: ParleyError;
  ended: AssistEnd;
}

export interface SessionParts {
  loadSharer: SharerLoader;
  /** Elements for the sharer. */
  overlay: HTMLElement;
  layer: HTMLElement;
  /** The page must not be seen just now. */
  sensitive: () => boolean;
}

/** Before the server has said anything. */
export const kNobody: SessionState = {
  cid: '', consumer: { present: true, name: '' }, parties: [], sharing: 'off', consent: false, control: 'none',
  view: { w: 0, h: 0, scale: 1, title: '', path: '' }, fidelity: 'painter', quality: 'sharp', unsupported: [], document: null, window: null,
};
export const kNoSettings: AssistSettings = { features: [], imageScale: 1, maxFrameBytes: 1048576, maxParties: 4, maxDocumentBytes: 26214400, maskDefault: 'all', maskSelectors: [], agentName: '' };
