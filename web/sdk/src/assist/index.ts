export * from './protocol';
export * from './topic_client';
