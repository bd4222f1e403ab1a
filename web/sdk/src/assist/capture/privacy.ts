// Whether a page must not be shared just now, judged over all of it: its documents, frames of the same origin, components.
import { Leaving, SensitiveRules } from '../sensitive';
import type { ChangeWatcher } from './changes';

export class PagePrivacy {
  private readonly rules_: SensitiveRules;
  private readonly leaving_ = new Leaving();
  private at_: Document | null = null;
  private version_ = -1;
  private marked_ = false;

  constructor(rules: readonly string[] | undefined, private readonly watcher_: ChangeWatcher) {
    this.rules_ = new SensitiveRules(rules);
  }

  /** As the page is now. Searched anew only after something was changed: asked before every picture. */
  holds(): boolean {
    const { rules_: rules, watcher_: watcher } = this;
    watcher.catchUp();
    const at = [...watcher.documents].find(({ defaultView }) => defaultView && rules.holdAt(defaultView.location));
    if (at) this.at_ = at;
    else if (!this.at_?.defaultView) this.leaving_.forget();
    if (this.leaving_.holds(at !== undefined, watcher.version, watcher.removals)) return true;
    if (watcher.version !== this.version_ || rules.byState || watcher.beyond.size > 0) {
      this.version_ = watcher.version;
      this.marked_ = watcher.roots().some((root) => root.querySelector(rules.selector) !== null);
    }
    return this.marked_;
  }
}
