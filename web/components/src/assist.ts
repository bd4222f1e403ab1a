// The script for a customer's page: the whole SDK and the docked panel, as `Parley`.
export * from '@parley/sdk';
export { assist, CallPanel } from './call_panel';
