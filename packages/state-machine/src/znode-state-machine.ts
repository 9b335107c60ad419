import { CommandReader, type Result, type SessionId, type Zxid } from '@zkl/wire';
import { assert } from './assert.js';
import type { ChangeHistory } from './change-history.js';
import { ColumnStore } from './column-store.js';
import { endOfWrite, type CommittedBlock } from './committed-block.js';
import { DEFAULT_LIMITS, type StateLimits } from './limits.js';
import { Lookahead, LOOKAHEAD_WRITES } from './lookahead.js';
import { highWord, lowWord } from './node-fields.js';
import type {
  ChildrenAnswer,
  ChildrenOptions,
  CountAnswer,
  ExistsAnswer,
  NodeAnswer,
  NodeRefAnswer,
  QuotaAnswer,
  ReadError,
  RegisterAnswer,
  SessionAnswer,
} from './reads.js';
import { SnapshotReader } from './snapshot-reader.js';
import { SnapshotWriter } from './snapshot-writer.js';
import { State } from './state.js';
import { TreeReader } from './tree-reader.js';
import { StateReader } from './state-reader.js';
import { zxidOf } from './tree-writer.js';
import { WriteApplier, type Applied } from './write-applier.js';
import type { Moment } from './znode-store.js';

export interface ZnodeStateMachineOptions {
  /** Must be the same on all servers. Default: DEFAULT_LIMITS. */
  readonly limits?: Partial<StateLimits> | undefined;
  /** Seeds the hash tables, so that nobody can choose names that collide. A random uint32; it shows in no answer and no digest. Default 0. */
  readonly hashSeed?: number | undefined;
  /** Is told of every change of a node, and reset by `restore`. A new one, that no other machine feeds. Default: none. */
  readonly history?: ChangeHistory | undefined;
  /** Slots that one step of a snapshot looks at, at most. Default 16,384; tests take fewer. */
  readonly snapshotSlotsPerStep?: number | undefined;
  /** Znodes from which on `apply` reads ahead what the writes of a block need. Default 16,384; tests take fewer. */
  readonly lookaheadZnodesMin?: number | undefined;
}

/**
 * The replicated state: the tree of znodes, the register, and the table that applies each named write once.
 * Implements StateMachine<Result> of @zkl/consensus. Deterministic: no clock, no randomness, no I/O.
 */
export class ZnodeStateMachine {
  readonly #limits: StateLimits;
  readonly #seed: number;
  readonly #history: ChangeHistory | undefined;
  readonly #slotsPerStep: number | undefined;
  readonly #lookaheadZnodesMin: number | undefined;
  readonly #command = new CommandReader();
  readonly #moment: Moment = { epoch: 0, counter: 0, timeLow: 0, timeHigh: 0 };
  #state: State;
  #applier: WriteApplier;
  #lookahead: Lookahead;
  #reader: TreeReader;
  #stateReader: StateReader;
  #snapshot: SnapshotWriter | undefined;
  #snapshots = 0;

  constructor(options: ZnodeStateMachineOptions = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#seed = (options.hashSeed ?? 0) | 0;
    this.#history = options.history;
    this.#slotsPerStep = options.snapshotSlotsPerStep;
    this.#lookaheadZnodesMin = options.lookaheadZnodesMin;
    this.#state = new State(this.#limits, this.#seed, ColumnStore.withRoot(this.#seed));
    this.#applier = this.#makeApplier();
    this.#lookahead = this.#makeLookahead();
    this.#reader = new TreeReader(this.#state.store, this.#limits, this.#seed);
    this.#stateReader = new StateReader(this.#state, this.#reader);
  }

  /** The last write applied; zero before the first. */
  get appliedZxid(): Zxid {
    return { epoch: this.#state.epoch, counter: this.#state.counter };
  }

  /** The time of the log, milliseconds since 1970: never goes back. */
  get timeMs(): number {
    return this.#state.timeMs;
  }

  /** Nodes in the tree, the root included. */
  get znodeCount(): number {
    return this.#state.store.count;
  }

  /** Clients in the exactly-once table. */
  get clientCount(): number {
    return this.#state.exactlyOnce.clients.count;
  }

  /** A digest of the whole state, 16 hexadecimal digits: equal on all servers at equal zxids. O(1). */
  get digest(): string {
    return this.#state.digest();
  }

  /**
   * Applies a committed block: one result for each write, in order. What is malformed in it gives MARSHALLING_ERROR as the result. With
   * `resultsWanted` false nothing is answered, which costs less; the state becomes the same.
   * @throws StateMachineFault when the block does not follow on `appliedZxid`: the caller is at fault, and the run ends.
   */
  apply(block: CommittedBlock, resultsWanted = true): readonly Result[] {
    const state = this.#state;
    assertFollows(block, state);
    if (Number.isSafeInteger(block.timeMs) && block.timeMs >= 0) {
      state.timeMs = Math.max(state.timeMs, block.timeMs);
      state.exactlyOnce.passTime(block.timeMs);
    }
    const moment = this.#moment;
    moment.epoch = block.epoch;
    moment.timeLow = lowWord(state.timeMs);
    moment.timeHigh = highWord(state.timeMs);
    const results: Result[] = [];
    const { payload } = block;
    for (let i = 0, at = 0; i < block.count; i++) {
      moment.counter = block.firstCounter + i;
      if (i % LOOKAHEAD_WRITES === 0) this.#lookahead.look(payload, at, block.count - i);
      const end = endOfWrite(payload, at);
      const applied = this.#applyWrite(payload, at + 4, end, block.leader);
      if (resultsWanted)
        results.push(typeof applied === 'number' ? this.#applier.resultOfSet(applied, moment) : applied);
      // From a write that is cut off, all that follow are too.
      at = end < 0 ? payload.length : end;
    }
    state.epoch = block.epoch;
    state.counter = block.firstCounter + block.count - 1;
    this.#history?.advance(this.appliedZxid);
    return results;
  }

  #applyWrite(payload: Uint8Array, start: number, end: number, leader: number): Applied {
    const command = this.#command;
    const moment = this.#moment;
    const { exactlyOnce } = this.#state;
    exactlyOnce.expire();
    if (end < 0 || !command.read(payload, start, end)) {
      return { kind: 'error', zxid: zxidOf(moment), code: 'MARSHALLING_ERROR', path: undefined };
    }
    if (!command.hasWriteId) return this.#applier.apply(command, moment, leader);
    const admission = exactlyOnce.admit(command, moment);
    if (typeof admission !== 'string') return admission;
    if (admission !== 'apply') return this.#applier.refuse(admission, command, moment);
    const applied = this.#applier.apply(command, moment, leader);
    if (typeof applied === 'number') {
      exactlyOnce.rememberSet(command.requestId, this.#applier.wordsOfSet(applied, moment));
    } else exactlyOnce.remember(command.requestId, applied);
    return applied;
  }

  #makeApplier(): WriteApplier {
    const { store, register } = this.#state;
    return new WriteApplier(store, register, this.#limits, this.#seed, this.#history);
  }

  #makeLookahead(): Lookahead {
    return new Lookahead(this.#state.store, this.#limits, this.#seed, this.#lookaheadZnodesMin);
  }

  /** A node's data and stat, at `appliedZxid`. Errors: BAD_ARGUMENTS, NO_NODE. */
  get(path: string): NodeAnswer | ReadError {
    return this.#reader.get(path);
  }

  /** A node's stat, or that there is none. Errors: BAD_ARGUMENTS. */
  exists(path: string): ExistsAnswer | ReadError {
    return this.#reader.exists(path);
  }

  /** A page of a node's children, in the order of their names' UTF-8 bytes. Errors: BAD_ARGUMENTS, NO_NODE. */
  children(path: string, options: ChildrenOptions = {}): ChildrenAnswer | ReadError {
    return this.#reader.children(path, options);
  }

  /** How many nodes there are below one. O(1) for the root and for a node with a quota; else a walk over at most 1,000,000. Errors: BAD_ARGUMENTS, NO_NODE, TOO_MANY_NODES. */
  count(path: string): CountAnswer | ReadError {
    return this.#stateReader.count(path);
  }

  /** A node's quota, and what its subtree uses. Errors: BAD_ARGUMENTS, NO_NODE. */
  quota(path: string): QuotaAnswer | ReadError {
    return this.#stateReader.quota(path);
  }

  /** Sessions that are open. */
  get sessionCount(): number {
    return this.#state.store.extras.sessions.count;
  }

  /** An open session, or undefined. */
  session(id: SessionId): SessionAnswer | undefined {
    return this.#stateReader.session(id);
  }

  /** All open sessions, in no order. Ends what it can promise with the next `apply`. */
  sessions(): IterableIterator<SessionAnswer> {
    return this.#stateReader.sessions();
  }

  /** The paths of a session's ephemerals, in the order in which they were made. */
  ephemerals(id: SessionId): string[] {
    return this.#stateReader.ephemerals(id);
  }

  /** Up to `limit` containers that had children and have none: what the leader proposes to reap. O(answer). */
  emptyContainers(limit: number): NodeRefAnswer[] {
    return this.#stateReader.emptyContainers(limit);
  }

  /** Up to `limit` nodes without children that were not modified for their TTL, at a time of the log. O(answer * log n). */
  expiredTtl(nowMs: number, limit: number): NodeRefAnswer[] {
    return this.#stateReader.expiredTtl(nowMs, limit);
  }

  /** The register and its counters. */
  register(): RegisterAnswer {
    return this.#state.register.read();
  }

  /**
   * A consistent cut at the moment of the call, in chunks of at most 256 KiB, each about a millisecond of work. A chunk's bytes are good until the next is asked
   * for. Blocks may be applied between chunks. One at a time; the iterator's `return` ends it and frees what it holds.
   * @throws StateMachineFault while another one is being taken.
   */
  snapshot(): IterableIterator<Uint8Array> {
    assert(this.#snapshot === undefined, 'a snapshot is being taken already');
    this.#snapshots++;
    const snapshot = new SnapshotWriter(
      this.#state,
      this.#snapshots,
      () => {
        if (this.#snapshot === snapshot) this.#snapshot = undefined;
      },
      this.#slotsPerStep,
    );
    this.#snapshot = snapshot;
    return snapshot;
  }

  /**
   * Replaces the whole state by that of a snapshot, whose chunks may be cut anywhere.
   * @throws SnapshotDamagedError when it is damaged, cut off, of another version or made under other limits. The state is as it was then, but
   * no longer what the cluster agreed on: the run ends.
   */
  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const reader = new SnapshotReader(this.#limits, this.#seed);
    for await (const chunk of chunks) reader.push(chunk);
    this.#state = reader.finish();
    // One that was being taken goes on over the old state, which changes no more.
    this.#snapshot = undefined;
    this.#history?.reset(this.appliedZxid);
    this.#applier = this.#makeApplier();
    this.#lookahead = this.#makeLookahead();
    this.#reader = new TreeReader(this.#state.store, this.#limits, this.#seed);
    this.#stateReader = new StateReader(this.#state, this.#reader);
  }
}

function assertFollows(block: CommittedBlock, state: State): void {
  const sameEpoch = block.epoch === state.epoch && block.firstCounter === state.counter + 1;
  const laterEpoch = block.epoch > state.epoch && block.firstCounter === 1;
  assert(sameEpoch || laterEpoch, 'a block does not follow on the last one applied');
  assert(Number.isInteger(block.count) && block.count >= 1, 'a block without writes');
}
