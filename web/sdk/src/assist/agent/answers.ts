import { ParleyError } from '../../common/index';
import type { Grant } from '../protocol';

/** What the consumer's no is called. */
export const kRefused = {
  view: () => new ParleyError('assist.view_refused', { text: 'The customer did not agree to share the page.' }),
  off: () => new ParleyError('assist.feature_off', { text: 'Control is switched off for this session.' }),
  control: (name: string) => new ParleyError('assist.control_refused', { text: `${name} does not want the page to be controlled now.` }),
};

interface Waiting {
  what: Grant;
  resolve: () => void;
  reject: (error: ParleyError) => void;
}

/** Promises of what the consumer will answer. Nobody has to look at them: a no is told by events, too. */
export class Answers {
  private waiting_: Waiting[] = [];

  wait(what: Grant): Promise<void> {
    const promise = new Promise<void>((resolve, reject) => this.waiting_.push({ what, resolve, reject }));
    promise.catch(() => undefined);
    return promise;
  }

  /** As `wait`, known at once. */
  no(error: ParleyError): Promise<void> {
    const promise = Promise.reject(error);
    promise.catch(() => undefined);
    return promise;
  }

  /** null: yes. */
  settle(what: Grant, error: ParleyError | null): void {
    const all = this.waiting_;
    this.waiting_ = all.filter((each) => each.what !== what);
    for (const each of all.filter((one) => one.what === what)) {
      if (error) each.reject(error);
      else each.resolve();
    }
  }
}
