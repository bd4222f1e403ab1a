import { guarded } from '../../common/guard';
import { frameDocument, isFrame } from './dom';
import type { Scene } from './targets';

/** Changes within so many milliseconds are told as one. */
const kQuiet = 150;

export interface FormWatch {
  /** Says so as if something had changed. */
  soon(): void;
  stop(): void;
}

/** Says when fields, their values or their state may have changed. */
export function watchForm({ root, shadowOf }: Scene, changed: () => void): FormWatch {
  const seen = new Set<Node>();
  let timer = 0;
  const soon = (): void => {
    if (timer) return;
    timer = root.setTimeout(guarded('form', () => {
      timer = 0;
      look(root.document);
      changed();
    }), kQuiet);
  };
  const observer = new root.MutationObserver(guarded('form', (records: MutationRecord[]) => {
    if (records.some((r) => !((r.target as Element).closest?.('[data-parley-overlay], [data-parley-picker]')))) soon();
  }));
  const kEvents = ['input', 'change', 'invalid', 'reset', 'submit'];
  const watch = (node: Document | ShadowRoot): void => {
    if (seen.has(node)) return;
    seen.add(node);
    for (const type of kEvents) node.addEventListener(type, soon, { capture: true, passive: true });
    observer.observe(node, {
      subtree: true, childList: true, attributes: true,
      attributeFilter: ['disabled', 'readonly', 'required', 'type', 'hidden', 'class', 'style', 'open', 'min', 'max', 'pattern', 'maxlength', 'aria-invalid', 'aria-label'],
    });
    look(node);
  };
  const look = (node: Document | ShadowRoot): void => {
    for (const old of seen) if (gone(old)) unwatch(old);
    watch(node);
    for (const element of node.querySelectorAll('*')) {
      const inner = isFrame(element) ? frameDocument(element) : shadowOf(element);
      if (inner && !seen.has(inner)) watch(inner);
    }
  };
  const unwatch = (node: Node): void => {
    for (const type of kEvents) node.removeEventListener(type, soon, { capture: true });
    seen.delete(node);
  };
  watch(root.document);
  const stop = (): void => {
    root.clearTimeout(timer);
    observer.disconnect();
    for (const node of seen) unwatch(node);
  };
  return { soon, stop };
}

/** Of a frame or component that is not on the page any more. */
const gone = (node: Node): boolean => (node.nodeType === Node.DOCUMENT_NODE ? (node as Document).defaultView === null : !(node as ShadowRoot).host.isConnected);
