import type { Zxid } from '@zkl/consensus';

/** A map by session id, which is a zxid: two numbers, so that no key has to be made for a look-up. */
export class SessionMap<V> {
  readonly #epochs = new Map<number, Map<number, V>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get({ epoch, counter }: Zxid): V | undefined {
    return this.#epochs.get(epoch)?.get(counter);
  }

  set({ epoch, counter }: Zxid, value: V): void {
    let counters = this.#epochs.get(epoch);
    if (counters === undefined) this.#epochs.set(epoch, (counters = new Map<number, V>()));
    if (!counters.has(counter)) this.#size += 1;
    counters.set(counter, value);
  }

  delete({ epoch, counter }: Zxid): void {
    const counters = this.#epochs.get(epoch);
    if (counters?.delete(counter) !== true) return;
    this.#size -= 1;
    if (counters.size === 0) this.#epochs.delete(epoch);
  }

  clear(): void {
    this.#epochs.clear();
    this.#size = 0;
  }

  *values(): IterableIterator<V> {
    for (const counters of this.#epochs.values()) yield* counters.values();
  }
}
