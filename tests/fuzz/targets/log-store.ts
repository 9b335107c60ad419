import { isDeepStrictEqual } from 'node:util';
import { crc32 } from 'node:zlib';
import { BlockMaker, comparableBlock, type ComparableBlock } from '@zkl/consensus/testing';
import { decodeRecord, encodeRecord, inspectFolder, LogStoreError, MemoryDisk } from '@zkl/log-store';
import fc from 'fast-check';
import { DAMAGE_FILE, HARD_STATE_FILE, sequenceOf, snapshotZxidOf } from '../../../packages/log-store/src/format.js';
import { readIdentity, writeIdentity } from '../../../packages/log-store/src/identity.js';
import { decodeSlots } from '../../../packages/log-store/src/hard-state-file.js';
import { scanSegment } from '../../../packages/log-store/src/segment-scan.js';
import { decodeSegmentHeader } from '../../../packages/log-store/src/segment-header.js';
import * as snapshot from '../../../packages/log-store/src/snapshot-format.js';
import { fillFolder, FOLDER, openAndRead, type Contents } from '../../../packages/log-store/src/test-folder.js';
import { recordsOf } from '../../../packages/server/src/bin/inspect-records.js';
import { encodeCommand } from '@zkl/wire';
import { command, u32, u53, zxid } from '../../../packages/wire/src/testing/arbitraries.js';
import { joinOperations, splitOperations } from '../../../packages/consensus/src/node/payload.js';
import { codeOf, must, type FuzzTarget } from '../engine/target.js';

const storeFiles = (...names: string[]): string[] => names.map((name) => `packages/log-store/src/${name}.ts`);

function withChecksum(input: Uint8Array): Uint8Array {
  if (input.length < 8) return input;
  const bytes = Buffer.from(input);
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4);
  return new Uint8Array(bytes);
}

/** A folder with a bit of everything; made once. */
interface Filled {
  readonly device: MemoryDisk;
  readonly before: Contents;
}

const FILLED: Filled = await (async () => {
  const device = new MemoryDisk();
  const before = await fillFolder(device);
  await writeIdentity(device.attach(), FOLDER, { clusterId: 'zkl', serverId: 1 });
  return { before, device };
})();

/** Blocks as a leader makes them: writes behind each other, each with its length. */
const blockBytes = fc
  .tuple(
    fc.array(
      command.map((one) => encodeCommand(one, { session: { epoch: 1, counter: 1 } })),
      { minLength: 1, maxLength: 4 },
    ),
    fc.nat(2 ** 31),
  )
  .map(([writes, timeMs]) => {
    const payload = joinOperations(
      writes,
      writes.reduce((sum, one) => sum + one.length, 0),
    );
    return encodeRecord({ ...new BlockMaker().next({ count: writes.length }), timeMs, payload });
  });

function sealRecord(input: Uint8Array): Uint8Array {
  if (input.length < 56) return input;
  const bytes = Buffer.from(input);
  bytes.writeUInt32LE(0x524c_4b5a, 0);
  bytes.writeUInt32LE(bytes.length - 56, 8);
  return withChecksum(new Uint8Array(bytes));
}

const record: FuzzTarget = {
  name: 'log-record',
  covers: [
    ...storeFiles('record'),
    'packages/server/src/bin/inspect-records.ts',
    'packages/consensus/src/node/payload.ts',
  ],
  valid: blockBytes,
  seal: sealRecord,
  run: (input) => {
    let block;
    try {
      ({ block } = decodeRecord(input));
    } catch (error) {
      return codeOf(error, LogStoreError);
    }
    const again = decodeRecord(encodeRecord(block)).block;
    must(
      isDeepStrictEqual(comparableBlock(again), comparableBlock(block)),
      'a block that means something else when it is encoded again',
    );
    const records = recordsOf(block);
    must(records.length === block.count, 'not every write of a block is listed');
    try {
      return `block of ${Math.min(5, splitOperations(block.payload).length)}`;
    } catch (error) {
      return codeOf(error, RangeError);
    }
  },
};

const hardState: FuzzTarget = {
  name: 'log-hard-state',
  covers: storeFiles('hard-state-file'),
  valid: fc.constant(FILLED.device.contents(`${FOLDER}/${HARD_STATE_FILE}`)),
  seal: (input) => {
    const bytes = new Uint8Array(Math.max(8_192, input.length));
    bytes.set(input);
    for (const at of [0, 4_096]) bytes.set(withChecksum(bytes.slice(at, at + 64)), at);
    return bytes;
  },
  run: (input) => {
    const padded = new Uint8Array(Math.max(8_192, input.length));
    padded.set(input);
    const { newest, whole, slots } = decodeSlots(padded);
    must(slots.length === 2 && (newest !== undefined || !whole), 'slots that are whole and empty');
    return `${newest === undefined ? 'none' : 'some'} ${whole}`;
  },
};

const snapshotParts: FuzzTarget = {
  name: 'log-snapshot-parts',
  covers: storeFiles('snapshot-format'),
  valid: fc.tuple(zxid, u32, u53, u32).map(([at, salt, stateBytes, blocks]) => {
    const header = { zxid: at, saltLow: salt, saltHigh: 7 };
    const footer = { stateBytes, blocks, origin: 'installed' as const, position: { sequence: stateBytes, offset: 5 } };
    return new Uint8Array(
      Buffer.concat([snapshot.encodeSnapshotHeader(header), snapshot.encodeSnapshotFooter(header, footer)]),
    );
  }),
  seal: (input) =>
    input.length < 128
      ? input
      : new Uint8Array(Buffer.concat([withChecksum(input.slice(0, 64)), withChecksum(input.slice(64, 128))])),
  run: (input) => {
    const header = snapshot.decodeSnapshotHeader(input.subarray(0, 64));
    if (header === undefined) return 'no header';
    must(
      isDeepStrictEqual(snapshot.decodeSnapshotHeader(snapshot.encodeSnapshotHeader(header)), header),
      'a header that means something else',
    );
    const footer = snapshot.decodeSnapshotFooter(input.subarray(64), header);
    if (footer === undefined) return 'no footer';
    return footer.origin;
  },
};

const SEGMENTS = FILLED.device.files.filter((path) => sequenceOf(nameOf(path)) !== undefined);

function nameOf(path: string): string {
  return path.slice(FOLDER.length + 1);
}

const segment: FuzzTarget = {
  name: 'log-segment',
  covers: storeFiles('segment-scan', 'segment-header', 'frame'),
  valid: fc.constantFrom(...SEGMENTS.map((path) => FILLED.device.contents(path))),
  run: (input) => {
    const bytes = new Uint8Array(Math.max(4_096, input.length));
    bytes.set(input);
    const header = decodeSegmentHeader(bytes, sequenceOf(nameOf(SEGMENTS[0]!)) ?? 0);
    if (header === undefined) return 'no header';
    const { tail, end, frames } = scanSegment(bytes, header, () => undefined);
    must(end <= bytes.length && frames <= bytes.length / 64, 'frames beyond the end');
    return `${tail.kind} ${Math.min(3, frames)}`;
  },
};

/** The first byte of an input says which file it replaces. */
const FILES: readonly string[] = [
  ...FILLED.device.files.filter((path) => !path.endsWith('/lock')),
  `${FOLDER}/${DAMAGE_FILE}`,
];

function contentsOf(path: string): Uint8Array {
  return FILLED.device.files.includes(path) ? FILLED.device.contents(path) : Buffer.from('a sector was unreadable\n');
}

/** Checksums made right where the file has them at fixed places: header copies, slots, a snapshot's footer. */
function sealFile(input: Uint8Array): Uint8Array {
  const name = nameOf(FILES[(input[0] ?? 0) % FILES.length]!);
  const bytes = input.slice();
  const seal = (at: number): void => {
    if (at >= 1 && at + 64 <= bytes.length) bytes.set(withChecksum(bytes.slice(at, at + 64)), at);
  };
  if (sequenceOf(name) !== undefined) for (const at of [1, 513]) seal(at);
  else if (name === HARD_STATE_FILE) for (const at of [1, 4_097]) seal(at);
  else if (snapshotZxidOf(name) !== undefined) for (const at of [1, bytes.length - 64]) seal(at);
  return bytes;
}

const TRUTH = FILLED.before.blocks.map((block) => JSON.stringify(block));

function isTrue(block: ComparableBlock): boolean {
  // Before the cut there were other blocks of epoch 1: a log that is cut short may end with them, and says that it is damaged.
  return TRUTH.includes(JSON.stringify(block)) || (block.epoch === 1 && block.firstCounter > 4);
}

const folder: FuzzTarget = {
  name: 'log-folder',
  covers: storeFiles(
    'identity',
    'damage-file',
    'snapshot-file',
    'snapshot-shelf',
    'log-scan',
    'recovery',
    'survey',
    'inspect',
    'log-reader',
    'format',
    'bytes',
    'disk',
    'file-log-store',
  ),
  valid: fc
    .nat(FILES.length - 1)
    .map((at) => new Uint8Array(Buffer.concat([Buffer.from([at]), contentsOf(FILES[at]!)]))),
  seal: sealFile,
  timeMsMax: 400,
  runs: 250,
  run: async (input) => {
    const path = FILES[(input[0] ?? 0) % FILES.length]!;
    const device = FILLED.device.fork();
    device.plant(path, input.slice(1));
    const kind = nameOf(path).replace(/-.*/, '');
    const outcome = await outcomeOf(device);
    return `${kind}: ${outcome}`;
  },
};

async function outcomeOf(device: MemoryDisk): Promise<string> {
  try {
    const disk = device.attach();
    await inspectFolder(FOLDER, { disk });
    await readIdentity(disk, FOLDER);
    const { recovered, blocks, snapshot: found, store } = await openAndRead(device);
    must(blocks.every(isTrue), 'a block is served that was never written');
    const { damage, lastZxid } = recovered;
    await store.close();
    if (damage !== undefined) return 'damaged';
    // A file whose end was cut off, or made zeros, may hide the last writes: but what is left is the log up to there.
    const texts = blocks.map((block) => JSON.stringify(block));
    must(
      texts.every((text, at) => text === TRUTH[at]),
      'a log that is no beginning of what was written',
    );
    const whole =
      blocks.length === FILLED.before.blocks.length && isDeepStrictEqual(lastZxid, FILLED.before.recovered.lastZxid);
    if (whole && isDeepStrictEqual(found, FILLED.before.snapshot)) return 'same';
    return whole ? 'older snapshot' : 'shorter';
  } catch (error) {
    return codeOf(error, LogStoreError);
  }
}

/** What stands on disk. */
export const logStoreTargets: readonly FuzzTarget[] = [record, hardState, snapshotParts, segment, folder];
