import { BlockMaker, pattern } from '@zkl/consensus/testing';
import { describe, expect, it } from 'vitest';
import { SECTOR_BYTES } from './format.js';
import type { CrashFate } from './memory-file.js';
import { check, type CrashPoint, type Step, trace } from './testing/test-crash.js';
import { Tally } from './test-tally.js';

/** All kinds of steps, small, so that every byte can be tried: groups, a truncation, a segment's roll, snapshots saved and installed, purges, hard states. */
function smallStory(): Step[] {
  const maker = new BlockMaker();
  const steps: Step[] = [];
  steps.push({ kind: 'write', write: { blocks: maker.several(2), hardState: { acceptedEpoch: 1, currentEpoch: 1 } } });
  const shared = maker.last;
  steps.push({ kind: 'write', write: { blocks: maker.several(2, { payloadBytes: 30 }) } });
  steps.push({ kind: 'save', zxid: shared, chunks: [pattern(100, 1)] });
  maker.goOnFrom(shared);
  const blocks = maker.several(2, { epoch: 2, payloadBytes: 300 });
  steps.push({
    kind: 'write',
    write: { truncateTo: shared, blocks, hardState: { acceptedEpoch: 2, currentEpoch: 2 } },
  });
  // The second does not fit into the segment any more.
  for (let count = 0; count < 2; count += 1)
    steps.push({ kind: 'write', write: { blocks: maker.several(2, { payloadBytes: 500 }) } });
  steps.push({ kind: 'save', zxid: maker.last, chunks: [pattern(60, 2)] });
  steps.push({ kind: 'write', write: { blocks: [maker.next()] } });
  const installed = { epoch: 4, counter: 500 };
  steps.push({ kind: 'install', zxid: installed, chunks: [pattern(80, 5)] });
  maker.goOnFrom(installed);
  steps.push({ kind: 'write', write: { blocks: [maker.next()], hardState: { acceptedEpoch: 5, currentEpoch: 4 } } });
  return steps;
}

/** `ZKL_CRASH=all` tries every byte; else one in `stride`, and all within 40 bytes of a write's ends. */
const EVERY = process.env['ZKL_CRASH'] === 'all';
const STRIDE = 23;
const ENDS_BYTES = 12;

/** The bytes that are tried of a write; a file is made of zeros, which need not all be tried. */
function cutsOf({ operation }: CrashPoint): number[] {
  const length = operation.bytes ?? 0;
  const counts = Array.from({ length: length + 1 }, (_, count) => count);
  if (EVERY) return counts;
  const isFill = operation.path.endsWith('.tmp') && length >= 4_096;
  const stride = isFill ? 701 : STRIDE;
  const ends = isFill ? 1 : ENDS_BYTES;
  return counts.filter((count) => count % stride === 0 || count <= ends || count >= length - ends);
}

function fatesOf(point: CrashPoint): CrashFate[] {
  const both = (under: CrashFate['under']): CrashFate[] =>
    [true, false].map((keepsUnsynced) => ({ keepsUnsynced, under }));
  const { kind, position = 0, bytes = 0 } = point.operation;
  if (kind !== 'write') return both(undefined);
  const sectors = Math.floor((position + bytes - 1) / SECTOR_BYTES) - Math.floor(position / SECTOR_BYTES) + 1;
  return [
    ...cutsOf(point).flatMap((count) => both({ kind: 'bytes', count })),
    ...Array.from({ length: sectors }, (_, missing) => both({ kind: 'sectors', missing })).flat(),
  ];
}

describe('a loss of power', () => {
  it('after every byte of every write, and at every flush, leaves the state before or after the step, and no damage', async () => {
    const tally = new Tally('crash-every-byte');
    for (const [at, point] of (await trace(smallStory())).entries()) {
      const { kind, path } = point.operation;
      for (const fate of fatesOf(point)) {
        const device = point.device.fork({});
        device.crashAt(path, fate);
        tally.add(kind, await check(device, point, `crash ${at}, ${JSON.stringify(fate)}`));
      }
    }
    tally.write();
    // Each kind of operation was met, and each outcome.
    for (const kind of ['write', 'sync', 'rename', 'remove', 'syncFolder'])
      expect(tally.of(kind), kind).toBeGreaterThan(4);
    for (const outcome of ['before', 'between', 'after'])
      expect(tally.of('write', outcome), outcome).toBeGreaterThan(20);
  }, 3_600_000);
});
