import { describe, expect, it, vi } from 'vitest';
import type { Block } from '../core/block.js';
import type { PersistBatch } from '../core/core-io.js';
import { Persister } from './persister.js';
import type { LogStore, LogWrite } from './ports.js';

/** A log store whose writes end when the test says so. */
class GatedStore {
  readonly writes: LogWrite[] = [];
  readonly #gates: { resolve: () => void; reject: (error: Error) => void }[] = [];

  write(write: LogWrite): Promise<void> {
    this.writes.push(write);
    return new Promise((resolve, reject) => this.#gates.push({ resolve, reject }));
  }

  finish(error?: Error): void {
    const gate = this.#gates.shift()!;
    if (error === undefined) gate.resolve();
    else gate.reject(error);
  }
}

function batch(number: number, part: Partial<PersistBatch> = {}): PersistBatch {
  const blocks = [{ firstCounter: number, payload: new Uint8Array(8) } as Block];
  return { batch: number, truncateTo: undefined, blocks, hardState: undefined, repaired: false, release: [], ...part };
}

function setUp() {
  const store = new GatedStore();
  const persisted: number[][] = [];
  const full: boolean[] = [];
  const fatal: Error[] = [];
  const persister = new Persister(store as unknown as LogStore, {
    onPersisted: (batches) => persisted.push(batches.map((done) => done.batch)),
    onDiskFull: (isFull) => full.push(isFull),
    onFatal: (error) => fatal.push(error),
  });
  return { store, persisted, full, fatal, persister };
}

const counters = (write: LogWrite | undefined) => write?.blocks.map((block) => block.firstCounter);

describe('Persister', () => {
  it('has one write under way, and makes the next of all that came meanwhile', async () => {
    const { store, persister, persisted } = setUp();
    for (const number of [1, 2, 3]) persister.add(batch(number));
    expect(store.writes.length).toBe(1);
    store.finish();
    await vi.waitFor(() => expect(store.writes.length).toBe(2));
    expect(counters(store.writes[1])).toEqual([2, 3]);
    store.finish();
    await vi.waitFor(() => expect(persisted).toEqual([[1], [2, 3]]));
  });

  it('writes much in several steps, each of which is told', async () => {
    const { store, persister, persisted } = setUp();
    const large = (number: number): PersistBatch =>
      batch(number, { blocks: [{ firstCounter: number, payload: new Uint8Array(1_500_000) } as Block] });
    for (const number of [1, 2, 3, 4, 5]) persister.add(large(number));
    for (const expected of [[1], [2, 3], [4, 5]]) {
      await vi.waitFor(() => expect(counters(store.writes.at(-1))).toEqual(expected));
      store.finish();
    }
    await vi.waitFor(() => expect(persisted).toEqual([[1], [2, 3], [4, 5]]));
  });

  it('writes nothing together with a cut that comes after it, or behind a hard state that comes before it', async () => {
    const { store, persister } = setUp();
    persister.add(batch(1));
    persister.add(batch(2, { hardState: { acceptedEpoch: 1, currentEpoch: 1 } }));
    persister.add(batch(3));
    persister.add(batch(4, { truncateTo: { epoch: 1, counter: 1 } }));
    for (const expected of [[1], [2], [3], [4]]) {
      await vi.waitFor(() => expect(counters(store.writes.at(-1))).toEqual(expected));
      store.finish();
    }
  });

  it('tries again what a full disk refused, and nothing that failed in any other way', async () => {
    const { store, persister, persisted, full, fatal } = setUp();
    persister.add(batch(1));
    store.finish(Object.assign(new Error('no room'), { code: 'DISK_FULL' }));
    await vi.waitFor(() => expect(full).toEqual([true]));
    persister.add(batch(2));
    expect(store.writes.length).toBe(1);
    persister.retry();
    expect(counters(store.writes[1])).toEqual([1, 2]);
    store.finish();
    await vi.waitFor(() => expect(full).toEqual([true, false]));
    expect(persisted).toEqual([[1, 2]]);
    persister.add(batch(3));
    store.finish(new Error('EIO'));
    await vi.waitFor(() => expect(fatal.length).toBe(1));
    persister.add(batch(4));
    persister.retry();
    expect(store.writes.length).toBe(3);
  });

  it('waits while it is held', async () => {
    const { store, persister, persisted } = setUp();
    persister.add(batch(1));
    const held = persister.hold();
    persister.add(batch(2));
    store.finish();
    await held;
    expect(persisted).toEqual([[1]]);
    expect(store.writes.length).toBe(1);
    persister.resume();
    expect(store.writes.length).toBe(2);
    store.finish();
  });
});
