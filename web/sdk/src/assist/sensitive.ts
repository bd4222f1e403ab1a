// The sensitive-page rule: on some pages, or while something is on the page, nobody may see anything. Judged before every
// picture leaves and whenever the page changes, not by a clock.

export const kSensitiveAttribute = 'data-parley-sensitive';

/** `/account/*` matches a path; anything that does not begin with `/` is a CSS selector. */
export function pathMatches(pattern: string, path: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(path);
}

/** Only selectors that this browser understands; the others are told once. */
export function validSelectors(document: Document, selectors: readonly string[], told: (selector: string) => void): string[] {
  return selectors.filter((selector) => {
    try {
      document.createDocumentFragment().querySelector(selector);
      return true;
    } catch {
      told(selector);
      return false;
    }
  });
}

/** Says whether the page may be seen now, and calls `changed` when that changes. */
export class SensitiveWatch {
  private readonly paths_: string[];
  private readonly selector_: string;
  private readonly observer_: MutationObserver | null;
  private value_ = false;

  constructor(
    private readonly window_: Window & typeof globalThis,
    rules: readonly string[],
    private readonly changed_: (sensitive: boolean) => void,
    invalid: (selector: string) => void = () => undefined,
  ) {
    this.paths_ = rules.filter((rule) => rule.startsWith('/'));
    const selectors = validSelectors(window_.document, rules.filter((rule) => !rule.startsWith('/')), invalid);
    this.selector_ = [`[${kSensitiveAttribute}]`, 'meta[name="parley-sensitive"]', ...selectors].join(',');
    this.observer_ = window_.MutationObserver ? new window_.MutationObserver(() => this.judge()) : null;
    this.observer_?.observe(window_.document.documentElement, {
      childList: true, subtree: true, attributes: true, attributeFilter: [kSensitiveAttribute, 'class', 'id', 'hidden', 'open'],
    });
    window_.addEventListener('popstate', this.judge);
    window_.addEventListener('hashchange', this.judge);
    this.value_ = this.look();
  }

  get sensitive(): boolean {
    return this.value_;
  }

  /** Looks at the page as it is now. Call before anything of it leaves. */
  judge = (): boolean => {
    const value = this.look();
    if (value !== this.value_) {
      this.value_ = value;
      this.changed_(value);
    }
    return value;
  };

  stop(): void {
    this.observer_?.disconnect();
    this.window_.removeEventListener('popstate', this.judge);
    this.window_.removeEventListener('hashchange', this.judge);
  }

  private look(): boolean {
    const { document, location } = this.window_;
    if (this.paths_.some((pattern) => pathMatches(pattern, location.pathname))) return true;
    return document.querySelector(this.selector_) !== null;
  }
}
