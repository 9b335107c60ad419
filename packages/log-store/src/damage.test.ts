import { BlockMaker, type ComparableBlock } from '@zkl/consensus/testing';
import { describe, expect, it } from 'vitest';
import { HARD_STATE_FILE, sequenceOf, SEGMENT_HEADER_BYTES, snapshotZxidOf } from './format.js';
import { MemoryDisk } from './memory-disk.js';
import { Tally } from './test-tally.js';
import { type Contents, fillFolder, FOLDER, openAndRead } from './test-folder.js';
import { compareZxid } from './zxid.js';

describe('one flipped bit', () => {
  it('is repaired or refused wherever it is, and nothing is lost silently or served wrong', async () => {
    const device = new MemoryDisk();
    const before = await fillFolder(device);
    const tally = new Tally('flip-every-byte');
    for (const path of device.files) {
      const bytes = device.contents(path);
      for (let at = 0; at < bytes.byteLength; at += 1) {
        // Space that was never written: one byte in thirteen is enough, but where all are asked for.
        if (process.env['ZKL_CRASH'] !== 'all' && bytes[at] === 0 && at % 13 !== 0) continue;
        const copy = device.fork();
        copy.flipBit(path, at, at % 8);
        const outcome = await judge(copy, before, `${path} at ${at}`);
        tally.add(path.replace(/.*\/|-.*/g, ''), outcome);
      }
    }
    tally.write();
    // Both outcomes occur: the test tests something.
    expect(tally.of('log', 'refused')).toBeGreaterThan(1000);
    expect(tally.of('log', 'same')).toBeGreaterThan(100);
    expect(tally.of('hard', 'refused')).toBe(0);
    expect(tally.of('snapshot', 'same')).toBeGreaterThan(100);
  }, 3_600_000);

  it('in both slots of the hard state is damage', async () => {
    const device = new MemoryDisk();
    await fillFolder(device);
    device.flipBit(`${FOLDER}/${HARD_STATE_FILE}`, 17, 0);
    device.flipBit(`${FOLDER}/${HARD_STATE_FILE}`, 4096 + 20, 0);
    const { recovered } = await openAndRead(device);
    expect(recovered.damage).toMatch('hard-state');
    // Never less than what the log shows to have been promised.
    expect(recovered.hardState.acceptedEpoch).toBe(2);
  });
});

/** `same`: everything is as it was. `refused`: damage, which stays, and what is left is a true part of what was. */
async function judge(device: MemoryDisk, before: Contents, where: string): Promise<'same' | 'refused'> {
  const { recovered, blocks, snapshot, store } = await openAndRead(device);
  const truth = new Set(before.blocks.map((block) => JSON.stringify(block)));
  // Before the cut there were other blocks of epoch 1: while damaged, the log may end with them.
  const wasCut = (block: ComparableBlock): boolean =>
    block.epoch === 1 && block.firstCounter > 4 && recovered.damage !== undefined;
  const wrong = blocks.filter((block) => !wasCut(block) && !truth.has(JSON.stringify(block)));
  if (wrong.length > 0) expect(wrong, where).toEqual([]);
  if (recovered.damage === undefined) {
    expect({ ...recovered, firstZxid: 0, snapshotZxid: 0 }, where).toEqual({
      ...before.recovered,
      firstZxid: 0,
      snapshotZxid: 0,
    });
    // The state can be rebuilt: from a snapshot that is whole, or from the beginning.
    const start = recovered.snapshotZxid ?? { epoch: 0, counter: 0 };
    expect(compareZxid(recovered.firstZxid, start), where).toBeLessThanOrEqual(0);
    await store.close();
    return 'same';
  }
  if (snapshot !== undefined && compareZxid(snapshot.zxid, before.snapshot?.zxid ?? snapshot.zxid) === 0) {
    expect(snapshot, where).toEqual(before.snapshot);
  }
  await store.close();
  const again = await openAndRead(device);
  expect(again.recovered.damage, where).toBeDefined();
  expect(again.recovered.lastZxid, where).toEqual(recovered.lastZxid);
  await again.store.write({ blocks: [], repaired: true });
  await again.store.close();
  const repaired = await openAndRead(device);
  expect(repaired.recovered.damage, where).toBeUndefined();
  await repaired.store.close();
  return 'refused';
}

describe('a log that ends early', () => {
  /** Cuts the last segment with blocks at each byte, by shortening it or with zeros. */
  it.each(['cut', 'zeroed'] as const)(
    'starts when it is %s at any byte, and drops only the torn tail',
    async (how) => {
      const device = new MemoryDisk();
      const before = await fillFolder(device);
      const path = device.files.findLast(
        (file) =>
          sequenceOf(file.slice(FOLDER.length + 1)) !== undefined && device.contents(file)[SEGMENT_HEADER_BYTES] !== 0,
      ) as string;
      const bytes = device.contents(path);
      let shortest = before.blocks.length;
      for (let at = bytes.byteLength; at >= SEGMENT_HEADER_BYTES; at -= 1) {
        const copy = device.fork();
        copy.plant(
          path,
          how === 'cut' ? bytes.slice(0, at) : Uint8Array.from(bytes, (byte, index) => (index < at ? byte : 0)),
        );
        const { recovered, blocks, store } = await openAndRead(copy);
        expect(recovered.damage, `at ${at}`).toBeUndefined();
        expect(blocks).toEqual(before.blocks.slice(0, blocks.length));
        // Cutting a byte costs at most one block.
        expect(blocks.length).toBeLessThanOrEqual(shortest);
        expect(blocks.length).toBeGreaterThanOrEqual(shortest - 1);
        shortest = blocks.length;
        await store.close();
      }
      expect(shortest).toBeLessThan(before.blocks.length - 3);
    },
    60_000,
  );

  it('is damage when the hard state knows that it was longer', async () => {
    const device = new MemoryDisk();
    const { store } = await openAndRead(device);
    const maker = new BlockMaker();
    await store.write({ blocks: maker.several(3) });
    await store.write({ blocks: [], hardState: { acceptedEpoch: 1, currentEpoch: 1 } });
    await store.close();
    const path = `${FOLDER}/log-00000000000001.zkl`;
    device.plant(path, device.contents(path).slice(0, SEGMENT_HEADER_BYTES + 100));
    expect((await openAndRead(device)).recovered.damage).toMatch('known to have been durable');
  });
});

describe('a frame in the middle of the last segment', () => {
  /** Two writes of more than a sector each, in one segment that nothing follows. */
  async function twoWrites(): Promise<MemoryDisk> {
    const device = new MemoryDisk();
    const { store } = await openAndRead(device);
    const maker = new BlockMaker();
    await store.write({ blocks: [maker.next({ payloadBytes: 700 })] });
    await store.write({ blocks: [maker.next({ payloadBytes: 700 })] });
    await store.close();
    return device;
  }

  const path = `${FOLDER}/log-00000000000001.zkl`;
  const SECOND_AT = 1024 + 896;

  it.each([1024, 1280, 1408])(
    'whose sector at %i is zeros was durable once, since a later one is whole',
    async (at) => {
      const device = await twoWrites();
      device.plant(path, device.contents(path).fill(0, at, at + 512));
      const { recovered } = await openAndRead(device);
      expect(recovered).toMatchObject({
        damage: expect.stringContaining('offset 1024') as string,
        lastZxid: { epoch: 0, counter: 0 },
      });
    },
  );

  it('that was lost, and the later one written in its place, is damage', async () => {
    const device = await twoWrites();
    const bytes = device.contents(path);
    const later = bytes.slice(SECOND_AT, SECOND_AT + 896);
    device.plant(path, bytes.fill(0, SEGMENT_HEADER_BYTES));
    expect((await openAndRead(device.fork())).recovered.damage).toBeUndefined();
    bytes.set(later, SEGMENT_HEADER_BYTES);
    device.plant(path, bytes);
    expect((await openAndRead(device)).recovered.damage).toMatch('another place');
  });
});

describe('a missing or foreign piece', () => {
  it.each([
    'zeroed sector',
    'stale sector',
    'misdirected write',
    'missing segment',
    'missing hard state',
    'missing newest snapshot',
  ] as const)('%s is damage, or costs nothing', async (what) => {
    const device = new MemoryDisk();
    const before = await fillFolder(device);
    for (const copy of await spoil(device, what)) await judge(copy, before, what);
  });
});

/** Copies of the device, each spoilt in one place. */
async function spoil(device: MemoryDisk, what: string): Promise<MemoryDisk[]> {
  const other = new MemoryDisk();
  await fillFolder(other);
  const copies: MemoryDisk[] = [];
  const segments = device.files.filter((file) => file.includes('/log-'));
  const change = (path: string, edit: (bytes: Uint8Array) => Uint8Array | undefined): void => {
    const copy = device.fork();
    copy.plant(path, edit(copy.contents(path)));
    copies.push(copy);
  };
  if (what === 'missing hard state') change(`${FOLDER}/${HARD_STATE_FILE}`, () => undefined);
  if (what === 'missing newest snapshot') {
    const newest = device.files.findLast(
      (file) => snapshotZxidOf(file.slice(FOLDER.length + 1)) !== undefined,
    ) as string;
    change(newest, () => undefined);
  }
  if (what === 'missing segment') change(segments[0] as string, () => undefined);
  // Not the last segment with blocks: zeros where the last write may have been cannot be told from a torn one.
  for (const path of segments.slice(0, 1)) {
    for (let at = SEGMENT_HEADER_BYTES; at + 512 <= device.contents(path).byteLength; at += 512) {
      if (what === 'zeroed sector') change(path, (bytes) => bytes.fill(0, at, at + 512));
      if (what === 'stale sector') change(path, (bytes) => (bytes.set(stale(other, path, at), at), bytes));
      if (what === 'misdirected write')
        change(path, (bytes) => bytes.copyWithin(at, SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES + 512));
    }
  }
  return copies;
}

/** What the same place held in an earlier life: alike, but for the salt. */
function stale(other: MemoryDisk, path: string, at: number): Uint8Array {
  const bytes = other.contents(path).slice(at, at + 512);
  for (let index = 0; index < bytes.byteLength; index += 97) bytes[index] = (bytes[index] ?? 0) ^ 0x55;
  return bytes;
}
