import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from './limits.js';
import { CHUNK_BYTES_MAX, SnapshotDamagedError } from './snapshot-format.js';
import { Feeder, type Write } from './testing/blocks.js';
import { dump, stream } from './testing/dump.js';
import { makeRandom } from './testing/random.js';
import { ZnodeStateMachine } from './znode-state-machine.js';

/** A tree of some size: 3 clients, deep and wide, slots used again. */
function grown(options = {}): Feeder {
  const feeder = new Feeder(options);
  for (let i = 0; i < 60; i++) {
    feeder.create(`/n${i % 20}`, 'x'.repeat(i), { clientId: `c${i % 3}`, requestId: i + 1, answeredThrough: 0 });
    feeder.create(`/n${i % 20}/m${i}`, null);
    if (i % 3 === 0) feeder.delete(`/n${i % 20}/m${i}`);
  }
  feeder.writeRegister('value');
  feeder.guessRegister('value');
  feeder.guessRegister('other');
  return feeder;
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

async function restored(chunks: Iterable<Uint8Array>, options = {}): Promise<ZnodeStateMachine> {
  const machine = new ZnodeStateMachine(options);
  await machine.restore(stream(chunks));
  return machine;
}

describe('a snapshot', () => {
  it('is the state at the cut when most writes succeed, slots are used again and clients come and go', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = makeRandom(seed);
      const busy = { limits: { ...DEFAULT_LIMITS, clientRetentionMs: 12 }, snapshotSlotsPerStep: 1 + (seed % 7) };
      const feeder = new Feeder(busy);
      const write = (): Write => {
        const path = `/n${random(60)}`;
        const data = new Uint8Array(random(20)).fill(seed);
        const writeId = { clientId: `c${random(40)}`, requestId: 1 + random(1000), answeredThrough: 0 };
        const kind = random(3);
        if (kind === 0) return { command: { kind: 'create', path, data, mode: 'persistent' }, writeId };
        if (kind === 1) return { command: { kind: 'delete', path, expectedVersion: -1 }, writeId };
        return { command: { kind: 'set', path, data, expectedVersion: -1 } };
      };
      const later: Write[][] = [];
      for (let i = 0; i < 200; i++) feeder.applyAll([write()]);
      const cut = { digest: feeder.machine.digest, zxid: feeder.machine.appliedZxid };
      const chunks: Uint8Array[] = [];
      for (const chunk of feeder.machine.snapshot()) {
        chunks.push(chunk.slice());
        later.push([write(), write()]);
        feeder.applyAll(later.at(-1)!);
      }
      const copy = new Feeder({}, await restored(chunks, busy));
      expect(copy.machine.digest).toBe(cut.digest);
      copy.counter = cut.zxid.counter;
      copy.timeMs = copy.machine.timeMs;
      for (const block of later) copy.applyAll(block);
      expect(copy.machine.digest).toBe(feeder.machine.digest);
      // Who is dropped next depends on the order of last writes, which the snapshot must keep.
      for (let i = 0; i < 20; i++) {
        const block = [write()];
        [feeder.timeMs, copy.timeMs] = [feeder.timeMs + 3, copy.timeMs + 3];
        expect(copy.applyAll(block)).toEqual(feeder.applyAll(block));
        expect(copy.machine.digest).toBe(feeder.machine.digest);
      }
    }
  });

  it('keeps the order in which clients are forgotten', async () => {
    const feeder = new Feeder({ limits: { clientRetentionMs: 1000 } });
    feeder.create('/a');
    const touch = (i: number, requestId: number): void => {
      feeder.set('/a', 'x', -1, { clientId: `c${i}`, requestId, answeredThrough: 0 });
    };
    for (let i = 0; i < 30; i++) touch(i, 1);
    for (let i = 29; i >= 0; i -= 2) touch(i, 2);
    const copy = new Feeder({}, await restored(feeder.machine.snapshot(), { limits: { clientRetentionMs: 1000 } }));
    copy.counter = feeder.counter;
    feeder.timeMs += 5000;
    copy.timeMs = feeder.timeMs;
    for (let i = 0; i < 8; i++) {
      copy.set('/a', 'x');
      feeder.set('/a', 'x');
      expect(copy.machine.clientCount).toBe(feeder.machine.clientCount);
      expect(copy.machine.digest).toBe(feeder.machine.digest);
    }
  });

  it('restores from chunks that are cut anywhere', async () => {
    const { machine } = grown();
    const bytes = concat(Array.from(machine.snapshot(), (chunk) => chunk.slice()));
    for (const size of [1, 7, 100, 4096]) {
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
      expect((await restored(pieces)).digest).toBe(machine.digest);
    }
  });

  it('restores nodes whose parents come after them', async () => {
    const feeder = new Feeder();
    for (let i = 0; i < 10; i++) feeder.create(`/n${i}`);
    for (let i = 0; i < 10; i++) feeder.delete(`/n${i}`);
    // The last slot freed is the first used again: the parent has a higher slot than the child.
    for (let i = 0; i < 10; i++) feeder.create(`/x${'/y'.repeat(i)}`, 'v');
    const copy = await restored(feeder.machine.snapshot());
    expect(dump(copy)).toEqual(dump(feeder.machine));
  });

  it('keeps values of the largest size, and chunks of at most 256 KiB', async () => {
    const feeder = new Feeder();
    for (let i = 0; i < 3; i++) feeder.create(`/large${i}`, 'x'.repeat(DEFAULT_LIMITS.valueBytesMax));
    const chunks = Array.from(feeder.machine.snapshot(), (chunk) => chunk.slice());
    expect(chunks.length).toBeGreaterThan(12);
    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThanOrEqual(CHUNK_BYTES_MAX);
    expect((await restored(chunks)).digest).toBe(feeder.machine.digest);
  });

  it('gives the same bytes for the same state, and restores on machines with other hash seeds', async () => {
    const one = grown();
    const other = grown({ hashSeed: 99 });
    const bytes = concat(Array.from(one.machine.snapshot(), (chunk) => chunk.slice()));
    expect(concat(Array.from(other.machine.snapshot(), (chunk) => chunk.slice()))).toEqual(bytes);
    expect((await restored([bytes], { hashSeed: 5 })).digest).toBe(one.machine.digest);
  });

  it('needs the memory of a few chunks, however large the state is: each is good until the next is asked for', () => {
    const feeder = new Feeder();
    for (let i = 0; i < 12; i++) feeder.create(`/large${i}`, 'x'.repeat(DEFAULT_LIMITS.valueBytesMax));
    const memory = new Set<ArrayBufferLike>();
    let chunks = 0;
    for (const chunk of feeder.machine.snapshot()) {
      memory.add(chunk.buffer);
      chunks += 1;
    }
    expect(chunks).toBeGreaterThan(12);
    // A value fills several at once.
    expect(memory.size).toBeLessThanOrEqual(4 + Math.ceil(DEFAULT_LIMITS.valueBytesMax / CHUNK_BYTES_MAX));
  });

  it('is one at a time, and return() ends it', async () => {
    const feeder = grown({ snapshotSlotsPerStep: 2 });
    const first = feeder.machine.snapshot();
    first.next();
    expect(() => feeder.machine.snapshot()).toThrow('already');
    feeder.set('/n1', 'changed');
    expect(first.return?.()).toEqual({ done: true, value: undefined });
    expect(first.next().done).toBe(true);
    feeder.set('/n2', 'changed');
    const copy = await restored(feeder.machine.snapshot());
    expect(copy.digest).toBe(feeder.machine.digest);
    expect([...feeder.machine.snapshot()].length).toBeGreaterThan(0);
  });

  it('taken in a loop that is left early can be taken again', () => {
    const feeder = grown({ snapshotSlotsPerStep: 2 });
    for (const chunk of feeder.machine.snapshot()) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(() => [...feeder.machine.snapshot()]).not.toThrow();
  });

  it('goes on over the old state when another is restored meanwhile', async () => {
    const feeder = grown({ snapshotSlotsPerStep: 2 });
    const digest = feeder.machine.digest;
    const snapshot = feeder.machine.snapshot();
    const chunks = [(snapshot.next().value as Uint8Array).slice()];
    await feeder.machine.restore(stream(new ZnodeStateMachine().snapshot()));
    expect(feeder.machine.znodeCount).toBe(1);
    for (const chunk of snapshot) chunks.push(chunk.slice());
    expect((await restored(chunks)).digest).toBe(digest);
  });
});

describe('a snapshot that is damaged', () => {
  it('is refused when one bit is flipped, anywhere', async () => {
    const bytes = concat(Array.from(grown().machine.snapshot(), (chunk) => chunk.slice()));
    for (let at = 0; at < bytes.length; at += 61) {
      const damaged = bytes.slice();
      damaged[at] = damaged[at]! ^ (1 << (at % 8));
      await expect(restored([damaged]), `byte ${at}`).rejects.toThrow(SnapshotDamagedError);
    }
  });

  it('is refused when it is cut off, anywhere, and when something follows it', async () => {
    const bytes = concat(Array.from(grown({ snapshotSlotsPerStep: 8 }).machine.snapshot(), (chunk) => chunk.slice()));
    for (let length = 0; length < bytes.length; length += 113) {
      await expect(restored([bytes.subarray(0, length)]), `length ${length}`).rejects.toThrow(SnapshotDamagedError);
    }
    await expect(restored([bytes, bytes])).rejects.toThrow(SnapshotDamagedError);
    await expect(restored([bytes, new Uint8Array(1)])).rejects.toThrow(SnapshotDamagedError);
  });

  it('is refused when chunks are missing, doubled or in another order', async () => {
    const chunks = Array.from(grown({ snapshotSlotsPerStep: 8 }).machine.snapshot(), (chunk) => chunk.slice());
    expect(chunks.length).toBeGreaterThan(4);
    await expect(restored(chunks.toSpliced(2, 1))).rejects.toThrow(SnapshotDamagedError);
    await expect(restored(chunks.toSpliced(2, 0, chunks[2]!))).rejects.toThrow(SnapshotDamagedError);
    await expect(restored([...chunks].reverse())).rejects.toThrow(SnapshotDamagedError);
  });

  it('is refused under other limits', async () => {
    const chunks = Array.from(grown().machine.snapshot(), (chunk) => chunk.slice());
    await expect(restored(chunks, { limits: { clientsMax: 7 } })).rejects.toThrow('other limits');
  });

  it('never hangs or throws anything else on random bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        await expect(restored([bytes])).rejects.toThrow(SnapshotDamagedError);
      }),
    );
  });

  it('leaves the machine with the state it had', async () => {
    const { machine } = grown();
    const digest = machine.digest;
    await expect(machine.restore(stream([new Uint8Array(9)]))).rejects.toThrow(SnapshotDamagedError);
    expect(machine.digest).toBe(digest);
  });
});
