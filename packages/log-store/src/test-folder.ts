import { BlockMaker, type ComparableBlock, comparableBlock, digest, pattern } from '@zkl/consensus/testing';
import type { Block, LogStore, RecoveredLog, Zxid } from '@zkl/consensus';
import { FileLogStore } from './file-log-store.js';
import type { MemoryDisk } from './memory-disk.js';
import type { FileLogStoreOptions } from './options.js';
import { endOf } from './zxid.js';

/** For this package's tests: a store in memory with tiny segments, and what a reader finds in it. */

export const FOLDER = '/data';

export const TINY = { segmentBytes: 4096, cacheBytes: 0, logRetainedBytes: 1, indexEveryBytes: 512 };

export function storeOn(device: MemoryDisk, options: Partial<FileLogStoreOptions> = {}): FileLogStore {
  return new FileLogStore({ folder: FOLDER, disk: device.attach(), ...TINY, random: counting(), ...options });
}

/** Salts that differ, and are the same in every run. */
function counting(): () => number {
  let count = 0x1234_5678;
  return () => {
    count = (Math.imul(count, 1_664_525) + 1_013_904_223) >>> 0;
    return count;
  };
}

/** All that can be learned from an open store. */
export interface Contents {
  readonly recovered: RecoveredLog;
  readonly blocks: readonly ComparableBlock[];
  readonly snapshot: { readonly zxid: Zxid; readonly state: string } | undefined;
}

/** Opens a store on the device and reads everything from it. The store is left open. */
export async function openAndRead(
  device: MemoryDisk,
  options: Partial<FileLogStoreOptions> = {},
): Promise<Contents & { store: FileLogStore }> {
  const store = storeOn(device, options);
  const recovered = await store.open();
  return {
    store,
    recovered,
    blocks: (await readBlocks(store, recovered.firstZxid)).map(comparableBlock),
    snapshot: await readSnapshot(store),
  };
}

export async function readBlocks(store: LogStore, after: Zxid): Promise<Block[]> {
  const blocks: Block[] = [];
  for (let from = after; ;) {
    const read = await store.read(from, 1_000_000);
    if (read.kind !== 'blocks') throw new Error(`reading gave ${read.kind}`);
    if (read.blocks.length === 0) return blocks;
    blocks.push(...read.blocks);
    from = endOf(read.blocks.at(-1) as Block);
  }
}

export async function readSnapshot(store: LogStore): Promise<Contents['snapshot']> {
  const reader = await store.openSnapshot();
  if (reader === undefined) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of reader.chunks) chunks.push(chunk);
  return { zxid: reader.zxid, state: digest(Buffer.concat(chunks)) };
}

/** A folder with a bit of everything: segments, groups, a truncation, epochs, hard states, two snapshots. */
export async function fillFolder(device: MemoryDisk): Promise<Contents> {
  const store = storeOn(device);
  await store.open();
  const maker = new BlockMaker();
  await store.write({ blocks: [maker.next()], hardState: { acceptedEpoch: 1, currentEpoch: 1 } });
  await store.write({ blocks: maker.several(3, { payloadBytes: 40 }) });
  await store.saveSnapshot(maker.last, [pattern(60, 1)]);
  const base = maker.last;
  await store.write({ blocks: maker.several(2, { payloadBytes: 50 }) });
  maker.goOnFrom(base);
  await store.write({
    truncateTo: base,
    blocks: maker.several(2, { epoch: 2, payloadBytes: 60 }),
    hardState: { acceptedEpoch: 2, currentEpoch: 2 },
  });
  await store.write({ blocks: maker.several(2, { payloadBytes: 560 }) });
  await store.saveSnapshot(maker.last, [pattern(90, 2)]);
  for (let count = 1; count <= 4; count += 1) await store.write({ blocks: maker.several(count, { payloadBytes: 30 }) });
  await store.close();
  const contents = await openAndRead(device);
  await contents.store.close();
  return contents;
}
