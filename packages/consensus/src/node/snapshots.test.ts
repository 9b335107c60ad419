import { describe, expect, it } from 'vitest';
import { ZXID_ZERO, type Zxid } from '../core/zxid.js';
import { LoopbackNetwork } from '../memory/loopback-network.js';
import { MemoryLogStore } from '../memory/memory-log-store.js';
import { Snapshots } from './snapshots.js';

const at = (counter: number): Zxid => ({ epoch: 1, counter });

/** Snapshots over a real store, with a state of two chunks, and what the disk has reached in the test's hand. */
function makeSnapshots(store: MemoryLogStore = new MemoryLogStore()) {
  const disk = { durable: at(3) };
  const failures: Error[] = [];
  const snapshots = new Snapshots({
    stateMachine: {
      apply: () => [],
      snapshot: () => [Uint8Array.of(1), Uint8Array.of(2)][Symbol.iterator](),
      restore: () => Promise.resolve(),
    },
    logStore: store,
    transport: new LoopbackNetwork().transport(1),
    everyBytes: 0,
    applied: () => at(5),
    durable: () => disk.durable,
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
