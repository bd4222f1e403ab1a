import {
  defaultReconnectPolicy,
  kSdkVersion,
  Link,
  patientReconnectPolicy,
  type Dialect,
  type Environment,
  type ReconnectPolicy,
} from '../common/index';
import {
  kTopicPath,
  kTopicVersion,
  parseTopicMessage,
  parseTopicWelcome,
  type AssistRole,
  type TopicClientMessage,
  type TopicServerMessage,
  type TopicWelcome,
} from './protocol';

export interface TopicClientOptions {
  environment: Environment;
  /** Origin of the Parley server, e.g. `https://parley.example:8443`. */
  server: string;
  cid: string;
  role: AssistRole;
  /** An assist token; `fresh`: the last one was refused. */
  token: (fresh: boolean) => Promise<string>;
  /** Keep the party under this key of the tab's storage: the next page of the site goes on as the same one. */
  storageKey?: string;
  policy?: ReconnectPolicy;
  firstConnectMs?: number;
}

function dialectOf(cid: string): Dialect<TopicWelcome, TopicServerMessage> {
  const client = { name: 'parley-sdk', version: kSdkVersion };
  return {
    hello(token, resume) {
      const party = resume && { party: resume.session, key: resume.key, ack: resume.ack };
      return { type: 'hello', version: kTopicVersion, token, cid, client, resume: party };
    },
    welcome: parseTopicWelcome,
    session: ({ party, key }) => ({ session: party, key }),
    message: parseTopicMessage,
    replaced: (message) => message.type === 'replaced',
  };
}

/**
 * One party's connection to an assist session (docs/protocols/topic.md), for consumers and agents alike. Control
 * messages arrive once and in order over breaks and page changes; pictures (`sendBinary`, event `binary`) may be lost.
 */
export class TopicClient extends Link<TopicWelcome, TopicServerMessage, TopicClientMessage> {
  readonly cid: string;
  readonly role: AssistRole;

  constructor(options: TopicClientOptions) {
    const { environment, server, cid, role, token, storageKey, firstConnectMs } = options;
    const policy = options.policy ?? (role === 'consumer' ? defaultReconnectPolicy : patientReconnectPolicy);
    const url = server.replace(/^http/, 'ws').replace(/\/+$/, '') + kTopicPath;
    super({ environment, url, token, policy, storageKey, firstConnectMs }, dialectOf(cid));
    this.cid = cid;
    this.role = role;
  }
}
