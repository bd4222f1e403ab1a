// The viewer's thread: decodes and draws, so that neither waits for the console's page nor holds it up.
import { PictureSurface } from './picture_surface';
import type { FromWorker, ToWorker } from './viewer';

const scope = self as unknown as { onmessage: ((event: MessageEvent<ToWorker>) => void) | null; postMessage(message: FromWorker): void };
let surface: PictureSurface | null = null;

scope.onmessage = ({ data }) => {
  if ('canvas' in data) {
    surface = new PictureSurface(data.canvas as unknown as ConstructorParameters<typeof PictureSurface>[0], {
      drawn: (drawn) => scope.postMessage({ drawn }),
      spoiled: (why, frame) => scope.postMessage({ spoiled: { why, frame } }),
    });
  } else if ('frame' in data) {
    surface?.push(data.frame);
  } else if ('clear' in data) {
    surface?.clear();
  } else {
    surface?.close();
  }
};

scope.postMessage({ ready: true });
