import type { Change } from './changes.js';
import type { CommittedBlock } from './committed-block.js';
import type { StateLimits } from './limits.js';
import type {
  ChildrenAnswer,
  ChildrenOptions,
  ExistsAnswer,
  NodeAnswer,
  ReadError,
  RegisterAnswer,
} from './reads.js';
import type { Result } from './results.js';
import type { Zxid } from './stat.js';

export interface ZnodeStateMachineOptions {
  /** Must be the same on all servers. Default: DEFAULT_LIMITS. */
  readonly limits?: Partial<StateLimits> | undefined;
  /** Seeds the hash tables, so that nobody can choose names that collide. A random uint32; it shows in no answer and no digest. Default 0. */
  readonly hashSeed?: number | undefined;
  /** Called once for each block that changed any node, with the changes in order. Default: none are collected. */
  readonly onChanges?: ((changes: readonly Change[]) => void) | undefined;
}

/**
 * The replicated state: the tree of znodes, the register, and the table that applies each named write once.
 * Implements StateMachine<Result> of @zkl/consensus. Deterministic: no clock, no randomness, no I/O.
 */
export class ZnodeStateMachine {
  constructor(options: ZnodeStateMachineOptions = {}) {
    void options;
  }

  /** The last write applied; zero before the first. */
  get appliedZxid(): Zxid {
    throw new Error('not yet');
  }

  /** The time of the log, milliseconds since 1970: never goes back. */
  get timeMs(): number {
    throw new Error('not yet');
  }

  /** Nodes in the tree, the root included. */
  get znodeCount(): number {
    throw new Error('not yet');
  }

  /** Clients in the exactly-once table. */
  get clientCount(): number {
    throw new Error('not yet');
  }

  /** A digest of the whole state, 16 hexadecimal digits: equal on all servers at equal zxids. O(1). */
  get digest(): string {
    throw new Error('not yet');
  }

  /** Applies a committed block: one result for each write, in order. */
  apply(block: CommittedBlock): readonly Result[] {
    void block;
    throw new Error('not yet');
  }

  /** A node's data and stat, at `appliedZxid`. */
  get(path: string): NodeAnswer | ReadError {
    void path;
    throw new Error('not yet');
  }

  /** A node's stat, or that there is none. */
  exists(path: string): ExistsAnswer | ReadError {
    void path;
    throw new Error('not yet');
  }

  /** A page of a node's children, in the order of their names' UTF-8 bytes. */
  children(path: string, options?: ChildrenOptions): ChildrenAnswer | ReadError {
    void [path, options];
    throw new Error('not yet');
  }

  /** The register and its counters. */
  register(): RegisterAnswer {
    throw new Error('not yet');
  }

  /** A consistent cut at the moment of the call, in chunks of at most 256 KiB. One at a time; `return` ends it. */
  snapshot(): IterableIterator<Uint8Array> {
    throw new Error('not yet');
  }

  /** Replaces the whole state. Throws SnapshotDamagedError; the state is unusable then. */
  restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    void chunks;
    throw new Error('not yet');
  }
}
