export const alias: { find: RegExp; replacement: string }[];
