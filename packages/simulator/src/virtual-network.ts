import type { Envelope, Message, ServerId } from '@zkl/consensus';
import type { EventQueue } from './event-queue.js';
import type { Random } from './random.js';
import type { NetworkSettings } from './swarm.js';

export interface NetworkEvents {
  onMessage(to: ServerId, from: ServerId, message: Message): void;
  onPeerUp(at: ServerId, peer: ServerId): void;
  onPeerLost(at: ServerId, peer: ServerId): void;
}

/** One direction of a pair of servers. */
interface Path {
  /** The connection that the receiving end of this path knows; 0 for none. */
  connection: number;
  /** Nothing leaves later than what was sent before. */
  lastArrival: number;
  /** Messages are held, as if routers lost every packet, until the path is open again. */
  blocked: boolean;
  held: (() => void)[];
}

const HELD_MAX = 10_000;
/** Units of time after which a doubled message comes at the latest. */
const HAUNTING_MAX = 4_000;

/**
 * Connections between servers. On each, messages arrive in order and at most once; when one ends, what was on its way may be lost, and each end
 * notices in its own time. The harsh profile goes beyond: messages are dropped, doubled and overtaken without the connection ending.
 */
export class VirtualNetwork {
  settings: NetworkSettings;
  readonly #queue: EventQueue;
  readonly #random: Random;
  readonly #events: NetworkEvents;
  readonly #paths = new Map<number, Path>();
  readonly #alive = new Set<ServerId>();
  readonly #ids: readonly ServerId[];
  /** How often each server lost its disk. */
  readonly #lives = new Map<ServerId, number>();
  #connections = 0;

  constructor(
    ids: readonly ServerId[],
    queue: EventQueue,
    random: Random,
    settings: NetworkSettings,
    events: NetworkEvents,
  ) {
    this.#ids = ids;
    this.#queue = queue;
    this.#random = random;
    this.settings = settings;
    this.#events = events;
    for (const from of ids) {
      for (const to of ids) {
        if (from !== to) this.#paths.set(key(from, to), { connection: 0, lastArrival: 0, blocked: false, held: [] });
      }
    }
  }

  /** A server's run begins: it connects to all that live. */
  attach(id: ServerId): void {
    this.#alive.add(id);
    for (const other of this.#ids) if (other !== id && this.#alive.has(other)) this.#connectSoon(id, other);
  }

  /** A server's run ends: the others notice in their own time. */
  detach(id: ServerId): void {
    this.#alive.delete(id);
    for (const other of this.#ids) {
      if (other === id) continue;
      this.#path(other, id).connection = 0;
      this.#loseSoon(id, other);
    }
  }

  /**
   * A server lost its disk, and with it every number by which it could tell an old message from a new one: no second copies of what was sent before reach
   * it. (Nor do they in reality: a connection belongs to one run of a process.)
   */
  forget(id: ServerId): void {
    this.#lives.set(id, this.#livesOf(id) + 1);
  }

  /** The connection between two servers ends; after a while there is another. */
  breakLink(a: ServerId, b: ServerId): void {
    this.#loseSoon(a, b);
    this.#loseSoon(b, a);
  }

  /** From now on nothing gets from one to the other; neither end knows. */
  block(from: ServerId, to: ServerId): void {
    this.#path(from, to).blocked = true;
  }

  /** The way is open again: what was held comes late, unless the connection ended meanwhile. */
  unblock(from: ServerId, to: ServerId): void {
    const path = this.#path(from, to);
    if (!path.blocked) return;
    path.blocked = false;
    const held = path.held;
    path.held = [];
    for (const send of held) send();
    if (path.connection === 0) this.#connectSoon(from, to);
  }

  /** Everything is open and connected again, by new connections where messages were lost. */
  healAll(settings: NetworkSettings): void {
    const { dropRate, reorderRate } = this.settings;
    const isHarsh = dropRate > 0 || reorderRate > 0;
    this.settings = settings;
    for (const from of this.#ids) {
      for (const to of this.#ids) {
        if (from === to) continue;
        this.unblock(from, to);
        if (from < to && (isHarsh || !this.#isConnected(from, to))) this.#reconnect(from, to);
      }
    }
  }

  send(from: ServerId, envelopes: readonly Envelope[]): void {
    for (const { to, message } of envelopes) this.sendOne(from, to, message);
  }

  sendOne(from: ServerId, to: ServerId, message: Message): void {
    const path = this.#paths.get(key(from, to));
    // What the sender believes to be the connection.
    const connection = this.#path(to, from).connection;
    if (path === undefined || connection === 0) return;
    const { dropRate, duplicateRate } = this.settings;
    if (this.#random.chance(dropRate)) return;
    this.#convey(from, to, path, connection, message);
    if (this.#random.chance(duplicateRate)) this.#haunt(from, to, message);
  }

  /** True while messages from `from` arrive at `to`. */
  isOpen(from: ServerId, to: ServerId): boolean {
    const path = this.#path(from, to);
    return path.connection !== 0 && !path.blocked && this.#alive.has(from) && this.#alive.has(to);
  }

  /** A delay as a message has it. */
  latency(): number {
    return this.settings.latencyMin + this.#random.below(this.settings.latencySpread);
  }

  #convey(from: ServerId, to: ServerId, path: Path, connection: number, message: Message): void {
    const deliver = (): void => {
      if (path.connection === connection && this.#alive.has(to)) this.#events.onMessage(to, from, message);
    };
    const depart = (): void => {
      let arrival = this.#queue.now + this.latency();
      if (!this.#random.chance(this.settings.reorderRate)) {
        arrival = Math.max(arrival, path.lastArrival);
        path.lastArrival = arrival;
      }
      this.#queue.after(arrival - this.#queue.now, deliver);
    };
    if (!path.blocked) depart();
    else if (path.held.length < HELD_MAX) path.held.push(depart);
  }

  /** A second copy comes much later, on whatever connection there is then: what belongs to an attempt that is over must be known by its number. */
  #haunt(from: ServerId, to: ServerId, message: Message): void {
    const lives = this.#livesOf(to);
    this.#queue.after(this.#random.below(HAUNTING_MAX), () => {
      if (this.#livesOf(to) === lives && this.#alive.has(to) && !this.#path(from, to).blocked)
        this.#events.onMessage(to, from, message);
    });
  }

  /** The end at `to` notices, after a while, that its connection with `from` has ended. What arrives until then still counts. */
  #loseSoon(from: ServerId, to: ServerId): void {
    const path = this.#path(from, to);
    const { connection } = path;
    if (connection === 0) return;
    this.#queue.after(this.#random.below(this.settings.noticeMax), () => {
      if (path.connection === connection) this.#lose(from, to, path);
    });
  }

  #lose(from: ServerId, to: ServerId, path: Path): void {
    path.connection = 0;
    if (this.#alive.has(to)) this.#events.onPeerLost(to, from);
    this.#connectSoon(from, to);
  }

  #connectSoon(a: ServerId, b: ServerId): void {
    this.#queue.after(this.#random.below(this.settings.reconnectMax), () => this.#connect(a, b));
  }

  #reconnect(a: ServerId, b: ServerId): void {
    this.breakLink(a, b);
    this.#connectSoon(a, b);
  }

  /** A new connection ends what either end still took for one. It takes both ways to be open. */
  #connect(a: ServerId, b: ServerId): void {
    if (!this.#alive.has(a) || !this.#alive.has(b)) return;
    const there = this.#path(a, b);
    const back = this.#path(b, a);
    if (there.connection !== 0 && there.connection === back.connection) return;
    if (there.blocked || back.blocked) return;
    if (there.connection !== 0) this.#lose(a, b, there);
    if (back.connection !== 0) this.#lose(b, a, back);
    const connection = ++this.#connections;
    for (const [from, to, path] of this.#random.shuffled([
      [a, b, there],
      [b, a, back],
    ] as const)) {
      path.connection = connection;
      path.lastArrival = 0;
      this.#events.onPeerUp(to, from);
    }
  }

  #isConnected(a: ServerId, b: ServerId): boolean {
    const { connection } = this.#path(a, b);
    return connection !== 0 && connection === this.#path(b, a).connection;
  }

  #livesOf(id: ServerId): number {
    return this.#lives.get(id) ?? 0;
  }

  #path(from: ServerId, to: ServerId): Path {
    return this.#paths.get(key(from, to))!;
  }
}

function key(from: ServerId, to: ServerId): number {
  return from * 64 + to;
}
