import { expect } from 'vitest';
import type { Block } from '../core/block.js';
import { endOf } from '../core/block.js';
import { compareZxid, sameZxid, type Zxid, ZXID_ZERO } from '../core/zxid.js';
import type { HardState, LogRead } from '../node/ports.js';
import { type ComparableBlock, comparableBlock, digest, pattern } from './log-samples.js';
import type { Bench } from './log-store-suite.js';

type ComparableRead =
  Exclude<LogRead, { kind: 'blocks' }> | { readonly kind: 'blocks'; readonly blocks: readonly ComparableBlock[] };

/** What a log store must look like after what was done to it. */
class Model {
  /** The whole history since the last installed snapshot; a store may have purged its beginning. */
  blocks: Block[] = [];
  base: Zxid = ZXID_ZERO;
  hardState: HardState = { acceptedEpoch: 0, currentEpoch: 0 };
  snapshots: { zxid: Zxid; state: string }[] = [];

  get last(): Zxid {
    const block = this.blocks.at(-1);
    return block === undefined ? this.base : endOf(block);
  }

  truncate(to: Zxid): void {
    this.blocks = this.blocks.filter((block) => compareZxid(endOf(block), to) <= 0);
    this.snapshots = this.snapshots.filter(({ zxid }) => compareZxid(zxid, to) <= 0);
  }

  after(zxid: Zxid): ComparableBlock[] {
    return this.blocks.filter((block) => compareZxid(endOf(block), zxid) > 0).map(comparableBlock);
  }

  read(after: Zxid): ComparableRead {
    if (compareZxid(after, this.base) < 0) return { kind: 'gone' };
    const ends = [this.base, ...this.blocks.map(endOf)];
    if (ends.some((end) => sameZxid(end, after))) {
      return { kind: 'blocks', blocks: this.after(after) };
    }
    return { kind: 'diverged', at: ends.findLast((end) => compareZxid(end, after) < 0) as Zxid };
  }
}

/** Sixty random steps, each compared with the model. The same seed makes the same steps. */
export async function walkAtRandom(seed: number, bench: Bench): Promise<void> {
  const model = new Model();
  const random = generator(seed);
  for (let step = 0; step < 60; step += 1) {
    await oneStep(bench, model, random, step);
    await compare(bench, model, random);
  }
}

async function oneStep(bench: Bench, model: Model, random: (below: number) => number, step: number): Promise<void> {
  const dice = random(100);
  bench.maker.goOnFrom(model.last);
  if (dice < 50) await append(bench, model, random, undefined);
  else if (dice < 62) await append(bench, model, random, truncationTarget(model, random));
  else if (dice < 70) {
    model.hardState = { acceptedEpoch: step + 1, currentEpoch: random(step + 1) };
    await bench.store.write({ blocks: [], hardState: model.hardState });
  } else if (dice < 80) await save(bench, model, random, step);
  else if (dice < 84) {
    const zxid = { epoch: model.last.epoch + random(2), counter: model.last.counter + 1 + random(50) };
    const bytes = pattern(random(150_000), step);
    await bench.store.installSnapshot(zxid, chunksOf(bytes));
    Object.assign(model, { blocks: [], base: zxid, snapshots: [{ zxid, state: digest(bytes) }] });
  } else await reopen(bench, model);
}

async function append(
  bench: Bench,
  model: Model,
  random: (below: number) => number,
  truncateTo: Zxid | undefined,
): Promise<void> {
  if (truncateTo !== undefined) {
    model.truncate(truncateTo);
    bench.maker.goOnFrom(truncateTo);
  }
  const epoch = Math.max(1, model.last.epoch) + (random(5) === 0 ? 1 : 0);
  const howMany = random(truncateTo === undefined ? 8 : 3);
  const blocks = bench.maker.several(howMany, {
    epoch,
    count: 1 + random(20),
    payloadBytes: 20 + random(random(10) === 0 ? 20_000 : 500),
  });
  await bench.store.write({ truncateTo, blocks });
  model.blocks.push(...blocks);
}

/** Never before the newest snapshot: a store need not keep the ones before it, so the state there might be gone. */
function truncationTarget(model: Model, random: (below: number) => number): Zxid {
  const floor = model.snapshots.at(-1)?.zxid ?? model.base;
  const targets = [model.base, ...model.blocks.map(endOf)].filter((end) => compareZxid(end, floor) >= 0);
  return targets[random(targets.length)] ?? model.last;
}

async function save(bench: Bench, model: Model, random: (below: number) => number, step: number): Promise<void> {
  const newest = model.snapshots.at(-1)?.zxid ?? model.base;
  const later = model.blocks.map(endOf).filter((end) => compareZxid(end, newest) > 0);
  const zxid = later[random(later.length)];
  if (zxid === undefined) return;
  const bytes = pattern(random(150_000), step);
  await bench.store.saveSnapshot(zxid, chunksOf(bytes));
  model.snapshots.push({ zxid, state: digest(bytes) });
}

async function reopen(bench: Bench, model: Model): Promise<void> {
  const recovered = await bench.reopen();
  expect(recovered).toMatchObject({ hardState: model.hardState, lastZxid: model.last, damage: undefined });
  expect(recovered.snapshotZxid).toEqual(model.snapshots.at(-1)?.zxid);
  expect(compareZxid(recovered.committedZxid, recovered.lastZxid)).toBeLessThanOrEqual(0);
}

async function compare(bench: Bench, model: Model, random: (below: number) => number): Promise<void> {
  expect(await bench.readSnapshot()).toEqual(model.snapshots.at(-1));
  const from = model.snapshots.at(-1)?.zxid ?? model.base;
  expect(await bench.readAll(from, 1 + random(5_000))).toEqual(model.after(from));
  const anywhere = { epoch: random(model.last.epoch + 2), counter: random(model.last.counter + 10) };
  const read = await bench.store.read(anywhere, 100_000_000);
  // Purging is the store's own business: `gone` is right for anything before the snapshot.
  if (read.kind === 'gone') expect(compareZxid(anywhere, from)).toBeLessThan(0);
  else if (read.kind === 'diverged' || compareZxid(anywhere, from) >= 0)
    expect(normal(read)).toEqual(model.read(anywhere));
}

function normal(read: LogRead): ComparableRead {
  return read.kind === 'blocks' ? { kind: 'blocks', blocks: read.blocks.map(comparableBlock) } : read;
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 40_000) {
    await Promise.resolve();
    yield bytes.subarray(at, at + 40_000);
  }
}

/** mulberry32: small, good enough, the same everywhere. */
export function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * below);
  };
}
