// over 400 lines: one suite, which every log store is held against.
// Over 400 lines: one suite, which every log store runs as a whole.
import { afterEach, describe, expect, it } from 'vitest';
import type { Block } from '../core/block.js';
import { endOf } from '../core/block.js';
import { type Zxid, ZXID_ZERO } from '../core/zxid.js';
import type { LogRead, LogStore, RecoveredLog } from '../node/ports.js';
import { BlockMaker, type ComparableBlock, comparableBlock, digest, pattern } from './log-samples.js';
import { walkAtRandom } from './log-store-walk.js';

/** Data to try stores on: empty at first, and kept from one store to the next. */
export interface LogStoreData {
  /** Makes a store over the data, not opened. The one before it was closed. */
  create(): LogStore;
  /** Called at the end of each test, after the last store was closed. */
  dispose(): Promise<void>;
}

/**
 * What every LogStore must do. To be called in a vitest file, with a function that makes empty data.
 *
 * @example
 * logStoreSuite('FileLogStore', async () => dataInTemporaryFolder());
 */
export function logStoreSuite(name: string, makeData: () => Promise<LogStoreData>): void {
  describe(`${name} as a LogStore`, () => {
    const started: Bench[] = [];
    afterEach(async () => {
      for (const bench of started.splice(0)) await bench.dispose();
    });
    const start: Start = async () => {
      const bench = new Bench(await makeData());
      started.push(bench);
      await bench.reopen();
      return bench;
    };
    describe('writes and reads', () => {
      logTests(start);
      moreLogTests(start);
    });
    describe('truncates', () => truncationTests(start));
    describe('keeps hard state', () => hardStateTests(start));
    describe('saves snapshots', () => {
      snapshotTests(start);
      purgeTests(start);
    });
    describe('installs snapshots', () => installationTests(start));
    describe('agrees with a simple model', () => {
      for (let seed = 1; seed <= 20; seed += 1) {
        it(`on a random walk, seed ${seed}`, async () => {
          const bench = await start();
          await walkAtRandom(seed, bench);
        });
      }
    });
  });
}

type Start = () => Promise<Bench>;

/** One test's data, with the store that is open on it. */
export class Bench {
  readonly maker = new BlockMaker();
  readonly #data: LogStoreData;
  #store: LogStore | undefined;
  #recovered: RecoveredLog | undefined;

  constructor(data: LogStoreData) {
    this.#data = data;
  }

  get store(): LogStore {
    if (this.#store === undefined) throw new Error('no store is open');
    return this.#store;
  }

  /** What the store said when it was opened last. */
  get recovered(): RecoveredLog {
    if (this.#recovered === undefined) throw new Error('no store is open');
    return this.#recovered;
  }

  /** Closes the store and opens another over the same data, as after a restart. */
  async reopen(): Promise<RecoveredLog> {
    await this.#store?.close();
    this.#store = this.#data.create();
    this.#recovered = await this.#store.open();
    return this.#recovered;
  }

  append(...blocks: Block[]): Promise<void> {
    return this.store.write({ blocks });
  }

  /** Reads to the end, in pieces of about `maxBytes`. */
  async readAll(after: Zxid = ZXID_ZERO, maxBytes = 1_000_000): Promise<ComparableBlock[]> {
    const all: Block[] = [];
    for (let from = after; ;) {
      const read = await this.store.read(from, maxBytes);
      if (read.kind !== 'blocks') throw new Error(`reading after ${JSON.stringify(from)} gave ${JSON.stringify(read)}`);
      if (read.blocks.length === 0) return all.map(comparableBlock);
      all.push(...read.blocks);
      from = endOf(read.blocks.at(-1) as Block);
    }
  }

  async readSnapshot(): Promise<{ zxid: Zxid; state: string } | undefined> {
    const reader = await this.store.openSnapshot();
    if (reader === undefined) return undefined;
    const chunks: Uint8Array[] = [];
    for await (const chunk of reader.chunks) chunks.push(Uint8Array.from(chunk));
    await reader.close();
    const bytes = join(chunks);
    expect(bytes.byteLength).toBe(reader.sizeBytes);
    return { zxid: reader.zxid, state: digest(bytes) };
  }

  async dispose(): Promise<void> {
    await this.#store?.close();
    await this.#data.dispose();
  }
}

function logTests(start: Start): void {
  it('begins empty', async () => {
    const { recovered, store } = await start();
    expect(recovered).toEqual({
      hardState: { acceptedEpoch: 0, currentEpoch: 0 },
      lastZxid: ZXID_ZERO,
      firstZxid: ZXID_ZERO,
      snapshotZxid: undefined,
      committedZxid: ZXID_ZERO,
      damage: undefined,
    });
    expect(await store.read(ZXID_ZERO, 1000)).toEqual({ kind: 'blocks', blocks: [] });
    expect(await store.openSnapshot()).toBeUndefined();
    expect(store.bytesSinceSnapshot).toBe(0);
  });

  it('gives back what was written, at once and after a restart', async () => {
    const bench = await start();
    const blocks = bench.maker.several(10, { count: 3, payloadBytes: 100 });
    blocks.push(bench.maker.next({ epoch: 4, payloadBytes: 0 }), ...bench.maker.several(5));
    for (const block of blocks.slice(0, 5)) await bench.append(block);
    await bench.append(...blocks.slice(5));
    expect(await bench.readAll()).toEqual(blocks.map(comparableBlock));
    const recovered = await bench.reopen();
    expect(recovered.lastZxid).toEqual(bench.maker.last);
    expect(recovered.firstZxid).toEqual(ZXID_ZERO);
    expect(recovered.damage).toBeUndefined();
    expect(await bench.readAll()).toEqual(blocks.map(comparableBlock));
  });

  it('tells the highest commit position that its blocks tell of', async () => {
    const bench = await start();
    const [first, second] = [bench.maker.next({ count: 5 }), bench.maker.next()];
    await bench.append(first, second);
    expect((await bench.reopen()).committedZxid).toEqual(endOf(first));
  });

  it('reads about as much as it is asked for, and at least one block', async () => {
    const bench = await start();
    await bench.append(...bench.maker.several(20, { payloadBytes: 1000 }));
    const size = async (maxBytes: number): Promise<number> => {
      const read = await bench.store.read(ZXID_ZERO, maxBytes);
      return read.kind === 'blocks' ? read.blocks.length : -1;
    };
    expect(await size(1)).toBe(1);
    expect(await size(5_500)).toBeGreaterThanOrEqual(3);
    expect(await size(5_500)).toBeLessThanOrEqual(6);
    expect(await size(1_000_000)).toBe(20);
    expect(await bench.readAll(ZXID_ZERO, 1)).toHaveLength(20);
  });
}

function moreLogTests(start: Start): void {
  it('says where another history leaves its own', async () => {
    const bench = await start();
    await bench.append(...bench.maker.several(3, { count: 10 }), ...bench.maker.several(3, { epoch: 5, count: 10 }));
    const diverged = async (epoch: number, counter: number): Promise<LogRead> =>
      bench.store.read({ epoch, counter }, 1000);
    expect(await diverged(1, 15)).toEqual({ kind: 'diverged', at: { epoch: 1, counter: 10 } });
    expect(await diverged(1, 31)).toEqual({ kind: 'diverged', at: { epoch: 1, counter: 30 } });
    expect(await diverged(3, 7)).toEqual({ kind: 'diverged', at: { epoch: 1, counter: 30 } });
    expect(await diverged(5, 5)).toEqual({ kind: 'diverged', at: { epoch: 1, counter: 30 } });
    expect(await diverged(5, 31)).toEqual({ kind: 'diverged', at: { epoch: 5, counter: 30 } });
    expect(await diverged(6, 1)).toEqual({ kind: 'diverged', at: { epoch: 5, counter: 30 } });
    expect(await diverged(0, 5)).toEqual({ kind: 'diverged', at: ZXID_ZERO });
  });

  it('takes large blocks and large groups', async () => {
    const bench = await start();
    const blocks = [
      ...bench.maker.several(2, { payloadBytes: 300_000 }),
      ...bench.maker.several(50, { payloadBytes: 3_000 }),
    ];
    await bench.append(...blocks);
    const more = bench.maker.next({ payloadBytes: 700_000 });
    await bench.append(more);
    await bench.reopen();
    expect(await bench.readAll(ZXID_ZERO, 100_000)).toEqual([...blocks, more].map(comparableBlock));
  });
}

function truncationTests(start: Start): void {
  it('drops what ends after a zxid, and goes on from there', async () => {
    const bench = await start();
    const blocks = bench.maker.several(6, { count: 2 });
    await bench.append(...blocks);
    const to = endOf(blocks[2] as Block);
    await bench.store.write({ truncateTo: to, blocks: [] });
    expect(await bench.readAll()).toEqual(blocks.slice(0, 3).map(comparableBlock));
    expect(await bench.store.read(endOf(blocks[4] as Block), 1000)).toEqual({ kind: 'diverged', at: to });
    bench.maker.goOnFrom(to);
    const after = bench.maker.several(2, { epoch: 2 });
    await bench.append(...after);
    const recovered = await bench.reopen();
    expect(recovered.lastZxid).toEqual(bench.maker.last);
    expect(await bench.readAll()).toEqual([...blocks.slice(0, 3), ...after].map(comparableBlock));
  });

  it('truncates, appends and keeps hard state in one step', async () => {
    const bench = await start();
    const blocks = bench.maker.several(4);
    await bench.append(...blocks);
    bench.maker.goOnFrom(endOf(blocks[0] as Block));
    const after = bench.maker.several(3, { epoch: 9 });
    await bench.store.write({
      truncateTo: endOf(blocks[0] as Block),
      blocks: after,
      hardState: { acceptedEpoch: 9, currentEpoch: 8 },
    });
    expect(await bench.readAll()).toEqual([blocks[0] as Block, ...after].map(comparableBlock));
    const recovered = await bench.reopen();
    expect(recovered.hardState).toEqual({ acceptedEpoch: 9, currentEpoch: 8 });
    expect(await bench.readAll()).toEqual([blocks[0] as Block, ...after].map(comparableBlock));
  });

  it('can drop everything, again and again', async () => {
    const bench = await start();
    for (let epoch = 1; epoch <= 5; epoch += 1) {
      bench.maker.goOnFrom(ZXID_ZERO);
      await bench.store.write({ truncateTo: ZXID_ZERO, blocks: bench.maker.several(3, { epoch }) });
    }
    expect(await bench.readAll()).toHaveLength(3);
    await bench.store.write({ truncateTo: ZXID_ZERO, blocks: [] });
    const recovered = await bench.reopen();
    expect([recovered.firstZxid, recovered.lastZxid]).toEqual([ZXID_ZERO, ZXID_ZERO]);
    expect(await bench.readAll()).toEqual([]);
  });

  it('does nothing at the end of the log', async () => {
    const bench = await start();
    const blocks = bench.maker.several(2);
    await bench.append(...blocks);
    await bench.store.write({ truncateTo: bench.maker.last, blocks: [] });
    await bench.reopen();
    expect(await bench.readAll()).toEqual(blocks.map(comparableBlock));
  });

  it('drops snapshots after it', async () => {
    const bench = await start();
    const blocks = bench.maker.several(6);
    await bench.append(...blocks);
    await bench.store.saveSnapshot(endOf(blocks[1] as Block), [pattern(10, 1)]);
    await bench.store.saveSnapshot(endOf(blocks[4] as Block), [pattern(10, 2)]);
    await bench.store.write({ truncateTo: endOf(blocks[2] as Block), blocks: [] });
    // The one before it, if the store keeps so many.
    const left = (await bench.readSnapshot())?.zxid;
    expect([undefined, endOf(blocks[1] as Block)]).toContainEqual(left);
    const recovered = await bench.reopen();
    expect(recovered.snapshotZxid).toEqual(left);
    expect(recovered.lastZxid).toEqual(endOf(blocks[2] as Block));
  });
}

function hardStateTests(start: Start): void {
  it('gives back the last of many', async () => {
    const bench = await start();
    for (let epoch = 1; epoch <= 5; epoch += 1) {
      const hardState = { acceptedEpoch: epoch * 100, currentEpoch: epoch };
      await bench.store.write({ blocks: [], hardState });
      if (epoch % 2 === 0) expect((await bench.reopen()).hardState).toEqual(hardState);
    }
    expect((await bench.reopen()).hardState).toEqual({ acceptedEpoch: 500, currentEpoch: 5 });
  });

  it('does not touch it with blocks, snapshots and truncations', async () => {
    const bench = await start();
    await bench.store.write({ blocks: [], hardState: { acceptedEpoch: 7, currentEpoch: 6 } });
    const blocks = bench.maker.several(3);
    await bench.append(...blocks);
    await bench.store.write({ truncateTo: endOf(blocks[1] as Block), blocks: [] });
    await bench.store.saveSnapshot(endOf(blocks[0] as Block), []);
    await bench.store.installSnapshot({ epoch: 8, counter: 1 }, stream([pattern(5, 5)]));
    expect((await bench.reopen()).hardState).toEqual({ acceptedEpoch: 7, currentEpoch: 6 });
  });
}

function snapshotTests(start: Start): void {
  it('gives back the newest', async () => {
    const bench = await start();
    const chunks = [pattern(3, 1), new Uint8Array(0), pattern(200_000, 2), pattern(70_000, 3)];
    for (const kind of ['sync', 'async'] as const) {
      await bench.append(...bench.maker.several(3));
      const zxid = bench.maker.last;
      await bench.store.saveSnapshot(zxid, kind === 'sync' ? chunks : stream(chunks));
      expect(await bench.readSnapshot()).toEqual({ zxid, state: digest(join(chunks)) });
      expect((await bench.reopen()).snapshotZxid).toEqual(zxid);
      expect(await bench.readSnapshot()).toEqual({ zxid, state: digest(join(chunks)) });
    }
  });

  it('takes an empty one', async () => {
    const bench = await start();
    await bench.append(bench.maker.next());
    await bench.store.saveSnapshot(bench.maker.last, []);
    await bench.reopen();
    expect(await bench.readSnapshot()).toEqual({ zxid: bench.maker.last, state: digest(new Uint8Array(0)) });
  });

  it('leaves all as it was when the chunks end in an error', async () => {
    const bench = await start();
    await bench.append(...bench.maker.several(3));
    await bench.store.saveSnapshot({ epoch: 1, counter: 1 }, [pattern(9, 9)]);
    await expect(bench.store.saveSnapshot(bench.maker.last, failing([pattern(100_000, 1)]))).rejects.toThrow(
      'gone wrong',
    );
    expect((await bench.readSnapshot())?.zxid).toEqual({ epoch: 1, counter: 1 });
    await bench.append(bench.maker.next());
    expect((await bench.reopen()).snapshotZxid).toEqual({ epoch: 1, counter: 1 });
    expect((await bench.readAll({ epoch: 1, counter: 1 })).length).toBe(3);
  });

  it('lets writes and reads go on meanwhile', async () => {
    const bench = await start();
    await bench.append(...bench.maker.several(3));
    const zxid = bench.maker.last;
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < 5; at += 1) {
        await bench.append(bench.maker.next());
        expect(await bench.readAll()).toHaveLength(4 + at);
        yield pattern(10_000, at);
      }
    }
    await bench.store.saveSnapshot(zxid, chunks());
    const recovered = await bench.reopen();
    expect(recovered.snapshotZxid).toEqual(zxid);
    expect(recovered.lastZxid).toEqual(bench.maker.last);
    expect(await bench.readAll(zxid)).toHaveLength(5);
  });
}

function purgeTests(start: Start): void {
  it('counts the log since the newest', async () => {
    const bench = await start();
    await bench.append(...bench.maker.several(3, { payloadBytes: 1000 }));
    expect(bench.store.bytesSinceSnapshot).toBeGreaterThanOrEqual(3000);
    expect(bench.store.sizeBytes).toBeGreaterThanOrEqual(3000);
    await bench.store.saveSnapshot(bench.maker.last, [pattern(10, 1)]);
    expect(bench.store.bytesSinceSnapshot).toBe(0);
    await bench.append(bench.maker.next({ payloadBytes: 1000 }));
    expect(bench.store.bytesSinceSnapshot).toBeGreaterThanOrEqual(1000);
  });

  it('can always be replayed from the newest snapshot on, however much was purged', async () => {
    const bench = await start();
    for (let round = 0; round < 10; round += 1) {
      await bench.append(...bench.maker.several(20, { payloadBytes: 3_000 }));
      const zxid = bench.maker.last;
      const behind = bench.maker.several(2, { payloadBytes: 3_000 });
      await bench.append(...behind);
      await bench.store.saveSnapshot(zxid, [pattern(100, round)]);
      expect(await bench.readAll(zxid)).toEqual(behind.map(comparableBlock));
      const recovered = await bench.reopen();
      expect(recovered.damage).toBeUndefined();
      expect(await bench.readAll(recovered.snapshotZxid)).toEqual(behind.map(comparableBlock));
      const begin = await bench.store.read(ZXID_ZERO, 1);
      expect(begin.kind).toBe(recovered.firstZxid.counter === 0 ? 'blocks' : 'gone');
    }
  });
}

function installationTests(start: Start): void {
  const zxid = { epoch: 7, counter: 70 };

  it('replaces log and snapshots', async () => {
    const bench = await start();
    await bench.append(...bench.maker.several(5));
    await bench.store.saveSnapshot(bench.maker.last, [pattern(10, 1)]);
    await bench.append(...bench.maker.several(5));
    const chunks = [pattern(100_000, 3), pattern(5, 4)];
    await bench.store.installSnapshot(zxid, stream(chunks));
    const check = async (): Promise<void> => {
      expect(await bench.readSnapshot()).toEqual({ zxid, state: digest(join(chunks)) });
      expect(await bench.store.read(zxid, 1000)).toEqual({ kind: 'blocks', blocks: [] });
      expect(await bench.store.read({ epoch: 1, counter: 5 }, 1000)).toEqual({ kind: 'gone' });
      expect(await bench.store.read({ epoch: 7, counter: 71 }, 1000)).toEqual({ kind: 'diverged', at: zxid });
      expect(bench.store.bytesSinceSnapshot).toBe(0);
    };
    await check();
    const recovered = await bench.reopen();
    expect(recovered).toMatchObject({ firstZxid: zxid, lastZxid: zxid, snapshotZxid: zxid, damage: undefined });
    await check();
  });

  it('goes on from it', async () => {
    const bench = await start();
    await bench.append(...bench.maker.several(5));
    await bench.store.installSnapshot(zxid, stream([pattern(10, 1)]));
    bench.maker.goOnFrom(zxid);
    const blocks = [...bench.maker.several(2), ...bench.maker.several(2, { epoch: 8 })];
    await bench.append(...blocks);
    expect(await bench.readAll(zxid)).toEqual(blocks.map(comparableBlock));
    const recovered = await bench.reopen();
    expect(recovered).toMatchObject({ firstZxid: zxid, lastZxid: bench.maker.last, snapshotZxid: zxid });
    expect(await bench.readAll(zxid)).toEqual(blocks.map(comparableBlock));
  });

  it('may go back to before what it replaces', async () => {
    const bench = await start();
    const blocks = bench.maker.several(6);
    await bench.append(...blocks);
    await bench.store.saveSnapshot(endOf(blocks[3] as Block), [pattern(10, 1)]);
    const earlier = endOf(blocks[1] as Block);
    await bench.store.installSnapshot(earlier, stream([pattern(10, 2)]));
    expect(await bench.reopen()).toMatchObject({ firstZxid: earlier, lastZxid: earlier, snapshotZxid: earlier });
    expect((await bench.readSnapshot())?.state).toBe(digest(pattern(10, 2)));
  });

  it('leaves all as it was when the chunks end in an error', async () => {
    const bench = await start();
    const blocks = bench.maker.several(5);
    await bench.append(...blocks);
    await bench.store.saveSnapshot(endOf(blocks[1] as Block), [pattern(10, 1)]);
    await expect(bench.store.installSnapshot(zxid, failing([pattern(100_000, 1)]))).rejects.toThrow('gone wrong');
    const more = bench.maker.next();
    await bench.append(more);
    const check = async (): Promise<void> => {
      expect(await bench.readAll(endOf(blocks[1] as Block))).toEqual([...blocks.slice(2), more].map(comparableBlock));
      expect((await bench.readSnapshot())?.zxid).toEqual(endOf(blocks[1] as Block));
    };
    await check();
    await bench.reopen();
    await check();
  });
}

export async function* stream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    await Promise.resolve();
    yield chunk;
  }
}

async function* failing(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* stream(chunks);
  throw new Error('gone wrong');
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}
