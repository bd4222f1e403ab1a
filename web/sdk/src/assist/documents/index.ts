export * from './document_view';
export * from './types';
