import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { logStoreSuite } from '@zkl/consensus/testing';
import { FileLogStore } from './file-log-store.js';
import { MemoryDisk } from './memory-disk.js';

const tiny = { segmentBytes: 8192, cacheBytes: 4000, logRetainedBytes: 10_000, indexEveryBytes: 1000 };

logStoreSuite('FileLogStore on real files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'zkl-log-store-'));
  return {
    // Larger segments than in memory: every new one costs real syncs.
    create: () => new FileLogStore({ folder, ...tiny, segmentBytes: 65_536 }),
    dispose: () => rm(folder, { recursive: true }),
  };
});

logStoreSuite('FileLogStore in memory', () => {
  const device = new MemoryDisk();
  return Promise.resolve({
    create: () => new FileLogStore({ folder: '/data', disk: device.attach(), ...tiny }),
    dispose: () => Promise.resolve(),
  });
});

logStoreSuite('FileLogStore with nothing in memory but the defaults', () => {
  const device = new MemoryDisk();
  return Promise.resolve({
    create: () => new FileLogStore({ folder: '/data', disk: device.attach(), segmentBytes: 65_536, cacheBytes: 0 }),
    dispose: () => Promise.resolve(),
  });
});
