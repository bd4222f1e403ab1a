// Fakes for tests of pages that use the SDK: no browser, no network, no waiting.
export * from './fake_clock';
export * from './fake_environment';
export * from './fake_gateway';
export * from './fake_media';
export * from './fake_peer_connection';
export * from './fake_link';
