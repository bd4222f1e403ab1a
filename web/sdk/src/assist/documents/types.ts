import type { Point, Stroke } from '../protocol';

/** Where a co-viewed document stands. The same at both ends, however wide their windows are. */
export interface Position {
  /** From 1. */
  page: number;
  /** How much of that page's height is scrolled away, 0 … 1. */
  scroll: number;
  /** 1: the page is as wide as the window. */
  zoom: number;
}

/** A place on a page, in the page's own units: points of a PDF (1/72 inch), pixels of a picture. */
export interface PagePoint {
  page: number;
  point: Point;
}

export interface Size {
  width: number;
  height: number;
}

export interface RenderedPage {
  canvas: HTMLCanvasElement;
  size: Size;
}

/** A document as pages; PDFs and pictures alike. */
export interface PageSource {
  readonly pages: number;
  /** Of the first page: what is not loaded yet is assumed to be like it. */
  readonly size: Size;
  /** `scale`: canvas pixels per unit. Rejects with a ParleyError. */
  render(page: number, scale: number, signal: AbortSignal): Promise<RenderedPage>;
  close(): void;
}

/** A highlighter's line is so many times as wide, a text so many times as high, as the width that is told. */
export const kHighlighterTimes = 4;
export const kTextTimes = 5;

export type DocumentStroke = Pick<Stroke, 'id' | 'tool' | 'color' | 'width' | 'points' | 'text'> & { page?: number };
