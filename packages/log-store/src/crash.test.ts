import { BlockMaker, comparableBlock, digest, pattern } from '@zkl/consensus/testing';
import type { LogStore, LogWrite, Zxid } from '@zkl/consensus';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DiskOperation, MemoryDisk } from './memory-disk.js';
import { openAndRead, storeOn, TINY } from './test-folder.js';
import { compareZxid, endOf, sameZxid, ZXID_ZERO } from './zxid.js';

/** What a store holds, in a form that can be compared as text. */
interface State {
  readonly base: Zxid;
  readonly blocks: readonly string[];
  readonly ends: readonly Zxid[];
  readonly hardState: string;
  /** The oldest first; only the newest that counts is compared. */
  readonly snapshots: readonly { readonly zxid: Zxid; readonly text: string }[];
}

type Step =
  | { readonly kind: 'write'; readonly write: LogWrite }
  | { readonly kind: 'save'; readonly zxid: Zxid; readonly chunks: readonly Uint8Array[] }
  | { readonly kind: 'install'; readonly zxid: Zxid; readonly chunks: readonly Uint8Array[] };

const EMPTY: State = { base: ZXID_ZERO, blocks: [], ends: [], hardState: hardStateText(0, 0), snapshots: [] };

function hardStateText(acceptedEpoch: number, currentEpoch: number): string {
  return `${acceptedEpoch}/${currentEpoch}`;
}

/** The states in which a crash during the step may leave the store, the first being the one before it and the last the one after it. */
function statesDuring(before: State, step: Step): State[] {
  const saved = step.kind === 'write' ? [] : [{ zxid: step.zxid, text: snapshotText(step) }];
  if (step.kind === 'save') return [before, { ...before, snapshots: [...before.snapshots, ...saved] }];
  if (step.kind === 'install') {
    return [before, { ...before, base: step.zxid, blocks: [], ends: [], snapshots: saved }];
  }
  const { blocks, hardState } = step.write;
  const last = before.ends.at(-1) ?? before.base;
  const cut = step.write.truncateTo;
  const truncateTo = cut === undefined || sameZxid(cut, last) ? undefined : cut;
  const kept =
    truncateTo === undefined
      ? before.ends.length
      : before.ends.filter((end) => compareZxid(end, truncateTo) <= 0).length;
  const states = [before];
  // The parts take effect in their order: the truncation, then the blocks, whole ones at the beginning of the group at least.
  for (let count = truncateTo === undefined ? 1 : 0; count <= blocks.length; count += 1) {
    const added = blocks.slice(0, count);
    states.push({
      ...before,
      snapshots: before.snapshots.filter(({ zxid }) => truncateTo === undefined || compareZxid(zxid, truncateTo) <= 0),
      blocks: [...before.blocks.slice(0, kept), ...added.map((block) => JSON.stringify(comparableBlock(block)))],
      ends: [...before.ends.slice(0, kept), ...added.map(endOf)],
    });
  }
  if (hardState !== undefined)
    states.push({
      ...(states.at(-1) as State),
      hardState: hardStateText(hardState.acceptedEpoch, hardState.currentEpoch),
    });
  return states;
}

function snapshotText(step: Exclude<Step, { kind: 'write' }>): string {
  return JSON.stringify({ zxid: step.zxid, state: digest(Buffer.concat(step.chunks)) });
}

async function perform(store: LogStore, step: Step): Promise<void> {
  if (step.kind === 'write') await store.write(step.write);
  else if (step.kind === 'save') await store.saveSnapshot(step.zxid, step.chunks);
  else await store.installSnapshot(step.zxid, asStream(step.chunks));
}

async function* asStream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

/** Where a crash may strike: a copy of the disk just before an operation, and the states that are right then. */
interface CrashPoint {
  readonly device: MemoryDisk;
  readonly operation: DiskOperation;
  readonly allowed: readonly State[];
}

/** Performs the steps, and remembers the disk before every operation that changes it. */
async function trace(steps: readonly Step[]): Promise<CrashPoint[]> {
  const points: CrashPoint[] = [];
  let allowed: readonly State[] = [EMPTY];
  const quiet = new Set(['read', 'list', 'size', 'close']);
  const device: MemoryDisk = new MemoryDisk({
    fault: (operation) => {
      if (!quiet.has(operation.kind)) points.push({ device: device.fork({}), operation, allowed });
      return undefined;
    },
  });
  const store = storeOn(device);
  await store.open();
  let state = EMPTY;
  for (const step of steps) {
    allowed = statesDuring(state, step);
    await perform(store, step);
    state = allowed.at(-1) as State;
    allowed = [state];
    points.push({ device: device.fork({}), operation: { kind: 'close', path: 'after the step' }, allowed });
  }
  return points;
}

/** What is right after a purge: blocks up to the snapshot may be gone. */
async function check(device: MemoryDisk, { operation, allowed }: CrashPoint, note: string): Promise<void> {
  const where = `${note}, before ${operation.kind} ${operation.path} at ${operation.position ?? ''}`;
  const { recovered, blocks, snapshot, store } = await openAndRead(device);
  if (recovered.damage !== undefined) expect.fail(`${where}: ${recovered.damage}`);
  const texts = blocks.map((block) => JSON.stringify(block));
  const start = recovered.firstZxid;
  expect(compareZxid(start, recovered.snapshotZxid ?? ZXID_ZERO), where).toBeLessThanOrEqual(0);
  const found = allowed.some((state) => {
    const purged = state.ends.filter((end) => compareZxid(end, start) <= 0).length;
    const joins = sameZxid(start, state.base) || state.ends.some((end) => sameZxid(end, start));
    return (
      joins &&
      JSON.stringify(texts) === JSON.stringify(state.blocks.slice(purged)) &&
      hardStateText(recovered.hardState.acceptedEpoch, recovered.hardState.currentEpoch) === state.hardState &&
      (snapshot === undefined ? undefined : JSON.stringify(snapshot)) === state.snapshots.at(-1)?.text
    );
  });
  if (!found)
    expect.fail(
      `${where}: found ${JSON.stringify({ recovered, texts, snapshot })}, expected one of ${JSON.stringify(allowed)}`,
    );
  // Life goes on, and nothing that was cut off comes back.
  const maker = new BlockMaker(recovered.lastZxid);
  const block = maker.next({ epoch: 9 });
  await store.write({ blocks: [block] });
  await store.close();
  const again = await openAndRead(device);
  expect(again.recovered.damage, where).toBeUndefined();
  expect(
    again.blocks.map((other) => JSON.stringify(other)),
    where,
  ).toEqual([...texts, JSON.stringify(comparableBlock(block))]);
  await again.store.close();
}

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
