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
    lane,
    consistency: 'write',
    values: [value],
    run: async () => {
      const { zxid, stat } = await calls.set(path, value, { version });
      return { zxid, effects: [{ type: 'set', path, value, version: stat.version }] };
    },
  };
}

function deletePlan({ client, calls, lane, path }: Arguments): Plan {
  const version = client.random.chance(0.3) ? client.random.below(3) : -1;
  return {
    what: `delete ${path} if ${version}`,
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
    lane,
    consistency: 'write',
    values: [value],
    run: async () => {
      const { zxid, path } = await calls.create(`${QUEUE}/s-`, value, { sequential: true });
      return { zxid, effects: [{ type: 'created', path, value }] };
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
    const { zxid, results } = await transaction.commit();
    const effects: Effect[] = [];
    results.forEach((result, index) => {
      if (result.kind === 'created') effects.push({ type: 'created', path: result.path });
      else if (result.kind === 'set') effects.push({ type: 'set', path, value: first, version: result.stat.version });
      else if (result.kind === 'deleted') effects.push({ type: 'deleted', path: other });
      else throw new Error(`step ${index} came to ${result.kind}`);
    });
    return { zxid, effects };
  };
  const what = `transaction on ${path} and ${other} ${first} ${second}${isChoice ? ' on a condition' : ''}`;
  return { what, lane, consistency: 'write', values: [first, second], run };
}

function registerPlan(client: WorldClient, { register }: Client, lane: string): Plan {
  const value = client.newValue();
  if (client.random.chance(0.5)) {
    return {
      what: `write ${value}`,
      lane,
      consistency: 'write',
      values: [value],
      run: async () => {
        const { zxid, version } = await register.write(value);
        void version;
        return { zxid };
      },
    };
  }
  return {
    what: 'read',
    lane,
    consistency: 'linearizable',
    run: async () => {
      const { zxid } = await register.read();
      return { zxid };
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
      return { zxid, seen: answers[0].kind === 'exists' ? [statSeen(path, answers[0].stat)] : [] };
    };
    return { what: `exists ${path}, ${consistency}`, lane, consistency, run };
  }
  return {
    what: `get ${path}, ${consistency}`,
    lane,
    consistency,
    run: async () => {
      const { zxid, data, stat } = await calls.get(path, options);
      return { zxid, seen: [{ kind: 'znode', path, znode: { data: textOf(data), version: stat.version } }] };
    },
  };
}

function childrenPlan({ client, calls, lane }: Arguments): Plan {
  const { consistency } = drawConsistency(client);
  return {
    what: `children of ${QUEUE}, ${consistency}`,
    lane,
    consistency,
    run: async () => {
      const page = await calls.listChildren(QUEUE, {
        pageSize: 5_000,
        ...(consistency === 'local' && { consistency }),
      });
      const names = page.children.map(({ name }) => name).sort();
      return { zxid: page.zxid, seen: page.more ? [] : [{ kind: 'children', path: QUEUE, names }] };
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
    const [first, second, third] = answers;
    if (first.kind === 'exists') seen.push(statSeen(path, first.stat));
    if (second.kind === 'node') {
      const { data, stat } = second.node;
      seen.push({ kind: 'znode', path: `${path}b`, znode: { data: textOf(data), version: stat.version } });
    } else seen.push({ kind: 'znode', path: `${path}b`, znode: undefined });
    if (third.kind === 'children')
      seen.push({ kind: 'children', path: QUEUE, names: third.page.children.map(({ name }) => name).sort() });
    return { zxid, seen };
  };
  return { what: `multi-read of ${path}, ${consistency}`, lane, consistency, run };
}

function statSeen(path: string, stat: Stat | undefined): Seen {
  return { kind: 'znode', path, znode: stat && { version: stat.version } };
}
