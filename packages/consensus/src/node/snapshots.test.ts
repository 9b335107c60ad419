import { describe, expect, it } from 'vitest';
import { ZXID_ZERO, type Zxid } from '../core/zxid.js';
import { LoopbackNetwork } from '../memory/loopback-network.js';
import { MemoryLogStore } from '../memory/memory-log-store.js';
import { Pacer } from './pacer.js';
import type { PeerTransport, SnapshotReader } from './ports.js';
import { Snapshots } from './snapshots.js';
import { TestClock } from './test-clock.js';

const at = (counter: number): Zxid => ({ epoch: 1, counter });

/** Snapshots over a real store, with a state of two chunks, and what the disk has reached in the test's hand. */
function makeSnapshots(store: MemoryLogStore = new MemoryLogStore()) {
  const disk = { durable: at(3) };
  const failures: Error[] = [];
  const clock = new TestClock();
  const snapshots = new Snapshots({
    stateMachine: {
      apply: () => [],
      snapshot: () => [Uint8Array.of(1), Uint8Array.of(2)][Symbol.iterator](),
      restore: () => Promise.resolve(),
    },
    logStore: store,
    transport: new LoopbackNetwork().transport(1),
    clock,
    random: () => 0,
    pacer: new Pacer({ clock, bytesPerSecond: 1 << 20, logBytes: () => store.bytesSinceSnapshot }),
    everyBytes: 0,
    applied: () => at(5),
    durable: () => disk.durable,
    isSynchronising: () => false,
    onProgress: () => undefined,
    onSent: () => undefined,
    onFatal: (error) => failures.push(error),
    mayBeUndurable: false,
  });
  return { snapshots, disk, failures, store };
}

async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
}

describe('a snapshot', () => {
  it('of a server whose disk lags is begun at once, and counts when the disk has caught up', async () => {
    const { snapshots, disk, store } = makeSnapshots();
    snapshots.takeIfDue();
    await turns();
    snapshots.takeIfDue();
    await turns();
    expect(await store.openSnapshot()).toBeUndefined();
    expect(snapshots.newest).toBeUndefined();
    disk.durable = at(5);
    snapshots.takeIfDue();
    await turns();
    expect(snapshots.newest).toEqual(at(5));
    expect((await store.openSnapshot())?.zxid).toEqual(at(5));
  });

  it('that waits for the disk is given up when the state is about to be replaced', async () => {
    const { snapshots, disk, failures, store } = makeSnapshots();
    snapshots.takeIfDue();
    await turns();
    await snapshots.abandon();
    disk.durable = at(5);
    await turns();
    expect(await store.openSnapshot()).toBeUndefined();
    expect(failures).toEqual([]);
  });

  it('that a snapshot from the leader overtakes is given up, and the server goes on', async () => {
    class Overtaken extends MemoryLogStore {
      override saveSnapshot(): Promise<void> {
        return Promise.reject(Object.assign(new Error('overtaken'), { code: 'SNAPSHOT_OVERTAKEN' }));
      }
    }
    const { snapshots, failures } = makeSnapshots(new Overtaken());
    snapshots.takeIfDue();
    await turns();
    expect(failures).toEqual([]);
    expect(snapshots.newest ?? ZXID_ZERO).toEqual(ZXID_ZERO);
  });
});

/** A log whose length is the test's to say, and which keeps what it was given of a snapshot. */
class LogOf extends MemoryLogStore {
  bytes = 0;
  /** Chunks that were asked for, of all snapshots. */
  chunks = 0;
  saved = 0;

  override get bytesSinceSnapshot(): number {
    return this.bytes;
  }

  override async saveSnapshot(zxid: Zxid, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const counted = async function* (store: LogOf): AsyncGenerator<Uint8Array> {
      for await (const chunk of chunks) {
        store.chunks += 1;
        yield chunk;
      }
    };
    await super.saveSnapshot(zxid, counted(this));
    this.saved += 1;
    this.bytes = 0;
  }
}

const KIB = 1024;

/** A state of 100 chunks of 10 KiB, saved and sent at 1 MiB a second, and a transport that takes what it is given. */
function makePaced(options: { readonly random?: () => number } = {}) {
  const clock = new TestClock();
  const store = new LogOf();
  const applied = { counter: 1 };
  const sent = { chunks: 0 };
  const learner = { isSynchronised: false };
  const transport: Pick<PeerTransport, 'sendSnapshot'> = {
    sendSnapshot: async (_to: number, _attempt: number, snapshot: SnapshotReader) => {
      for await (const _ of snapshot.chunks) sent.chunks += 1;
    },
  };
  const snapshots = new Snapshots({
    stateMachine: {
      apply: () => [],
      snapshot: () => Array.from({ length: 100 }, () => new Uint8Array(10 * KIB))[Symbol.iterator](),
      restore: () => Promise.resolve(),
    },
    logStore: store,
    transport: Object.assign(new LoopbackNetwork().transport(1), transport),
    clock,
    random: options.random ?? ((): number => 0),
    // The log grows by next to nothing, and never rests.
    pacer: new Pacer({ clock, bytesPerSecond: 1 << 20, logBytes: () => clock.nowMs }),
    everyBytes: 1_000,
    applied: () => at(applied.counter),
    durable: () => at(applied.counter),
    isSynchronising: () => !learner.isSynchronised,
    onProgress: () => undefined,
    onSent: () => undefined,
    onFatal: (error) => expect.unreachable(error.message),
    mayBeUndurable: false,
  });
  /** As much log as this, and a turn. */
  const grow = (bytes: number): void => {
    applied.counter += 1;
    store.bytes = bytes;
    snapshots.takeIfDue();
  };
  return { snapshots, clock, store, sent, learner, grow };
}

describe('the pace of a snapshot', () => {
  it('is that of the budget when it is saved', async () => {
    const { clock, store, grow } = makePaced();
    grow(1_000);
    await clock.pass(100);
    expect(store.chunks).toBeGreaterThanOrEqual(10);
    expect(store.chunks).toBeLessThanOrEqual(15);
    await clock.pass(1_000);
    expect(store.saved).toBe(1);
  });

  it('is that of the budget when it is sent', async () => {
    const { snapshots, clock, sent, grow } = makePaced();
    grow(1_000);
    await clock.pass(1_100);
    snapshots.send(2, 1);
    await clock.pass(100);
    // A reader in memory hands out 64 KiB at a time.
    expect(sent.chunks).toBeGreaterThanOrEqual(1);
    expect(sent.chunks).toBeLessThanOrEqual(3);
    await clock.pass(1_000);
    expect(sent.chunks).toBe(16);
  });

  it('keeps nobody waiting who gives it up', async () => {
    const { snapshots, clock, store, grow } = makePaced();
    grow(1_000);
    await clock.pass(10);
    await snapshots.abandon();
    expect(store.saved).toBe(0);
  });
});

describe('a snapshot is due', () => {
  it('when enough log has gathered, and up to 30 % earlier by chance', async () => {
    for (const [draw, bytes] of [
      [0, 1_000],
      [0.5, 850],
      [0.999, 701],
    ] as const) {
      const { clock, store, grow } = makePaced({ random: () => draw });
      grow(bytes - 1);
      await clock.pass(1_200);
      expect(store.saved).toBe(0);
      grow(bytes);
      await clock.pass(1_200);
      expect(store.saved).toBe(1);
    }
  });

  it('of a large state only after half as much log, also when that was restored from one', async () => {
    const { snapshots, clock, store, grow } = makePaced();
    grow(1_000);
    await clock.pass(1_200);
    expect(store.saved).toBe(1);
    grow(500 * KIB - 1);
    await clock.pass(1_200);
    expect(store.saved).toBe(1);
    grow(500 * KIB);
    await clock.pass(1_200);
    expect(store.saved).toBe(2);
    snapshots.newestBytes = 2_000 * KIB;
    grow(1_000 * KIB - 1);
    await clock.pass(1_200);
    expect(store.saved).toBe(2);
  });

  it('later while the newest is sent, so that the log behind it is kept, but not without end', async () => {
    const { snapshots, clock, store, grow } = makePaced();
    grow(1_000);
    await clock.pass(1_200);
    snapshots.newestBytes = 0;
    snapshots.send(2, 1);
    await clock.pass(5);
    grow(3_999);
    await clock.pass(5);
    expect(store.chunks).toBe(100);
    grow(4_000);
    await clock.pass(1);
    expect(store.chunks).toBeGreaterThan(100);
  });

  it('takes the place of none that a learner is sent, until that has the log behind it too; also when it was begun before', async () => {
    const { snapshots, clock, store, sent, learner, grow } = makePaced();
    grow(1_000);
    await clock.pass(1_200);
    expect(store.saved).toBe(1);
    snapshots.newestBytes = 0;
    grow(1_000);
    await clock.pass(850);
    expect(store.saved).toBe(1);
    snapshots.send(2, 1);
    await clock.pass(2_500);
    expect(sent.chunks).toBe(16);
    snapshots.takeIfDue();
    await clock.pass(100);
    expect(store.saved).toBe(1);
    learner.isSynchronised = true;
    snapshots.takeIfDue();
    await clock.pass(100);
    expect(store.saved).toBe(2);
  });
});
