// over 400 lines: the shapes of all commands, which two properties share.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeCommand,
  type Command,
  type Compare,
  type CreateCommand,
  type Result,
  type SessionId,
  type TransactionOperation,
  type WriteId,
} from '@zkl/wire';
import { ChangeHistory, ChangeView } from './change-history.js';
import { DEFAULT_LIMITS } from './limits.js';
import { blockOf, Feeder, type Write } from './testing/blocks.js';
import { dump, stream } from './testing/dump.js';
import { keyOf, Model, type ModelChange } from './testing/model.js';
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

/** Few names, so that most writes find what they look for. */
const pathArbitrary = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.constantFrom(
      '/a',
      '/a',
      '/b',
      '/b',
      '/c',
      '/a/a',
      '/a/b',
      '/b/a',
      '/b/b',
      '/a/a/a',
      '/a/b/a',
      '/b/a/b',
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .array(fc.constantFrom(...names), { minLength: 1, maxLength: 2 })
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

const versionArbitrary = fc.constantFrom(-1, -1, -1, -1, -1, -1, 0, 1);
const valueArbitrary = fc
  .constantFrom('', 'x', 'yy')
  .map((text) => new Uint8Array([...text].map((c) => c.charCodeAt(0))));

const modeArbitrary = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ mode: 'persistent' as const }) },
  { weight: 2, arbitrary: fc.constant({ mode: 'persistentSequential' as const }) },
  { weight: 4, arbitrary: fc.constantFrom({ mode: 'ephemeral' as const }, { mode: 'ephemeralSequential' as const }) },
  { weight: 2, arbitrary: fc.constant({ mode: 'container' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      mode: fc.constantFrom('ttl' as const, 'ttlSequential' as const),
      ttlMs: fc.constantFrom(0, 1, 1, 1, 20, 20, 60, 2 ** 40 - 1, 2 ** 40),
    }),
  },
);

const createArbitrary: fc.Arbitrary<CreateCommand> = fc
  .tuple(
    modeArbitrary,
    fc.oneof(
      { weight: 5, arbitrary: pathArbitrary },
      { weight: 1, arbitrary: fc.constantFrom('/', '/a/', '/b/', '/a/.') },
    ),
    dataArbitrary,
    fc.constantFrom(false, false, true),
  )
  .map(([mode, path, data, ifAbsent]) => ({ kind: 'create' as const, path, data, ...mode, ifAbsent }));

const setArbitrary = fc.record({
  kind: fc.constant('set' as const),
  path: pathArbitrary,
  data: dataArbitrary,
  expectedVersion: versionArbitrary,
});

function removeArbitrary<K extends 'delete' | 'deleteRecursive' | 'check'>(
  kind: K,
): fc.Arbitrary<{ kind: K; path: string; expectedVersion: number }> {
  return fc.record({ kind: fc.constant(kind), path: pathArbitrary, expectedVersion: versionArbitrary });
}

const operationArbitrary: fc.Arbitrary<TransactionOperation> = fc.oneof(
  { weight: 6, arbitrary: createArbitrary },
  { weight: 4, arbitrary: setArbitrary },
  { weight: 3, arbitrary: removeArbitrary('delete') },
  { weight: 1, arbitrary: removeArbitrary('deleteRecursive') },
  { weight: 1, arbitrary: removeArbitrary('check') },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('get' as const, 'exists' as const, 'checkAbsent' as const),
      path: pathArbitrary,
    }),
  },
);

const operatorArbitrary = fc.constantFrom('=' as const, '!=' as const, '<' as const, '>' as const);
const smallZxid = fc.record({ epoch: fc.constantFrom(1, 2), counter: fc.nat(40) });
const compareArbitrary: fc.Arbitrary<Compare> = fc.oneof(
  fc.record({
    path: pathArbitrary,
    operator: operatorArbitrary,
    target: fc.constantFrom('version' as const, 'cversion' as const),
    operand: fc.nat(3),
  }),
  fc.record({
    path: pathArbitrary,
    operator: operatorArbitrary,
    target: fc.constantFrom('czxid' as const, 'mzxid' as const),
    operand: smallZxid,
  }),
  fc.record({
    path: pathArbitrary,
    operator: operatorArbitrary,
    target: fc.constant('value' as const),
    operand: dataArbitrary,
  }),
  fc.record({
    path: pathArbitrary,
    operator: operatorArbitrary,
    target: fc.constant('exists' as const),
    operand: fc.boolean(),
  }),
);

const bound = fc.option(fc.integer({ min: 2, max: 12 }), { nil: undefined });
const quotaArbitrary = fc.option(
  fc.record({
    countSoft: bound,
    countHard: bound,
    bytesSoft: bound,
    bytesHard: fc.option(fc.nat(400), { nil: undefined }),
  }),
  { nil: null },
);

/** A command, or what is made into one when it is known which sessions and nodes there are. */
type Plan =
  | { readonly kind: 'command'; readonly command: Command }
  | { readonly kind: 'expire'; readonly picks: readonly number[] }
  | { readonly kind: 'reap'; readonly picks: readonly number[] };

const commandArbitrary: fc.Arbitrary<Command> = fc.oneof(
  { weight: 10, arbitrary: createArbitrary },
  { weight: 6, arbitrary: setArbitrary },
  { weight: 4, arbitrary: removeArbitrary('delete') },
  { weight: 1, arbitrary: removeArbitrary('deleteRecursive') },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('transaction' as const),
      compares: fc.array(compareArbitrary, { maxLength: 2 }),
      then: fc.array(operationArbitrary, { maxLength: 6 }),
      else: fc.array(operationArbitrary, { maxLength: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('setQuota' as const), path: pathArbitrary, quota: quotaArbitrary }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('sessionOpen' as const),
      timeoutMs: fc.constantFrom(500, 500, 500, 0, 86_400_000, 86_400_001),
      secretHash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'sessionClose' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('registerWrite' as const), value: valueArbitrary }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('registerGuess' as const), value: valueArbitrary }) },
);

const planArbitrary: fc.Arbitrary<Plan> = fc.oneof(
  { weight: 30, arbitrary: fc.record({ kind: fc.constant('command' as const), command: commandArbitrary }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('expire' as const), picks: fc.array(fc.nat(), { maxLength: 3 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('reap' as const), picks: fc.array(fc.nat(), { maxLength: 4 }) }),
  },
);

const writeIdArbitrary: fc.Arbitrary<WriteId> = fc.record({
  clientId: fc.constantFrom('a', 'b', 'c', 'd', '__proto__', 'é'),
  requestId: fc.constantFrom(1, 1, 1, 2, 2, 3, 4, 5, 9),
  answeredThrough: fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 2, 4),
});

/** What every sequence begins with: without it most writes would find nothing. */
const prelude: readonly PlannedWrite[] = [
  { kind: 'sessionOpen' as const, timeoutMs: 500, secretHash: new Uint8Array(32) },
  ...['/a', '/b', '/a/a', '/b/a'].map((path) => ({
    kind: 'create' as const,
    path,
    data: new Uint8Array(3),
    mode: path === '/b' ? ('container' as const) : ('persistent' as const),
  })),
].map((command) => ({ plan: { kind: 'command', command }, writeId: undefined, ordered: false, session: undefined }));

/** A write whose session is chosen when it is known which there are: mostly one that is open. */
interface PlannedWrite {
  readonly plan: Plan;
  readonly writeId: WriteId | undefined;
  readonly ordered: boolean;
  readonly session: number | undefined;
}

const writeArbitrary: fc.Arbitrary<PlannedWrite> = fc.record({
  plan: planArbitrary,
  writeId: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: writeIdArbitrary }),
  ordered: fc.constantFrom(true, false, false),
  session: fc.option(fc.nat(20), { nil: undefined, freq: 4 }),
});

/** Makes plans into writes: remembers every session that was opened. */
class Planner {
  readonly sessions: SessionId[] = [];

  write({ plan, writeId, ordered, session }: PlannedWrite, machine: ZnodeStateMachine): Write {
    const tags = { writeId, ordered: ordered && writeId !== undefined };
    const owner = session === undefined ? undefined : this.#session(session, machine);
    const command = this.#command(plan, machine);
    // A close names its session; without any there is nothing to close.
    if (command.kind !== 'sessionClose') return { command, ...tags, session: owner };
    return { command, ...tags, session: this.#session(session ?? 0, machine) ?? { epoch: 9, counter: 9 } };
  }

  learn(results: readonly Result[]): void {
    for (const result of results) if (result.kind === 'sessionOpened') this.sessions.push(result.session);
  }

  /** Mostly the newest that is open, else one of the last three. */
  #session(pick: number, machine: ZnodeStateMachine): SessionId | undefined {
    const open = this.sessions.filter((id) => machine.session(id) !== undefined);
    if (pick < 17) return open.at(-1);
    const recent = this.sessions.slice(-3);
    return recent[pick % Math.max(1, recent.length)];
  }

  #command(plan: Plan, machine: ZnodeStateMachine): Command {
    if (plan.kind === 'command') return plan.command;
    if (plan.kind === 'expire') {
      const sessions = plan.picks.map((pick) => this.#session(pick, machine) ?? { epoch: 3, counter: pick });
      return { kind: 'sessionsExpire', sessions };
    }
    // What may be reaped, and what may not: other nodes, and nodes that another write made.
    const refs = [...machine.emptyContainers(3), ...machine.expiredTtl(machine.timeMs, 3)];
    const others = plan.picks.map((pick) => {
      const path = `/${names[pick % names.length]}`;
      const answer = machine.exists(path);
      const czxid = answer.kind === 'exists' ? answer.stat?.czxid : undefined;
      return { path, czxid: czxid ?? { epoch: 1, counter: pick % 9 } };
    });
    return { kind: 'reap', nodes: [...refs, ...others] };
  }
}

const limits = {
  ...DEFAULT_LIMITS,
  valueBytesMax: 250,
  repliesPerClientMax: 3,
  clientsMax: 4,
  replyBytesMax: 1200,
  clientRetentionMs: 60,
  recursiveNodesMax: 6,
  transactionOperationsMax: 5,
  sessionsMax: 3,
  quotasMax: 3,
};

const blocks = fc.array(
  fc.record({
    writes: fc.array(writeArbitrary, { minLength: 1, maxLength: 8, size: 'max' }),
    newEpoch: fc.constantFrom(false, false, true),
    stepMs: fc.integer({ min: -20, max: 40 }),
    leader: fc.integer({ min: 1, max: 3 }),
  }),
  { maxLength: 30, size: 'max' },
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
  expectSameSessions(machine, model);
  expectSameCounts(machine, model);
}

function expectSameSessions(machine: ZnodeStateMachine, model: Model): void {
  const sessions = [...machine.sessions()];
  expect(machine.sessionCount).toBe(model.sessions.size);
  expect(sessions.length).toBe(model.sessions.size);
  for (const session of sessions) {
    expect(model.sessions.get(keyOf(session.id))).toEqual({
      timeoutMs: session.timeoutMs,
      secretHash: session.secretHash,
    });
    expect(machine.session(session.id)).toEqual(session);
    const owned = [...model.nodes].filter(([, { stat }]) => keyOf(stat.ephemeralOwner) === keyOf(session.id));
    expect(machine.ephemerals(session.id).sort()).toEqual(owned.map(([path]) => path).sort());
    expect(session.ephemerals).toBe(owned.length);
  }
}

function expectSameCounts(machine: ZnodeStateMachine, model: Model): void {
  for (const [path, { quota }] of model.nodes) {
    const { count, bytes } = model.usage(path);
    expect(machine.count(path)).toEqual({ kind: 'count', count: count - 1 });
    const used = quota === undefined ? { count: 0, bytes: 0 } : { count, bytes };
    expect(machine.quota(path)).toEqual({ kind: 'quota', quota, ...used });
  }
  const emptied = [...model.nodes].filter(
    ([, node]) => node.kind === 'container' && node.creates > 0 && node.children.size === 0,
  );
  expect(new Set(machine.emptyContainers(1000).map(({ path }) => path))).toEqual(
    new Set(emptied.map(([path]) => path)),
  );
  const isOver = ({
    kind,
    children,
    stat,
    ttlMs,
  }: typeof model.nodes extends Map<string, infer N> ? N : never): boolean =>
    kind === 'ttl' && children.size === 0 && model.timeMs - stat.mtimeMs >= ttlMs;
  // One with children is looked at again a second later, so what was asked for a moment ago may lack some.
  const over = new Set([...model.nodes].filter(([, node]) => isOver(node)).map(([path]) => path));
  for (const { path } of machine.expiredTtl(machine.timeMs, 1000)) expect(over).toContain(path);
}

/** The history tells what the model tells, zxid by zxid; within one in another order where the order is free. */
function expectSameChanges(history: ChangeHistory, model: Model): void {
  const view = new ChangeView();
  const told: ModelChange[] = [];
  for (let position = history.first; history.read(position, view); position++) {
    const { type, path, zxid, stat } = view;
    told.push({
      type,
      path,
      zxid,
      stat,
      data: view.data?.slice() ?? null,
      previousData: view.previousData?.slice() ?? null,
    });
    expect(view.index).toBe(told.filter((one) => keyOf(one.zxid) === keyOf(zxid)).length - 1);
  }
  // Which of several children went first shows in the numbers of a parent that goes after them, and in nothing else.
  expect(sorted(told)).toEqual(sorted(model.changes));
}

function sorted(changes: readonly ModelChange[]): unknown[] {
  const keyOfChange = (change: ModelChange): string => `${keyOf(change.zxid)} ${change.path} ${change.type}`;
  const count = new Map<string, number>();
  return changes
    .map((change) => {
      const key = keyOfChange(change);
      count.set(key, (count.get(key) ?? 0) + 1);
      return { key: `${key} ${count.get(key)}`, ...change };
    })
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

describe('the state machine against a plain model', () => {
  it('gives the same results, the same changes and the same state, for any sequence of blocks', async () => {
    await fc.assert(
      fc.asyncProperty(blocks, async (sequence) => {
        const history = new ChangeHistory({ changesMax: 5_000, bytesMax: 1 << 20 });
        const machine = new ZnodeStateMachine({ limits, history });
        const twin = new ZnodeStateMachine({ limits, hashSeed: 0xdead_beef, lookaheadZnodesMin: 1 });
        // Nobody wants its results, nor its digest before the end.
        const quietHistory = new ChangeHistory({ changesMax: 5_000, bytesMax: 1 << 20 });
        const quiet = new ZnodeStateMachine({ limits, history: quietHistory });
        const model = new Model(limits);
        const planner = new Planner();
        let [epoch, counter, timeMs] = [1, 0, 1_700_000_000_000];
        const begun = { writes: prelude, newEpoch: false, stepMs: 1, leader: 1 };
        for (const { writes: planned, newEpoch, stepMs, leader } of [begun, ...sequence]) {
          if (newEpoch) [epoch, counter] = [epoch + 1, 0];
          timeMs += stepMs;
          const writes = planned.map((one) => planner.write(one, machine));
          const block = blockOf(
            writes.map(({ command, ...tags }) => encodeCommand(command, tags)),
            { epoch, firstCounter: counter + 1, timeMs, leader },
          );
          const results = machine.apply(block);
          expect(results).toEqual(model.apply(writes, epoch, counter + 1, timeMs, leader));
          expect(twin.apply(block)).toEqual(results);
          expect(twin.digest).toBe(machine.digest);
          expect(quiet.apply(block, false)).toEqual([]);
          planner.learn(results);
          counter += writes.length;
        }
        expect(quiet.digest).toBe(machine.digest);
        expectSame(machine, model);
        expectSameChanges(history, model);
        expectSameChanges(quietHistory, model);
        // Restoring computes the digest from nothing, and checks it against the one that was kept up to date.
        const restored = new ZnodeStateMachine({ limits, hashSeed: 77 });
        await restored.restore(stream(machine.snapshot()));
        expect(restored.digest).toBe(machine.digest);
        expectSame(restored, model);
      }),
      { numRuns: 100 },
    );
  });
});

const cutLimits = { ...DEFAULT_LIMITS, clientRetentionMs: 40, repliesPerClientMax: 4 };
const plannedBlocks = fc.array(fc.array(writeArbitrary, { minLength: 1, maxLength: 6, size: 'max' }), {
  minLength: 1,
  maxLength: 40,
  size: 'max',
});

describe('a snapshot', () => {
  it('is the state at the cut, whatever is applied between its steps', async () => {
    await fc.assert(
      fc.asyncProperty(
        plannedBlocks,
        plannedBlocks,
        fc.integer({ min: 1, max: 5 }),
        async (before, during, slotsPerStep) => {
          const feeder = new Feeder({ limits: cutLimits, snapshotSlotsPerStep: slotsPerStep });
          const undisturbed = new Feeder({ limits: cutLimits });
          const planner = new Planner();
          const applied: Write[][] = [];
          const both = (planned: readonly PlannedWrite[]): void => {
            const block = planned.map((one) => planner.write(one, feeder.machine));
            applied.push(block);
            const results = feeder.applyAll(block);
            expect(results).toEqual(undisturbed.applyAll(block));
            planner.learn(results);
          };
          both(prelude);
          before.forEach(both);
          const cut = { digest: feeder.machine.digest, nodes: dump(feeder.machine), zxid: feeder.machine.appliedZxid };
          const snapshot = feeder.machine.snapshot();
          const chunks: Uint8Array[] = [];
          const rest = [...during];
          for (let step = snapshot.next(); step.done !== true; step = snapshot.next()) {
            chunks.push(step.value.slice());
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
          // What comes after the cut gives the same on the copy, forgotten clients, kept replies, sessions and all.
          const follower = new Feeder({}, copy);
          follower.counter = cut.zxid.counter;
          follower.timeMs = copy.timeMs;
          for (const block of applied.slice(before.length + 1)) follower.applyAll(block);
          expect(copy.digest).toBe(feeder.machine.digest);
        },
      ),
      { numRuns: 100 },
    );
  });
});
