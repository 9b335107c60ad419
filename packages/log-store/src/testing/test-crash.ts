import { BlockMaker, comparableBlock, digest } from '@zkl/consensus/testing';
import type { LogStore, LogWrite, Zxid } from '@zkl/consensus';
import { expect } from 'vitest';
import { type DiskOperation, MemoryDisk } from '../memory-disk.js';
import { openAndRead, storeOn } from '../test-folder.js';
import { compareZxid, endOf, sameZxid, ZXID_ZERO } from '../zxid.js';

/** For this package's crash tests: traces of what a store does to its disk, and what it may find after a crash. */

/** What a store holds, in a form that can be compared as text. */
export interface State {
  readonly base: Zxid;
  readonly blocks: readonly string[];
  readonly ends: readonly Zxid[];
  readonly hardState: string;
  /** The oldest first; only the newest that counts is compared. */
  readonly snapshots: readonly { readonly zxid: Zxid; readonly text: string }[];
}

/** What a trace is made of. */
export type Step =
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
export interface CrashPoint {
  readonly device: MemoryDisk;
  readonly operation: DiskOperation;
  readonly allowed: readonly State[];
}

/** Performs the steps, and remembers the disk before every operation that changes it. */
export async function trace(steps: readonly Step[]): Promise<CrashPoint[]> {
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

/**
 * Opens the store and holds what it finds against what is right, and answers with which of it it was; then life goes on. After a purge blocks up to the
 * snapshot may be gone.
 */
export async function check(
  device: MemoryDisk,
  { operation, allowed }: CrashPoint,
  note: string,
): Promise<'before' | 'between' | 'after'> {
  const where = `${note}, before ${operation.kind} ${operation.path} at ${operation.position ?? ''}`;
  const { recovered, blocks, snapshot, store } = await openAndRead(device);
  if (recovered.damage !== undefined) expect.fail(`${where}: ${recovered.damage}`);
  const texts = blocks.map((block) => JSON.stringify(block));
  const start = recovered.firstZxid;
  expect(compareZxid(start, recovered.snapshotZxid ?? ZXID_ZERO), where).toBeLessThanOrEqual(0);
  const found = allowed.findLastIndex((state) => {
    const purged = state.ends.filter((end) => compareZxid(end, start) <= 0).length;
    const joins = sameZxid(start, state.base) || state.ends.some((end) => sameZxid(end, start));
    return (
      joins &&
      JSON.stringify(texts) === JSON.stringify(state.blocks.slice(purged)) &&
      hardStateText(recovered.hardState.acceptedEpoch, recovered.hardState.currentEpoch) === state.hardState &&
      (snapshot === undefined ? undefined : JSON.stringify(snapshot)) === state.snapshots.at(-1)?.text
    );
  });
  if (found < 0)
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
  if (found === allowed.length - 1) return 'after';
  return found === 0 ? 'before' : 'between';
}
