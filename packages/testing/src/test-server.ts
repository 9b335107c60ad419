import type { Socket } from 'node:net';
import type { ServerId } from '@zkl/consensus';
import {
  createServerIn,
  type CreateServerOptions,
  type OtherListener,
  type ServerStatus,
  type ZklServer,
} from '@zkl/server/testing';
import { TestClusterError } from './errors.js';
import type { MemoryNetwork } from './memory-network.js';
import type { MemorySocket } from './memory-socket.js';
import { TestClock } from './test-clock.js';
import { TestDisk } from './test-disk.js';

/** `paused`: it stands still, as a process does that is stopped or swapped out. `down`: it was killed or stopped, or has failed. */
export type TestServerState = 'running' | 'paused' | 'down';

/** One server of a test cluster, and what can be done to it. */
export class TestServer {
  readonly id: ServerId;
  /** Where clients find it: a name that only the cluster's own network knows. */
  readonly endpoint: string;
  readonly #options: CreateServerOptions;
  readonly #network: MemoryNetwork;
  readonly #disk = new TestDisk();
  #clock = new TestClock();
  #server: ZklServer | undefined;
  #state: TestServerState = 'down';

  /** Made by the cluster. */
  constructor(id: ServerId, endpoint: string, options: CreateServerOptions, network: MemoryNetwork) {
    this.id = id;
    this.endpoint = endpoint;
    this.#options = options;
    this.#network = network;
  }

  get state(): TestServerState {
    return this.#state;
  }

  /** The server as its embedder has it. @throws {@link TestClusterError} WRONG_STATE while it is down. */
  get server(): ZklServer {
    if (this.#server === undefined) throw new TestClusterError('WRONG_STATE', `server ${this.id} is down`);
    return this.#server;
  }

  /** What it says of itself; undefined while it is down. */
  get status(): ServerStatus | undefined {
    return this.#server?.status();
  }

  /** True while it takes part in a quorum. */
  get isServing(): boolean {
    return this.#state === 'running' && this.status?.serving === true;
  }

  /** True while it leads a quorum. */
  get isLeader(): boolean {
    return this.isServing && this.status?.role === 'leading';
  }

  /** Starts it with what its disk holds. Resolves when it has recovered that; `TestCluster.whenServing` waits for the rest. */
  async start(): Promise<void> {
    if (this.#state !== 'down') throw new TestClusterError('WRONG_STATE', `server ${this.id} runs already`);
    const clock = new TestClock();
    const server = await createServerIn(
      {
        clock,
        openStore: () => Promise.resolve(this.#disk.open()),
        listen: (onConnection) => Promise.resolve(this.#listen(onConnection)),
        connect: (address) => asSocket(this.#network.connect(this.id, `${address.host}:${address.port}`)),
      },
      this.#options,
    );
    this.#clock = clock;
    this.#server = server;
    this.#state = 'running';
    void server.failed.then(() => this.#onGone(server));
    // Who waits for it looks at its status.
    server.ready.catch(() => undefined);
  }

  /** As `kill -9`: nobody is told, and what was not synced is lost. Resolves when nothing of it runs any more. */
  async kill(): Promise<void> {
    const { server } = this;
    if (this.#state === 'paused') this.#network.thaw(this.id);
    this.#onGone(server);
    this.#network.reset(this.id);
    this.#clock.resume();
    await server.stop({ graceful: false });
    this.#disk.crash();
  }

  /** As SIGTERM: a leader hands over first. */
  async stop(): Promise<void> {
    const { server } = this;
    if (this.#state === 'paused') this.resume();
    await server.stop();
    this.#onGone(server);
  }

  /** As SIGSTOP: nothing moves, connections stay open. */
  pause(): void {
    if (this.#state !== 'running') throw new TestClusterError('WRONG_STATE', `server ${this.id} is ${this.#state}`);
    this.#state = 'paused';
    this.#clock.pause();
    this.#network.freeze(this.id);
  }

  /** As SIGCONT. */
  resume(): void {
    if (this.#state !== 'paused') throw new TestClusterError('WRONG_STATE', `server ${this.id} is ${this.#state}`);
    this.#state = 'running';
    this.#network.thaw(this.id);
    this.#clock.resume();
  }

  /** Every write and every sync takes this long, in milliseconds; 0 is at once. */
  slowDisk(delayMs: number): void {
    this.#disk.delayMs = delayMs;
  }

  /** Every write and every sync fails with this code (`EIO`, `ENOSPC`), until `undefined`. */
  failDisk(code: string | undefined): void {
    this.#disk.failure = code;
  }

  #listen(onConnection: (socket: Socket) => void): OtherListener {
    const at = this.endpoint.lastIndexOf(':');
    const close = this.#network.listen(this.endpoint, this.id, (socket) => onConnection(asSocket(socket.closeAtEnd())));
    return { address: { host: this.endpoint.slice(0, at), port: Number(this.endpoint.slice(at + 1)) }, close };
  }

  #onGone(server: ZklServer): void {
    if (this.#server !== server) return;
    this.#server = undefined;
    this.#state = 'down';
  }
}

/** It has what the server uses of a socket, and not all that node:net has. */
function asSocket(socket: MemorySocket): Socket {
  return socket as unknown as Socket;
}
