import { createClient, type Client } from '@zkl/client-sdk';
import { Latencies } from './latencies.js';

/** A load of writes. */
export interface WriteLoadOptions {
  readonly endpoints: readonly string[];
  /** SDK clients that share the calls. */
  readonly clients: number;
  /** Calls under way at any time, of all clients together. */
  readonly inFlight: number;
  readonly valueBytes: number;
  /** Znodes that the sets go round on, below `/bench`. */
  readonly znodes: number;
}

/** Sets znodes, as many at a time as it is told, each as soon as one before it is acknowledged. */
export class WriteLoad implements AsyncDisposable {
  readonly #clients: readonly Client[];
  readonly #options: WriteLoadOptions;
  readonly #value: Uint8Array;
  #next = 0;

  private constructor(options: WriteLoadOptions) {
    this.#options = options;
    const { endpoints } = options;
    this.#clients = Array.from({ length: options.clients }, () => createClient({ endpoints }));
    this.#value = new Uint8Array(options.valueBytes).map((_, index) => 32 + (index % 90));
  }

  /** Makes the znodes. */
  static async start(options: WriteLoadOptions): Promise<WriteLoad> {
    const load = new WriteLoad(options);
    const [client] = load.#clients;
    if (client === undefined) throw new RangeError('a load needs a client');
    if ((await client.exists('/bench')) === undefined) {
      await client.create('/bench');
      await Promise.all(Array.from({ length: options.znodes }, (_, index) => client.create(`/bench/node-${index}`)));
    }
    return load;
  }

  /** Runs for so long, and tells how long each write took that was acknowledged in that time. A write that fails ends the run. */
  async run(durationMs: number): Promise<{ readonly latencies: Latencies; readonly elapsedMs: number }> {
    const latencies = new Latencies();
    const startedMs = performance.now();
    const untilMs = startedMs + durationMs;
    const loop = async (client: Client): Promise<void> => {
      for (let nowMs = performance.now(); nowMs < untilMs;) {
        await client.set(this.#path(), this.#value);
        const endedMs = performance.now();
        latencies.add(endedMs - nowMs);
        nowMs = endedMs;
      }
    };
    await Promise.all(
      Array.from({ length: this.#options.inFlight }, (_, index) =>
        loop(this.#clients[index % this.#clients.length] as Client),
      ),
    );
    return { latencies, elapsedMs: performance.now() - startedMs };
  }

  /** Makes exactly so many writes. */
  async write(count: number): Promise<void> {
    let left = count;
    const loop = async (client: Client): Promise<void> => {
      while (left-- > 0) await client.set(this.#path(), this.#value);
    };
    await Promise.all(
      Array.from({ length: this.#options.inFlight }, (_, index) =>
        loop(this.#clients[index % this.#clients.length] as Client),
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  #path(): string {
    return `/bench/node-${this.#next++ % this.#options.znodes}`;
  }
}
