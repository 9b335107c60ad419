import fc from 'fast-check';
import type { Command, Compare, CreateCommand, CreateMode, TransactionOperation } from '../commands.js';
import { ERROR_CODE_NAMES } from '../error-codes.js';
import type { OperationResult, Result } from '../results.js';
import { ZXID_ZERO } from '../stat.js';

/** Values of every shape that the layouts carry, for property tests. */
export const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
export const i32 = fc.oneof(
  fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
  fc.constantFrom(-1, 0, 1, 0x7fff_ffff, -0x8000_0000),
);
export const u53 = fc.oneof(fc.maxSafeNat(), fc.nat(300));
export const zxid = fc.record({ epoch: u32, counter: u32 });
export const session = fc.record({
  epoch: fc.integer({ min: 1, max: 0xffff_ffff }),
  counter: fc.integer({ min: 1, max: 0xffff_ffff }),
});
export const path = fc.string({ unit: 'grapheme', maxLength: 40 });
export const bytes = fc.uint8Array({ maxLength: 300 });
export const data = fc.option(bytes, { nil: null });

const PLAIN_MODES: readonly CreateMode[] = [
  'persistent',
  'ephemeral',
  'persistentSequential',
  'ephemeralSequential',
  'container',
];

const create: fc.Arbitrary<CreateCommand> = fc
  .tuple(
    fc.oneof(
      fc.record({ mode: fc.constantFrom(...PLAIN_MODES) }),
      fc.record({ mode: fc.constantFrom('ttl' as const, 'ttlSequential' as const), ttlMs: u53 }),
    ),
    fc.boolean(),
    path,
    data,
  )
  .map(([mode, ifAbsent, at, value]) => ({
    kind: 'create' as const,
    path: at,
    data: value,
    ...mode,
    ...(ifAbsent ? { ifAbsent } : {}),
  }));

const set = fc.record({ kind: fc.constant('set' as const), path, data, expectedVersion: i32 });
const remove = fc.record({
  kind: fc.constantFrom('delete' as const, 'deleteRecursive' as const),
  path,
  expectedVersion: i32,
});

const operation: fc.Arbitrary<TransactionOperation> = fc.oneof(
  create,
  set,
  remove,
  fc.record({ kind: fc.constant('check' as const), path, expectedVersion: i32 }),
  fc.record({ kind: fc.constantFrom('checkAbsent' as const, 'get' as const, 'exists' as const), path }),
);

const operator = fc.constantFrom('=' as const, '!=' as const, '<' as const, '>' as const);
const compare: fc.Arbitrary<Compare> = fc.oneof(
  fc.record({ path, operator, target: fc.constantFrom('version' as const, 'cversion' as const), operand: i32 }),
  fc.record({ path, operator, target: fc.constantFrom('czxid' as const, 'mzxid' as const), operand: zxid }),
  fc.record({ path, operator, target: fc.constant('value' as const), operand: data }),
  fc.record({ path, operator, target: fc.constant('exists' as const), operand: fc.boolean() }),
);

const bound = fc.option(u53, { nil: undefined });

export const command: fc.Arbitrary<Command> = fc.oneof(
  create,
  set,
  remove,
  fc.record({ kind: fc.constantFrom('registerWrite' as const, 'registerGuess' as const), value: bytes }),
  fc.record({
    kind: fc.constant('transaction' as const),
    compares: fc.array(compare, { maxLength: 4 }),
    then: fc.array(operation, { maxLength: 5 }),
    else: fc.array(operation, { maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant('setQuota' as const),
    path,
    quota: fc.option(fc.record({ countSoft: bound, countHard: bound, bytesSoft: bound, bytesHard: bound }), {
      nil: null,
    }),
  }),
  fc.record({
    kind: fc.constant('reap' as const),
    nodes: fc.array(fc.record({ path, czxid: zxid }), { maxLength: 5 }),
  }),
  fc.record({
    kind: fc.constant('sessionOpen' as const),
    timeoutMs: u53,
    secretHash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  }),
  fc.record({ kind: fc.constant('sessionClose' as const) }),
  fc.record({ kind: fc.constant('sessionsExpire' as const), sessions: fc.array(zxid, { maxLength: 5 }) }),
);

export const stat = fc.record({
  czxid: zxid,
  mzxid: zxid,
  pzxid: zxid,
  ctimeMs: fc.maxSafeNat(),
  mtimeMs: fc.maxSafeNat(),
  version: i32,
  cversion: i32,
  aversion: i32,
  ephemeralOwner: fc.oneof(zxid, fc.constant(ZXID_ZERO)),
  dataLength: u32,
  numChildren: u32,
});

function sharedResult(at: { epoch: number; counter: number }): fc.Arbitrary<Extract<OperationResult, Result>> {
  const common = { zxid: fc.constant(at) };
  return fc.oneof(
    fc.record({ kind: fc.constant('created' as const), ...common, path, stat, created: fc.boolean() }),
    fc.record({ kind: fc.constant('set' as const), ...common, stat }),
    fc.record({ kind: fc.constant('deleted' as const), ...common }),
    fc.record({ kind: fc.constant('deletedRecursive' as const), ...common, count: u32 }),
    fc.record({
      kind: fc.constant('error' as const),
      ...common,
      code: fc.constantFrom(...ERROR_CODE_NAMES),
      path: fc.option(path, { nil: undefined }),
    }),
  );
}

function operationResult(at: { epoch: number; counter: number }): fc.Arbitrary<OperationResult> {
  const common = { zxid: fc.constant(at) };
  return fc.oneof(
    sharedResult(at),
    fc.record({ kind: fc.constant('got' as const), ...common, data, stat }),
    fc.record({ kind: fc.constant('existed' as const), ...common, stat: fc.option(stat, { nil: undefined }) }),
    fc.record({ kind: fc.constant('ok' as const), ...common }),
  );
}

export const result: fc.Arbitrary<Result> = zxid.chain((at) => {
  const common = { zxid: fc.constant(at) };
  return fc.oneof(
    sharedResult(at),
    fc.record({
      kind: fc.constant('transaction' as const),
      ...common,
      branch: fc.constantFrom('then' as const, 'else' as const),
      committed: fc.boolean(),
      results: fc.array(operationResult(at), { maxLength: 5 }),
    }),
    fc.record({ kind: fc.constant('quotaSet' as const), ...common }),
    fc.record({ kind: fc.constantFrom('reaped' as const, 'sessionsExpired' as const), ...common, count: u32 }),
    fc.record({ kind: fc.constant('registerWritten' as const), ...common, version: u32 }),
    fc.record({
      kind: fc.constant('guessed' as const),
      ...common,
      matched: fc.boolean(),
      version: u32,
      leader: u32,
    }),
    fc.record({
      kind: fc.constant('sessionOpened' as const),
      ...common,
      session: fc.constant(at),
      timeoutMs: u53,
    }),
    fc.record({ kind: fc.constant('sessionClosed' as const), ...common, deleted: u32 }),
  );
});
