// Application events: /gateway/csdk-aed.js, beside csdk-sdk.js or csdk-common.js. Copyright the Parley authors. SPDX-License-Identifier: Apache-2.0
export { Aed } from './aed';
export type { AedEvents, AedOptions, TopicOptions } from './aed';
export { AedConflict } from './outbox';
export { Topic } from './topic';
export type { Change, SubmitOptions, TopicEvents } from './topic';
export type { Author, Item, Value } from './protocol';
