import { MODE_CONTAINER, MODE_EPHEMERAL, MODE_TTL, type SessionId } from '@zkl/wire';
import { assert } from './assert.js';
import * as x from './extra-table.js';
import { ExtraTable } from './extra-table.js';
import * as f from './node-fields.js';
import type { NodeTable } from './node-table.js';
import { SessionTable } from './session-table.js';
import { NO_SLOT } from './slot-index.js';
import { TtlHeap } from './ttl-heap.js';

/** A node that waits with children above it is looked at again after this long. */
const TTL_RECHECK_MS = 1_000;

/**
 * What nodes are beyond plain ones, and who is interested: sessions know their ephemerals, empty containers and TTL nodes that may be
 * over are found without a search. Lists and heap follow from the rest of the state; they are in no digest and no snapshot.
 */
export class NodeExtras {
  readonly table = new ExtraTable();
  readonly sessions = new SessionTable();
  readonly #nodes: NodeTable;
  readonly #ttl = new TtlHeap(this.table);
  /** Containers that had children and have none: the first as a slot + 1. */
  #firstEmpty = 0;

  constructor(nodes: NodeTable) {
    this.#nodes = nodes;
  }

  /** Makes a plain node more: its row is complete, and its path's hash is known. An owner is an open session. */
  endow(node: number, mode: number, a: number, b: number): void {
    const { rows } = this.#nodes;
    const slot = this.table.add(node, mode, a, b);
    rows.set(node, f.EXTRA, slot + 1);
    this.table.digest(slot, rows.get(node, f.PATH_A), rows.get(node, f.PATH_B), 1);
    if (mode === MODE_EPHEMERAL) this.#own(slot);
    if (mode === MODE_TTL) this.#ttl.add(slot, this.#mtimeMs(node) + this.#ttlMs(slot));
    if (mode === MODE_CONTAINER) this.onFamily(node);
  }

  /** Takes it back, before the node is removed. */
  strip(node: number): void {
    const { rows } = this.#nodes;
    const slot = rows.get(node, f.EXTRA) - 1;
    const mode = this.table.get(slot, x.MODE);
    if (mode === MODE_EPHEMERAL) {
      const session = this.table.get(slot, x.SESSION) - 1;
      this.sessions.setFirst(session, this.table.unlink(slot, this.sessions.first(session)), -1);
    }
    if (mode === MODE_TTL) this.#ttl.remove(slot);
    if (mode === MODE_CONTAINER && this.table.get(slot, x.PLACE) !== 0) {
      this.#firstEmpty = this.table.unlink(slot, this.#firstEmpty);
    }
    this.table.digest(slot, rows.get(node, f.PATH_A), rows.get(node, f.PATH_B), -1);
    rows.set(node, f.EXTRA, 0);
    this.table.rows.free(slot);
  }

  /** The children of a node that has an extra row have changed. */
  onFamily(node: number): void {
    const { rows } = this.#nodes;
    const slot = rows.get(node, f.EXTRA) - 1;
    if (this.table.get(slot, x.MODE) !== MODE_CONTAINER) return;
    const isListed = this.table.get(slot, x.PLACE) !== 0;
    if (isListed === this.isEmptied(node)) return;
    this.#firstEmpty = isListed ? this.table.unlink(slot, this.#firstEmpty) : this.table.link(slot, this.#firstEmpty);
    this.table.set(slot, x.PLACE, isListed ? 0 : 1);
  }

  /** Whether a node had children and has none. */
  isEmptied(node: number): boolean {
    const { rows } = this.#nodes;
    return rows.get(node, f.CHILD_COUNT) === 0 && rows.get(node, f.CREATES) !== 0;
  }

  #own(slot: number): void {
    const session = this.sessions.find(this.table.get(slot, x.PARAM_A) >>> 0, this.table.get(slot, x.PARAM_B) >>> 0);
    assert(session !== NO_SLOT, 'an ephemeral of no session');
    this.table.set(slot, x.SESSION, session + 1);
    this.sessions.setFirst(session, this.table.link(slot, this.sessions.first(session)), 1);
  }

  #mtimeMs(node: number): number {
    const { rows } = this.#nodes;
    return f.joinWords(rows.get(node, f.MTIME_LOW), rows.get(node, f.MTIME_HIGH));
  }

  #ttlMs(slot: number): number {
    return f.joinWords(this.table.get(slot, x.PARAM_A), this.table.get(slot, x.PARAM_B));
  }

  /** The mode of a node, without its being sequential; 0 for a plain one. */
  mode(node: number): number {
    const slot = this.#nodes.rows.get(node, f.EXTRA) - 1;
    return slot < 0 ? 0 : this.table.get(slot, x.MODE);
  }

  /** What stands beside the mode: see PARAM_A. */
  params(node: number): readonly [number, number] {
    const slot = this.#nodes.rows.get(node, f.EXTRA) - 1;
    return [this.table.get(slot, x.PARAM_A), this.table.get(slot, x.PARAM_B)];
  }

  /** The owner of an ephemeral; there is an extra row. */
  owner(node: number): SessionId | undefined {
    const slot = this.#nodes.rows.get(node, f.EXTRA) - 1;
    if (this.table.get(slot, x.MODE) !== MODE_EPHEMERAL) return undefined;
    return { epoch: this.table.get(slot, x.PARAM_A) >>> 0, counter: this.table.get(slot, x.PARAM_B) >>> 0 };
  }

  /** Whether a TTL node has no children and was not modified for its TTL. */
  isOver(node: number, nowMs: number): boolean {
    const slot = this.#nodes.rows.get(node, f.EXTRA) - 1;
    const isDue = nowMs - this.#mtimeMs(node) >= this.#ttlMs(slot);
    return isDue && this.#nodes.rows.get(node, f.CHILD_COUNT) === 0;
  }

  /** The nodes that a session owns, the last made first. */
  ephemerals(session: number): number[] {
    const nodes: number[] = [];
    for (let next = this.sessions.first(session); next !== 0; next = this.table.get(next - 1, x.NEXT)) {
      nodes.push(this.table.get(next - 1, x.NODE));
    }
    return nodes;
  }

  /** Up to `limit` containers that had children and have none. */
  emptyContainers(limit: number): number[] {
    const nodes: number[] = [];
    for (let next = this.#firstEmpty; next !== 0 && nodes.length < limit; next = this.table.get(next - 1, x.NEXT)) {
      nodes.push(this.table.get(next - 1, x.NODE));
    }
    return nodes;
  }

  /** Up to `limit` TTL nodes that are over. They stay where they are, until they are removed. */
  over(nowMs: number, limit: number): number[] {
    const nodes: number[] = [];
    const seen: number[] = [];
    while (this.#ttl.topKey <= nowMs && nodes.length < limit) {
      const slot = this.#ttl.top;
      const node = this.table.get(slot, x.NODE);
      this.#ttl.remove(slot);
      if (this.isOver(node, nowMs)) {
        nodes.push(node);
        seen.push(slot);
      } else {
        const dueMs = this.#mtimeMs(node) + this.#ttlMs(slot);
        this.#ttl.add(slot, dueMs > nowMs ? dueMs : nowMs + TTL_RECHECK_MS);
      }
    }
    for (const slot of seen) this.#ttl.add(slot, nowMs);
    return nodes;
  }
}
