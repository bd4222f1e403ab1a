import type { Environment } from './environment';
import type { ParleyError } from './errors';
import type { ReconnectPolicy } from './reconnect';

export type ConnectionState = 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'replaced' | 'closed';

type Json = Record<string, unknown>;

/** What every protocol's welcome has. */
export interface LinkWelcome {
  resumed: boolean;
  /** The highest number that the other side received. */
  ack: number;
}

export interface LinkMessage {
  type: string;
}

/** What proves to the server that this is the session of before. */
export interface LinkSession {
  session: string;
  key: string;
}

/** What one protocol says differently from another. Parsers give null for what is not theirs; it is skipped. */
export interface Dialect<W extends LinkWelcome, In extends LinkMessage> {
  hello(token: string, resume: (LinkSession & { ack: number }) | undefined): object;
  welcome(raw: Json): W | null;
  session(welcome: W): LinkSession;
  message(raw: Json): In | null;
  /** The message says that another page took over. */
  replaced(message: In): boolean;
}

export interface LinkEvents<W, In> {
  state: ConnectionState;
  welcome: W;
  message: In;
  /** A binary message. It is not numbered: what was lost in a break is not repeated. */
  binary: ArrayBuffer;
  /** The connection is over and does not come back by itself. */
  failed: ParleyError;
}

export interface LinkOptions {
  environment: Environment;
  url: string;
  /** A token for the hello; `fresh`: the last one was refused. */
  token: (fresh: boolean) => Promise<string>;
  policy: ReconnectPolicy;
  /** Keep the session under this key, so that a reloaded page resumes it. */
  storageKey?: string;
  /** How long the first connection may take before `connect` gives up; absent: as long as the policy says. */
  firstConnectMs?: number;
}
