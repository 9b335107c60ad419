import { finish } from './hash.js';
import { CHILD_ROOT, LEFT, RIGHT } from './node-fields.js';
import type { NodeTable } from './node-table.js';

/**
 * The children of each node in the order of their names' bytes: a treap whose links are fields of the rows. It is always up to date, so
 * no list ever waits for a sort, and it costs no memory but two links a node. Priorities come from slots and a seed, not from
 * names, so that no choice of names unbalances it.
 */
export class ChildOrder {
  readonly #table: NodeTable;
  readonly #seed: number;

  constructor(table: NodeTable, seed: number) {
    this.#table = table;
    this.#seed = seed;
  }

  /** Files a node that has its name, under a parent that may not be there yet. */
  add(parent: number, slot: number): void {
    const { rows } = this.#table;
    const bytes = this.#table.recordBytes(slot);
    const start = this.#table.nameOffset(slot);
    const end = start + this.#table.nameLength(slot);
    const priority = this.#priority(slot);
    let owner = parent;
    let field = CHILD_ROOT;
    let at = rows.get(owner, field);
    while (at !== 0 && this.#priority(at) >= priority) {
      owner = at;
      field = this.#table.compareName(at, bytes, start, end) < 0 ? RIGHT : LEFT;
      at = rows.get(owner, field);
    }
    rows.set(owner, field, slot);
    this.#split(at, slot, bytes, start, end);
  }

  /** Divides the subtree `from` by a name: what is before it hangs left of `slot`, the rest right. */
  #split(from: number, slot: number, bytes: Uint8Array, start: number, end: number): void {
    const { rows } = this.#table;
    let leftOwner = slot;
    let leftField = LEFT;
    let rightOwner = slot;
    let rightField = RIGHT;
    let at = from;
    while (at !== 0) {
      if (this.#table.compareName(at, bytes, start, end) < 0) {
        rows.set(leftOwner, leftField, at);
        leftOwner = at;
        leftField = RIGHT;
        at = rows.get(at, RIGHT);
      } else {
        rows.set(rightOwner, rightField, at);
        rightOwner = at;
        rightField = LEFT;
        at = rows.get(at, LEFT);
      }
    }
    rows.set(leftOwner, leftField, 0);
    rows.set(rightOwner, rightField, 0);
  }

  remove(parent: number, slot: number): void {
    const { rows } = this.#table;
    const bytes = this.#table.recordBytes(slot);
    const start = this.#table.nameOffset(slot);
    const end = start + this.#table.nameLength(slot);
    let owner = parent;
    let field = CHILD_ROOT;
    for (let at = rows.get(owner, field); at !== slot; at = rows.get(owner, field)) {
      owner = at;
      field = this.#table.compareName(at, bytes, start, end) < 0 ? RIGHT : LEFT;
    }
    this.#join(owner, field, rows.get(slot, LEFT), rows.get(slot, RIGHT));
  }

  /** Hangs two subtrees, all of the one before all of the other, in one place. */
  #join(intoOwner: number, intoField: number, fromLeft: number, fromRight: number): void {
    const { rows } = this.#table;
    let owner = intoOwner;
    let field = intoField;
    let left = fromLeft;
    let right = fromRight;
    while (left !== 0 && right !== 0) {
      if (this.#priority(left) > this.#priority(right)) {
        rows.set(owner, field, left);
        owner = left;
        field = RIGHT;
        left = rows.get(left, RIGHT);
      } else {
        rows.set(owner, field, right);
        owner = right;
        field = LEFT;
        right = rows.get(right, LEFT);
      }
    }
    rows.set(owner, field, left === 0 ? right : left);
  }

  /** Up to `limit` children whose names come after bytes `start` to `end`; an empty name stands before all. */
  after(parent: number, bytes: Uint8Array, start: number, end: number, limit: number): number[] {
    const { rows } = this.#table;
    const path: number[] = [];
    for (let at = rows.get(parent, CHILD_ROOT); at !== 0;) {
      const isAfter = this.#table.compareName(at, bytes, start, end) > 0;
      if (isAfter) path.push(at);
      at = rows.get(at, isAfter ? LEFT : RIGHT);
    }
    const slots: number[] = [];
    while (slots.length < limit) {
      const next = path.pop();
      if (next === undefined) break;
      slots.push(next);
      for (let at = rows.get(next, RIGHT); at !== 0; at = rows.get(at, LEFT)) path.push(at);
    }
    return slots;
  }

  #priority(slot: number): number {
    return finish(slot ^ this.#seed);
  }
}
