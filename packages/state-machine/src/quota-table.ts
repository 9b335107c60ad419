import type { Quota } from '@zkl/wire';
import { WordHasher } from './hash.js';
import * as f from './node-fields.js';
import type { NodeTable } from './node-table.js';

const QUOTA_TAG = 104;

/** A quota and what the subtree uses, its top included. */
interface Entry {
  readonly quota: Quota;
  count: number;
  bytes: number;
}

/**
 * The quotas, by node. Usage is kept as nodes come and go, in O(depth), and only while there is any quota; it follows from the tree, and is in no
 * digest and no snapshot. Quotas are few: `limits.quotasMax` bounds them.
 */
export class QuotaTable {
  /** The sum of the digests of all quotas. */
  digestA = 0;
  digestB = 0;
  readonly #nodes: NodeTable;
  readonly #entries = new Map<number, Entry>();
  readonly #words = new Int32Array(12);
  readonly #hasher = new WordHasher();

  constructor(nodes: NodeTable) {
    this.#nodes = nodes;
  }

  get count(): number {
    return this.#entries.size;
  }

  get(node: number): Entry | undefined {
    return this.#entries.get(node);
  }

  /** Puts a quota on a node, or takes it away. What it uses is 0, and is the caller's to fill in. */
  set(node: number, quota: Quota | undefined): void {
    const old = this.#entries.get(node);
    if (old !== undefined) this.#digest(node, old.quota, -1);
    if (quota === undefined) {
      this.#entries.delete(node);
      return;
    }
    this.#entries.set(node, { quota, count: old?.count ?? 0, bytes: old?.bytes ?? 0 });
    this.#digest(node, quota, 1);
  }

  /** Says what a new quota's subtree uses. */
  fill(node: number, count: number, bytes: number): void {
    const entry = this.#entries.get(node);
    if (entry === undefined) return;
    entry.count = count;
    entry.bytes = bytes;
  }

  /** A node and all above it have so many more nodes and bytes below them. */
  charge(from: number, count: number, bytes: number): void {
    for (let node = from; ; node = this.#nodes.rows.get(node, f.PARENT)) {
      const entry = this.#entries.get(node);
      if (entry !== undefined) {
        entry.count += count;
        entry.bytes += bytes;
      }
      if (node === f.ROOT_SLOT) return;
    }
  }

  /** Whether so many more nodes and bytes below a node go beyond a hard bound, there or above. */
  exceeds(from: number, count: number, bytes: number): boolean {
    if (this.#entries.size === 0) return false;
    for (let node = from; ; node = this.#nodes.rows.get(node, f.PARENT)) {
      const entry = this.#entries.get(node);
      if (entry !== undefined) {
        const { countHard = Infinity, bytesHard = Infinity } = entry.quota;
        if (count > 0 && entry.count + count > countHard) return true;
        if (bytes > 0 && entry.bytes + bytes > bytesHard) return true;
      }
      if (node === f.ROOT_SLOT) return false;
    }
  }

  /** After a restore: counts what every node of a subtree uses into all quotas above it. */
  recount(isLive: (slot: number) => boolean, end: number): void {
    if (this.#entries.size === 0) return;
    for (let slot = 0; slot < end; slot++) {
      if (isLive(slot)) this.charge(slot, 1, Math.max(0, this.#nodes.rows.get(slot, f.DATA_LENGTH)));
    }
  }

  #digest(node: number, quota: Quota, sign: 1 | -1): void {
    const { rows } = this.#nodes;
    [quota.countSoft, quota.countHard, quota.bytesSoft, quota.bytesHard].forEach((bound, i) => {
      this.#words[3 * i] = bound === undefined ? 0 : 1;
      this.#words[3 * i + 1] = f.lowWord(bound ?? 0);
      this.#words[3 * i + 2] = f.highWord(bound ?? 0);
    });
    this.#hasher.hash(this.#words, 0, 12, QUOTA_TAG, rows.get(node, f.PATH_A), rows.get(node, f.PATH_B));
    this.digestA = (this.digestA + sign * this.#hasher.a) | 0;
    this.digestB = (this.digestB + sign * this.#hasher.b) | 0;
  }
}
