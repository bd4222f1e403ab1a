// The script for a customer's page: the whole SDK, the docked panel and co-browsing, as `Parley`.
import type { Assist, AssistOptions, CallPanelElement, CobrowseOptions } from '../../sdk/src/assist/consumer_module';
import type { AssistSession } from '@parley/assist';
import { assist as openCall, takeUpCall } from './call_panel';
import { configure, currentSession, escalate, onSession, reattachWhenReady, startCobrowse } from './assist/cobrowse';

export * from '@parley/sdk';
export { CallPanel } from './call_panel';

/**
 * `Parley.assist(options)` calls; `Parley.assist.start(options)` shares this page without a call; with `cobrowseOnly` the
 * former does the latter.
 */
export const assist: Assist = Object.assign(begin, { start: startCobrowse, escalate, configure, onSession, session: currentSession });

type Options = AssistOptions & CobrowseOptions;
function begin(options: Options & { cobrowseOnly: true }): AssistSession;
function begin(options?: Options & { cobrowseOnly?: false }): CallPanelElement;
function begin(options: Options & { cobrowseOnly?: boolean }): CallPanelElement | AssistSession;
function begin(options: Options & { cobrowseOnly?: boolean } = {}): CallPanelElement | AssistSession {
  return options.cobrowseOnly ? startCobrowse(options) : openCall(options);
}

reattachWhenReady(takeUpCall);
