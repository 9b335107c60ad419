import type { Socket } from 'node:net';
import type { ResolvedPortLimits } from '../port/port-limits.js';
import { DirectConnection, type DirectOptions } from './direct-connection.js';

/** The direct connections of a port: takes them in, and sees to those that do nothing, or died without saying so. One timer for each of the two. */
export class DirectPort {
  readonly #options: DirectOptions;
  readonly #limits: ResolvedPortLimits;
  readonly #connections = new Set<DirectConnection>();
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(options: DirectOptions, limits: ResolvedPortLimits) {
    this.#options = options;
    this.#limits = limits;
    const { http2IdleTimeoutMs, http2KeepAliveMs } = limits;
    if (http2IdleTimeoutMs > 0) this.#every(Math.max(50, http2IdleTimeoutMs / 4), () => this.#closeIdle());
    if (http2KeepAliveMs > 0) this.#every(http2KeepAliveMs, () => this.#pingSilent());
  }

  /** Serves a connection that began with the magic. `head` is what was read so far, the magic included; the socket is paused. */
  accept(socket: Socket, head: Buffer): void {
    const connection = new DirectConnection(socket, head, this.#options, this.#limits);
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
  }

  /** No connection takes new calls; each ends when those under way have. */
  closeAll(): void {
    for (const connection of this.#connections) connection.goAway();
  }

  /** Stops the timers. */
  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  #every(intervalMs: number, run: () => void): void {
    this.#timers.push(setInterval(run, intervalMs).unref());
  }

  #closeIdle(): void {
    const deadlineMs = performance.now() - this.#limits.http2IdleTimeoutMs;
    for (const connection of this.#connections) {
      if (connection.calls === 0 && connection.idleSinceMs < deadlineMs) connection.goAway();
    }
  }

  /** Who said something lives; who said nothing is asked, and ends when it has still said nothing at the next turn. */
  #pingSilent(): void {
    for (const connection of this.#connections) {
      if (connection.heard) connection.askedAtTurn = false;
      else if (connection.askedAtTurn) connection.destroy();
      else {
        connection.askedAtTurn = true;
        connection.ping();
      }
      connection.heard = false;
    }
  }
}
