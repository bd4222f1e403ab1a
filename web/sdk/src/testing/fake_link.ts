import type { AssistLink, AssistLinkEvents } from '../assist/agent/index';
import { parseTopicMessage, parseTopicWelcome, type TopicAgentMessage, type TopicServerMessage } from '../assist/protocol';

type Json = Record<string, unknown>;

/** An agent's connection to a session, under a test's control. */
export class FakeLink implements AssistLink {
  readonly sent: TopicAgentMessage[] = [];
  readonly plain: TopicAgentMessage[] = [];
  readonly requests: { message: TopicAgentMessage; resolve: (m: TopicServerMessage) => void; reject: (e: unknown) => void }[] = [];
  closed = false;
  private readonly listeners_: { name: string; fn: (detail: never) => void }[] = [];

  on<K extends keyof AssistLinkEvents>(name: K, fn: (detail: AssistLinkEvents[K]) => void): () => void {
    this.listeners_.push({ name, fn: fn as (detail: never) => void });
    return () => undefined;
  }
  emit<K extends keyof AssistLinkEvents>(name: K, detail: AssistLinkEvents[K]): void {
    for (const { name: known, fn } of this.listeners_) if (known === name) fn(detail as never);
  }
  connect = () => Promise.resolve();
  send(message: TopicAgentMessage): void {
    this.sent.push(message);
  }
  sendPlain(message: TopicAgentMessage): boolean {
    return this.plain.push(message) > 0;
  }
  request(message: TopicAgentMessage): Promise<TopicServerMessage> {
    return new Promise((resolve, reject) => this.requests.push({ message, resolve, reject }));
  }
  close(): void {
    this.closed = true;
  }
  says(message: Json): void {
    this.emit('message', parseTopicMessage(message)!);
  }
  /** The party of this link is `p2`. */
  welcomes(session: Json, features: string[], role = 'agent'): void {
    this.emit('state', 'connected');
    this.emit('welcome', parseTopicWelcome({ type: 'welcome', party: 'p2', key: 'k', role, ack: 0, session, settings: { features } })!);
  }
}

export const kAllFeatures = ['view', 'pointer', 'control', 'forms', 'annotate', 'push_document', 'push_link', 'spotlight'];

export const partyOf = (state: string, role = 'agent'): Json => ({ party: 'p2', role, name: 'Robin', color: '#123456', state });

/** A session as the server tells of it, in which the party of the link is in this state. */
export const sessionOf = (state: string, more: Json = {}): Json => ({
  cid: 'c1', consumer: { present: true, name: 'Ada' }, parties: [partyOf(state)], sharing: state === 'joined' ? 'on' : 'asking', consent: state === 'joined', control: 'none', view: { w: 800, h: 600, scale: 1 }, ...more,
});
