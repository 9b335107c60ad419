import { isZklError, type Client, type ZklError } from '@zkl/client-sdk';
import { createServer, type ZklServer } from '@zkl/server';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Free ports, found by taking them all at once and letting them go. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createTcpServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Real servers in this process: sockets, folders, fsync and elections of their own. */
export class EmbeddedCluster implements AsyncDisposable {
  readonly endpoints: readonly string[];
  readonly #folder: string;
  readonly #members: string;
  readonly #servers = new Map<number, ZklServer>();

  private constructor(folder: string, endpoints: readonly string[]) {
    this.#folder = folder;
    this.endpoints = endpoints;
    this.#members = endpoints.map((endpoint, index) => `${index + 1}=${endpoint}`).join(',');
  }

  static async start(size: number): Promise<EmbeddedCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'zkl-sdk-'));
    const endpoints = (await freePorts(size)).map((port) => `127.0.0.1:${port}`);
    const cluster = new EmbeddedCluster(folder, endpoints);
    try {
      const servers = await Promise.all(endpoints.map((_, index) => cluster.startServer(index + 1)));
      await Promise.all(servers.map((server) => server.ready));
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  async startServer(serverId: number): Promise<ZklServer> {
    const server = await createServer({
      serverId,
      members: this.#members,
      dataFolder: join(this.#folder, String(serverId)),
      logger: false,
    });
    this.#servers.set(serverId, server);
    return server;
  }

  /** As a killed process: nothing is handed over, nothing answered. */
  async kill(serverId: number): Promise<void> {
    const server = this.#servers.get(serverId);
    this.#servers.delete(serverId);
    await server?.stop({ graceful: false });
  }

  /** @throws when it is not running. */
  server(serverId: number): ZklServer {
    const server = this.#servers.get(serverId);
    if (server === undefined) throw new Error(`Server ${serverId} is not running`);
    return server;
  }

  /** 0 when nobody leads. */
  get leaderId(): number {
    for (const [serverId, server] of this.#servers) {
      const { role, serving } = server.status();
      if (role === 'leading' && serving) return serverId;
    }
    return 0;
  }

  async untilLeader(): Promise<number> {
    await until(() => this.leaderId !== 0, 15_000);
    return this.leaderId;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.stop({ graceful: false })));
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Waits for a condition, with a deadline. */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const endsAt = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > endsAt) throw new Error('The condition did not come true in time');
    await delay(5);
  }
}

/** The error that a call rejects with. */
export async function failure(promise: Promise<unknown>): Promise<ZklError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isZklError(error)) throw new Error('Expected a ZklError', { cause: error });
  return error;
}

/** The numbers of the sequential children of a znode, ascending. */
export async function sequenceOf(client: Client, path: string): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { name } of client.children(path)) numbers.push(Number(name.slice(-10)));
  return numbers;
}

/** Milliseconds on the clock that all processes of this machine share, and that never jumps. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
