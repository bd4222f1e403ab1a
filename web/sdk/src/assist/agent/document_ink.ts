import type { OpenDocument, Stroke } from '../protocol';

/** Messages kept for a document; the server keeps 200 shapes. */
const kMaxKept = 2_000;

/** Drawings on documents as they came: a document is loaded when they are long here (who joins late, a slow PDF). */
export class DocumentInk {
  private readonly kept_ = new Map<string, Stroke[]>();

  of(document: string): readonly Stroke[] {
    return this.kept_.get(document) ?? [];
  }

  draw(stroke: Stroke): void {
    if (!stroke.on) return;
    const kept = this.kept_.get(stroke.on) ?? [];
    if (kept.length < kMaxKept) kept.push(stroke);
    // One document is open at a time.
    if (!this.kept_.has(stroke.on)) this.kept_.clear();
    this.kept_.set(stroke.on, kept);
  }

  erase({ ids, on }: { ids?: string[]; on?: string }): void {
    for (const [document, kept] of this.kept_) {
      if (on && on !== document) continue;
      if (!ids) this.kept_.delete(document);
      else this.kept_.set(document, kept.filter(({ id }) => !ids.includes(id)));
    }
  }
}

/** Where a document stands after a message that names what has changed. */
export function movedTo(open: OpenDocument, { page = open.page, scroll = open.scroll, zoom = open.zoom, pages = open.pages }: Partial<OpenDocument>): OpenDocument {
  return Object.assign(open, { page, scroll, zoom, pages });
}
