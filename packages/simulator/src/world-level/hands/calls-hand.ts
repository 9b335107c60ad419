import { isZklError, type Calls, type Client, type ReadCallOptions, type Stat } from '@zkl/client-sdk';
import { textOf } from '../chronicle.js';
import type { CallRecord, Effect, Seen } from '../world-checker.js';
import type { WorldClient } from '../world-client.js';
import { makeCall, type Plan, type Told } from './call.js';

/** Calls that one hand makes at most, so that a run stays short. */
const CALLS_MAX = 60;

/** Makes calls of all kinds, one after the other. */
export async function callsHand(client: WorldClient, calls: Calls, lane: string): Promise<void> {
  const { settings } = client.around;
  for (let made = 0; made < CALLS_MAX && !client.stopping.signal.aborted; made++) {
    await client.sleep(1 + client.random.below(2 * settings.thinkMs));
    await makeCall(client, drawCall(client, calls, lane));
  }
}

/** Makes the folders that calls need, however long it takes. */
export async function prepare(client: WorldClient): Promise<void> {
  for (const path of [QUEUE, '/e']) {
    for (;;) {
      try {
        await client.client.create(path, null, { ifAbsent: true });
        break;
      } catch (error) {
        if (!isZklError(error)) throw error;
        await client.sleep(100);
      }
    }
  }
}

/** A call as chance will have it. */
export function drawCall(client: WorldClient, calls: Calls, lane: string): Plan {
  const { random } = client;
  const draw = random.below(20);
  const path = `/k${random.between(1, client.around.settings.keys)}`;
  const args = { client, calls, lane, path };
  if (draw < 3) return createPlan(args);
  if (draw < 6) return setPlan(args);
  if (draw < 8) return deletePlan(args);
  if (draw < 10) return sequentialPlan(args);
  if (draw < 12) return transactionPlan(args);
  if (draw < 13 && 'register' in calls) return registerPlan(client, calls as Client, lane);
  if (draw < 17) return getPlan(args);
  if (draw < 18) return childrenPlan(args);
  return multiReadPlan(args);
}

interface Arguments {
  readonly client: WorldClient;
  readonly calls: Calls;
  readonly lane: string;
  readonly path: string;
}

/** The parent of what is created one after the other. */
const QUEUE = '/q';

function createPlan({ client, calls, lane, path }: Arguments): Plan {
  const value = client.newValue();
  return {
    what: `create ${path} ${value}`,
    request: { kind: 'create', path, value },
    lane,
    consistency: 'write',
    values: [value],
    run: async () => {
      const { zxid, stat } = await calls.create(path, value);
      return { zxid, effects: [{ type: 'created', path, value, version: stat.version }] };
    },
  };
}

function setPlan({ client, calls, lane, path }: Arguments): Plan {
  const value = client.newValue();
  const version = client.random.chance(0.4) ? client.random.below(4) : -1;
  return {
    what: `set ${path} ${value} if ${version}`,
    request: { kind: 'set', path, value, expected: version },
    lane,
    consistency: 'write',
    values: [value],
    run: async () => {
      const { zxid, stat } = await calls.set(path, value, { version });
      const effects: Effect[] = [{ type: 'set', path, value, version: stat.version }];
      return { zxid, effects, answer: { version: stat.version } };
    },
  };
}

function deletePlan({ client, calls, lane, path }: Arguments): Plan {
  const version = client.random.chance(0.3) ? client.random.below(3) : -1;
  return {
    what: `delete ${path} if ${version}`,
    request: { kind: 'delete', path, expected: version },
    lane,
    consistency: 'write',
    run: async () => {
      const { zxid } = await calls.delete(path, { version });
      return { zxid, effects: [{ type: 'deleted', path }] };
    },
  };
}

/** One more child of the queue. */
export function sequentialPlan({ client, calls, lane }: Arguments): Plan {
  const value = client.newValue();
  return {
    what: `create ${QUEUE}/s- ${value}`,
    request: { kind: 'create', path: `${QUEUE}/s-`, value, mode: 'persistentSequential' },
    lane,
    consistency: 'write',
    values: [value],
    run: async () => {
      const { zxid, path } = await calls.create(`${QUEUE}/s-`, value, { sequential: true });
      return { zxid, effects: [{ type: 'created', path, value }], answer: { name: path } };
    },
  };
}

/** Sets or makes two znodes at once, or one on a condition. */
function transactionPlan({ client, calls, lane, path }: Arguments): Plan {
  const [first, second] = [client.newValue(), client.newValue()];
  const other = `/k${client.random.between(1, client.around.settings.keys)}b`;
  const isChoice = client.random.chance(0.4);
  const run = async (): Promise<Told> => {
    const transaction = calls.transaction();
    if (isChoice)
      transaction.when(path, { exists: true }).set(path, first).create(other, second).otherwise().create(path, first);
    else transaction.set(path, first).delete(other).create(other, second);
    const { zxid, results, branch } = await transaction.commit();
    const effects: Effect[] = [];
    const steps = results.map((result, index) => {
      const { kind } = result;
      if (kind === 'created') effects.push({ type: 'created', path: result.path });
      else if (kind === 'set') effects.push({ type: 'set', path, value: first, version: result.stat.version });
      else if (kind === 'deleted') effects.push({ type: 'deleted', path: other });
      else throw new Error(`step ${index} came to ${kind}`);
      return kind === 'set' ? { kind, version: result.stat.version } : { kind };
    });
    return { zxid, effects, answer: { branch, committed: true, results: steps } };
  };
  const what = `transaction on ${path} and ${other} ${first} ${second}${isChoice ? ' on a condition' : ''}`;
  const request = requestOf(path, other, first, second, isChoice);
  return { what, request, lane, consistency: 'write', values: [first, second], run };
}

/** What a stat tells of the writes that made the node what it is. */
function placesOf({ version, czxid, mzxid }: Stat): { version: number; czxid: number; mzxid: number } {
  return { version, czxid: Number(czxid), mzxid: Number(mzxid) };
}

/** The transaction, as a history has it. */
function requestOf(path: string, other: string, first: string, second: string, isChoice: boolean): object {
  const set = { kind: 'set', path, value: first };
  const create = { kind: 'create', path: other, value: second };
  if (!isChoice) return { kind: 'transaction', then: [set, { kind: 'delete', path: other }, create] };
  const compares = [{ path, target: 'exists', operand: true }];
  return { kind: 'transaction', compares, then: [set, create], else: [{ kind: 'create', path, value: first }] };
}

function registerPlan(client: WorldClient, { register }: Client, lane: string): Plan {
  const value = client.newValue();
  if (client.random.chance(0.5)) {
    return {
      what: `write ${value}`,
      request: { kind: 'registerWrite', value },
      lane,
      consistency: 'write',
      values: [value],
      run: async () => {
        const { zxid, version } = await register.write(value);
        return { zxid, answer: { version } };
      },
    };
  }
  return {
    what: 'read',
    request: { kind: 'registerRead' },
    lane,
    consistency: 'linearizable',
    run: async () => {
      const { zxid, value: data, version } = await register.read();
      return { zxid, answer: data === null ? {} : { value: textOf(data), version } };
    },
  };
}

function drawConsistency(client: WorldClient): Pick<CallRecord, 'consistency'> {
  return { consistency: client.random.pick(['linearizable', 'linearizable', 'local'] as const) };
}

/** How a read is asked for: a planted bug asks for less than it says. */
function optionsOf(client: WorldClient, consistency: CallRecord['consistency']): ReadCallOptions {
  const isWeak = client.around.settings.plantedBugs.has('reads-are-local');
  return consistency === 'local' || isWeak ? { consistency: 'local' } : {};
}

function getPlan({ client, calls, lane, path }: Arguments): Plan {
  const { consistency } = drawConsistency(client);
  const options = optionsOf(client, consistency);
  if (client.random.chance(0.3)) {
    const run = async (): Promise<Told> => {
      const { zxid, answers } = await calls.multiRead([{ exists: path }], options);
      const [first] = answers;
      if (first.kind !== 'exists') return { zxid };
      const seen = first.stat === undefined ? {} : placesOf(first.stat);
      return { zxid, seen: [statSeen(path, first.stat)], answer: { reads: [{ kind: 'exists', path, ...seen }] } };
    };
    const request = { kind: 'multiRead' };
    return { what: `exists ${path}, ${consistency}`, request, lane, consistency, run };
  }
  return {
    what: `get ${path}, ${consistency}`,
    request: { kind: 'get', path },
    lane,
    consistency,
    run: async () => {
      const { zxid, data, stat } = await calls.get(path, options);
      const znode = { data: textOf(data), version: stat.version };
      return { zxid, seen: [{ kind: 'znode', path, znode }], answer: { value: znode.data, ...placesOf(stat) } };
    },
  };
}

function childrenPlan({ client, calls, lane }: Arguments): Plan {
  const { consistency } = drawConsistency(client);
  return {
    what: `children of ${QUEUE}, ${consistency}`,
    request: { kind: 'children', path: QUEUE },
    lane,
    consistency,
    run: async () => {
      const page = await calls.listChildren(QUEUE, {
        pageSize: 5_000,
        ...(consistency === 'local' && { consistency }),
      });
      const names = page.children.map(({ name }) => name).sort();
      const seen: Seen[] = page.more ? [] : [{ kind: 'children', path: QUEUE, names }];
      return { zxid: page.zxid, seen, answer: { entries: names, more: page.more } };
    },
  };
}

function multiReadPlan({ client, calls, lane, path }: Arguments): Plan {
  const { consistency } = drawConsistency(client);
  const run = async (): Promise<Told> => {
    const options = optionsOf(client, consistency);
    const { zxid, answers } = await calls.multiRead(
      [{ exists: path }, { get: `${path}b` }, { children: QUEUE, pageSize: 5_000 }],
      options,
    );
    const seen: Seen[] = [];
    const reads: object[] = [];
    const [first, second, third] = answers;
    if (first.kind === 'exists')
      reads.push({ kind: 'exists', path, ...(first.stat === undefined ? {} : placesOf(first.stat)) });
    if (second.kind === 'node')
      reads.push({ kind: 'get', path: `${path}b`, value: textOf(second.node.data), ...placesOf(second.node.stat) });
    else reads.push({ kind: 'get', path: `${path}b` });
    if (first.kind === 'exists') seen.push(statSeen(path, first.stat));
    if (second.kind === 'node') {
      const { data, stat } = second.node;
      seen.push({ kind: 'znode', path: `${path}b`, znode: { data: textOf(data), version: stat.version } });
    } else seen.push({ kind: 'znode', path: `${path}b`, znode: undefined });
    if (third.kind === 'children') {
      const names = third.page.children.map(({ name }) => name).sort();
      seen.push({ kind: 'children', path: QUEUE, names });
      reads.push({ kind: 'children', path: QUEUE, entries: names, more: third.page.more });
    }
    return { zxid, seen, answer: { reads } };
  };
  const request = { kind: 'multiRead' };
  return { what: `multi-read of ${path}, ${consistency}`, request, lane, consistency, run };
}

function statSeen(path: string, stat: Stat | undefined): Seen {
  return { kind: 'znode', path, znode: stat && { version: stat.version } };
}
