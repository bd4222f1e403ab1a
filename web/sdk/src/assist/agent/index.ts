// An agent's part in shared sessions, without looks of its own (docs/agent-sdk.md).
export * from './agent_assist';
export { AssistApi, kAccept, limitText, sizeText, upload, type Content, type LibraryItem, type UploadOptions } from './assist_api';
export { Cobrowse } from './cobrowse';
export type { CobrowseEvents, CobrowseOptions, Phase } from './cobrowse_types';
export { DocumentInk } from './document_ink';
export { FormDesk, type FieldChange, type FieldResult } from './form_desk';
export { DocumentStage, type DocumentStageEvents, type DocumentStageOptions, type DocumentStageTexts } from './document_stage';
export * from './geometry';
export type { AssistLink, LinkEvents as AssistLinkEvents, LinkState } from './link';
export { PaceMeter, type Pace } from './meter';
export { checkAddress, isVideoAddress, linkTo, nameOfAddress, Pushes, type ContentSource, type Pushed, type PushRequest } from './pushes';
export { RemoteMouse, type RemoteMouseTarget } from './remote_mouse';
export { PageStage, type StageEvents, type StageOptions, type StageTexts } from './stage';
export { isDrawing, kWidths, type Mode } from './tools';
export { kQualities } from '../protocol';
export type {
  AssistSettings, Feature, Fidelity, FormField, Grant, Modifiers, OpenDocument, Party, Point, PushKind, Quality as PictureQuality, SessionState, Sharing, Stroke, Tool, Unsupported, View, WindowPlace,
} from '../protocol';
export type { Drawn, PictureView } from '../picture_surface';
