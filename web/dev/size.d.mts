export const kBudgets: Record<string, number>;
export function measure(dist?: string): { file: string; budget: number; kilobytes: number; over: boolean }[];
export function checkSizes(): void;
