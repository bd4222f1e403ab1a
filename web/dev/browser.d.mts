import type { Browser } from 'playwright-core';
export const kChromium: string;
export function haveChromium(): boolean;
export function launch(options?: { devices?: boolean }): Promise<Browser>;
