// An agent's part in shared sessions, without any looks of its own (docs/agent-sdk.md).
export * from './assist_api';
export * from './cobrowse';
export { DocumentInk } from './document_ink';
export * from './form_desk';
export * from './geometry';
export { InkLayer } from './ink_layer';
export * from './link';
export { PaceMeter, type Pace } from './meter';
export * from './pushes';
export { RemoteMouse, type RemoteMouseTarget } from './remote_mouse';
