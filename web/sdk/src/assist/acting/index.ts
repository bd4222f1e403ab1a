export { Actor, createActor } from './actor';
export { asksForCard, Bars, kBarredAttribute, sensitiveRule, type BarRule } from './barred';
export { nameOf } from './fields';
export * from './types';
