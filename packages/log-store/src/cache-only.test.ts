import { BlockMaker } from '@zkl/consensus/testing';
import { describe, expect, it } from 'vitest';
import type { Disk, DiskFile } from './disk.js';
import { SEGMENT_HEADER_BYTES } from './format.js';
import { type DiskOperation, MemoryDisk } from './memory-disk.js';
import { openAndRead, storeOn } from './test-folder.js';

/** Everything that is not durable is lost. */
const NOTHING_KEPT = (): number => 0;
/** Everything under way reached the system's cache. */
const ALL_CACHED = (): number => 0.9;

describe('what an earlier run left in the cache of the system only', () => {
  it('a write under which the process was killed: found at the start, it is durable', async () => {
    const device = new MemoryDisk({ schedule: (operation, run) => hold(operation) || queueMicrotask(run) });
    let isHeld = false;
    const hold = (operation: DiskOperation): boolean => isHeld && operation.kind === 'write';
    const maker = new BlockMaker();
    const { store } = await openAndRead(device);
    await store.write({ blocks: maker.several(2) });
    isHeld = true;
    void store.write({ blocks: maker.several(3) });
    await new Promise(setImmediate);
    isHeld = false;
    device.kill(ALL_CACHED);
    const { recovered } = await openAndRead(device);
    expect(recovered.lastZxid).toEqual(maker.last);
    device.crash(NOTHING_KEPT);
    expect((await openAndRead(device)).recovered).toEqual(recovered);
  });

  it('a write that failed: found at the start, it is durable', async () => {
    let fault: string | undefined;
    const device = new MemoryDisk({ fault: ({ kind }) => (kind === 'write' ? fault : undefined) });
    const maker = new BlockMaker();
    const { store } = await openAndRead(device);
    await store.write({ blocks: maker.several(2) });
    fault = 'EIO';
    await expect(store.write({ blocks: maker.several(3) })).rejects.toMatchObject({ code: 'DISK_FAILED' });
    fault = undefined;
    device.kill();
    const { recovered } = await openAndRead(device);
    expect(recovered.lastZxid).toEqual(maker.last);
    device.crash(NOTHING_KEPT);
    expect((await openAndRead(device)).recovered).toEqual(recovered);
  });

  it('the name of a segment that was being made: what is written to it after the start is durable', async () => {
    let isHeld = false;
    const device = new MemoryDisk({
      schedule: ({ kind }, run) => {
        if (!isHeld || kind !== 'syncFolder') queueMicrotask(run);
      },
    });
    const maker = new BlockMaker();
    const { store } = await openAndRead(device);
    const segments = device.files.length;
    isHeld = true;
    // Beyond the middle of a segment the next one is made beside the writes.
    await store.write({ blocks: [maker.next({ payloadBytes: 1_400 })] });
    await new Promise(setImmediate);
    expect(device.files.length).toBeGreaterThan(segments);
    isHeld = false;
    device.kill();
    const next = await openAndRead(device);
    const later = new BlockMaker(next.recovered.lastZxid);
    await next.store.write({ blocks: [later.next({ payloadBytes: 600 })] });
    device.crash(NOTHING_KEPT);
    expect((await openAndRead(device)).recovered.lastZxid).toEqual(later.last);
  });

  it('is written again only if it reads as it was found: a read from elsewhere destroys nothing', async () => {
    const device = new MemoryDisk();
    const maker = new BlockMaker();
    const { store } = await openAndRead(device);
    await store.write({ blocks: maker.several(2) });
    await store.write({ blocks: maker.several(2) });
    device.kill();
    const whole = device.attach();
    /** Reads of the frame that is written again are of another place. */
    const astray: Disk = {
      ...whole,
      open: async (path, mode) => {
        const file = await whole.open(path, mode);
        if (mode !== 'durable' || !path.includes('/log-')) return file;
        return fileThat(file, (target, position) => file.read(target, position + 512));
      },
    };
    await expect(storeOn(device, { disk: astray }).open()).rejects.toMatchObject({ code: 'DISK_FAILED' });
    device.kill();
    expect((await openAndRead(device)).recovered.lastZxid).toEqual(maker.last);
  });
});

it.each([512, 1_024])('a read of a segment from %i bytes behind it is damage, not an empty log', async (distance) => {
  const device = new MemoryDisk();
  const maker = new BlockMaker();
  const { store } = await openAndRead(device);
  await store.write({ blocks: maker.several(2) });
  device.kill();
  const whole = device.attach();
  const astray: Disk = {
    ...whole,
    open: async (path, mode) => {
      const file = await whole.open(path, mode);
      if (mode !== 'read' || !path.includes('/log-')) return file;
      const isWhole = (target: Uint8Array): boolean => target.byteLength > SEGMENT_HEADER_BYTES;
      return fileThat(file, (target, position) => file.read(target, position + (isWhole(target) ? distance : 0)));
    },
  };
  expect((await storeOn(device, { disk: astray }).open()).damage).toContain('header');
});

function fileThat(file: DiskFile, read: DiskFile['read']): DiskFile {
  return {
    read,
    size: () => file.size(),
    write: (source, position) => file.write(source, position),
    sync: () => file.sync(),
    truncate: (size) => file.truncate(size),
    close: () => file.close(),
  };
}
