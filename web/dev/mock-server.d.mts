export const kPolicy: string;

interface MockAssist {
  settings: { features: string[] };
  token(who: { role: 'consumer' | 'agent' | 'supervisor'; name: string; cid?: string; user?: string }): string;
  put(item: object): { id: string };
  /** For a session. */
  code(cid: string): string;
  library(): { id: string }[];
  readonly sessions: ReadonlyMap<string, { quality: string; parties: { role: string; color: string }[] }>;
}

export function startMock(options?: {
  port?: number;
  resumeSeconds?: number;
  ringSeconds?: number;
  features?: string[];
}): Promise<{ origin: string; close(): void; assist: MockAssist; announce(cid: string): void }>;
