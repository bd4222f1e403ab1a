export * from './protocol';
export * from './record';
export { early } from './early';
export * from './sensitive';
export * from './session';
export * from './session_types';
export * from './sharer';
export * from './topic_client';
