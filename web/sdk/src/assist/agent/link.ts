import type { ParleyError } from '../../common/index';
import type { TopicAgentMessage, TopicServerMessage, TopicWelcome } from '../protocol';

export type LinkState = 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'replaced' | 'closed';

export interface LinkEvents {
  state: LinkState;
  welcome: TopicWelcome;
  message: TopicServerMessage;
  /** A picture, as it came. */
  binary: ArrayBuffer;
  /** The connection is over and does not come back by itself. */
  failed: ParleyError;
}

/** What the workspace needs of a connection to `/assistserver/topic`. */
export interface AssistLink {
  on<K extends keyof LinkEvents>(name: K, listener: (detail: LinkEvents[K]) => void): () => void;
  connect(): Promise<unknown>;
  /** Now, or after the next resume. */
  send(message: TopicAgentMessage): void;
  /** Now or never: what is stale after a break is worth nothing. */
  sendPlain(message: TopicAgentMessage): boolean;
  request(message: TopicAgentMessage): Promise<TopicServerMessage>;
  close(): void;
}
