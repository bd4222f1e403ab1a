import type { MaskOptions, Masked } from './masks';
import type { Unsupported, View } from '../protocol';
import type { StartWorker } from '../start_worker';

export interface Receipt {
  /** Milliseconds since 1970. */
  at: number;
  masked: Masked[];
  /** Pictures of a film that were not sent, as something in them was not black yet. */
  withheld: number;
}

export interface CaptureOptions {
  /** The page that is shared. */
  window?: Window;
  /** Picture pixels for one CSS pixel, 0.25 … 2. */
  scale?: number;
  masks?: MaskOptions;
  /** Pages that are never shared, as in `SharingRules`. */
  sensitive?: readonly string[];
  /** Our own things in the page: not painted, not watched. */
  ignore?: string;
  /** Script of the encoding worker; without it the page encodes. */
  workerUrl?: string;
  /** How the page starts a worker, where Trusted Types are required. */
  startWorker?: StartWorker;
  /** 0 … 1, of pictures that are on the move. */
  quality?: number;
  /** Least time between two pictures, ms. */
  minInterval?: number;
  /** What sharp pictures may take of the line on average, kbit/s; default 56: photographs are ten times as large so. */
  sharpKbps?: number;
  onFrame(frame: ArrayBuffer): void;
  onUnsupported?(list: Unsupported[]): void;
  onReceipt?(receipt: Receipt): void;
}

export interface Pace {
  /** What the viewers' lines carry. */
  kbps?: number;
  /** A viewer does not keep up. */
  behind?: boolean;
}

export interface CaptureEvents {
  view: View;
  sensitive: boolean;
  /** For measurements: what a picture cost. */
  painted: PaintCost;
}

export interface PaintCost {
  /** Main thread, ms: finding out what changed, walking the page, painting. */
  ms: number;
  whole: boolean;
  scrolled: boolean;
  rects: number;
  elements: number;
  /** From the first change that it shows to the encoded picture, ms; 0 when nothing was sent. */
  latency: number;
  bytes: number;
}

/** Of a site, within 0.25 … 2, made smaller by what an agent has chosen: also of the smallest, or all choices would be one. */
export const scaleOf = (scale = 1, size = 1): number => Math.min(2, Math.max(0.25, scale)) * size;

/** Bytes of one sharp picture: what the line's share carries in five seconds. */
export const sharpMost = (kbps = 56): number => Math.max(40_000, kbps * 625);

/** A sharp picture of so many bytes uses up the line's share for so long, ms. */
export const sharpRest = (bytes: number, kbps = 56): number => (bytes * 8) / kbps;
