/** The layer fills its parent and lets every event through. */
export const kLayerStyle: readonly (readonly [string, string])[] = [
  ['position', 'absolute'], ['inset', '0'], ['width', '100%'], ['height', '100%'], ['overflow', 'hidden'], ['pointer-events', 'none'], ['display', 'block'],
];
