import { describe, expect, it } from 'vitest';
import { type Name, nameHash } from '@zkl/wire';
import { ColumnStore } from './column-store.js';
import { NO_SLOT } from './slot-index.js';
import { bytesOf, Feeder } from './testing/blocks.js';
import { stream } from './testing/dump.js';
import { makeRandom } from './testing/random.js';
import { ZnodeStateMachine } from './znode-state-machine.js';

function nameOf(text: string): Name {
  const bytes = bytesOf(text);
  return { bytes, start: 0, end: bytes.length, hash: nameHash(bytes, 0, bytes.length, 0) };
}

describe('the store', () => {
  it('keeps names and values through churn that moves and reuses everything', () => {
    const store = ColumnStore.withRoot();
    const random = makeRandom(3);
    const model = new Map<number, { slot: number; fill: number; length: number }>();
    const moment = { epoch: 1, counter: 1, timeLow: 0, timeHigh: 0 };
    for (let i = 0; i < 30_000; i++) {
      const key = random(4_000);
      const known = model.get(key);
      const [fill, length] = [random(256), random(10) === 0 ? -1 : random(2_000)];
      const value = new Uint8Array(Math.max(0, length)).fill(fill);
      if (known === undefined) {
        const slot = store.insert(store.root, nameOf(`node-${key}`), value, 0, length, moment);
        model.set(key, { slot, fill, length });
      } else if (random(4) === 0) {
        store.remove(known.slot, moment);
        model.delete(key);
      } else {
        store.setData(known.slot, value, 0, length, moment);
        model.set(key, { slot: known.slot, fill, length });
      }
    }
    for (const [key, { slot, fill, length }] of model) {
      const data = store.data(slot);
      const isRight =
        length < 0 ? data === null : data !== null && data.length === length && data.every((byte) => byte === fill);
      if (!isRight || store.name(slot) !== `node-${key}`) expect.fail(`node-${key} is not what was written`);
      if (store.child(store.root, nameOf(`node-${key}`)) !== slot) expect.fail(`node-${key} is not found`);
    }
    expect(store.child(store.root, nameOf('node-4001'))).toBe(NO_SLOT);
    expect(store.count).toBe(model.size + 1);
    const { arena } = store.table;
    expect(arena.capacityBytes).toBeLessThan(arena.liveBytes * 1.4 + 4_000_000);
  });

  it('is cut consistently by a snapshot while compaction moves records', async () => {
    const feeder = new Feeder({ snapshotSlotsPerStep: 500 });
    const random = makeRandom(5);
    const write = (i: number) =>
      ({
        kind: 'set',
        path: `/n${i}`,
        data: new Uint8Array(random(900)).fill(random(256)),
        expectedVersion: -1,
      }) as const;
    const all = Array.from({ length: 3_000 }, (_, i) => ({
      command: { ...write(i), kind: 'create', mode: 'persistent' } as const,
    }));
    feeder.applyAll(all);
    const digest = feeder.machine.digest;
    const chunks: Uint8Array[] = [];
    for (const chunk of feeder.machine.snapshot()) {
      chunks.push(chunk.slice());
      feeder.applyAll(Array.from({ length: 1_000 }, () => ({ command: write(random(3_000)) })));
    }
    expect(chunks.length).toBeGreaterThan(5);
    const copy = new ZnodeStateMachine();
    await copy.restore(stream(chunks));
    expect(copy.digest).toBe(digest);
    const later = new ZnodeStateMachine();
    await later.restore(stream(feeder.machine.snapshot()));
    expect(later.digest).toBe(feeder.machine.digest);
  });
});
