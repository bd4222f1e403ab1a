import { guarded } from './guard';

export type Listener<T> = (detail: T) => void;

/** Typed events. A listener that throws is reported and harms neither the SDK nor the other listeners. */
export class Emitter<E extends object> {
  private readonly listeners_ = new Map<keyof E, Map<Listener<never>, Listener<never>>>();

  /** Returns a function that removes the listener. */
  on<K extends keyof E>(name: K, listener: Listener<E[K]>): () => void {
    let set = this.listeners_.get(name);
    if (!set) this.listeners_.set(name, (set = new Map()));
    set.set(listener as Listener<never>, guarded(`listener of ${String(name)}`, listener) as Listener<never>);
    return () => this.off(name, listener);
  }

  once<K extends keyof E>(name: K, listener: Listener<E[K]>): () => void {
    const remove = this.on(name, (detail) => {
      remove();
      listener(detail);
    });
    return remove;
  }

  off<K extends keyof E>(name: K, listener: Listener<E[K]>): void {
    this.listeners_.get(name)?.delete(listener as Listener<never>);
  }

  protected emit<K extends keyof E>(name: K, detail: E[K]): void {
    const set = this.listeners_.get(name);
    if (!set) return;
    for (const wrapped of [...set.values()]) (wrapped as Listener<E[K]>)(detail);
  }

  protected removeAllListeners(): void {
    this.listeners_.clear();
  }
}
