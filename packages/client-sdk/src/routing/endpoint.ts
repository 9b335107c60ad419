import type { Channel, ChannelTarget, OpenChannel } from '../channel/channel.js';
import { backoffMs } from './backoff.js';
import type { EndpointAddress } from './endpoint-address.js';

/** One place where a server is found, the connection to it, and how well it did lately. */
export class Endpoint {
  readonly address: string;
  readonly url: string;
  readonly #open: OpenChannel;
  readonly #messageBytesMax: number;
  #channel: Channel | undefined;
  #serverId: number | undefined;
  #shared = false;
  /** When the last answer to any request came, on the clock of `performance.now()`. */
  #answeredAtMs = 0;
  #failures = 0;
  #retryAtMs = 0;

  constructor(where: EndpointAddress, open: OpenChannel, messageBytesMax: ChannelTarget['messageBytesMax']) {
    this.address = where.address;
    this.url = where.url;
    this.#open = open;
    this.#messageBytesMax = messageBytesMax;
  }

  /** The server that answers here, once that is known, and if it is one: behind a load balancer it is not. */
  get serverId(): number | undefined {
    return this.#shared ? undefined : this.#serverId;
  }

  /** When it may be tried again after failures, on the clock of `performance.now()`; 0 when it is well. */
  get retryAtMs(): number {
    return this.#retryAtMs;
  }

  get channel(): Channel {
    this.#channel ??= this.#open({ url: this.url, messageBytesMax: this.#messageBytesMax });
    return this.#channel;
  }

  /** Whether it answered anything since then: it is busy rather than dead. */
  answeredSince(timeMs: number): boolean {
    return this.#answeredAtMs >= timeMs;
  }

  /** Some request was answered, by whatever. */
  answered(): void {
    this.#answeredAtMs = performance.now();
  }

  healthyAt(nowMs: number): boolean {
    return nowMs >= this.#retryAtMs;
  }

  learnServerId(serverId: number): void {
    if (this.#serverId !== undefined && this.#serverId !== serverId) this.#shared = true;
    this.#serverId = serverId;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#retryAtMs = 0;
  }

  /**
   * A request was lost or answered with garbage. A thousand of them on one broken connection are one failure.
   *
   * @param leastMs - Not to be tried again before that, if others are there. Default: 0.
   */
  failed(leastMs = 0): void {
    const nowMs = performance.now();
    if (nowMs < this.#retryAtMs) return;
    this.#failures += 1;
    this.#retryAtMs = nowMs + Math.max(leastMs, backoffMs(this.#failures));
  }

  close(): void {
    this.#channel?.close();
    this.#channel = undefined;
  }
}
