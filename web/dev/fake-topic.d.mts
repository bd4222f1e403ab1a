import type { Page } from 'playwright-core';
type Json = Record<string, unknown>;
export class FakeTopic {
  static on(page: Page, options?: { sharer?: boolean }): Promise<FakeTopic>;
  /** What the consumer said. */
  got: Json[];
  /** Pictures go here. */
  binary?: (frame: Buffer) => void;
  refuse: boolean;
  send(message: Json): void;
  session(change: Json): void;
  ask(what?: 'view' | 'control'): void;
  secondAgent(): void;
  push(kind: string, id: string, src: string, name: string): void;
}
export function samplePdf(pages: number): Buffer;
