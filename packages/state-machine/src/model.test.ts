import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCommand } from './command-codec.js';
import { DEFAULT_LIMITS } from './limits.js';
import { writeArbitrary } from './testing/arbitraries.js';
import { blockOf, type Write } from './testing/blocks.js';
import { dump, stream } from './testing/dump.js';
import { Model } from './testing/model.js';
import { ZnodeStateMachine } from './znode-state-machine.js';

const limits = {
  ...DEFAULT_LIMITS,
  valueBytesMax: 250,
  repliesPerClientMax: 3,
  clientsMax: 4,
  replyBytesMax: 1200,
  clientRetentionMs: 60,
};

const blocks = fc.array(
  fc.record({
    writes: fc.array(writeArbitrary, { minLength: 1, maxLength: 8 }),
    newEpoch: fc.boolean(),
    stepMs: fc.integer({ min: -20, max: 40 }),
    leader: fc.integer({ min: 1, max: 3 }),
  }),
  { maxLength: 30 },
);

function expectSame(machine: ZnodeStateMachine, model: Model): void {
  const nodes = dump(machine);
  const expected = [...model.nodes].map(([path, node]) => [
    path,
    { data: node.data === null ? null : [...node.data], stat: node.stat },
  ]);
  expect(Object.fromEntries(nodes)).toEqual(Object.fromEntries(expected as [string, unknown][]));
  expect(nodes.size).toBe(model.nodes.size);
  expect(machine.znodeCount).toBe(model.nodes.size);
  expect(machine.clientCount).toBe(model.clients.size);
  expect(machine.register()).toMatchObject({ guesses: model.guesses, hits: model.hits });
  expect(machine.timeMs).toBe(model.timeMs);
}

describe('the state machine against a plain model', () => {
  it('gives the same results, and the same state, for any sequence of blocks', async () => {
    await fc.assert(
      fc.asyncProperty(blocks, async (sequence) => {
        const machine = new ZnodeStateMachine({ limits });
        const twin = new ZnodeStateMachine({ limits, hashSeed: 0xdead_beef });
        const model = new Model(limits);
        let [epoch, counter, timeMs] = [1, 0, 1_700_000_000_000];
        for (const { writes, newEpoch, stepMs, leader } of sequence) {
          if (newEpoch) [epoch, counter] = [epoch + 1, 0];
          timeMs += stepMs;
          const block = blockOf(
            writes.map((write: Write) => encodeCommand(write.command, write.writeId)),
            { epoch, firstCounter: counter + 1, timeMs, leader },
          );
          const results = machine.apply(block);
          expect(results).toEqual(model.apply(writes, epoch, counter + 1, timeMs, leader));
          expect(twin.apply(block)).toEqual(results);
          expect(twin.digest).toBe(machine.digest);
          counter += writes.length;
        }
        expectSame(machine, model);
        // Restoring computes the digest from nothing, and checks it against the one that was kept up to date.
        const restored = new ZnodeStateMachine({ limits, hashSeed: 77 });
        await restored.restore(stream(machine.snapshot()));
        expect(restored.digest).toBe(machine.digest);
        expectSame(restored, model);
      }),
      { numRuns: 60 },
    );
  });
});
