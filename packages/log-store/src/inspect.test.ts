import { describe, expect, it } from 'vitest';
import { inspectFolder } from './inspect.js';
import { MemoryDisk } from './memory-disk.js';
import { fillFolder, FOLDER } from './test-folder.js';

async function filled(): Promise<MemoryDisk> {
  const device = new MemoryDisk();
  await fillFolder(device);
  return device;
}

describe('inspectFolder', () => {
  it('tells what there is, and changes nothing', async () => {
    const device = await filled();
    const contents = (): string[] =>
      device.files.map((path) => `${path} ${Buffer.from(device.contents(path)).toString('base64')}`);
    const before = contents();
    const found = await inspectFolder(FOLDER, { disk: device.attach() });
    expect(contents()).toEqual(before);
    expect(found).toMatchObject({
      identity: undefined,
      hardState: { acceptedEpoch: 2, currentEpoch: 2 },
      lastZxid: { epoch: 2, counter: 14 },
      notedDamage: undefined,
      faults: [],
      temporary: [],
    });
    expect(found.hardStateSlots).toHaveLength(2);
    expect(found.snapshots.map(({ state, zxid }) => [state, zxid.epoch, zxid.counter])).toEqual([
      ['whole', 2, 4],
      ['whole', 1, 4],
    ]);
    expect(found.segments.every(({ tail }) => tail === 'clean')).toBe(true);
    expect(found.segments.reduce((sum, { writes }) => sum + writes, 0)).toBeGreaterThanOrEqual(14);
  });

  it('tells torn from damaged, with file and offset', async () => {
    const device = await filled();
    const path = device.files.find((file) => file.includes('/log-')) as string;
    device.flipBit(path, 1024 + 80, 2);
    const found = await inspectFolder(FOLDER, { disk: device.attach() });
    expect(found.segments[0]).toMatchObject({ name: path.slice(FOLDER.length + 1), tail: 'damaged', tailOffset: 1024 });
    expect(found.faults[0]).toMatch('offset 1024');
  });

  it('finds damage in any snapshot, also in one that is not the newest', async () => {
    const device = await filled();
    const oldest = device.files.find((file) => file.includes('/snapshot-')) as string;
    device.flipBit(oldest, 100, 2);
    const { snapshots, faults } = await inspectFolder(FOLDER, { disk: device.attach() });
    expect(snapshots.map(({ state }) => state)).toEqual(['whole', 'damaged']);
    expect(faults).toEqual([]);
  });
});
