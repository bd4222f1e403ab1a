export * from './document_view';
export type { PenStroke } from './pen';
export * from './types';
