import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteWriter } from './byte-writer.js';
import { encodeCommand } from './command-codec.js';
import { appendEncodedWrite, appendOperation, appendWrite } from './operation-codec.js';
import * as o from './operation-reader.js';
import { OperationReader } from './operation-reader.js';
import type { ChangeType, Query, SingleQuery, StreamOperation, WatchOptions } from './operations.js';
import { command, path, session, u32, zxid } from './testing/arbitraries.js';

const single: fc.Arbitrary<SingleQuery> = fc.oneof(
  fc.record({ kind: fc.constantFrom('get' as const, 'exists' as const, 'count' as const, 'quota' as const), path }),
  fc.record({
    kind: fc.constant('children' as const),
    path,
    pageSize: fc.nat(20_000),
    startAfter: path,
    withStat: fc.boolean(),
    withData: fc.boolean(),
  }),
);
const query: fc.Arbitrary<Query> = fc.oneof(
  single,
  fc.record({ kind: fc.constant('register' as const) }),
  fc.record({ kind: fc.constant('multi' as const), reads: fc.array(single, { maxLength: 5 }) }),
);
const watchId = fc.integer({ min: 1, max: 0xffff_ffff });
const watch: fc.Arbitrary<WatchOptions> = fc.record({
  id: watchId,
  path,
  scope: fc.constantFrom('node' as const, 'children' as const, 'subtree' as const),
  types: fc.subarray<ChangeType>(['created', 'set', 'deleted'], { minLength: 1 }),
  from: fc.option(zxid, { nil: undefined }),
  withData: fc.boolean(),
  withStat: fc.boolean(),
  withPreviousData: fc.boolean(),
  withSnapshot: fc.boolean(),
  progressIntervalMs: fc.nat(),
});
const operation: fc.Arbitrary<StreamOperation> = fc.oneof(
  fc.record({ kind: fc.constant('read' as const), query, linearizable: fc.boolean(), atLeast: zxid }),
  fc.record({ kind: fc.constant('watch' as const), watch }),
  fc.record({ kind: fc.constantFrom('cancelWatch' as const, 'progress' as const), id: u32 }),
  fc.record({ kind: fc.constant('sync' as const) }),
);
type Item = StreamOperation | { readonly kind: 'write'; readonly bytes: Uint8Array };
const write = command.map((one) => ({
  kind: 'write' as const,
  bytes: encodeCommand(one, { session: { epoch: 1, counter: 2 } }),
}));
const items: fc.Arbitrary<Item[]> = fc.array(fc.oneof(operation, write), { maxLength: 12 });

function encode(list: readonly Item[]): Uint8Array {
  const writer = new ByteWriter(8);
  for (const item of list) {
    if (item.kind === 'write') appendEncodedWrite(item.bytes, writer);
    else appendOperation(item, writer);
  }
  return writer.content();
}

function singleOf(reader: OperationReader): SingleQuery {
  const kinds = {
    [o.QUERY_GET]: 'get',
    [o.QUERY_EXISTS]: 'exists',
    [o.QUERY_COUNT]: 'count',
    [o.QUERY_QUOTA]: 'quota',
  };
  if (reader.query !== o.QUERY_CHILDREN) {
    return { kind: kinds[reader.query as keyof typeof kinds] as 'get', path: reader.path };
  }
  const { pageSize, startAfter, flags } = reader;
  const [withStat, withData] = [(flags & o.WITH_STAT) !== 0, (flags & o.WITH_DATA) !== 0];
  return { kind: 'children', path: reader.path, pageSize, startAfter, withStat, withData };
}

function queryOf(reader: OperationReader): Query {
  if (reader.query === o.QUERY_REGISTER) return { kind: 'register' };
  if (reader.query !== o.QUERY_MULTI) return singleOf(reader);
  const reads: SingleQuery[] = [];
  while (reader.nextQuery()) reads.push(singleOf(reader));
  return { kind: 'multi', reads };
}

function watchOf(reader: OperationReader): WatchOptions {
  const { flags, types } = reader;
  const masks = { created: o.TYPE_CREATED, set: o.TYPE_SET, deleted: o.TYPE_DELETED };
  const names = ['created', 'set', 'deleted'] as const;
  return {
    id: reader.watchId,
    path: reader.path,
    scope: (['', 'node', 'children', 'subtree'] as const)[reader.scope] as 'node',
    types: names.filter((name) => (types & masks[name]) !== 0),
    from: (flags & o.HAS_FROM) === 0 ? undefined : { epoch: reader.fromEpoch, counter: reader.fromCounter },
    withData: (flags & o.WITH_DATA) !== 0,
    withStat: (flags & o.WITH_STAT) !== 0,
    withPreviousData: (flags & o.WITH_PREVIOUS_DATA) !== 0,
    withSnapshot: (flags & o.WITH_SNAPSHOT) !== 0,
    progressIntervalMs: reader.progressIntervalMs,
  };
}

function itemOf(reader: OperationReader): Item {
  switch (reader.operationClass) {
    case o.CLASS_WRITE:
      return { kind: 'write', bytes: reader.bytes.slice(reader.bodyStart, reader.bodyEnd) };
    case o.CLASS_READ: {
      const { linearizable, atLeastEpoch: epoch, atLeastCounter: counter } = reader;
      return { kind: 'read', query: queryOf(reader), linearizable, atLeast: { epoch, counter } };
    }
    case o.CLASS_WATCH:
      return { kind: 'watch', watch: watchOf(reader) };
    case o.CLASS_CANCEL_WATCH:
      return { kind: 'cancelWatch', id: reader.watchId };
    case o.CLASS_PROGRESS:
      return { kind: 'progress', id: reader.watchId };
    default:
      return { kind: 'sync' };
  }
}

function decode(bytes: Uint8Array, reader = new OperationReader()): Item[] | undefined {
  reader.reset(bytes);
  const list: Item[] = [];
  while (reader.next()) list.push(itemOf(reader));
  return reader.failed ? undefined : list;
}

describe('the operations of a session stream', () => {
  it('are read as they were written, by a reader that was used before', () => {
    const reader = new OperationReader();
    fc.assert(
      fc.property(items, (list) => {
        expect(decode(encode(list), reader)).toEqual(list);
      }),
      { numRuns: 500 },
    );
  });

  it('are refused when they are cut off anywhere but between two', () => {
    fc.assert(
      fc.property(operation, operation, (first, second) => {
        const one = encode([first]).length;
        const bytes = encode([first, second]);
        for (let length = 1; length < bytes.length; length++) {
          if (length === one) continue;
          expect(decode(bytes.subarray(0, length)), `cut at ${length}`).toBeUndefined();
        }
      }),
    );
  });

  it('of random bytes end in a refusal or in operations, never in an exception or a loop', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const list = decode(bytes);
        if (list !== undefined) expect(list.length).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 5000 },
    );
  });

  it('refuse a multi-read of more queries than could be there', () => {
    const reader = new OperationReader();
    reader.reset(new Uint8Array([11, o.CLASS_READ, 1, 0, 0, o.QUERY_MULTI, 0xff, 0xff, 0xff, 0xff, 0x7f, 1]));
    expect(reader.next()).toBe(false);
    expect(reader.failed).toBe(true);
    expect(reader.queriesLeft).toBe(0);
  });

  it('carry a write as the bytes that go to the log', () => {
    fc.assert(
      fc.property(command, session, (one, owner) => {
        const writer = new ByteWriter(4);
        appendWrite(one, { session: owner }, writer);
        expect(decode(writer.content())).toEqual([{ kind: 'write', bytes: encodeCommand(one, { session: owner }) }]);
      }),
    );
  });

  it('refuse a watch without an id', () => {
    expect(() => encode([{ kind: 'watch', watch: { id: 0, path: '/', scope: 'node' } }])).toThrow(RangeError);
  });
});
