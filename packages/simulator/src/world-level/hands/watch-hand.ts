import { isZklError, type Calls, type WatchOptions } from '@zkl/client-sdk';
import type { WorldClient } from '../world-client.js';
import type { WatchRecord } from '../world-checker.js';

/** Watches something, again and again: from now on, or from where it was; until the program is gone. */
export async function watchHand(client: WorldClient, calls: Calls, lane: string): Promise<void> {
  const { random } = client;
  const path = random.pick(['/', '/', '/k1', '/q', '/e', '/k1b']);
  const scope = random.pick(['subtree', 'subtree', 'children', 'node'] as const);
  const types = random.pick([[], [], ['deleted'], ['created', 'set']] as const);
  let from: bigint | undefined;
  for (let part = 1; ; part++) {
    const isLast = part > 3 || client.stopping.signal.aborted;
    const withSnapshot = random.chance(0.2);
    const options: WatchOptions = {
      scope,
      types,
      from: withSnapshot ? undefined : from,
      data: random.chance(0.7),
      stat: random.chance(0.7),
      previousData: random.chance(0.7),
      snapshot: withSnapshot,
      bufferMax: random.pick([2, 10_000, 10_000]),
    };
    const record: WatchRecord = {
      client,
      name: `watch ${client.nextNumber('watches')}`,
      path,
      scope,
      types,
      lane: options.bufferMax === 2 ? `${lane}, slow` : lane,
      withSnapshot,
      told: undefined,
      isOver: false,
    };
    client.watches.push(record);
    client.around.onWatch(record);
    try {
      from = await follow(client, calls, record, options, isLast);
      if (isLast) return;
    } catch (error) {
      if (!isZklError(error)) throw error;
      // Its session is over.
      if (['SESSION_EXPIRED', 'SESSION_MOVED', 'CLIENT_CLOSED'].includes(error.code)) return;
      client.tell(`${record.name} ends: ${error.message}`);
      if (error.code !== 'TOO_MANY_WATCHES') throw error;
    } finally {
      record.isOver = true;
    }
  }
}

/** Tells of every step. Resolves with where it was when it was ended. */
async function follow(
  client: WorldClient,
  calls: Calls,
  record: WatchRecord,
  options: WatchOptions,
  isLast: boolean,
): Promise<bigint> {
  const { around, random } = client;
  const watch = calls.watch(record.path, options);
  const steps = random.between(1, 60);
  if (record.withSnapshot) around.history.onWatch(record, 0, client.now);
  else {
    const at = await watch.ready();
    record.told = Number(options.from ?? at);
    around.history.onWatch(record, record.told, client.now);
    client.tell(
      `${record.name} (${record.scope} ${record.path}) stands at 0x${at.toString(16)}, from 0x${record.told.toString(16)}`,
    );
  }
  let count = 0;
  for await (const step of watch.steps()) {
    if (around.trace.isPrinted) {
      const words =
        step.kind === 'events' ? step.events.map(({ type, path }) => `${type} ${path}`).join(', ') : step.kind;
      client.tell(`${record.name}: ${words} at 0x${step.zxid.toString(16)}`);
    }
    around.trace.add(10, client.party, Number(step.zxid));
    around.count(`watch ${step.kind}`);
    around.onStep(record, step);
    around.history.onStep(record, step, client.now);
    record.told = Number(step.zxid);
    if (options.bufferMax === 2 && random.chance(0.3)) await client.sleep(random.below(200));
    if (!isLast && ++count >= steps) break;
  }
  return watch.zxid;
}
