import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Command, encodeCommand, type WriteId } from '@zkl/wire';
import { DEFAULT_LIMITS } from './limits.js';
import { blockOf, Feeder, type Write } from './testing/blocks.js';
import { dump, stream } from './testing/dump.js';
import { Model } from './testing/model.js';
import { ZnodeStateMachine } from './znode-state-machine.js';

const names = [
  'a',
  'b',
  'c',
  'é',
  '中',
  '__proto__',
  'constructor',
  'toString',
  'a b',
  '.x',
  '...',
  'a-much-longer-name-than-others',
];
const badPaths = [
  '',
  'a',
  '//',
  '/a/',
  '/a//b',
  '/.',
  '/a/..',
  '/\u0000',
  '/a\u007f',
  '/\ud83d\ude00',
  '/a/./b',
  '/zkl/',
];

const pathArbitrary = fc.oneof(
  {
    weight: 20,
    arbitrary: fc
      .array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 })
      .map((parts) => `/${parts.join('/')}`),
  },
  { weight: 2, arbitrary: fc.constantFrom('/', '/zkl', '/zkl/register') },
  { weight: 1, arbitrary: fc.constantFrom(...badPaths) },
);

const dataArbitrary = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 2, arbitrary: fc.uint8Array({ minLength: 100, maxLength: 300 }) },
);

const versionArbitrary = fc.constantFrom(-1, -1, -1, 0, 1, 2);
const valueArbitrary = fc
  .constantFrom('', 'x', 'yy')
  .map((text) => new Uint8Array([...text].map((c) => c.charCodeAt(0))));

const commandArbitrary: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('create' as const),
      path: pathArbitrary,
      data: dataArbitrary,
      mode: fc.constant('persistent' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('create' as const),
      path: fc.oneof(pathArbitrary, fc.constantFrom('/', '/a/', '/b/', '/a/.', '/a/..')),
      data: dataArbitrary,
      mode: fc.constant('persistentSequential' as const),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('set' as const),
      path: pathArbitrary,
      data: dataArbitrary,
      expectedVersion: versionArbitrary,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('delete' as const),
      path: pathArbitrary,
      expectedVersion: versionArbitrary,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('registerWrite' as const), value: valueArbitrary }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('registerGuess' as const), value: valueArbitrary }) },
);

const writeIdArbitrary: fc.Arbitrary<WriteId> = fc.record({
  clientId: fc.constantFrom('a', 'b', 'c', 'd', '__proto__', 'é'),
  requestId: fc.integer({ min: 1, max: 9 }),
  answeredThrough: fc.constantFrom(0, 0, 0, 1, 2, 4),
});

const writeArbitrary: fc.Arbitrary<Write> = fc.record({
  command: commandArbitrary,
  writeId: fc.option(writeIdArbitrary, { nil: undefined }),
});

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
            writes.map((write: Write) => encodeCommand(write.command, { writeId: write.writeId })),
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

const cutLimits = { ...DEFAULT_LIMITS, clientRetentionMs: 40, repliesPerClientMax: 4 };
const writes = fc.array(fc.array(writeArbitrary, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 40 });

describe('a snapshot', () => {
  it('is the state at the cut, whatever is applied between its steps', async () => {
    await fc.assert(
      fc.asyncProperty(writes, writes, fc.integer({ min: 1, max: 5 }), async (before, during, slotsPerStep) => {
        const feeder = new Feeder({ limits: cutLimits, snapshotSlotsPerStep: slotsPerStep });
        const undisturbed = new Feeder({ limits: cutLimits });
        const both = (block: readonly Write[]): void => {
          expect(feeder.applyAll(block)).toEqual(undisturbed.applyAll(block));
        };
        before.forEach(both);
        const cut = { digest: feeder.machine.digest, nodes: dump(feeder.machine), zxid: feeder.machine.appliedZxid };
        const snapshot = feeder.machine.snapshot();
        const chunks: Uint8Array[] = [];
        const rest = [...during];
        for (let step = snapshot.next(); step.done !== true; step = snapshot.next()) {
          chunks.push(step.value);
          const block = rest.shift();
          if (block !== undefined) both(block);
        }
        rest.forEach(both);
        expect(feeder.machine.digest).toBe(undisturbed.machine.digest);
        const copy = new ZnodeStateMachine({ limits: cutLimits });
        await copy.restore(stream(chunks));
        expect(copy.digest).toBe(cut.digest);
        expect(copy.appliedZxid).toEqual(cut.zxid);
        expect(dump(copy)).toEqual(cut.nodes);
        // What comes after the cut gives the same on the copy, forgotten clients and kept replies included.
        const follower = new Feeder({}, copy);
        follower.counter = cut.zxid.counter;
        follower.timeMs = copy.timeMs;
        for (const block of during) follower.applyAll(block);
        expect(copy.digest).toBe(feeder.machine.digest);
      }),
      { numRuns: 60 },
    );
  });
});
