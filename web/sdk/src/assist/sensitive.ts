// The sensitive-page rule: on some pages, or while something is on the page, nobody may see anything. Judged before every
// picture leaves and whenever the page changes, not by a clock.

export const kSensitiveAttribute = 'data-parley-sensitive';

type Address = Pick<Location, 'origin' | 'host' | 'pathname' | 'search' | 'hash'>;

const kUrl = /^(https?:)?\/\//i;
/** A route behind `#`, which is no selector either. */
const kRoute = /^#!?\//;

/** `*` stands for anything. */
export function pathMatches(pattern: string, path: string): boolean {
  return regexOf(pattern).test(path);
}

const regexOf = (pattern: string, flags = ''): RegExp =>
  new RegExp(`^${pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`, flags);

function readable(address: string): string {
  try {
    return decodeURI(address);
  } catch {
    return address;
  }
}

/** A path, a route behind `#` or a whole address. Query and hash count where the rule has such. */
function placeOf(rule: string): (at: Address) => boolean {
  const url = kUrl.exec(rule), route = kRoute.test(rule);
  let pattern = rule;
  // As browsers write them: no default port. A site without a path is all of it.
  if (url) pattern = pattern.replace(/^(https:\/\/[^/?#]*):443(?![^/?#])|^(http:\/\/[^/?#]*):80(?![^/?#])/i, '$1$2').replace(/^((?:https?:)?\/\/[^/?#]*)$/i, '$1/*');
  const regex = regexOf(pattern, url ? 'i' : '');
  const cut = pattern.indexOf('#'), before = cut < 0 ? pattern : pattern.slice(0, cut), behind = cut < 0 ? '' : pattern.slice(cut);
  return (at) => {
    const start = url ? (url[1] ? at.origin : `//${at.host}`) : '';
    const hash = behind === '' ? '' : behind.includes('?') ? at.hash : at.hash.split('?')[0]!;
    const address = `${start}${route ? '' : at.pathname}${before.includes('?') ? at.search : ''}${hash}`;
    return regex.test(address) || regex.test(readable(address));
  };
}

/** A path without its first slash (`account/*`) is a selector to browsers: what stands behind the slash is a comment to them. */
const kSlash = /^(?:[^/\\"'[]|\\.|"[^"]*"|'[^']*'|\[[^\]]*\])*\//;

function isSelector(text: string): boolean {
  if (kSlash.test(text)) return false;
  try {
    document.createDocumentFragment().querySelector(text);
    return true;
  } catch {
    return false;
  }
}

/** What a site says of its private pages: paths, routes, addresses, and selectors of what makes a page private while it is there. */
export class SensitiveRules {
  /** Of anything that makes a page private while it is there. */
  readonly selector: string;
  /** Whether it may match, or not any more, without a node or attribute being changed. */
  readonly byState: boolean;
  /** Rules that are none. Whoever wrote them believes that some page is private, and nobody can say which: all are. */
  readonly unusable: string[] = [];
  private readonly places_: ((at: Address) => boolean)[] = [];

  constructor(rules: readonly string[] = []) {
    const selectors = [`[${kSensitiveAttribute}]`, 'meta[name="parley-sensitive"]'];
    for (const given of typeof rules === 'string' ? [rules] : rules) {
      const rule = typeof given === 'string' ? given.trim() : '';
      const place = /^[/*]/.test(rule) || kUrl.test(rule) || kRoute.test(rule);
      if (place) this.places_.push(placeOf(rule));
      // `*.card` may be meant as either, and is both.
      if (isSelector(rule)) selectors.push(rule);
      else if (!place) this.unusable.push(String(given));
    }
    this.selector = selectors.join(',');
    this.byState = /:|style/i.test(this.selector);
  }

  /** Whether a page or frame at this address is private whatever is on it. */
  holdAt(at: Address): boolean {
    return this.unusable.length > 0 || this.places_.some((place) => place(at));
  }
}

/** So long at most; so long after the last change. */
const kLeavingMs = 3000, kQuietMs = 300;

/** Routers change the address first and the page later, after the Back key even when a server has answered: it is private until then. */
export class Leaving {
  private version_ = 0;
  private removals_ = 0;
  private leftAt_ = -1;
  private changedAt_ = -1;

  /**
   * Whether the page is still to be held. `held`: by its address; `version`: another one after each change of the page;
   * `removals`: after each that took something away. What only comes, as a sign that something is loading, changes no page.
   */
  holds(held: boolean, version: number, removals: number): boolean {
    const now = performance.now();
    if (held) [this.leftAt_, this.version_, this.removals_] = [Infinity, version, removals];
    if (held || this.leftAt_ < 0) return held;
    if (this.leftAt_ === Infinity) [this.leftAt_, this.changedAt_] = [now, -1];
    if (version !== this.version_ && (removals !== this.removals_ || this.changedAt_ >= 0)) this.changedAt_ = now;
    [this.version_, this.removals_] = [version, removals];
    if (now - this.leftAt_ > kLeavingMs || (this.changedAt_ >= 0 && now - this.changedAt_ > kQuietMs)) this.forget();
    return this.leftAt_ >= 0;
  }

  /** What was private is gone. */
  forget(): void {
    this.leftAt_ = -1;
  }
}

/** Says whether the page may be seen now, and calls `changed` when that changes. What is in frames and components is for the sharer. */
export class SensitiveWatch {
  private readonly rules_: SensitiveRules;
  private readonly observer_: MutationObserver | null;
  private readonly leaving_ = new Leaving();
  private version_ = 0;
  private removals_ = 0;
  private timer_ = 0;
  private value_ = false;

  constructor(
    private readonly window_: Window & typeof globalThis,
    rules: readonly string[],
    private readonly changed_: (sensitive: boolean) => void,
    unusable: (rule: string) => void = () => undefined,
  ) {
    this.rules_ = new SensitiveRules(rules);
    this.rules_.unusable.forEach(unusable);
    this.observer_ = window_.MutationObserver ? new window_.MutationObserver((records) => this.mutated(records)) : null;
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
    this.window_.clearTimeout(this.timer_);
    this.window_.removeEventListener('popstate', this.judge);
    this.window_.removeEventListener('hashchange', this.judge);
  }

  private mutated(records: readonly MutationRecord[]): void {
    if (records.some((r) => r.type === 'childList')) this.version_++;
    if (records.some((r) => r.removedNodes.length > 0)) this.removals_++;
    this.judge();
  }

  private look(): boolean {
    const { document, location } = this.window_;
    const at = this.rules_.holdAt(location), held = this.leaving_.holds(at, this.version_, this.removals_);
    // Nothing else tells that it is over.
    if (held && !at) this.timer_ ||= this.window_.setTimeout(() => ((this.timer_ = 0), this.judge()), kQuietMs);
    return held || document.querySelector(this.rules_.selector) !== null;
  }
}
