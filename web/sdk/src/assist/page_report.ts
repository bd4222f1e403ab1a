import type { Fidelity, TopicConsumerMessage, Unsupported, View } from './protocol';

const kMaxUnsupported = 32;
const kFilmEnded = {
  what: 'the film of the tab',
  why: 'The page was left, which ends a film. The customer is asked to film the tab again; meanwhile it is painted.',
};

/** What agents are told of the page beside its pictures: size, title, path, how it is taken and what of it is missing. */
export class PageReport {
  view: View | null = null;
  fidelity: Fidelity = 'painter';
  unsupported: Unsupported[] = [];
  private told_ = '';

  /** `page` changes with each load. */
  constructor(private readonly page_: string) {}

  /** A new connection has heard nothing. */
  forget(): void {
    this.told_ = '';
  }

  /** null: nothing that was not told before. */
  next(filmEnded: boolean): TopicConsumerMessage | null {
    if (!this.view) return null;
    const unsupported = [...(filmEnded ? [kFilmEnded] : []), ...this.unsupported].slice(0, kMaxUnsupported);
    const message = { type: 'view' as const, ...this.view, fidelity: this.fidelity, unsupported, page: this.page_ };
    const text = JSON.stringify(message);
    if (text === this.told_) return null;
    this.told_ = text;
    return message;
  }
}
