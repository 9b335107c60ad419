import { BlockMaker, comparableBlock, pattern } from '@zkl/consensus/testing';
import { describe, expect, it } from 'vitest';
import type { LogStoreError } from './errors.js';
import { type DiskOperation, MemoryDisk } from './memory-disk.js';
import { FOLDER, openAndRead, readBlocks, storeOn } from './test-folder.js';
import { ZXID_ZERO } from './zxid.js';

const code = (expected: string): unknown => expect.objectContaining({ code: expected });

/** A disk on which operations can be made to fail while a test runs. */
function fallible(): {
  device: MemoryDisk;
  fail: (test: ((operation: DiskOperation) => string | undefined) | undefined) => void;
} {
  let fault: ((operation: DiskOperation) => string | undefined) | undefined;
  const device = new MemoryDisk({ fault: (operation) => fault?.(operation) });
  return { device, fail: (test) => (fault = test) };
}

describe('a full disk', () => {
  it('refuses writes before anything is written, lets the rest go on, and recovers by itself', async () => {
    const device = new MemoryDisk();
    const { store } = await openAndRead(device);
    const maker = new BlockMaker();
    device.capacityBytes = device.usedBytes + 100;
    const written = [];
    let refused: LogStoreError | undefined;
    while (refused === undefined) {
      const last = maker.last;
      const block = maker.next({ payloadBytes: 300 });
      try {
        await store.write({ blocks: [block], hardState: { acceptedEpoch: written.length + 1, currentEpoch: 0 } });
        written.push(block);
      } catch (error) {
        refused = error as LogStoreError;
        maker.goOnFrom(last);
      }
    }
    expect(refused).toMatchObject({ code: 'DISK_FULL', kind: 'disk', exitCode: 3 });
    expect(written.length).toBeGreaterThan(2);
    await expect(store.write({ blocks: [maker.next({ payloadBytes: 300 })] })).rejects.toEqual(code('DISK_FULL'));
    maker.goOnFrom(last(written));
    // Reads, hard state and truncation go on; a snapshot is refused, and leaves nothing behind.
    expect((await readBlocks(store, ZXID_ZERO)).map(comparableBlock)).toEqual(written.map(comparableBlock));
    await store.write({ blocks: [], hardState: { acceptedEpoch: 99, currentEpoch: 98 } });
    const files = device.files;
    await expect(store.saveSnapshot(maker.last, [pattern(5000, 1)])).rejects.toEqual(code('DISK_FULL'));
    await expect(store.installSnapshot({ epoch: 9, counter: 9 }, chunks())).rejects.toEqual(code('DISK_FULL'));
    expect(device.files).toEqual(files);
    written.pop();
    await store.write({ blocks: [], truncateTo: last(written) });
    device.capacityBytes = Number.POSITIVE_INFINITY;
    maker.goOnFrom(last(written));
    const block = maker.next({ payloadBytes: 900 });
    await store.write({ blocks: [block] });
    await store.close();
    const { recovered, blocks } = await openAndRead(device);
    expect(recovered).toMatchObject({ damage: undefined, hardState: { acceptedEpoch: 99, currentEpoch: 98 } });
    expect(blocks).toEqual([...written, block].map(comparableBlock));
  });
});

function last(blocks: readonly { epoch: number; firstCounter: number; count: number }[]): {
  epoch: number;
  counter: number;
} {
  const block = blocks.at(-1);
  return block === undefined ? ZXID_ZERO : { epoch: block.epoch, counter: block.firstCounter + block.count - 1 };
}

async function* chunks(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(pattern(100, 1));
}

describe('a disk that fails', () => {
  it.each(['write', 'sync', 'rename', 'syncFolder', 'truncate', 'open'] as const)(
    'by %s ends the run: nothing is written after it',
    async (kind) => {
      const { device, fail } = fallible();
      const { store } = await openAndRead(device);
      const maker = new BlockMaker();
      const first = maker.several(2, { payloadBytes: 500 });
      await store.write({ blocks: first, hardState: { acceptedEpoch: 1, currentEpoch: 1 } });
      let count = 0;
      fail((operation) => (operation.kind === kind && (count += 1) === 1 ? 'EIO' : undefined));
      let failure: unknown;
      let acknowledged = maker.last;
      for (let step = 0; step < 12 && failure === undefined; step += 1) {
        try {
          await store.write({
            blocks: maker.several(2, { payloadBytes: 500 }),
            hardState: { acceptedEpoch: step + 2, currentEpoch: 1 },
          });
          acknowledged = maker.last;
          if (step % 4 === 3) await store.saveSnapshot(maker.last, [pattern(5000, step)]);
        } catch (error) {
          failure = error;
        }
      }
      if (kind === 'truncate') return expect(failure).toBeUndefined();
      expect(failure).toMatchObject({ code: 'DISK_FAILED', exitCode: 3 });
      fail(undefined);
      // A later success must not make it look well.
      await expect(store.write({ blocks: [] })).rejects.toBe(failure);
      await expect(store.saveSnapshot(maker.last, [])).rejects.toBe(failure);
      await store.close();
      device.crash(() => 0.9);
      const { recovered } = await openAndRead(device);
      expect(recovered.damage).toBeUndefined();
      expect(recovered.lastZxid.counter).toBeGreaterThanOrEqual(acknowledged.counter);
    },
  );

  it('by reading a sector of the log gives a typed error, and serves nothing', async () => {
    const { device, fail } = fallible();
    const { store } = await openAndRead(device);
    await store.write({ blocks: new BlockMaker().several(3) });
    fail((operation) => (operation.kind === 'read' ? 'EIO' : undefined));
    await expect(store.read(ZXID_ZERO, 1000)).rejects.toMatchObject({ code: 'LOG_DAMAGED', exitCode: 4 });
  });

  it('by reading while it is opened is refused', async () => {
    const { device, fail } = fallible();
    await (await openAndRead(device)).store.close();
    fail((operation) => (operation.kind === 'read' ? 'EIO' : undefined));
    await expect(storeOn(device).open()).rejects.toMatchObject({ code: 'DISK_FAILED' });
  });
});

describe('rot at run time', () => {
  it('in the log is never served', async () => {
    const device = new MemoryDisk();
    const { store } = await openAndRead(device);
    await store.write({ blocks: new BlockMaker().several(3, { payloadBytes: 100 }) });
    device.flipBit(`${FOLDER}/log-00000000000001.zkl`, 1024 + 64 + 100, 3);
    await expect(store.read(ZXID_ZERO, 1000)).rejects.toMatchObject({ code: 'LOG_DAMAGED' });
  });

  it('in a snapshot is never served; the older one takes its place at the next start', async () => {
    const device = new MemoryDisk();
    const { store } = await openAndRead(device, { logRetainedBytes: 1_000_000 });
    const maker = new BlockMaker();
    await store.write({ blocks: maker.several(3) });
    const older = maker.last;
    await store.saveSnapshot(older, [pattern(100_000, 1)]);
    await store.write({ blocks: maker.several(3) });
    await store.saveSnapshot(maker.last, [pattern(100_000, 2)]);
    const path = device.files.findLast((file) => file.includes('snapshot-')) as string;
    device.flipBit(path, 80_000, 1);
    const reader = await store.openSnapshot();
    const read = async (): Promise<void> => {
      for await (const _ of reader?.chunks ?? []);
    };
    await expect(read()).rejects.toMatchObject({ code: 'SNAPSHOT_DAMAGED' });
    await store.close();
    const { recovered } = await openAndRead(device);
    expect(recovered).toMatchObject({ snapshotZxid: older, lastZxid: maker.last, damage: undefined });
  });
});

describe('the hot path', () => {
  it('is one write and nothing else', async () => {
    const operations: string[] = [];
    const device = new MemoryDisk({ fault: ({ kind }) => void operations.push(kind) });
    const { store } = await openAndRead(device, { segmentBytes: 1_000_000, cacheBytes: 1_000_000 });
    operations.length = 0;
    const maker = new BlockMaker();
    await store.write({ blocks: maker.several(1) });
    await store.write({ blocks: maker.several(50, { payloadBytes: 2000 }) });
    await store.read(ZXID_ZERO, 10);
    expect(operations).toEqual(['write', 'write']);
  });
});
