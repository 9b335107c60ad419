import { BlockMaker } from '@zkl/consensus/testing';
import { expect, test } from 'vitest';
import { FileLogStore } from './file-log-store.js';
import { type DiskOperation, MemoryDisk } from './memory-disk.js';

/** What a write asks of the disk decides how fast it is; unlike a time, it is the same on every machine. */
test('whatever waits together goes to the disk in one write, which is durable when it returns: there is no sync beside it', async () => {
  const seen: DiskOperation[] = [];
  const device = new MemoryDisk({
    schedule: (operation, run) => {
      seen.push(operation);
      queueMicrotask(run);
    },
  });
  const store = new FileLogStore({ folder: '/data', disk: device.attach(), cacheBytes: 0 });
  await store.open();
  const maker = new BlockMaker();
  await store.write({ blocks: maker.several(1) });
  for (const blocks of [1, 64, 500]) {
    // What is made beforehand in the background (the next segment) is no part of a write.
    await new Promise(setImmediate);
    seen.length = 0;
    await store.write({ blocks: maker.several(blocks, { count: 10, payloadBytes: 300 }) });
    const ofTheWrite = seen.filter(({ path }) => !path.endsWith('.tmp'));
    expect(ofTheWrite.map(({ kind }) => kind)).toEqual(['write']);
    // A header and a checksum a block, and not much more.
    expect(ofTheWrite[0]!.bytes! - blocks * 300).toBeLessThan(100 * blocks + 4_096);
  }
  await store.close();
});
