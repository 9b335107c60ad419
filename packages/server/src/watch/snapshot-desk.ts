import type { ChangeSource } from './change-source.js';
import { ScopeSnapshot, weigh, type SnapshotState } from './scope-snapshot.js';
import type { SnapshotPiece, Watcher } from './watcher.js';

/** Bounds of snapshots for watchers, in bytes of memory. */
export interface SnapshotLimits {
  /** One snapshot. A watch whose scope is larger fails. */
  readonly snapshotBytesMax: number;
  /** All that are made or given at the same time. */
  readonly snapshotsBytesMax: number;
}

/** A piece of a snapshot, about. */
const PIECE_BYTES = 256 * 1024;

interface Held {
  readonly snapshot: ScopeSnapshot;
  readonly watchers: Set<Watcher>;
}

/**
 * Makes snapshots for watchers and gives them out in pieces. Watchers of the same scope share one: a thousand that are reset together cost one walk. Those
 * who do not read are not held against the others: when room is wanted, their snapshot is dropped, and they get a new one from the beginning once they read.
 */
export class SnapshotDesk {
  readonly #source: ChangeSource;
  readonly #tree: SnapshotState;
  readonly #limits: SnapshotLimits;
  readonly #held = new Map<string, Held>();

  constructor(source: ChangeSource, tree: SnapshotState, limits: SnapshotLimits) {
    this.#source = source;
    this.#tree = tree;
    this.#limits = limits;
  }

  /** Bytes of the snapshots that are made or given. */
  get bytes(): number {
    let bytes = 0;
    for (const { snapshot } of this.#held.values()) bytes += snapshot.bytes;
    return bytes;
  }

  /** Gives a watcher its snapshot, a new one or one that others are being given. False while there is no room. */
  assign(watcher: Watcher): boolean {
    const key = keyOf(watcher);
    let held = this.#held.get(key);
    if (held !== undefined && held.snapshot.state === 'ready' && held.snapshot.position < this.#source.end) {
      // It is not new any more: nobody is to be shown what is older than what it has seen. Those who are being given it go on.
      this.#held.delete(key);
      this.#held.set(`${key} (before ${held.snapshot.position})`, held);
      held = undefined;
    }
    if (held === undefined) {
      if (this.bytes >= this.#limits.snapshotsBytesMax && !this.#makeRoom()) return false;
      const snapshot = new ScopeSnapshot(watcher.spec, this.#source, this.#tree, this.#limits.snapshotBytesMax);
      held = { snapshot, watchers: new Set() };
      this.#held.set(key, held);
    }
    held.watchers.add(watcher);
    watcher.snapshot = held.snapshot;
    watcher.given = 0;
    return true;
  }

  /** The watcher needs its snapshot no more. */
  release(watcher: Watcher): void {
    const { snapshot } = watcher;
    watcher.snapshot = undefined;
    if (snapshot === undefined) return;
    for (const [key, held] of this.#held) {
      if (held.snapshot !== snapshot) continue;
      held.watchers.delete(watcher);
      if (held.watchers.size === 0) this.#held.delete(key);
      return;
    }
  }

  /** The next piece for a watcher whose snapshot is ready. */
  nextPiece(watcher: Watcher): SnapshotPiece {
    const snapshot = watcher.snapshot!;
    const from = watcher.given;
    let to = from;
    for (let bytes = 0; to < snapshot.entries.length && bytes < PIECE_BYTES; to += 1) {
      bytes += weigh(snapshot.entries[to]!);
    }
    watcher.given = Math.max(1, to);
    return {
      reason: watcher.reason,
      zxid: snapshot.zxid,
      entries: snapshot.entries.slice(from, to),
      first: from === 0,
      last: to === snapshot.entries.length,
    };
  }

  /** Drops the snapshots that nobody reads. Their watchers are `lost` again. */
  #makeRoom(): boolean {
    for (const [key, { watchers }] of this.#held) {
      if ([...watchers].some(({ sink }) => sink.writable)) continue;
      this.#held.delete(key);
      for (const watcher of watchers) {
        watcher.snapshot = undefined;
        watcher.given = 0;
        watcher.state = 'lost';
      }
    }
    return this.bytes < this.#limits.snapshotsBytesMax;
  }
}

function keyOf({ spec }: Watcher): string {
  return `${spec.scope} ${spec.withData ? 1 : 0} ${spec.path}`;
}
