import type { Zxid } from '@zkl/consensus';
import type { ErrorCode } from '@zkl/state-machine';
import type { Due } from '../session/deadline-wheel.js';
import type { EventBatch } from './shared-events.js';
import type { ScopeSnapshot, SnapshotEntry } from './scope-snapshot.js';
import { flagsOf, type WatchSpec } from './watch-spec.js';

/** Why a watcher gets a snapshot. */
export type ResetReason = 'requested' | 'historyGone' | 'tooSlow';

/** A piece of a snapshot on its way to a watcher. */
export interface SnapshotPiece {
  readonly reason: ResetReason;
  readonly zxid: Zxid;
  readonly entries: readonly SnapshotEntry[];
  readonly first: boolean;
  readonly last: boolean;
}

/** Where a watcher's events go. Its methods only take in: they call nothing of the hub from within. */
export interface WatchSink {
  /** While false nothing more is given: the watcher keeps its place in the history, and no events. `WatchHub.onWritable` goes on. */
  readonly writable: boolean;
  /** All that one zxid changed for this watcher. */
  events(watcher: Watcher, batch: EventBatch): void;
  /** Everything up to this zxid was told. */
  progress(watcher: Watcher, zxid: Zxid): void;
  snapshot(watcher: Watcher, piece: SnapshotPiece): void;
  /** The watch ends. */
  fail(watcher: Watcher, code: ErrorCode): void;
  /** The watcher is told of changes as they come, from now on. */
  caughtUp(watcher: Watcher): void;
}

/**
 * - `synced`: it is told of changes as they come.
 * - `behind`: it has a place in the history, and reads on from there.
 * - `lost`: what it should be told next is gone: it waits for a snapshot.
 * - `resetting`: it is being given a snapshot.
 * - `ended`: nothing more comes.
 */
export type WatcherState = 'synced' | 'behind' | 'lost' | 'resetting' | 'ended';

/** One watch of one client: what it looks at, and how far it has been told. No events wait in it. */
export class Watcher implements Due {
  readonly spec: WatchSpec;
  readonly flags: number;
  readonly sink: WatchSink;
  /** Of the client's choice: 0 on a stream of its own. */
  readonly id: number;
  /** Between marks of progress while nothing happens. */
  readonly progressTicks: number;
  state: WatcherState = 'behind';
  /** While behind: the position of the next change to look at. */
  cursor = 0;
  /** Nothing at or before this is told: of a watch from a zxid that lies ahead. */
  after: Zxid;
  dueTick = 0;
  /** A mark of progress is due, and could not be given yet. */
  markWanted = false;
  /** Positions within the zxid that is being told: the first, or -1 while there is none; and those after it, which are few or none. */
  hit = -1;
  moreHits: number[] | undefined;
  reason: ResetReason = 'requested';
  snapshot: ScopeSnapshot | undefined;
  /** How many entries of the snapshot were given. */
  given = 0;

  constructor(options: {
    readonly spec: WatchSpec;
    readonly sink: WatchSink;
    readonly id: number;
    readonly after: Zxid;
    readonly progressTicks: number;
  }) {
    this.spec = options.spec;
    this.flags = flagsOf(options.spec);
    this.sink = options.sink;
    this.id = options.id;
    this.after = options.after;
    this.progressTicks = options.progressTicks;
  }

  /** False while the client may see something by a read of which its watch has not told it. */
  get upToDate(): boolean {
    if (this.state === 'synced' || this.state === 'ended') return true;
    // Who has been told that all it knew is void cannot be surprised.
    return this.state === 'resetting' && this.given > 0;
  }
}
