import {
  isZklError,
  type Calls,
  type ChangeEvent,
  type Watch,
  type WatchOptions,
  type WatchStep,
} from '@zkl/client-sdk';
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
    const spec = { client, path, scope, types, withSnapshot };
    const record = newRecord(spec, options.bufferMax === 2 ? `${lane}, slow` : lane);
    // Another one that wants the same: the two become one on the stream.
    const listening = new AbortController();
    const beside = newRecord(spec, lane);
    const listener = { ...options, bufferMax: 10_000, signal: listening.signal };
    client.background(`${beside.name}, beside ${record.name}`, () => listen(client, calls, beside, listener));
    try {
      from = await follow(client, calls, record, options, isLast);
      if (isLast) return;
    } catch (error) {
      if (!endsWatches(client, record, error)) throw error;
      if (hasEndedSession(error)) return;
    } finally {
      record.isOver = true;
      listening.abort();
    }
  }
}

function newRecord(
  spec: Pick<WatchRecord, 'client' | 'path' | 'scope' | 'types' | 'withSnapshot'>,
  lane: string,
): WatchRecord {
  const { client } = spec;
  const name = `watch ${client.nextNumber('watches')}`;
  const record: WatchRecord = { ...spec, name, lane, told: undefined, isOver: false };
  client.watches.push(record);
  client.around.onWatch(record);
  return record;
}

/** Whether this is a way for a watch to end. */
function endsWatches(client: WorldClient, { name }: WatchRecord, error: unknown): boolean {
  if (!isZklError(error)) return false;
  if (hasEndedSession(error)) return true;
  client.tell(`${name} ends: ${error.message}`);
  return error.code === 'TOO_MANY_WATCHES';
}

function hasEndedSession(error: unknown): boolean {
  return isZklError(error) && ['SESSION_EXPIRED', 'SESSION_MOVED', 'CLIENT_CLOSED'].includes(error.code);
}

/** Has a listener called with every event, until the signal. */
async function listen(
  client: WorldClient,
  calls: Calls,
  record: WatchRecord,
  options: WatchOptions & { readonly signal: AbortSignal },
): Promise<void> {
  let events: ChangeEvent[] = [];
  try {
    const watch = await begin(client, calls, record, options);
    await watch.forEach((event) => {
      // Whoever ends a watch does not look at what it still tells.
      if (record.isOver || options.signal.aborted) return;
      if (event.type === 'reset') return onStep(client, record, { kind: 'reset', zxid: event.zxid, reset: event });
      events.push(event);
      // Not before all of its write was handed out.
      if (watch.zxid !== event.zxid) return;
      onStep(client, record, { kind: 'events', zxid: event.zxid, events });
      events = [];
    });
  } catch (error) {
    const isEnded = options.signal.aborted && isZklError(error) && error.code === 'ABORTED';
    if (!isEnded && !endsWatches(client, record, error)) throw error;
  } finally {
    record.isOver = true;
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
  const { random } = client;
  const steps = random.between(1, 60);
  const watch = await begin(client, calls, record, options);
  let count = 0;
  for await (const step of watch.steps()) {
    onStep(client, record, step);
    if (options.bufferMax === 2 && random.chance(0.3)) await client.sleep(random.below(200));
    if (!isLast && ++count >= steps) break;
  }
  return watch.zxid;
}

/** A watch that stands, unless it begins with a snapshot. */
async function begin(client: WorldClient, calls: Calls, record: WatchRecord, options: WatchOptions): Promise<Watch> {
  const { around } = client;
  const watch = calls.watch(record.path, options);
  if (record.withSnapshot) around.history.onWatch(record, 0, client.now);
  else {
    const at = await watch.ready();
    record.told = Number(options.from ?? at);
    around.history.onWatch(record, record.told, client.now);
    client.tell(
      `${record.name} (${record.scope} ${record.path}) stands at 0x${at.toString(16)}, from 0x${record.told.toString(16)}`,
    );
  }
  return watch;
}

function onStep(client: WorldClient, record: WatchRecord, step: WatchStep): void {
  const { around } = client;
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
}
