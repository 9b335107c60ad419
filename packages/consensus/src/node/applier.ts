import { assert } from '../core/assert.js';
import { endOf, endsAfter, type Block } from '../core/block.js';
import type { HistoryResult } from '../core/core-io.js';
import { compareZxid, formatZxid, minZxid, ZXID_ZERO, type Zxid } from '../core/zxid.js';
import type { Clock, LogStore, StateMachine } from './ports.js';
import { asError } from './as-error.js';

/** Bytes that are fetched at a time, and the time after which the event loop gets its turn. */
const READ_BYTES = 1 << 20;
const SLICE_MS = 5;

export interface ApplierOptions<R> {
  readonly stateMachine: StateMachine<R>;
  readonly logStore: LogStore;
  readonly clock: Clock;
  /** Blocks from memory, as long as they are there. */
  readonly fromMemory: (after: Zxid, maxBytes: number) => HistoryResult;
  /** Whether anybody here waits for the results of a block that is about to be applied. */
  readonly resultsWanted: (block: Block) => boolean;
  /** The results of a block, if they were wanted. */
  readonly onResults: (block: Block, results: readonly R[]) => void;
  /** Where memory begins: up to here, and no further, what is on disk is sure to be the log (see `ConsensusCore.memoryStart`). */
  readonly memoryStart: () => Zxid;
  /** After a run of blocks, or a restored snapshot. */
  readonly onApplied: (applied: Zxid) => void;
  /** The state was made from a snapshot of so many bytes. */
  readonly onRestored: (sizeBytes: number) => void;
  readonly onFatal: (error: Error) => void;
}

/**
 * The one path on which anything reaches the state machine: committed blocks in an unbroken chain, out of memory, else from the log,
 * else after a snapshot. Applies at once in the turn that hears of the commit; a long replay gives way every few milliseconds.
 */
export class Applier<R> {
  readonly #options: ApplierOptions<R>;
  #applied: Zxid = ZXID_ZERO;
  #committed: Zxid = ZXID_ZERO;
  #busy = false;
  #stopped = false;

  constructor(options: ApplierOptions<R>) {
    this.#options = options;
  }

  get applied(): Zxid {
    return this.#applied;
  }

  commitTo(zxid: Zxid): void {
    this.#committed = zxid;
    this.run();
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Loads the newest snapshot, if there is one that is newer than the state. */
  async restore(): Promise<void> {
    const reader = await this.#options.logStore.openSnapshot();
    if (reader === undefined) return;
    try {
      if (compareZxid(reader.zxid, this.#applied) <= 0) return;
      await this.#options.stateMachine.restore(reader.chunks);
      this.#applied = reader.zxid;
      this.#options.onRestored(reader.sizeBytes);
    } finally {
      await reader.close();
    }
    this.#options.onApplied(this.#applied);
  }

  /** Applies what is committed. */
  run(): void {
    if (this.#busy || this.#stopped) return;
    const { clock } = this.#options;
    const until = clock.monotonicMs() + SLICE_MS;
    while (compareZxid(this.#applied, this.#committed) < 0) {
      const found = this.#options.fromMemory(this.#applied, READ_BYTES);
      if (found.kind !== 'blocks') return this.#later(() => this.#fetch());
      this.#applyAll(found.blocks, this.#committed);
      if (clock.monotonicMs() > until) return this.#later(() => Promise.resolve());
    }
  }

  #later(work: () => Promise<void>): void {
    this.#busy = true;
    this.#options.clock.nextTurn(() => {
      if (this.#stopped) return;
      work().then(
        () => {
          this.#busy = false;
          this.run();
        },
        (error: unknown) => this.#options.onFatal(asError(error)),
      );
    });
  }

  async #fetch(): Promise<void> {
    const upTo = minZxid(this.#options.memoryStart(), this.#committed);
    const found = await this.#options.logStore.read(this.#applied, READ_BYTES);
    if (this.#stopped) return;
    if (found.kind === 'blocks') return this.#applyAll(found.blocks, upTo);
    assert(found.kind === 'gone', `the log has no block that ends at ${formatZxid(this.#applied)}, which was applied`);
    const before = this.#applied;
    await this.restore();
    assert(compareZxid(this.#applied, before) > 0, `neither log nor snapshot goes on from ${formatZxid(before)}`);
  }

  #applyAll(blocks: readonly Block[], upTo: Zxid): void {
    const before = this.#applied;
    for (const block of blocks) {
      if (endsAfter(block, upTo)) break;
      assert(
        block.prevEpoch === this.#applied.epoch && block.prevCounter === this.#applied.counter,
        `block ${formatZxid(endOf(block))} does not follow on what was applied, ${formatZxid(this.#applied)}`,
      );
      const wanted = this.#options.resultsWanted(block);
      const results = this.#options.stateMachine.apply(block, wanted);
      this.#applied = endOf(block);
      if (wanted) this.#options.onResults(block, results);
    }
    if (compareZxid(this.#applied, before) > 0) this.#options.onApplied(this.#applied);
  }
}
