// The script for a customer's page: the whole SDK, the docked panel and co-browsing, as `Parley`.
import { assist as openCall, type AssistOptions } from './call_panel';
import { configure, currentSession, escalate, onSession, reattachWhenReady, startCobrowse, type CobrowseOptions } from './assist/cobrowse';

export * from '@parley/sdk';
export { CallPanel } from './call_panel';

/**
 * `Parley.assist(options)` calls; `Parley.assist.start(options)` shares this page without a call; with `cobrowseOnly` the
 * former does the latter.
 */
export const assist = Object.assign(
  (options: AssistOptions & CobrowseOptions & { cobrowseOnly?: boolean } = {}) =>
    options.cobrowseOnly ? startCobrowse(options) : openCall(options),
  { start: startCobrowse, escalate, configure, onSession, session: currentSession },
);

reattachWhenReady();
