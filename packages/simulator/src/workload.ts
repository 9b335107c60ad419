import { compareZxid, maxZxid, ZXID_ZERO, type Ready, type Status, type Zxid } from '@zkl/consensus';
import type { PendingRead } from './checker.js';
import type { EventQueue } from './event-queue.js';
import type { Random } from './random.js';
import type { Settings } from './swarm.js';
import type { VirtualServer } from './virtual-server.js';

export interface WorkloadSurroundings {
  readonly queue: EventQueue;
  readonly random: Random;
  readonly settings: Settings;
  readonly servers: readonly VirtualServer[];
}

const PAYLOADS = [0, 16, 64, 256].map((size) => new Uint8Array(size));

const WAITING_MAX = 150;

/** Virtual clients: they write to whoever says that it leads, also if it does no longer, and read anywhere. */
export class Workload {
  readonly #around: WorkloadSurroundings;
  readonly #reads = new Map<number, PendingRead>();
  #floor: Zxid = ZXID_ZERO;
  #ticket = 0;
  #over = false;
  assigned = 0;
  refused = 0;
  readsServed = 0;

  constructor(around: WorkloadSurroundings) {
    this.#around = around;
  }

  start(): void {
    const { proposeEvery, readEvery } = this.#around.settings;
    this.#every(proposeEvery, () => this.#propose());
    this.#every(readEvery, () => this.#read());
  }

  stop(): void {
    this.#over = true;
  }

  /** Whatever is committed anywhere, or was read, every later read must see. */
  raiseFloor(zxid: Zxid): void {
    if (compareZxid(zxid, this.#floor) > 0) this.#floor = maxZxid(this.#floor, zxid);
  }

  onReady(ready: Ready): void {
    this.assigned += ready.assigned.length;
    this.refused += ready.refused.length;
    for (const { ticket } of ready.refused) this.#reads.delete(ticket);
  }

  /** The read that was asked for under this ticket, once. */
  takeRead(ticket: number): PendingRead | undefined {
    const read = this.#reads.get(ticket);
    this.#reads.delete(ticket);
    if (read !== undefined) this.readsServed++;
    return read;
  }

  proposeAt(server: VirtualServer): void {
    const { random, queue } = this.#around;
    const count = random.between(1, 4);
    const payload = random.pick(PAYLOADS);
    server.input({ kind: 'propose', ticket: ++this.#ticket, count, payload, timeMs: queue.now });
  }

  #every(mean: number, action: () => void): void {
    const { queue, random } = this.#around;
    queue.after(1 + random.below(2 * mean), () => {
      if (this.#over) return;
      action();
      this.#every(mean, action);
    });
  }

  #propose(): void {
    const { random, servers } = this.#around;
    const leaders = servers.filter((server) => server.core !== undefined && isServingLeader(server.core.status));
    const server = leaders.length > 0 && !random.chance(0.05) ? random.pick(leaders) : random.pick(servers);
    if (!isOverloaded(server)) this.proposeAt(server);
  }

  /** Half of them at one that leads, or believes so. */
  #read(): void {
    const { random, servers } = this.#around;
    const leading = servers.filter((each) => each.core?.status.role === 'leading');
    const server = random.pick(leading.length > 0 && random.chance(0.5) ? leading : servers);
    if (!server.alive) return;
    const ticket = ++this.#ticket;
    this.#reads.set(ticket, { ticket, server: server.id, floor: this.#floor });
    server.input({ kind: 'read', ticket });
  }
}

/** The driver refuses writes when too many wait (`pendingWritesMax`). */
function isOverloaded({ core }: VirtualServer): boolean {
  return core !== undefined && core.last.counter - core.committed.counter > WAITING_MAX;
}

export function isServingLeader(status: Status): boolean {
  return status.role === 'leading' && status.serving;
}
