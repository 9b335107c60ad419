import { createClient, type Client, type ClientOptions } from '@zkl/client-sdk';
import type { ServerId } from '@zkl/consensus';
import type { CreateServerOptions } from '@zkl/server';
import { TestClusterError } from './errors.js';
import { CLIENTS, MemoryNetwork } from './memory-network.js';
import { TestServer } from './test-server.js';
import { waitUntil } from './wait-until.js';

/** Options of {@link startTestCluster}. */
export interface TestClusterOptions {
  /** How many servers: 1 .. 9. Default 3. */
  readonly servers?: number | undefined;
  /** How long anything is waited for that a method waits for, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** Options of the servers beside what the cluster itself sets (ids, members, folders, ports). Their times are shorter than a server's own defaults. */
  readonly server?: Omit<CreateServerOptions, 'serverId' | 'members' | 'dataFolder' | 'host' | 'port'> | undefined;
}

/** In one process nothing is far away: servers are noticed missing, and leaders found, within this. */
const TIMING = { tickMs: 5, heartbeatMs: 20, electionTimeoutMs: 250 };
/** What a server sets aside for the changes that watches go back to: its default takes longer to allocate than everything else takes to start. */
const LIMITS = { historyChangesMax: 10_000, historyBytesMax: 4 * 1024 * 1024 };
const SERVERS_MAX = 9;

/**
 * A cluster of real servers in this process: the code that `zkl-server` runs, on a network and disks in memory. No ports, no files; tests that use it
 * can run side by side. Faults are asked for by method, and everything ends with the cluster.
 *
 * ```ts
 * await using cluster = await startTestCluster({ servers: 3 });
 * const client = cluster.client();
 * await client.create('/a', 'x');
 * await cluster.killLeader();
 * await client.set('/a', 'y');
 * ```
 *
 * @throws {@link TestClusterError} BAD_ARGUMENTS; DEADLINE_EXCEEDED when the cluster does not serve in time.
 */
export async function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const { servers = 3 } = options;
  if (!Number.isInteger(servers) || servers < 1 || servers > SERVERS_MAX) {
    throw new TestClusterError('BAD_ARGUMENTS', `servers = ${servers}: a whole number, 1 .. ${SERVERS_MAX}`);
  }
  const cluster = new TestCluster(servers, options);
  try {
    await cluster.start();
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

/** Made by {@link startTestCluster}. */
export class TestCluster implements AsyncDisposable {
  /** By id: 1, 2, 3, ... */
  readonly servers: readonly TestServer[];
  readonly #network = new MemoryNetwork();
  readonly #clients = new Set<Client>();
  readonly #timeoutMs: number;

  /** Made by {@link startTestCluster}. */
  constructor(size: number, options: TestClusterOptions) {
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    const ids = Array.from({ length: size }, (_, index) => index + 1);
    const endpointOf = (id: ServerId): string => `server-${id}.test:${7_000 + id}`;
    const members = Object.fromEntries(ids.map((id) => [id, endpointOf(id)]));
    this.servers = ids.map((id) => {
      const server: CreateServerOptions = {
        logger: false,
        initialClusterState: 'always',
        insecurePeers: true,
        ...options.server,
        timing: { ...TIMING, ...options.server?.timing },
        limits: { ...LIMITS, ...options.server?.limits },
        serverId: id,
        members,
      };
      return new TestServer(id, endpointOf(id), server, this.#network);
    });
  }

  /** Where the servers are, for clients of this cluster. */
  get endpoints(): string[] {
    return this.servers.map(({ endpoint }) => endpoint);
  }

  /** Starts every server that is down. Resolves when all that run serve. */
  async start(): Promise<void> {
    const down = this.servers.filter(({ state }) => state === 'down');
    await Promise.all(down.map((server) => server.start()));
    await this.whenServing();
  }

  /** A client of all servers, or of those whose ids are given; closed with the cluster. */
  client(options: Omit<ClientOptions, 'endpoints' | 'connect'> & { readonly of?: readonly ServerId[] } = {}): Client {
    const { of, ...rest } = options;
    const endpoints = of === undefined ? this.endpoints : of.map((id) => this.server(id).endpoint);
    const client = createClient({
      ...rest,
      endpoints,
      connect: ({ host, port }) => this.#network.connect(CLIENTS, `${host}:${port}`),
    });
    this.#clients.add(client);
    return client;
  }

  /** A server by its id. @throws {@link TestClusterError} BAD_ARGUMENTS when there is none. */
  server(id: ServerId): TestServer {
    const server = this.servers[id - 1];
    if (server === undefined) throw new TestClusterError('BAD_ARGUMENTS', `there is no server ${id}`);
    return server;
  }

  /** Resolves with the server that leads, as soon as one does; `except` is not waited for. */
  leader(except?: ServerId): Promise<TestServer> {
    return waitUntil('a leader', this.#timeoutMs, () =>
      // Of two that believe it, the later epoch is right.
      this.servers
        .filter(({ isLeader, id }) => isLeader && id !== except)
        .sort((a, b) => (b.status?.epoch ?? 0) - (a.status?.epoch ?? 0))
        .at(0),
    );
  }

  /** Resolves when every server that runs takes part in a quorum. */
  async whenServing(): Promise<void> {
    await waitUntil('all servers to serve', this.#timeoutMs, () => {
      const running = this.servers.filter(({ state }) => state === 'running');
      return running.every(({ isServing }) => isServing) || undefined;
    });
  }

  /** Kills the leader. Resolves with the killed server when another leads. */
  async killLeader(): Promise<TestServer> {
    const killed = await this.leader();
    await killed.kill();
    await this.leader(killed.id);
    return killed;
  }

  /** Starts a server that is down, with what its disk holds. Resolves when it serves. */
  async restart(id: ServerId): Promise<TestServer> {
    const server = this.server(id);
    await server.start();
    await waitUntil(`server ${id} to serve`, this.#timeoutMs, () => server.isServing || undefined);
    return server;
  }

  /**
   * Cuts the servers into groups that cannot reach one another; whoever is in none is alone. Connections stay open, and what is sent waits, as when
   * packets are lost. Clients reach every server, or, with `clients`, those only.
   */
  partition(groups: readonly (readonly ServerId[])[], options: { readonly clients?: readonly ServerId[] } = {}): void {
    const groupOf = new Map(groups.flatMap((ids, group) => ids.map((id) => [this.server(id).id, group] as const)));
    const reached = options.clients && new Set(options.clients);
    this.#network.cut((from, to) => {
      if (from === CLIENTS || to === CLIENTS) return reached !== undefined && !reached.has(from + to);
      const group = groupOf.get(from);
      return group === undefined || group !== groupOf.get(to);
    });
  }

  /** Cuts one server off from the others; clients still reach it. */
  isolate(id: ServerId): void {
    this.partition([[id], this.servers.map((server) => server.id).filter((other) => other !== id)]);
  }

  /** Everybody reaches everybody again, and what waited arrives. */
  heal(): void {
    this.#network.cut(() => false);
  }

  /** Everything that goes from the one to the other takes this long, in milliseconds; 0 for clients. */
  delay(from: ServerId, to: ServerId, delayMs: number): void {
    this.#network.gate(from, to).delay(delayMs);
  }

  /** Ends a session as if its client had been silent for its timeout: its ephemeral nodes go, and its client hears of it. */
  async expireSession(session: { readonly id: bigint }): Promise<void> {
    const leader = await this.leader();
    if (!(await leader.server.expireSession(session.id))) {
      throw new TestClusterError('WRONG_STATE', `server ${leader.id} no longer leads`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.heal();
    for (const server of this.servers) if (server.state === 'paused') server.resume();
    await Promise.all([...this.#clients].map((client) => client.close()));
    await Promise.all(this.servers.filter(({ state }) => state !== 'down').map((server) => server.kill()));
    this.#network.close();
  }
}
