import { type Name, PATH_BYTES_MAX, PathScanner, utf8Length, writeUtf8 } from '@zkl/wire';
import { PAGE_BYTES_DEFAULT, PAGE_CHILDREN_DEFAULT, PAGE_CHILDREN_MAX, type StateLimits } from './limits.js';
import type { ChildEntry, ChildrenAnswer, ChildrenOptions, ExistsAnswer, NodeAnswer, ReadError } from './reads.js';
import { NO_SLOT } from './slot-index.js';
import type { ZnodeStore } from './znode-store.js';

/** What a child in a page is charged beyond its name and data. */
const ENTRY_CHARGE_BYTES = 16;
const STAT_CHARGE_BYTES = 96;
/** `find` answers with a slot, NO_SLOT, or this. */
const NOT_ALLOWED = -2;

/** Reads of the tree. They use no zxid and change nothing. */
export class TreeReader {
  readonly #store: ZnodeStore;
  readonly #scanner: PathScanner;
  readonly #name: Name = { bytes: new Uint8Array(0), start: 0, end: 0, hash: 0 };
  /** The path in UTF-8: up to three bytes for each unit of a string that is not too long. */
  readonly #bytes = new Uint8Array(PATH_BYTES_MAX * 3);

  constructor(store: ZnodeStore, limits: StateLimits, seed: number) {
    this.#store = store;
    this.#scanner = new PathScanner(seed, limits.pathBytesMax);
  }

  get(path: string): NodeAnswer | ReadError {
    const node = this.find(path);
    if (node < 0) return notFound(node, path);
    return { kind: 'node', data: this.#store.data(node), stat: this.#store.stat(node) };
  }

  exists(path: string): ExistsAnswer | ReadError {
    const node = this.find(path);
    if (node === NOT_ALLOWED) return notFound(node, path);
    return { kind: 'exists', stat: node === NO_SLOT ? undefined : this.#store.stat(node) };
  }

  children(path: string, options: ChildrenOptions): ChildrenAnswer | ReadError {
    const { startAfter = '', limit = PAGE_CHILDREN_DEFAULT, maxBytes = PAGE_BYTES_DEFAULT } = options;
    const isAllowed =
      Number.isInteger(limit) &&
      limit >= 1 &&
      limit <= PAGE_CHILDREN_MAX &&
      maxBytes >= 1 &&
      startAfter.length <= PATH_BYTES_MAX;
    if (!isAllowed) return { kind: 'error', code: 'BAD_ARGUMENTS', path };
    const node = this.find(path);
    if (node < 0) return notFound(node, path);
    const end = writeUtf8(startAfter, this.#bytes, 0);
    // One more than asked for tells whether any remain.
    const slots = this.#store.childrenAfter(node, this.#bytes, 0, end, limit + 1);
    const children = this.#page(slots, limit, maxBytes, options);
    return { kind: 'children', children, more: children.length < slots.length, stat: this.#store.stat(node) };
  }

  #page(slots: readonly number[], limit: number, maxBytes: number, options: ChildrenOptions): ChildEntry[] {
    const children: ChildEntry[] = [];
    let bytes = 0;
    for (const slot of slots) {
      if (children.length === limit) break;
      const name = this.#store.name(slot);
      const stat = options.withStat === true || options.withData === true ? this.#store.stat(slot) : undefined;
      bytes += ENTRY_CHARGE_BYTES + utf8Length(name);
      if (options.withStat === true) bytes += STAT_CHARGE_BYTES;
      if (options.withData === true) bytes += stat?.dataLength ?? 0;
      if (bytes > maxBytes && children.length > 0) break;
      children.push({
        name,
        stat: options.withStat === true ? stat : undefined,
        data: options.withData === true ? this.#store.data(slot) : undefined,
      });
    }
    return children;
  }

  /** The node at a path: its slot, NO_SLOT or NOT_ALLOWED. The path is checked before anything is looked up. */
  find(path: string): number {
    if (path.length > PATH_BYTES_MAX) return NOT_ALLOWED;
    const bytes = this.#bytes;
    const end = writeUtf8(path, bytes, 0);
    if (!this.#scanner.scan(bytes, 0, end, false)) return NOT_ALLOWED;
    let node = this.#store.root;
    for (let i = 0; i < this.#scanner.count && node !== NO_SLOT; i++) {
      this.#scanner.component(i, bytes, this.#name);
      node = this.#store.child(node, this.#name);
    }
    return node;
  }
}

export function notFound(node: number, path: string): ReadError {
  return { kind: 'error', code: node === NOT_ALLOWED ? 'BAD_ARGUMENTS' : 'NO_NODE', path };
}
