import { guarded } from '../../common/guard';
import { ancestors } from '../acting/dom';
import { scrolls } from '../acting/scrolling';
import { resolve } from '../acting/targets';
import { rootOf } from '../early';
import { AnnotationLayer } from './layer';

/** The layer over the consumer's own page: follows its scrolling, and that of boxes inside it. */
export function layerOverPage(root: Window, parent: Element | ShadowRoot, onMoved?: (id: string, dx: number, dy: number) => void): { layer: AnnotationLayer; stop: () => void } {
  const realm = root as Window & typeof globalThis;
  const layer = new AnnotationLayer({
    parent, onMoved,
    view: () => ({ scrollX: root.scrollX, scrollY: root.scrollY, scale: 1 }),
    container(x, y) {
      const target = resolve({ root: realm, shadowOf: rootOf }, x, y);
      if (typeof target === 'string') return null;
      for (const e of ancestors(target.element)) {
        if (e !== realm.document.scrollingElement && (scrolls(e, false) || scrolls(e, true))) return e;
      }
      return null;
    },
  });
  const refresh = guarded('annotations', () => layer.refresh());
  // Captured: boxes scroll without bubbling.
  root.document.addEventListener('scroll', refresh, { capture: true, passive: true });
  root.addEventListener('resize', refresh, { passive: true });
  return {
    layer,
    stop() {
      root.document.removeEventListener('scroll', refresh, { capture: true });
      root.removeEventListener('resize', refresh);
      layer.destroy();
    },
  };
}
