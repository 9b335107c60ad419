import { expect, test } from 'vitest';
import { FileLogStore } from './file-log-store.js';
import { type DiskOperation, MemoryDisk } from './memory-disk.js';

const MIB = 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;
const CHUNKS = 40;

async function setUp(): Promise<{ store: FileLogStore; seen: DiskOperation[] }> {
  const seen: DiskOperation[] = [];
  const device = new MemoryDisk({
    schedule: (operation, run) => {
      seen.push(operation);
      queueMicrotask(run);
    },
  });
  const store = new FileLogStore({ folder: '/data', disk: device.attach() });
  await store.open();
  return { store, seen };
}

/** As a state machine gives them: the same memory may be used again for the next one. */
function* chunks(): Generator<Uint8Array> {
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let i = 0; i < CHUNKS; i++) yield chunk.fill(i + 1);
}

test('a snapshot is synced every mebibyte or so: the log, on the same disk, waits behind no more', async () => {
  const { store, seen } = await setUp();
  seen.length = 0;
  await store.saveSnapshot({ epoch: 1, counter: 1 }, chunks());
  let unsynced = 0;
  let most = 0;
  for (const { kind, path, bytes } of seen) {
    if (!path.includes('snapshot-')) continue;
    if (kind === 'sync') unsynced = 0;
    if (kind === 'write') unsynced += bytes!;
    most = Math.max(most, unsynced);
  }
  expect(most).toBeGreaterThan(MIB / 2);
  expect(most).toBeLessThanOrEqual(MIB + 2 * CHUNK_BYTES);
  await store.close();
});

test('a snapshot is read through one window of memory, however large it is', async () => {
  const { store } = await setUp();
  await store.saveSnapshot({ epoch: 1, counter: 1 }, chunks());
  const reader = (await store.openSnapshot())!;
  const windows = new Set<ArrayBufferLike>();
  let at = 0;
  for await (const block of reader.chunks) {
    windows.add(block.buffer);
    expect(block[0]).toBe(Math.floor(at / CHUNK_BYTES) + 1);
    at += block.byteLength;
  }
  expect(at).toBe(CHUNKS * CHUNK_BYTES);
  expect([...windows].map((window) => window.byteLength <= 2 * MIB)).toEqual([true]);
  await store.close();
});
