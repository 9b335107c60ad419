// over 400 lines: one table, a row for each anomaly.
import type { Random } from '../../random.js';
import type { HistoryProperty } from '../fault.js';
import { isAnswered, isCall, isRead, isWrite, type Call, type HistoryRecord, type WatchRecord } from '../record.js';

/** One thing that is made wrong in a valid history, and who must notice. */
export interface PlantedAnomaly {
  readonly name: string;
  readonly property: HistoryProperty;
  /** Whether the search, which trusts no zxid, must notice it as well. */
  readonly bySearch: boolean;
  /** Undefined when the history has no place for it. */
  readonly plant: (history: readonly HistoryRecord[], random: Random) => HistoryRecord[] | undefined;
}

type History = readonly HistoryRecord[];
type Changed = HistoryRecord[] | undefined;
type Kind<K extends Call['kind']> = Extract<Call, { readonly kind: K }>;
type Batch = WatchRecord & { readonly event: 'batch' };
type Reset = WatchRecord & { readonly event: 'reset' };

/** Replaces one record of those that fit. `change` answers undefined for one that cannot be made wrong. */
function change<R extends HistoryRecord>(
  fits: (record: HistoryRecord) => record is R,
  make: (record: R, history: History) => HistoryRecord | readonly HistoryRecord[] | undefined,
): PlantedAnomaly['plant'] {
  return (history, random): Changed => {
    for (const record of random.shuffled(history.filter(fits))) {
      const made = make(record, history);
      if (made === undefined) continue;
      const instead: readonly HistoryRecord[] = 'length' in made ? made : [made];
      return history.flatMap((other) => (other === record ? instead : [other]));
    }
    return undefined;
  };
}

function done<K extends Call['kind']>(...kinds: readonly K[]): (record: HistoryRecord) => record is Kind<K> {
  return (record): record is Kind<K> =>
    isCall(record) &&
    (kinds as readonly string[]).includes(record.kind) &&
    isAnswered(record) &&
    record.refused === undefined;
}

const isBatch = (record: HistoryRecord): record is Batch => record.kind === 'watch' && record.event === 'batch';
const isReset = (record: HistoryRecord): record is Reset => record.kind === 'watch' && record.event === 'reset';

const row = (
  name: string,
  property: HistoryProperty,
  plant: PlantedAnomaly['plant'],
  bySearch = false,
): PlantedAnomaly => ({ name, property, plant, bySearch });

const WRITES = ['create', 'set', 'delete', 'deleteRecursive', 'transaction', 'registerWrite'] as const;
const flip = (value: boolean | undefined): boolean => value !== true;

/** Two writes of which one had ended when the other began. */
function pairOfWrites(history: History, random: Random, isSameClient: boolean): [Kind<'set'>, Kind<'set'>] | undefined {
  const writes = random.shuffled(history.filter(done(...WRITES))) as Kind<'set'>[];
  for (const first of writes) {
    const second = writes.find(
      (other) => other.start > first.end! && (first.client === other.client) === isSameClient && other.op !== undefined,
    );
    if (second !== undefined) return [first, second];
  }
  return undefined;
}

function replace(history: History, changes: ReadonlyMap<HistoryRecord, HistoryRecord>): HistoryRecord[] {
  return history.map((record) => changes.get(record) ?? record);
}

/** Every kind of anomaly that the checkers are for. */
export const PLANTED_ANOMALIES: readonly PlantedAnomaly[] = [
  row(
    'a read shows another value',
    'zxid-order',
    change(done('get'), (get) =>
      get.value === undefined ? undefined : { ...get, value: 'nobody wrote this', mzxid: undefined },
    ),
    false,
  ),
  row(
    'a linearizable read shows another value',
    'linearizable',
    change(done('get'), (get) =>
      get.value === undefined || get.consistency !== 'linearizable'
        ? undefined
        : { ...get, value: 'nobody wrote this', mzxid: undefined },
    ),
    true,
  ),
  row(
    'a read misses what is there',
    'zxid-order',
    change(done('get', 'exists'), (get) => {
      if (get.version === undefined) return undefined;
      const { version: _, ...rest } = get;
      return get.kind === 'get' ? { ...rest, kind: 'get', value: undefined } : rest;
    }),
  ),
  row(
    'a read shows a czxid at which no create can have been, though somebody may have created it anew and a set covered that up',
    'zxid-order',
    change(done('get'), (get, history) => {
      const { path, czxid, mzxid = 0 } = get;
      if (czxid === undefined || czxid === mzxid) return undefined;
      const between = (zxid = 0): boolean => zxid > czxid && zxid < mzxid;
      const other = history.filter(done('set', 'delete')).find((write) => write.path !== path && between(write.zxid));
      const unseen = { client: 'unseen', start: 0, path } as const;
      if (other === undefined) return undefined;
      return [
        { ...unseen, kind: 'delete' },
        { ...unseen, kind: 'create', value: 'covered up' },
        { ...get, czxid: other.zxid },
      ];
    }),
  ),
  row(
    'a set was applied twice',
    'zxid-order',
    change(done('set'), (set) => ({ ...set, version: set.version! + 1 })),
    true,
  ),
  row(
    'a register write was lost',
    'zxid-order',
    change(done('registerWrite'), (write) => ({ ...write, version: write.version! - 1 })),
    true,
  ),
  row(
    'a guess lies',
    'zxid-order',
    change(done('registerGuess'), (guess) => ({ ...guess, matched: flip(guess.matched) })),
    true,
  ),
  row(
    'two sequential creates have one name',
    'zxid-order',
    change(done('create'), (create, history) => {
      const other = history
        .filter(done('create'))
        .find((one) => one !== create && one.path === create.path && one.mode !== undefined);
      return create.mode === 'persistentSequential' && other !== undefined
        ? { ...create, name: other.name }
        : undefined;
    }),
    true,
  ),
  row(
    'a refused write is told to be done',
    'zxid-order',
    change(
      (record): record is Kind<'set' | 'delete'> =>
        (record.kind === 'set' || record.kind === 'delete') && record.refused !== undefined,
      ({ refused: _, ...write }) => write as Call,
    ),
    true,
  ),
  row(
    'a write that was done is told to be refused',
    'zxid-order',
    change(done('delete'), (write) => ({ ...write, refused: 'NO_NODE' })),
    true,
  ),
  row(
    'a transaction tells the other branch',
    'zxid-order',
    change(done('transaction'), (call) => ({ ...call, branch: call.branch === 'then' ? 'else' : 'then' })),
    true,
  ),
  row(
    'a transaction that was rolled back is told to be committed',
    'zxid-order',
    change(done('transaction'), (call) => (call.committed === true ? undefined : { ...call, committed: true })),
    true,
  ),
  row(
    'a step of a transaction tells another version',
    'zxid-order',
    change(done('transaction'), (call) => {
      const at = (call.results ?? []).findIndex((result) => result.kind === 'set' || result.kind === 'got');
      if (at < 0) return undefined;
      return {
        ...call,
        results: call.results!.map((result, index) => (index === at ? { ...result, version: 99 } : result)),
      };
    }),
    true,
  ),
  row(
    'a multi-read mixes two states',
    'zxid-order',
    change(done('multiRead'), (call, history) => {
      const at = call.reads.findIndex(
        (item) => item.kind === 'children' && item.path === '/q' && (item.entries?.length ?? 0) > 0,
      );
      const other = history
        .filter(done('multiRead'))
        .flatMap(({ reads }) => reads)
        .find(
          (item) =>
            item.kind === 'children' && item.path === '/q' && JSON.stringify(item) !== JSON.stringify(call.reads[at]),
        );
      return at < 0 || other === undefined
        ? undefined
        : { ...call, reads: call.reads.map((item, index) => (index === at ? other : item)) };
    }),
  ),
  row(
    'a list leaves out a child',
    'zxid-order',
    change(done('multiRead'), (call) => {
      const at = call.reads.findIndex((item) => item.kind === 'children' && (item.entries?.length ?? 0) > 0);
      return at < 0
        ? undefined
        : {
            ...call,
            reads: call.reads.map((item, index) =>
              index === at && item.kind === 'children' ? { ...item, entries: item.entries!.slice(1) } : item,
            ),
          };
    }),
  ),
  row(
    'a count is wrong',
    'zxid-order',
    change(done('count'), (call) =>
      call.count === undefined || call.path === '/k1' ? undefined : { ...call, count: call.count + 1 },
    ),
  ),
  row(
    'a recursive delete took another number',
    'zxid-order',
    change(done('deleteRecursive'), (call) => ({ ...call, deleted: call.deleted! + 1 })),
    true,
  ),
  row('two writes have one zxid', 'one-place', (history, random) => {
    const pair = pairOfWrites(history, random, false);
    return pair === undefined ? undefined : replace(history, new Map([[pair[1], { ...pair[1], zxid: pair[0].zxid }]]));
  }),
  row('a later write has an earlier place', 'real-time', (history, random) => {
    const pair = pairOfWrites(history, random, false);
    if (pair === undefined) return undefined;
    const [first, second] = pair;
    return replace(
      history,
      new Map([
        [first, { ...first, zxid: second.zxid }],
        [second, { ...second, zxid: first.zxid }],
      ]),
    );
  }),
  row(
    'a linearizable read is of an older state',
    'real-time',
    change(isLateRead, (read) => ({ ...read, zxid: 3 * 2 ** 32 + 1 })),
  ),
  row('a client is done out of its order', 'fifo', (history, random) => {
    const pair = pairOfWrites(history, random, true);
    if (pair === undefined) return undefined;
    const [first, second] = pair;
    return replace(
      history,
      new Map([
        [first, { ...first, op: second.op }],
        [second, { ...second, op: first.op }],
      ]),
    );
  }),
  row(
    'a client sees less than before',
    'fifo',
    change(
      (record): record is Kind<'get'> => isRead(record) && record.consistency === 'local' && (record.op ?? 0) > 15,
      (read) => ({ ...read, zxid: 3 * 2 ** 32 + 1 }),
    ),
  ),
  row(
    'a read is older than it asked',
    'reads-at-least',
    change(done('get', 'exists'), (read) => ({ ...read, consistency: 'atLeast', atLeast: read.zxid! + 1 })),
  ),
  row(
    'a write that certainly failed is seen',
    'phantom',
    change(done('create', 'set'), (write, history) => {
      const isSeen = history.some(
        (record) => isBatch(record) && record.events.some(({ value }) => value === write.value),
      );
      if (!isSeen) return undefined;
      const { zxid: _, ...rest } = write;
      return { ...rest, failed: 'NO_QUORUM' };
    }),
  ),
  row(
    'a write is seen in two places',
    'exactly-once',
    change(isBatch, (batch, history) => {
      const isAcknowledged = history.some(
        (record) =>
          isWrite(record) &&
          'value' in record &&
          record.value === batch.events[0]!.value &&
          record.zxid !== undefined &&
          record.end !== undefined,
      );
      return batch.events[0]!.type === 'set' && isAcknowledged
        ? [batch, { ...batch, zxid: batch.zxid + 1_000, at: batch.at + 1e9 }]
        : undefined;
    }),
  ),
  row(
    'a watch leaves out a batch',
    'watch-slice',
    change(isBatch, (batch) => (isTold(batch) ? [] : undefined)),
  ),
  row(
    'a watch leaves out an event of a batch',
    'watch-slice',
    change(isBatch, (batch) =>
      batch.events.length > 1 && isTold(batch) ? { ...batch, events: batch.events.slice(1) } : undefined,
    ),
  ),
  row(
    'a watch tells an event twice',
    'watch-slice',
    change(isBatch, (batch) =>
      isTold(batch) ? { ...batch, events: [...batch.events, batch.events.at(-1)!] } : undefined,
    ),
  ),
  row(
    'a watch tells a batch twice',
    'watch-order',
    change(isBatch, (batch) => [batch, batch]),
  ),
  row('a watch goes back', 'watch-order', (history) => {
    const steps = history.filter((record): record is Batch => isBatch(record) && record.watch === '/q');
    const [first, second] = steps;
    if (first === undefined || second === undefined) return undefined;
    return replace(
      history,
      new Map<HistoryRecord, HistoryRecord>([
        [first, second],
        [second, first],
      ]),
    );
  }),
  row(
    'a watch tells another value',
    'watch-slice',
    change(isBatch, (batch) =>
      batch.events[0]!.type === 'set' && isTold(batch)
        ? { ...batch, events: [{ ...batch.events[0]!, value: 'nobody wrote this' }, ...batch.events.slice(1)] }
        : undefined,
    ),
  ),
  row(
    'a watch tells another value of before',
    'watch-slice',
    change(isBatch, (batch) =>
      batch.events[0]!.type === 'set' && isTold(batch)
        ? { ...batch, events: [{ ...batch.events[0]!, previous: 'nobody wrote this' }, ...batch.events.slice(1)] }
        : undefined,
    ),
  ),
  row(
    'a watch tells of what it does not look at',
    'watch-slice',
    change(isBatch, (batch) => ({ ...batch, events: [...batch.events, { type: 'set', path: '/elsewhere' }] })),
  ),
  row(
    'a watch tells of a change that never was',
    'watch-slice',
    change(isBatch, (batch) =>
      batch.watch === '/k1'
        ? { ...batch, zxid: batch.zxid, events: [...batch.events, { type: 'set', path: '/k1', version: 77 }] }
        : undefined,
    ),
  ),
  row(
    'a reset leaves out a node',
    'zxid-order',
    change(isReset, (reset) => (reset.nodes.length < 2 ? undefined : { ...reset, nodes: reset.nodes.slice(0, -1) })),
  ),
  row(
    'a reset shows another value',
    'zxid-order',
    change(isReset, (reset) =>
      reset.nodes.length < 2
        ? undefined
        : {
            ...reset,
            nodes: reset.nodes.map((node, index) =>
              index === 1 ? { ...node, value: 'nobody wrote this', mzxid: undefined, czxid: undefined } : node,
            ),
          },
    ),
  ),
  row(
    'the cluster ended a session that its client still has',
    'session',
    change(
      (record): record is Extract<HistoryRecord, { kind: 'session' }> =>
        record.kind === 'session' && record.event === 'expired',
      () => [],
    ),
  ),
  row(
    'a session acts after its client said that it was over',
    'session',
    change(
      (record): record is Extract<HistoryRecord, { kind: 'session' }> =>
        record.kind === 'session' && record.event === 'expired',
      (record) => ({ ...record, at: record.at - 1_000 }),
    ),
  ),
  row(
    'an ephemeral outlives its session',
    'zxid-order',
    change(
      (record): record is Kind<'exists'> => record.kind === 'exists' && record.client === 'late',
      (late, history) => (isKnownEnd(late.path, history) ? { ...late, version: 0 } : undefined),
    ),
  ),
  row(
    'two hold a lock',
    'holder',
    change(isHold, (hold) => [
      hold,
      { ...hold, client: 'other', token: hold.token + 1, acquired: hold.acquired + 0.5, until: hold.acquired + 2 },
    ]),
  ),
  row(
    'a token does not grow',
    'token',
    change(isHold, (hold) => [hold, { ...hold, client: 'other', acquired: hold.until!, until: hold.until! + 1 }]),
  ),
  row('a write with an older token is taken', 'token', (history, random) => {
    const pair = random
      .shuffled(history.filter(done('set')))
      .slice(0, 2)
      .sort((a, b) => a.zxid! - b.zxid!);
    const [first, second] = pair;
    if (first === undefined || second === undefined || first.path !== second.path) return undefined;
    return replace(
      history,
      new Map<HistoryRecord, HistoryRecord>([
        [first, { ...first, token: 8 }],
        [second, { ...second, token: 7 }],
      ]),
    );
  }),
  row('two servers differ', 'digest', (history) => [
    ...history,
    { kind: 'digest', server: 1, zxid: 5, digest: 'a' },
    { kind: 'digest', server: 2, zxid: 5, digest: 'b' },
  ]),
];

/** Whether it is known where the session of this ephemeral ended. */
function isKnownEnd(path: string, history: History): boolean {
  return history.some(
    (record) =>
      ((record.kind === 'session' && record.event === 'ended') || record.kind === 'sessionClose') &&
      path === `/k-${record.session % 2 ** 32}`,
  );
}

function isHold(record: HistoryRecord): record is Extract<HistoryRecord, { kind: 'hold' }> {
  return record.kind === 'hold';
}

function isLateRead(record: HistoryRecord): record is Kind<'get'> {
  return isRead(record) && record.consistency === 'linearizable' && (record.op ?? 0) > 15;
}

/** What the writes of the history explain by themselves. */
function isTold({ watch }: Batch): boolean {
  return watch === '/q' || watch === '/k1';
}
