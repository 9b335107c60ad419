import { Gate } from './gate.js';
import { MemorySocket } from './memory-socket.js';

/** Who has an end of a connection: a server by its id, or 0 for every client. */
export type Party = number;

/** The clients, all of them. */
export const CLIENTS: Party = 0;

interface Listener {
  readonly party: Party;
  readonly onConnection: (socket: MemorySocket) => void;
}

/**
 * A network in memory: addresses that parties listen on, and for each ordered pair of parties a gate, by which they are cut off from each other or slowed
 * down. Connections last while a gate is closed, as they do when packets are lost; new ones wait.
 */
export class MemoryNetwork {
  readonly #listeners = new Map<string, Listener>();
  readonly #gates = new Map<string, Gate>();
  readonly #sockets = new Map<Party, Set<MemorySocket>>();
  /** Parties stay with their addresses, listening or not. */
  readonly #parties = new Map<string, Party>();
  readonly #frozen = new Set<Party>();
  #isCut: (from: Party, to: Party) => boolean = () => false;
  #ports = 40_000;

  /** Listens; the returned function ends that. One listener an address. */
  listen(address: string, party: Party, onConnection: (socket: MemorySocket) => void): () => void {
    if (this.#listeners.has(address)) {
      throw Object.assign(new Error(`listen EADDRINUSE: ${address}`), { code: 'EADDRINUSE', syscall: 'listen' });
    }
    const listener = { party, onConnection };
    this.#listeners.set(address, listener);
    this.#parties.set(address, party);
    return () => {
      if (this.#listeners.get(address) === listener) this.#listeners.delete(address);
    };
  }

  /** Connects. The socket emits `connect`, or `error` with ECONNREFUSED. */
  connect(from: Party, address: string): MemorySocket {
    const to = this.#partyAt(address);
    const local = { address: '127.0.0.1', port: this.#nextPort() };
    const remote = splitAddress(address);
    const there = this.gate(from, to);
    const back = this.gate(to, from);
    const socket = new MemorySocket(
      { localAddress: local.address, localPort: local.port, remoteAddress: remote.host, remotePort: remote.port },
      there,
      true,
    );
    this.#keep(from, socket);
    there.pass(() => this.#accept(socket, address, back));
    return socket;
  }

  /** The way from one party to another. */
  gate(from: Party, to: Party): Gate {
    const key = `${from} ${to}`;
    let gate = this.#gates.get(key);
    if (gate === undefined) {
      this.#gates.set(key, (gate = new Gate()));
      if (this.#isClosed(from, to)) gate.close();
    }
    return gate;
  }

  /** A party stands still: nothing reaches it, and nothing leaves it. */
  freeze(party: Party): void {
    this.#frozen.add(party);
    this.#settle();
  }

  /** It goes on: what waited for it comes. */
  thaw(party: Party): void {
    this.#frozen.delete(party);
    this.#settle();
  }

  /** From now on nothing passes from the one to the other where `isCut` says so, and everything that waited elsewhere does. */
  cut(isCut: (from: Party, to: Party) => boolean): void {
    this.#isCut = isCut;
    this.#settle();
  }

  /** Ends all connections of a party at once, as when its process is killed. */
  reset(party: Party): void {
    for (const socket of this.#sockets.get(party) ?? []) socket.reset();
  }

  /** Ends everything, and tells nobody. */
  close(): void {
    this.#listeners.clear();
    for (const gate of this.#gates.values()) {
      gate.close();
      gate.clear();
    }
    for (const sockets of this.#sockets.values()) for (const socket of sockets) socket.destroy();
  }

  #isClosed(from: Party, to: Party): boolean {
    return this.#frozen.has(from) || this.#frozen.has(to) || this.#isCut(from, to);
  }

  #settle(): void {
    for (const [key, gate] of this.#gates) {
      const [from = 0, to = 0] = key.split(' ').map(Number);
      if (this.#isClosed(from, to)) gate.close();
      else gate.open();
    }
  }

  #accept(socket: MemorySocket, address: string, back: Gate): void {
    if (socket.destroyed) return;
    const listener = this.#listeners.get(address);
    if (listener === undefined) {
      const error = new Error(`connect ECONNREFUSED ${address}`);
      // The refusal has to come back too.
      back.pass(() => socket.destroy(Object.assign(error, { code: 'ECONNREFUSED', syscall: 'connect' })));
      return;
    }
    const { localAddress, localPort, remoteAddress, remotePort } = socket;
    const accepted = new MemorySocket(
      { localAddress: remoteAddress, localPort: remotePort, remoteAddress: localAddress, remotePort: localPort },
      back,
      false,
    );
    this.#keep(listener.party, accepted);
    accepted.join(socket);
    back.pass(() => {
      if (socket.destroyed) accepted.destroy();
      else socket.join(accepted);
    });
    listener.onConnection(accepted);
  }

  #keep(party: Party, socket: MemorySocket): void {
    let sockets = this.#sockets.get(party);
    if (sockets === undefined) this.#sockets.set(party, (sockets = new Set()));
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  }

  #partyAt(address: string): Party {
    return this.#parties.get(address) ?? CLIENTS;
  }

  #nextPort(): number {
    this.#ports = this.#ports >= 65_535 ? 40_000 : this.#ports + 1;
    return this.#ports;
  }
}

function splitAddress(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at), port: Number(address.slice(at + 1)) };
}
