import { Random } from '../../random.js';
import type { Compare, HistoryRecord, ReadItem, Step, WriteCall } from '../record.js';
import { isInScope } from '../scope.js';
import { ModelCluster } from './model-cluster.js';
import { answerOf, placeNumber, toCompare, toOperation } from './to-record.js';

/** How a {@link validHistory} comes about. */
export interface ValidHistoryOptions {
  readonly seed: number;
  /** Default 4. */
  readonly clients?: number | undefined;
  /** Calls a client. Default 25. */
  readonly calls?: number | undefined;
  /** Of a hundred writes these have no answer; every other one of them took effect. Default 0. */
  readonly unknownPercent?: number | undefined;
}

const KEYS = ['/k1', '/k2', '/q/fixed', '/q/sub', '/q/sub/leaf'];
const QUEUE = '/q';
const SESSION_CLIENT = 'session-client';

interface Slot {
  readonly client: string;
  readonly op: number;
  readonly start: number;
  /** When it takes effect. */
  readonly at: number;
  readonly end: number;
}

/**
 * A history of clients of a perfect cluster, over the production state machine: each call takes effect at one moment between its start and its end, local reads
 * lag, watches tell what happens in their scope, sessions and locks come and go. What the checkers are tried with: they must find nothing here, and what is planted in it.
 */
export function validHistory(options: ValidHistoryOptions): HistoryRecord[] {
  return new Generator(options).run();
}

/** A write without who makes it, and when. */
type Request =
  | Step
  | (Pick<WriteCall & { kind: 'transaction' }, 'kind' | 'compares' | 'then' | 'else'> & { kind: 'transaction' })
  | { readonly kind: 'registerWrite' | 'registerGuess'; readonly value: string }
  | { readonly kind: 'sessionClose'; readonly session: number };

class Generator {
  readonly #random: Random;
  readonly #cluster = new ModelCluster();
  readonly #records: HistoryRecord[] = [];
  readonly #unknownPercent: number;
  readonly #clients: number;
  readonly #calls: number;
  readonly #seenBy = new Map<string, number>();
  #values = 0;
  #sessions = 0;

  constructor({ seed, clients = 4, calls = 25, unknownPercent = 0 }: ValidHistoryOptions) {
    this.#random = new Random(seed, 77);
    [this.#clients, this.#calls, this.#unknownPercent] = [clients, calls, unknownPercent];
  }

  run(): HistoryRecord[] {
    const slots = this.#slots();
    this.#perform({ client: 'first', op: 0, start: 1, at: 2, end: 3 }, { kind: 'create', path: QUEUE, value: null });
    const watchedFrom = [this.#cluster.zxid, this.#cluster.zxid];
    const resetAt = this.#random.below(slots.length);
    for (const [index, slot] of slots.entries()) {
      if (this.#random.below(25) === 0) this.#liveSession(slot.at - 50);
      if (index === resetAt) this.#reset(slot.at);
      this.#call(slot);
    }
    this.#watch('node', '/k1', watchedFrom[0]!);
    this.#watch('subtree', '/q', watchedFrom[1]!);
    return this.#records;
  }

  #slots(): Slot[] {
    const slots: Slot[] = [];
    for (let client = 1; client <= this.#clients; client++) {
      let now = 100 + this.#random.below(100);
      for (let op = 1; op <= this.#calls; op++) {
        const start = now + 10 + this.#random.below(300);
        const at = start + 10 * (1 + this.#random.below(100));
        now = at + 10 + this.#random.below(500);
        slots.push({ client: `c${client}`, op, start, at, end: now });
      }
    }
    // Room between two moments for what a session does at one of them.
    const spread = slots.map((slot) => ({ ...slot, start: 100 * slot.start, at: 100 * slot.at, end: 100 * slot.end }));
    return spread.sort((a, b) => a.at - b.at);
  }

  #call(slot: Slot): void {
    const random = this.#random;
    const path = random.pick(KEYS);
    if (random.chance(0.35)) return this.#read(slot, path);
    switch (random.below(8)) {
      case 0:
        return this.#perform(slot, {
          kind: 'create',
          path,
          value: this.#value(),
          ...(random.chance(0.3) ? { ifAbsent: true } : {}),
        });
      case 1:
        return this.#perform(slot, {
          kind: 'create',
          path: `${QUEUE}/n-`,
          value: this.#value(),
          mode: 'persistentSequential',
        });
      case 2:
      case 3:
        return this.#perform(slot, { kind: 'set', path, value: this.#value(), expected: this.#expected() });
      case 4:
        return this.#perform(slot, { kind: 'delete', path, expected: this.#expected() });
      case 5:
        return this.#perform(slot, { kind: 'deleteRecursive', path });
      case 6:
        return this.#perform(slot, { kind: 'transaction', ...this.#transaction() });
      default:
        return this.#perform(slot, {
          kind: random.pick(['registerWrite', 'registerGuess'] as const),
          value: this.#value(),
        });
    }
  }

  #value(): string {
    return `v${++this.#values}`;
  }

  #expected(): number {
    return this.#random.pick([-1, -1, 0, 1, 2]);
  }

  #transaction(): { compares: Compare[]; then: Step[]; else: Step[] } {
    const random = this.#random;
    const [a, b] = [random.pick(KEYS), random.pick(KEYS)];
    const compares = random.pick<readonly Compare[]>([
      [],
      [{ path: a, target: 'exists', operand: random.chance(0.5) }],
      [{ path: a, target: 'version', operand: 1, operator: random.pick(['=', '<', '>', '!='] as const) }],
    ]);
    const step = (path: string): Step => {
      const value = this.#value();
      return random.pick<Step>([
        { kind: 'create', path, value },
        { kind: 'set', path, value },
        { kind: 'delete', path },
        { kind: 'check', path, expected: 0 },
        { kind: 'checkAbsent', path },
        { kind: 'exists', path },
        { kind: 'get', path },
        { kind: 'create', path: `${QUEUE}/n-`, value, mode: 'persistentSequential' },
      ]);
    };
    return { compares: [...compares], then: [step(a), step(b)], else: random.chance(0.5) ? [step(b)] : [] };
  }

  /** Does a write, or does not, and records what its caller saw. */
  #perform({ client, op, start, at, end }: Slot, request: Request, session?: number): void {
    const call = { ...request, client, op, start, ...(session === undefined ? {} : { session }) } as WriteCall;
    const isUnknown = this.#random.below(100) < this.#unknownPercent;
    if (isUnknown && this.#random.chance(0.5)) {
      this.#records.push({ ...call, error: 'TIMEOUT' });
      return;
    }
    const result = this.#cluster.write(commandOf(call), session, at);
    if (isUnknown) this.#records.push({ ...call, error: 'TIMEOUT' });
    else this.#records.push({ ...call, end, ...answerOf(result) });
    this.#saw(client);
  }

  #saw(client: string): void {
    this.#seenBy.set(client, this.#cluster.zxid);
  }

  #read({ client, op, start, end }: Slot, path: string): void {
    const random = this.#random;
    const base = { client, op, start, end };
    const cluster = this.#cluster;
    if (random.below(6) === 0) {
      this.#records.push({ ...base, kind: 'registerRead', zxid: cluster.zxid, ...cluster.register() });
      return this.#saw(client);
    }
    // A follower that has what this client has seen.
    const lagMax = cluster.zxid - Math.max(this.#seenBy.get(client) ?? 0, cluster.followerZxid);
    cluster.catchUp(random.below(lagMax + 1));
    const isLocal = random.chance(0.4) && cluster.followerZxid >= (this.#seenBy.get(client) ?? 0);
    const zxid = isLocal ? cluster.followerZxid : cluster.zxid;
    const consistency = isLocal ? ('local' as const) : ('linearizable' as const);
    this.#seenBy.set(client, zxid);
    if (random.below(4) === 0) {
      const reads = [this.#item(path), this.#item(QUEUE), this.#item(random.pick(KEYS))].map((item) =>
        cluster.read(item, isLocal),
      );
      this.#records.push({ ...base, kind: 'multiRead', reads, zxid, consistency });
    } else {
      this.#records.push({ ...base, ...cluster.read(this.#item(path), isLocal), zxid, consistency });
    }
  }

  #item(path: string): ReadItem {
    if (path === QUEUE) return { kind: 'children', path };
    return { kind: this.#random.pick(['get', 'get', 'exists', 'children', 'count'] as const), path };
  }

  /** A session opens, makes an ephemeral, holds a lock by it, and ends in one way or another; all at one moment of the others' time. */
  #liveSession(at: number): void {
    const op = (): number => ++this.#sessions;
    const slot = (from: number): Slot => ({
      client: SESSION_CLIENT,
      op: op(),
      start: at + from,
      at: at + from + 1,
      end: at + from + 2,
    });
    const unknownPercent = this.#unknownPercent;
    const opened = this.#cluster.write(
      { kind: 'sessionOpen', timeoutMs: 1_000, secretHash: new Uint8Array(32) },
      undefined,
      at,
    );
    const session = placeNumber(opened.zxid);
    this.#records.push({
      kind: 'sessionOpen',
      client: SESSION_CLIENT,
      op: op(),
      start: at - 1,
      end: at,
      zxid: session,
    });
    const told = { kind: 'session', client: SESSION_CLIENT, session } as const;
    this.#records.push({ ...told, event: 'opened', at });
    const path = `/k-${session % 2 ** 32}`;
    this.#perform(slot(1), { kind: 'create', path, value: this.#value(), mode: 'ephemeral' }, session);
    const token = this.#cluster.zxid;
    const hold = {
      kind: 'hold',
      client: SESSION_CLIENT,
      lock: '/lock',
      token,
      acquired: at + 3,
      until: at + 4,
    } as const;
    this.#records.push(hold);
    const end = this.#random.pick(['close', 'expire', 'expire unknown'] as const);
    if (end === 'close') {
      this.#records.push({ ...told, event: 'closed', at: at + 5 });
      this.#perform(slot(5), { kind: 'sessionClose', session }, session);
    } else {
      this.#records.push({ ...told, event: 'expired', at: at + 5 });
      const result = this.#cluster.write({ kind: 'sessionsExpire', sessions: [opened.zxid] }, undefined, at + 6);
      if (end === 'expire') this.#records.push({ ...told, event: 'ended', zxid: placeNumber(result.zxid), at: at + 6 });
    }
    if (unknownPercent === 0) {
      const seen = this.#cluster.read({ kind: 'exists', path }, false);
      this.#records.push({ client: 'late', start: at + 7, end: at + 8, zxid: this.#cluster.zxid, ...seen });
    }
  }

  /** A watch that is opened, and then reset, and tells nothing more. */
  #reset(at: number): void {
    const told = { kind: 'watch', client: 'w', watch: 'reset', at } as const;
    const { zxid } = this.#cluster;
    this.#records.push({ ...told, event: 'opened', path: QUEUE, scope: 'subtree', since: zxid });
    this.#records.push({ ...told, event: 'reset', zxid, nodes: this.#cluster.snapshot(QUEUE) });
  }

  #watch(scope: 'node' | 'subtree', path: string, since: number): void {
    const told = { kind: 'watch', client: 'w', watch: path } as const;
    const opened = { ...told, event: 'opened', path, scope, since, at: 4 } as const;
    this.#records.push(opened);
    let at = 4;
    for (const one of this.#cluster.changes) {
      if (one.zxid <= since) continue;
      const events = one.changes
        .filter((change) => isInScope(opened, change.path))
        .map((change) => Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)));
      at = Math.max(at, one.at);
      if (this.#random.below(10) === 0 && events.length === 0)
        this.#records.push({ ...told, event: 'progress', zxid: one.zxid, at });
      if (events.length === 0) continue;
      this.#records.push({ ...told, event: 'batch', zxid: one.zxid, at, events: events as never });
    }
    this.#records.push({ ...told, event: 'progress', zxid: Math.max(since, this.#cluster.zxid), at: at + 100_000_000 });
  }
}

function commandOf(call: WriteCall): Parameters<ModelCluster['write']>[0] {
  switch (call.kind) {
    case 'transaction': {
      const { compares = [], then, else: otherwise = [] } = call;
      return {
        kind: 'transaction',
        compares: compares.map(toCompare),
        then: then.map(toOperation),
        else: otherwise.map(toOperation),
      };
    }
    case 'registerWrite':
    case 'registerGuess':
      return { kind: call.kind, value: new TextEncoder().encode(call.value) };
    case 'sessionClose':
      return { kind: 'sessionClose' };
    case 'setQuota':
    case 'sessionOpen':
      throw new Error(`a history has no ${call.kind} of this kind`);
    default:
      return toOperation(call) as Parameters<ModelCluster['write']>[0];
  }
}
