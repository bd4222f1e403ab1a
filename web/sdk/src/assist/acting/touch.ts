// The consumer's own hand on the page: what the browser itself says (`isTrusted`), never what was made by a script.
import { guarded } from '../../common/guard';
import { frameDocument, isFrame } from './dom';

const kTouches = ['pointerdown', 'mousedown', 'touchstart', 'keydown', 'wheel'] as const;

/** Calls `onTouch` for every touch in the window and its frames of the same origin. Returns a function that stops it. */
export function watchTouch(root: Window, onTouch: () => void): () => void {
  const watched = new Set<Document>();
  const touched = guarded('touch', (event: Event) => {
    // Ours may have shadow roots of their own, open ones too.
    const ours = event.composedPath().some((node) => (node as Partial<Element>).hasAttribute?.('data-parley-overlay'));
    if (event.isTrusted && !ours) onTouch();
  });
  const loaded = guarded('frame', (event: Event) => watchFrame(event.target as Element));
  const watch = (document: Document): void => {
    if (watched.has(document)) return;
    for (const old of watched) if (old.defaultView === null) watched.delete(old);
    watched.add(document);
    for (const type of kTouches) document.addEventListener(type, touched, { capture: true, passive: true });
    document.addEventListener('load', loaded, { capture: true });
    for (const frame of document.querySelectorAll('iframe')) watchFrame(frame);
  };
  const watchFrame = (frame: Element): void => {
    if (!isFrame(frame)) return;
    const inner = frameDocument(frame);
    if (inner) watch(inner);
  };
  watch(root.document);
  return () => {
    for (const document of watched) {
      for (const type of kTouches) document.removeEventListener(type, touched, { capture: true });
      document.removeEventListener('load', loaded, { capture: true });
    }
    watched.clear();
  };
}
