import { BlockMaker, pattern } from '@zkl/consensus/testing';
import type { LogWrite, Zxid } from '@zkl/consensus';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MemoryDisk } from './memory-disk.js';
import { check, type Step, trace } from './testing/test-crash.js';
import { storeOn, TINY } from './test-folder.js';
import { compareZxid, endOf, sameZxid, ZXID_ZERO } from './zxid.js';

/** A story with everything in it. */
function story(): Step[] {
  const maker = new BlockMaker();
  const steps: Step[] = [];
  const write = (write: Partial<LogWrite>): void => void steps.push({ kind: 'write', write: { blocks: [], ...write } });
  write({ blocks: maker.several(2), hardState: { acceptedEpoch: 1, currentEpoch: 1 } });
  write({ blocks: maker.several(3, { payloadBytes: 700 }) });
  const shared = maker.last;
  write({ blocks: maker.several(3, { payloadBytes: 300 }) });
  steps.push({ kind: 'save', zxid: shared, chunks: [pattern(5000, 1)] });
  // A snapshot that the truncation makes void.
  steps.push({ kind: 'save', zxid: maker.last, chunks: [pattern(200, 9)] });
  maker.goOnFrom(shared);
  write({ truncateTo: shared, blocks: maker.several(2, { epoch: 2, payloadBytes: 900 }) });
  const later = maker.last;
  write({ blocks: maker.several(2, { payloadBytes: 600 }), hardState: { acceptedEpoch: 2, currentEpoch: 2 } });
  maker.goOnFrom(later);
  write({
    truncateTo: later,
    blocks: maker.several(2, { epoch: 3, payloadBytes: 300 }),
    hardState: { acceptedEpoch: 3, currentEpoch: 2 },
  });
  steps.push({ kind: 'save', zxid: maker.last, chunks: [pattern(9000, 2), pattern(100, 3)] });
  for (let count = 0; count < 4; count += 1) write({ blocks: maker.several(2, { payloadBytes: 500 }) });
  steps.push({ kind: 'save', zxid: maker.last, chunks: [pattern(100, 4)] });
  write({ blocks: maker.several(2) });
  // Back to before the snapshots that are there.
  const back = { epoch: 2, counter: 1 };
  steps.push({ kind: 'install', zxid: back, chunks: [pattern(100, 7)] });
  maker.goOnFrom(back);
  write({ blocks: maker.several(2, { payloadBytes: 500 }) });
  const installed = { epoch: 4, counter: 500 };
  steps.push({ kind: 'install', zxid: installed, chunks: [pattern(70_000, 5)] });
  maker.goOnFrom(installed);
  write({ blocks: maker.several(2, { payloadBytes: 500 }) });
  // Larger than a segment.
  write({ blocks: [maker.next({ payloadBytes: 6000 })] });
  steps.push({ kind: 'save', zxid: maker.last, chunks: [pattern(100, 6)] });
  return steps;
}

function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b_3c6d) + 0x6d2b_79f5) >>> 0;
    return state / 0x1_0000_0000;
  };
}

describe('a crash', () => {
  it('of the machine, at any operation, leaves the state before or after the step', async () => {
    const points = await trace(story());
    expect(points.length).toBeGreaterThan(200);
    for (const [at, point] of points.entries()) {
      for (let seed = 0; seed < 4; seed += 1) {
        const device = point.device.fork({});
        device.crash(seeded(at * 31 + seed));
        await check(device, point, `crash ${at}, seed ${seed}`);
      }
    }
  }, 300_000);

  it('of the process, at any operation, leaves the state before or after the step', async () => {
    for (const [at, point] of (await trace(story())).entries()) {
      const device = point.device.fork({});
      device.kill();
      await check(device, point, `kill ${at}`);
    }
  }, 300_000);

  it('during the recovery from a crash does no more harm', async () => {
    const points = await trace(story());
    for (const [at, point] of points.entries()) {
      if (at % 7 !== 0) continue;
      const first = point.device.fork({});
      first.crash(seeded(at));
      for (const second of await recoveryPoints(first)) {
        second.crash(seeded(at + 1));
        await check(second, point, `crash ${at}, and again while recovering`);
      }
    }
  }, 300_000);

  it('during random steps leaves the state before or after one of them', async () => {
    const steps = fc.array(fc.record({ dice: fc.nat(99), size: fc.nat(900), count: fc.integer({ min: 1, max: 4 }) }), {
      minLength: 1,
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(steps, fc.integer(), async (dice, seed) => {
        for (const point of await trace(stepsFrom(dice))) {
          point.device.crash(seeded(seed));
          await check(point.device, point, 'random steps');
        }
      }),
      { numRuns: 15 },
    );
  }, 300_000);
});

async function recoveryPoints(device: MemoryDisk): Promise<MemoryDisk[]> {
  const points: MemoryDisk[] = [];
  const watched: MemoryDisk = device.fork({
    fault: (operation) => {
      if (!['read', 'list', 'size', 'close'].includes(operation.kind)) points.push(watched.fork({}));
      return undefined;
    },
  });
  const store = storeOn(watched, TINY);
  await store.open();
  await store.close();
  return points;
}

function stepsFrom(dice: readonly { dice: number; size: number; count: number }[]): Step[] {
  const maker = new BlockMaker();
  const ends: Zxid[] = [ZXID_ZERO];
  let snapshot = ZXID_ZERO;
  return dice.map(({ dice, size, count }): Step => {
    if (dice < 20 && compareZxid(maker.last, snapshot) > 0) {
      snapshot = maker.last;
      return { kind: 'save', zxid: snapshot, chunks: [pattern(size * 9, dice)] };
    }
    const floor = ends.findIndex((end) => sameZxid(end, snapshot));
    const to = ends[floor + (size % (ends.length - floor))] as Zxid;
    const truncateTo = dice < 45 ? to : undefined;
    if (truncateTo !== undefined) {
      ends.splice(ends.indexOf(truncateTo) + 1);
      maker.goOnFrom(truncateTo);
    }
    const blocks = maker.several(dice % 5 === 0 ? 0 : count, {
      epoch: Math.max(maker.last.epoch, 1) + (dice % 2),
      payloadBytes: size,
    });
    ends.push(...blocks.map(endOf));
    return {
      kind: 'write',
      write: {
        truncateTo,
        blocks,
        hardState: dice % 7 === 0 ? { acceptedEpoch: dice, currentEpoch: size } : undefined,
      },
    };
  });
}
