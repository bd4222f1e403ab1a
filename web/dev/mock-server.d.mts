export const kPolicy: string;
export function startMock(options?: {
  port?: number;
  resumeSeconds?: number;
  ringSeconds?: number;
}): Promise<{ origin: string; close(): void }>;
