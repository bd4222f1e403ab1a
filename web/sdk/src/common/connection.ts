import { Link } from './link';
import type { Dialect, LinkEvents, LinkOptions } from './link_types';
import {
  kProtocolVersion,
  kSdkVersion,
  parseServerMessage,
  parseWelcome,
  type ClientMessage,
  type ServerMessage,
  type Welcome,
} from './protocol';

export type ConnectionEvents = LinkEvents<Welcome, ServerMessage>;
export type ConnectionOptions = LinkOptions;

const kCallControl: Dialect<Welcome, ServerMessage> = {
  hello(token, resume) {
    const client = { name: 'parley-sdk', version: kSdkVersion };
    return { type: 'hello', version: kProtocolVersion, token, client, resume };
  },
  welcome: parseWelcome,
  session: ({ session, key }) => ({ session, key }),
  message: parseServerMessage,
  replaced: (message) => message.type === 'session' && message.what === 'replaced',
};

/** The WebSocket to the gateway (docs/protocols/websocketcall.md). */
export class Connection extends Link<Welcome, ServerMessage, ClientMessage> {
  constructor(options: ConnectionOptions) {
    super(options, kCallControl);
  }
}
