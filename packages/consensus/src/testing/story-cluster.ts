import { assert } from '../core/assert.js';
import { endOf } from '../core/block.js';
import type { Message } from '../core/messages.js';
import type { ServerId } from '../core/server-id.js';
import { formatZxid, type Zxid } from '../core/zxid.js';
import { StoryServer } from './story-server.js';

type Carried = { readonly message: Message } | { readonly snapshot: Zxid; readonly attempt: number };

const STEPS_MAX = 20_000;

/** The servers of a story and the paths between them, on which messages wait until the story lets them through. */
export class StoryCluster {
  readonly servers = new Map<ServerId, StoryServer>();
  readonly #paths = new Map<string, Carried[]>();
  /** Connections that were cut; both ends know. */
  readonly #cut = new Set<string>();
  /** Paths on which messages wait although nobody knows. */
  readonly #held = new Set<string>();
  #told: string[] = [];
  #ticket = 0;

  constructor(size: number, planted: ReadonlySet<string>) {
    const ids = Array.from({ length: size }, (_, index) => index + 1);
    for (const id of ids) this.servers.set(id, this.#makeServer(id, ids, planted));
    for (const from of ids) for (const to of ids) if (from !== to) this.#paths.set(path(from, to), []);
  }

  /** What happened since it was last asked. */
  takeTold(): string[] {
    const told = this.#told;
    this.#told = [];
    return told;
  }

  server(id: ServerId): StoryServer {
    const server = this.servers.get(id);
    assert(server !== undefined, `there is no server ${id}`);
    return server;
  }

  start(id: ServerId): void {
    this.server(id).start();
    for (const other of this.servers.keys()) if (other !== id) this.#up(id, other);
  }

  crash(id: ServerId): void {
    this.server(id).crash();
    for (const other of this.servers.keys()) if (other !== id) this.#lost(id, other);
  }

  cut(a: ServerId, b: ServerId): void {
    this.#cut.add(pair(a, b));
    this.#lost(a, b);
  }

  mend(a: ServerId, b: ServerId): void {
    if (this.#cut.delete(pair(a, b))) this.#up(a, b);
  }

  hold(from: ServerId, to: ServerId): void {
    this.#held.add(path(from, to));
  }

  unhold(from: ServerId, to: ServerId): void {
    this.#held.delete(path(from, to));
  }

  tick(id: ServerId): void {
    this.server(id).input({ kind: 'tick' });
  }

  propose(id: ServerId, count: number): void {
    const ticket = ++this.#ticket;
    this.server(id).input({ kind: 'propose', ticket, count, payload: new Uint8Array(8), timeMs: 0 });
  }

  read(id: ServerId): void {
    this.server(id).input({ kind: 'read', ticket: ++this.#ticket });
  }

  /** Lets everything through that waits, and what it causes, and flushes all disks that are not slow. */
  settle(): void {
    for (let steps = 0; steps < STEPS_MAX; steps++) {
      const isFlushed = this.#flushAll();
      const isDelivered = [...this.#paths.keys()].filter((key) => this.#deliverFirst(key, false)).length > 0;
      if (!isFlushed && !isDelivered) return;
    }
    throw new Error('the story never settles');
  }

  /** Lets through what waits on one path now, and tells of each. */
  deliver(from: ServerId, to: ServerId): void {
    const count = this.#paths.get(path(from, to))!.length;
    for (let i = 0; i < count; i++) this.#deliverFirst(path(from, to), true);
  }

  double(from: ServerId, to: ServerId): void {
    const waiting = this.#paths.get(path(from, to))!;
    waiting.push(...waiting);
  }

  drop(from: ServerId, to: ServerId): void {
    this.#paths.get(path(from, to))!.length = 0;
  }

  #makeServer(id: ServerId, ids: readonly ServerId[], planted: ReadonlySet<string>): StoryServer {
    return new StoryServer(id, ids, planted, {
      onSend: (from, { send }) => {
        for (const { to, message } of send) this.#carry(from, to, { message });
      },
      onSnapshot: (from, to, attempt) => this.#carry(from, to, { snapshot: this.server(from).snapshot, attempt }),
      onTold: (line) => this.#told.push(line),
    });
  }

  #carry(from: ServerId, to: ServerId, carried: Carried): void {
    if (!this.#cut.has(pair(from, to)) && this.server(to).core !== undefined)
      this.#paths.get(path(from, to))!.push(carried);
  }

  #flushAll(): boolean {
    let flushed = false;
    for (const server of this.servers.values()) {
      if (server.slowDisk || !server.hasBatches) continue;
      server.flush();
      flushed = true;
    }
    return flushed;
  }

  #deliverFirst(key: string, isTold: boolean): boolean {
    if (this.#held.has(key)) return false;
    const carried = this.#paths.get(key)!.shift();
    if (carried === undefined) return false;
    const [from, to] = key.split('>').map(Number) as [ServerId, ServerId];
    if (isTold) this.#told.push(`${from} -> ${to} ${describe(carried)}`);
    if ('message' in carried) this.server(to).input({ kind: 'message', from, message: carried.message });
    else this.#deliverSnapshot(from, to, carried.snapshot, carried.attempt);
    return true;
  }

  #deliverSnapshot(from: ServerId, to: ServerId, zxid: Zxid, attempt: number): void {
    const receiver = this.server(to);
    const isWanted = receiver.core?.awaitsSnapshot(from, attempt) === true;
    if (isWanted) {
      this.#told.push(`${to} installs a snapshot at ${formatZxid(zxid)}`);
      receiver.install(attempt, zxid);
    }
    this.server(from).input({ kind: 'snapshotSent', to, attempt, zxid: isWanted ? zxid : undefined });
  }

  #up(a: ServerId, b: ServerId): void {
    if (this.#cut.has(pair(a, b)) || this.server(a).core === undefined || this.server(b).core === undefined) return;
    this.server(a).input({ kind: 'peerUp', peer: b });
    this.server(b).input({ kind: 'peerUp', peer: a });
  }

  #lost(a: ServerId, b: ServerId): void {
    this.drop(a, b);
    this.drop(b, a);
    this.server(a).input({ kind: 'peerLost', peer: b });
    this.server(b).input({ kind: 'peerLost', peer: a });
  }
}

function path(from: ServerId, to: ServerId): string {
  return `${from}>${to}`;
}

function pair(a: ServerId, b: ServerId): string {
  return a < b ? path(a, b) : path(b, a);
}

function describe(carried: Carried): string {
  if ('snapshot' in carried) return `snapshot ${formatZxid(carried.snapshot)}`;
  const { kind, attempt: _, ...rest } = carried.message as Message & { attempt?: number };
  const details = Object.entries(rest).map(([name, value]) => `${name} ${describeValue(value)}`);
  return [kind, details.join(', ')].filter((part) => part !== '').join(' ');
}

function describeValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((block) => formatZxid(endOf(block as never))).join(' ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  if ('leader' in value) {
    const vote = value as { leader: number; epoch: number; zxid: Zxid };
    return `(${vote.leader}, epoch ${vote.epoch}, ${formatZxid(vote.zxid)})`;
  }
  return formatZxid(value as Zxid);
}
