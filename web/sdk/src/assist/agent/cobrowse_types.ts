import type { Environment, ParleyError } from '../../common/index';
import type { Stroke, WindowPlace } from '../protocol';
import type { AssistLink } from './link';
import type { ContentSource } from './pushes';

/**
 * `waiting`: nobody has opened this session yet; it is tried again. `asking`, `refused`, `joined`: what the consumer says to our
 * seeing the page. `ended` and `failed` are final.
 */
export type Phase = 'connecting' | 'waiting' | 'asking' | 'refused' | 'joined' | 'reconnecting' | 'ended' | 'failed';

export interface CobrowseEvents {
  /** Something that is drawn has changed. */
  changed: void;
  /** A remark or an error in words. */
  notice: ParleyError;
  /** A picture that this party may see. */
  frame: ArrayBuffer;
  /** Nothing of the page may stay on the screen. */
  blank: void;
  draw: Stroke & { party?: string };
  erase: { ids?: string[]; on?: string; why?: string };
  cursor: { x: number; y: number };
  /** Where another agent points, in CSS pixels of the consumer's viewport; `on` a document, in units of its `page`. `gone`: nowhere any more. */
  pointer: { party: string; name: string; color: string; x: number; y: number; down: boolean; gone: boolean; on?: string; page?: number };
  /** A box of the page has carried what is drawn on it along. */
  carried: readonly { id: string; dx: number; dy: number }[];
  /** Where the video window lies now. */
  window: WindowPlace;
  document: { id: string; page?: number; scroll?: number; zoom?: number; closed?: boolean };
}

export interface CobrowseOptions {
  environment: Environment;
  cid: string;
  /** A fresh connection, for each try. */
  link: () => AssistLink;
  /** Prepares what is pushed; absent: only links and videos can be. */
  content?: ContentSource;
}
