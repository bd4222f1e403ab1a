export const sampleCalls = [];
