import { PLACE, type ExtraTable } from './extra-table.js';

const FIRST_CAPACITY = 64;

/**
 * The nodes with a TTL, the one that may be over first on top: a binary heap of extra rows, off the heap of the engine. A key is the
 * earliest time at which the node can be over. A set makes it later without telling: who looks at the top finds out and puts it right.
 */
export class TtlHeap {
  count = 0;
  readonly #extras: ExtraTable;
  #keys = new Float64Array(FIRST_CAPACITY);
  #slots = new Int32Array(FIRST_CAPACITY);

  constructor(extras: ExtraTable) {
    this.#extras = extras;
  }

  /** The earliest key; Infinity when there is none. */
  get topKey(): number {
    return this.count === 0 ? Infinity : this.#keys[0]!;
  }

  /** The extra row on top; there is one. */
  get top(): number {
    return this.#slots[0]!;
  }

  add(slot: number, key: number): void {
    if (this.count === this.#slots.length) this.#grow();
    this.#put(this.count++, slot, key);
    this.#rise(this.count - 1);
  }

  remove(slot: number): void {
    const at = this.#extras.get(slot, PLACE) - 1;
    this.#extras.set(slot, PLACE, 0);
    this.count--;
    if (at === this.count) return;
    this.#put(at, this.#slots[this.count]!, this.#keys[this.count]!);
    this.#rise(at);
    this.#sink(at);
  }

  #put(at: number, slot: number, key: number): void {
    this.#slots[at] = slot;
    this.#keys[at] = key;
    this.#extras.set(slot, PLACE, at + 1);
  }

  #rise(from: number): void {
    const slot = this.#slots[from]!;
    const key = this.#keys[from]!;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#keys[parent]! <= key) break;
      this.#put(at, this.#slots[parent]!, this.#keys[parent]!);
      at = parent;
    }
    this.#put(at, slot, key);
  }

  #sink(from: number): void {
    const slot = this.#slots[from]!;
    const key = this.#keys[from]!;
    let at = from;
    for (let child = 2 * at + 1; child < this.count; child = 2 * at + 1) {
      if (child + 1 < this.count && this.#keys[child + 1]! < this.#keys[child]!) child++;
      if (this.#keys[child]! >= key) break;
      this.#put(at, this.#slots[child]!, this.#keys[child]!);
      at = child;
    }
    this.#put(at, slot, key);
  }

  #grow(): void {
    const keys = new Float64Array(this.#keys.length * 2);
    const slots = new Int32Array(this.#slots.length * 2);
    keys.set(this.#keys);
    slots.set(this.#slots);
    this.#keys = keys;
    this.#slots = slots;
  }
}
