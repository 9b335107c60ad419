import { compareZxid, type Zxid } from '../core/zxid.js';

interface Waiter {
  readonly zxid: Zxid;
  readonly done: () => void;
  cancelled: boolean;
}

/** Callbacks that wait until the state machine has applied a zxid, called in the order of their zxids. */
export class AppliedWaiters {
  readonly #waiters: Waiter[] = [];

  get size(): number {
    return this.#waiters.length;
  }

  /** Returns what cancels it. Waiters for equal zxids keep their order. */
  add(zxid: Zxid, done: () => void): () => void {
    const waiter: Waiter = { zxid, done, cancelled: false };
    let at = this.#waiters.length;
    while (at > 0 && compareZxid(this.#waiters[at - 1]!.zxid, zxid) > 0) at--;
    this.#waiters.splice(at, 0, waiter);
    return () => {
      if (waiter.cancelled) return;
      waiter.cancelled = true;
      const index = this.#waiters.indexOf(waiter);
      if (index >= 0) this.#waiters.splice(index, 1);
    };
  }

  onApplied(applied: Zxid): void {
    let ready = 0;
    while (ready < this.#waiters.length && compareZxid(this.#waiters[ready]!.zxid, applied) <= 0) ready++;
    if (ready === 0) return;
    for (const waiter of this.#waiters.splice(0, ready)) {
      if (waiter.cancelled) continue;
      waiter.cancelled = true;
      waiter.done();
    }
  }
}
