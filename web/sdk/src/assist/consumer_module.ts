// Types of /assistserver/sdk/web/consumer/parley-assist.mjs and of `Parley` where assist.js is loaded. What runs is in
// components/src/assist.ts, which is checked against them. Copyright the Parley authors. SPDX-License-Identifier: Apache-2.0
import type { Call, Client, PhoneOptions, SessionOptions } from '../index';
import type { AssistSession } from './session';
import type { AssistStartOptions } from './session_types';

export * from '../index';
export type { AssistSession } from './session';
export type { AssistEnd, AssistEvents, AssistPhase, AssistStartOptions, ConsentRequest, Push } from './session_types';
export type { Box, SharingRules } from './sharer';
export type { AssistSettings, Feature, Grant, OpenDocument, Party, PushKind, SessionState, Sharing } from './protocol';

export interface AssistOptions extends SessionOptions, PhoneOptions {
  audio?: boolean;
  video?: boolean;
  /** false: see the agent without being seen (default true). */
  sendVideo?: boolean;
  /** A ringing tone while the far end sends none (default true). */
  ringback?: boolean;
  audioProcessing?: boolean;
  /** `light` or `dark`; default: as the system. */
  theme?: 'light' | 'dark';
  title?: string;
  /** A button that shares the page with the agent of the call (default true). */
  share?: boolean;
  /** true: the page stays shared when the call ends that sharing was begun in. */
  keepSharing?: boolean;
  /** The id of the session that the page is shared in, where the agent knows one already; default: a new one. */
  cid?: string;
}

export interface CobrowseOptions extends AssistStartOptions {
  /** `light` or `dark`; default: as the system. */
  theme?: 'light' | 'dark';
  /** true: a session that was begun in a call stays when the call ends. */
  keepSharing?: boolean;
}

/** The docked panel `<parley-call-panel>`. Event `closed` when the person put it away. */
export interface CallPanelElement extends HTMLElement {
  readonly call: Call | null;
  open(options: AssistOptions): void;
}

export type CobrowseListener = (session: AssistSession | null) => void;

export interface Assist {
  /** Calls, in a docked panel; with `cobrowseOnly` it shares this page without a call, as `start` does. */
  (options: AssistOptions & CobrowseOptions & { cobrowseOnly: true }): AssistSession;
  (options?: AssistOptions & CobrowseOptions & { cobrowseOnly?: false }): CallPanelElement;
  (options: AssistOptions & CobrowseOptions & { cobrowseOnly?: boolean }): CallPanelElement | AssistSession;
  /** Shares this page without a call. One session a page; a running one is left alone. */
  start(options?: CobrowseOptions): AssistSession;
  /** Shares this page with the agent of a call. A session that begins so ends with the call, unless `keepSharing` is set. */
  escalate(client: Client, call: Call, options?: CobrowseOptions): AssistSession;
  /** Rules and names for every session of this page, also for one that the page before began. Call it on each page. */
  configure(options: CobrowseOptions): void;
  /** Hears of sessions that begin and end. Returns a function that stops it. */
  onSession(listener: CobrowseListener): () => void;
  /** The session of this page, if there is one. */
  session(): AssistSession | null;
}

export declare const assist: Assist;
