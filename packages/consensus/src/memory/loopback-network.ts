import type { Message } from '../core/messages.js';
import type { ServerId } from '../core/server-id.js';
import type { PeerEvents, PeerTransport, SnapshotReader } from '../node/ports.js';

/**
 * Servers in one process, connected without sockets: for users' tests. Messages arrive in order, in a later turn of the event loop.
 * Links can be cut and mended, each pair for itself.
 */
export class LoopbackNetwork {
  readonly #ends = new Map<ServerId, LoopbackTransport>();
  readonly #cut = new Set<string>();

  /** The transport of one server; made anew for each run of it. */
  transport(id: ServerId): PeerTransport {
    return new LoopbackTransport(id, this);
  }

  /** Ends the connection between two servers, and every try to connect, until `mend`. */
  cut(a: ServerId, b: ServerId): void {
    if (this.#cut.has(pair(a, b))) return;
    const connected = this.peer(a, b) !== undefined;
    this.#cut.add(pair(a, b));
    if (!connected) return;
    this.#ends.get(a)?.lost(b);
    this.#ends.get(b)?.lost(a);
  }

  mend(a: ServerId, b: ServerId): void {
    if (!this.#cut.delete(pair(a, b)) || this.peer(a, b) === undefined) return;
    this.#ends.get(a)?.up(b);
    this.#ends.get(b)?.up(a);
  }

  /** Cuts one server off from all others. */
  isolate(id: ServerId): void {
    for (const other of this.#ends.keys()) if (other !== id) this.cut(id, other);
  }

  mendAll(): void {
    for (const key of [...this.#cut]) {
      const [a, b] = key.split('-').map(Number);
      this.mend(a!, b!);
    }
  }

  peer(from: ServerId, to: ServerId): LoopbackTransport | undefined {
    return this.#cut.has(pair(from, to)) || !this.#ends.has(from) ? undefined : this.#ends.get(to);
  }

  attach(end: LoopbackTransport): void {
    this.#ends.set(end.id, end);
    for (const other of this.#ends.values()) {
      if (other === end || this.#cut.has(pair(end.id, other.id))) continue;
      other.up(end.id);
      end.up(other.id);
    }
  }

  detach(end: LoopbackTransport): void {
    if (this.#ends.get(end.id) !== end) return;
    this.#ends.delete(end.id);
    for (const other of this.#ends.values()) {
      if (!this.#cut.has(pair(end.id, other.id))) other.lost(end.id);
    }
  }
}

class LoopbackTransport implements PeerTransport {
  readonly id: ServerId;
  readonly #network: LoopbackNetwork;
  #events: PeerEvents | undefined;
  #inbox: (() => void)[] = [];

  constructor(id: ServerId, network: LoopbackNetwork) {
    this.id = id;
    this.#network = network;
  }

  start(events: PeerEvents): Promise<void> {
    this.#events = events;
    this.#network.attach(this);
    return Promise.resolve();
  }

  send(to: ServerId, message: Message): void {
    const peer = this.#network.peer(this.id, to);
    peer?.deliver((events) => events.onMessage(this.id, message));
  }

  async sendSnapshot(to: ServerId, attempt: number, snapshot: SnapshotReader, signal: AbortSignal): Promise<void> {
    const events = this.#network.peer(this.id, to)?.events;
    if (events === undefined) throw new Error(`server ${to} cannot be reached`);
    await events.onSnapshot(this.id, attempt, snapshot.zxid, this.#chunks(to, snapshot, signal));
  }

  stop(): Promise<void> {
    this.#network.detach(this);
    this.#events = undefined;
    return Promise.resolve();
  }

  get events(): PeerEvents | undefined {
    return this.#events;
  }

  up(peer: ServerId): void {
    this.deliver((events) => events.onPeerUp(peer));
  }

  lost(peer: ServerId): void {
    this.deliver((events) => events.onPeerLost(peer));
  }

  deliver(event: (events: PeerEvents) => void): void {
    this.#inbox.push(() => {
      if (this.#events !== undefined) event(this.#events);
    });
    if (this.#inbox.length > 1) return;
    queueMicrotask(() => {
      const inbox = this.#inbox;
      this.#inbox = [];
      for (const run of inbox) run();
    });
  }

  async *#chunks(to: ServerId, snapshot: SnapshotReader, signal: AbortSignal): AsyncIterable<Uint8Array> {
    for await (const chunk of snapshot.chunks) {
      if (signal.aborted || this.#network.peer(this.id, to) === undefined) throw new Error('the transfer was cut');
      yield chunk;
    }
  }
}

function pair(a: ServerId, b: ServerId): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`;
}
