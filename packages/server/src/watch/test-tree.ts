import { joinOperations, type Zxid } from '@zkl/consensus';
import { ChangeHistory, ZnodeStateMachine, type ChangeHistoryOptions, type Result } from '@zkl/state-machine';
import { encodeCommand, type Command } from '@zkl/wire';
import type { SnapshotLimits } from './snapshot-desk.js';
import type { EventBatch } from './shared-events.js';
import type { SnapshotPiece, Watcher, WatchSink } from './watcher.js';
import { WatchHub, type WatchStart } from './watch-hub.js';
import { ALL_TYPES, type WatchScope } from './watch-spec.js';

/** Parts for this package's own tests: a state machine with its history and a hub, driven by hand. Not part of the package. */
export class TestTree {
  readonly history: ChangeHistory;
  readonly state: ZnodeStateMachine;
  readonly hub: WatchHub;
  readonly #epoch = 1;
  #counter = 0;

  constructor(history: ChangeHistoryOptions = {}, limits: Partial<SnapshotLimits & { watchesMax: number }> = {}) {
    this.history = new ChangeHistory(history);
    this.state = new ZnodeStateMachine({ history: this.history });
    this.hub = new WatchHub({
      source: this.history,
      tree: this.state,
      limits: { watchesMax: 10_000, snapshotBytesMax: 1 << 26, snapshotsBytesMax: 1 << 28, ...limits },
    });
  }

  get zxid(): Zxid {
    return this.state.appliedZxid;
  }

  /** Applies commands as one block, each with a zxid of its own. The hub is not told. */
  apply(...commands: Command[]): readonly Result[] {
    const operations = commands.map((command) => encodeCommand(command));
    const bytes = operations.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const firstCounter = this.#counter + 1;
    this.#counter += commands.length;
    const before = this.state.appliedZxid;
    return this.state.apply({
      epoch: this.#epoch,
      firstCounter,
      count: commands.length,
      timeMs: 1_000,
      leader: 1,
      prevEpoch: before.epoch,
      prevCounter: before.counter,
      payload: joinOperations(operations, bytes),
    } as Parameters<ZnodeStateMachine['apply']>[0]);
  }

  create(path: string, text = ''): void {
    this.apply({ kind: 'create', path, data: Buffer.from(text), mode: 'persistent' });
  }

  set(path: string, text: string): void {
    this.apply({ kind: 'set', path, data: Buffer.from(text), expectedVersion: -1 });
  }

  delete(path: string): void {
    this.apply({ kind: 'delete', path, expectedVersion: -1 });
  }

  /** Replaces the state by its own snapshot, as a server that was too far behind does. */
  async restore(): Promise<void> {
    const chunks = Array.from(this.state.snapshot(), (chunk) => chunk.slice());

    await this.state.restore(
      (async function* () {
        yield* chunks;
      })(),
    );
  }

  watch(
    sink: WatchSink,
    scope: WatchScope,
    path: string,
    more: Partial<WatchStart> & Partial<WatchStart['spec']> = {},
  ): Watcher {
    const { withData = false, withStat = false, withPrevious = false, types = ALL_TYPES, ...rest } = more;
    const watcher = this.hub.add({
      spec: { scope, path, types, withData, withStat, withPrevious },
      sink,
      id: 1,
      from: undefined,
      withSnapshot: false,
      progressIntervalMs: 60_000,
      ...rest,
    });
    if (watcher === undefined) throw new Error('too many watches');
    return watcher;
  }
}

/** Keeps what it is given, as text: `5 created /a`, `mark 7`, `reset tooSlow 9: /a /b`, `failed CODE`. */
export class RecordingSink implements WatchSink {
  readonly log: string[] = [];
  readonly batches: EventBatch[] = [];
  readonly pieces: SnapshotPiece[] = [];
  writable = true;
  /** Takes so many batches, and then is not writable any more. */
  room = Infinity;

  events(_watcher: Watcher, batch: EventBatch): void {
    this.batches.push(batch);
    const names = ['', 'created', 'set', 'deleted'];
    this.log.push(batch.events.map(({ type, path }) => `${batch.zxid.counter} ${names[type]} ${path}`).join(' + '));
    this.#take();
  }

  progress(_watcher: Watcher, zxid: Zxid): void {
    this.log.push(`mark ${zxid.counter}`);
  }

  snapshot(_watcher: Watcher, piece: SnapshotPiece): void {
    this.pieces.push(piece);
    const paths = piece.entries.map(({ path }) => path).join(' ');
    this.log.push(`${piece.first ? 'reset' : 'more'} ${piece.reason} ${piece.zxid.counter}: ${paths}`);
    this.#take();
  }

  fail(_watcher: Watcher, code: string): void {
    this.log.push(`failed ${code}`);
  }

  caughtUp(): void {
    // Nothing waits for it.
  }

  #take(): void {
    this.room -= 1;
    if (this.room <= 0) this.writable = false;
  }
}

/** Until the hub has done what it does in later turns. */
export async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
