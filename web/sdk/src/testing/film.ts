// The path that films the tab, in the page that a test is in; the browser's dialog and its camera on the tab are played.
export { MaskRules } from '../assist/capture/masks';
export { MaskStyle } from '../assist/capture/mask_style';
export { createSharer } from '../assist/sharing';
export { startTabCapture } from '../assist/capture/tab_capture';

/** What `getDisplayMedia` gives from now on: a canvas instead of the tab, to be drawn on by the test. */
export function playFilm(width: number, height: number): CanvasRenderingContext2D {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const g = canvas.getContext('2d')!;
  g.fillRect(0, 0, width, height);
  const getDisplayMedia = async (): Promise<MediaStream> => {
    const stream = canvas.captureStream(30), [track] = stream.getVideoTracks();
    Object.assign(track!, { getSettings: () => ({ displaySurface: 'browser' }), cropTo: async () => undefined });
    // A picture comes when something is drawn.
    g.fillRect(0, 0, width, height);
    return stream;
  };
  Object.defineProperty(navigator, 'mediaDevices', { value: { getDisplayMedia }, configurable: true });
  Object.defineProperty(window, 'CropTarget', { value: { fromElement: async () => ({}) }, configurable: true });
  return g;
}
