import type { Socket } from 'node:net';
import type { ResolvedPortLimits } from './port-limits.js';

/**
 * Counts the connections of a port, in all and by address. What has not yet said what it speaks, and peers, may use the reserved
 * places; clients may not.
 */
export class ConnectionCaps {
  readonly #limits: ResolvedPortLimits;
  readonly #open = new Set<Socket>();
  readonly #byAddress = new Map<string, number>();

  constructor(limits: ResolvedPortLimits) {
    this.#limits = limits;
  }

  /** Connections that are open now. */
  get size(): number {
    return this.#open.size;
  }

  /** Every open connection, in the order they came. */
  get sockets(): Iterable<Socket> {
    return this.#open;
  }

  /** Counts the connection until it closes, or says why it cannot stay. */
  enter(socket: Socket): 'too-many-connections' | 'too-many-from-address' | undefined {
    const { connectionsMax, connectionsPerAddressMax, connectionsReserved } = this.#limits;
    const address = socket.remoteAddress ?? '';
    const count = this.#byAddress.get(address) ?? 0;
    if (this.#open.size >= connectionsMax + connectionsReserved) return 'too-many-connections';
    if (count >= connectionsPerAddressMax + connectionsReserved) return 'too-many-from-address';
    this.#open.add(socket);
    this.#byAddress.set(address, count + 1);
    socket.once('close', () => this.#leave(socket, address));
    return undefined;
  }

  /** Why a connection that was counted may not stay as a client's. */
  overClientCaps(socket: Socket): 'too-many-connections' | 'too-many-from-address' | undefined {
    if (this.#open.size > this.#limits.connectionsMax) return 'too-many-connections';
    const count = this.#byAddress.get(socket.remoteAddress ?? '') ?? 0;
    return count > this.#limits.connectionsPerAddressMax ? 'too-many-from-address' : undefined;
  }

  #leave(socket: Socket, address: string): void {
    this.#open.delete(socket);
    const count = this.#byAddress.get(address) ?? 0;
    if (count <= 1) this.#byAddress.delete(address);
    else this.#byAddress.set(address, count - 1);
  }
}
