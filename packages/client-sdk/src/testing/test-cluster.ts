import { create as createMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import {
  ClusterService,
  ErrorDetailSchema,
  Outcome,
  RegisterService,
  ResponseHeaderSchema,
  Role,
  StatSchema,
  ZnodeService,
  type ReadOptions,
  type WriteId,
} from '@zkl/protocol';
import { createServer as createHttp1Server } from 'node:http';
import { createServer } from 'node:http2';
import type { AddressInfo, Server, Socket } from 'node:net';

interface TestNode {
  data: Uint8Array | undefined;
  czxid: bigint;
  mzxid: bigint;
  version: number;
  creations: number;
}

/** What a test makes of a request: `before` runs before it is looked at, `after` once it is applied and before its reply. */
export interface Faults {
  before?: ((method: string) => Promise<void> | void) | undefined;
  after?: ((method: string) => Promise<void> | void) | undefined;
}

/** A zkl error as the server sends it. */
export function refusal(
  code: string,
  init: Omit<MessageInitShape<typeof ErrorDetailSchema>, 'code' | '$typeName'> = {},
  connectCode = Code.Unavailable,
): ConnectError {
  const value = { code, outcome: Outcome.REJECTED, ...init };
  return new ConnectError(`${code}: from the test`, connectCode, undefined, [{ desc: ErrorDetailSchema, value }]);
}

/**
 * Servers that speak the protocol over real sockets and share one state in memory: enough of a cluster to try a client on, with faults that a
 * real one shows only by luck. Applies a numbered write once, and counts how often each was seen.
 */
export class TestCluster {
  readonly nodes = new Map<string, TestNode>([
    ['/', { data: undefined, czxid: 0n, mzxid: 0n, version: 0, creations: 0 }],
  ]);
  readonly servers: TestServer[] = [];
  /** Every write id as it came, in order. */
  readonly writeIds: WriteId[] = [];
  /** The options of every read as it came, in order. */
  readonly reads: (ReadOptions | undefined)[] = [];
  readonly #replies = new Map<string, Map<bigint, unknown>>();
  readonly #answered = new Map<string, bigint>();
  leaderId = 1;
  epoch = 1;
  counter = 0;

  /** True: HTTP/1.1, which `fetch` of Node.js speaks. Else clear-text HTTP/2. */
  readonly http1: boolean;

  constructor(http1: boolean) {
    this.http1 = http1;
  }

  static async start(size: number, { http1 = false } = {}): Promise<TestCluster> {
    const cluster = new TestCluster(http1);
    for (let id = 1; id <= size; id += 1) cluster.servers.push(await TestServer.start(cluster, id));
    return cluster;
  }

  get endpoints(): string[] {
    return this.servers.map((server) => server.address);
  }

  get zxid(): bigint {
    return (BigInt(this.epoch) << 32n) | BigInt(this.counter);
  }

  server(id: number): TestServer {
    return this.servers[id - 1]!;
  }

  /** Runs a write once for its number, and gives its first reply, or its first error, again after that. */
  apply<T>(writeId: WriteId | undefined, write: () => T): T {
    if (writeId === undefined) return write();
    this.writeIds.push(writeId);
    const replies = this.#replies.get(writeId.clientId) ?? new Map<bigint, unknown>();
    this.#replies.set(writeId.clientId, replies);
    const answered = this.#answered.get(writeId.clientId) ?? 0n;
    if (writeId.answeredThrough > answered) this.#answered.set(writeId.clientId, writeId.answeredThrough);
    if (writeId.requestId <= answered) throw refusal('STALE_REQUEST', {}, Code.FailedPrecondition);
    if (!replies.has(writeId.requestId)) {
      this.counter += 1;
      replies.set(writeId.requestId, outcomeOf(write));
    }
    return settle(replies.get(writeId.requestId) as Settled<T>);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}

type Settled<T> = { readonly value: T } | { readonly error: unknown };

function outcomeOf<T>(write: () => T): Settled<T> {
  try {
    return { value: write() };
  } catch (error) {
    return { error };
  }
}

function settle<T>(settled: Settled<T>): T {
  if ('error' in settled) throw settled.error;
  return settled.value;
}

export class TestServer {
  readonly id: number;
  readonly faults: Faults = {};
  readonly #cluster: TestCluster;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;
  requests = 0;

  private constructor(cluster: TestCluster, id: number) {
    this.#cluster = cluster;
    this.id = id;
  }

  static async start(cluster: TestCluster, id: number): Promise<TestServer> {
    const server = new TestServer(cluster, id);
    await server.start();
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  async start(): Promise<void> {
    const listener = connectNodeAdapter({ routes: (router) => this.#routes(router) });
    const server = this.#cluster.http1 ? createHttp1Server(listener) : createServer(listener);
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.on('sessionError', () => undefined);
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** As a killed process: the port is closed and connections are reset. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    this.cutConnections();
    await closed;
  }

  cutConnections(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  #header() {
    const { zxid, leaderId, epoch } = this.#cluster;
    return createMessage(ResponseHeaderSchema, { zxid, serverId: this.id, leaderId, epoch });
  }

  async #serve<T>(method: string, body: () => T): Promise<T> {
    this.requests += 1;
    await this.faults.before?.(method);
    const settled = outcomeOf(body);
    await this.faults.after?.(method);
    return settle(settled);
  }

  #write<T>(method: string, writeId: WriteId | undefined, body: () => T): Promise<T> {
    return this.#serve(method, () => this.#cluster.apply(writeId, body));
  }

  #routes(router: ConnectRouter): void {
    this.#znodeRoutes(router);
    const { nodes } = this.#cluster;
    router.service(RegisterService, {
      write: (request) =>
        this.#write('write', request.writeId, () => {
          const version = (nodes.get('#')?.version ?? 0) + 1;
          const zxid = this.#cluster.zxid;
          nodes.set('#', { data: request.value, czxid: zxid, mzxid: zxid, version, creations: 0 });
          return { header: this.#header(), version };
        }),
      read: (request) =>
        this.#serve('read', () => {
          this.#cluster.reads.push(request.read);
          const node = nodes.get('#');
          const value = node?.data;
          return {
            header: this.#header(),
            version: node?.version ?? 0,
            mzxid: node?.mzxid ?? 0n,
            ...(value && { value }),
          };
        }),
      guess: (request) =>
        this.#write('guess', request.writeId, () => {
          const node = nodes.get('#');
          const matched = Buffer.compare(node?.data ?? new Uint8Array(0), request.value) === 0;
          return { header: this.#header(), matched, leaderId: this.#cluster.leaderId, version: node?.version ?? 0 };
        }),
    });
    router.service(ClusterService, {
      status: () =>
        this.#serve('status', () => ({
          clusterId: 'test',
          serverId: this.id,
          leaderId: this.#cluster.leaderId,
          epoch: this.#cluster.epoch,
          role: this.#cluster.leaderId === this.id ? Role.LEADING : Role.FOLLOWING,
          serving: true,
        })),
      listMembers: () =>
        this.#serve('listMembers', () => ({
          clusterId: 'test',
          members: this.#cluster.servers.map(({ id, address }) => ({ serverId: id, address })),
          leaderId: this.#cluster.leaderId,
          epoch: this.#cluster.epoch,
          serverId: this.id,
        })),
    });
  }

  #znodeRoutes(router: ConnectRouter): void {
    const { nodes } = this.#cluster;
    const require = (path: string): TestNode => {
      const node = nodes.get(path);
      if (node === undefined) throw refusal('NO_NODE', { path, zxid: this.#cluster.zxid }, Code.NotFound);
      return node;
    };
    router.service(ZnodeService, {
      create: (request) =>
        this.#write('create', request.writeId, () => {
          const parent = require(request.path.slice(0, request.path.lastIndexOf('/')) || '/');
          const path = request.sequential ? request.path + String(parent.creations).padStart(10, '0') : request.path;
          if (nodes.has(path)) throw refusal('NODE_EXISTS', { path, zxid: this.#cluster.zxid }, Code.AlreadyExists);
          parent.creations += 1;
          const zxid = this.#cluster.zxid;
          const node = { data: request.data, czxid: zxid, mzxid: zxid, version: 0, creations: 0 };
          nodes.set(path, node);
          return { header: this.#header(), path, stat: statOf(node) };
        }),
      set: (request) =>
        this.#write('set', request.writeId, () => {
          const node = require(request.path);
          const expected = request.expectedVersion ?? -1;
          if (expected !== -1 && expected !== node.version) {
            throw refusal('BAD_VERSION', { path: request.path, zxid: this.#cluster.zxid }, Code.FailedPrecondition);
          }
          node.data = request.data;
          node.version += 1;
          node.mzxid = this.#cluster.zxid;
          return { header: this.#header(), stat: statOf(node) };
        }),
      delete: (request) =>
        this.#write('delete', request.writeId, () => {
          require(request.path);
          nodes.delete(request.path);
          return { header: this.#header() };
        }),
      get: (request) =>
        this.#serve('get', () => {
          this.#cluster.reads.push(request.read);
          const node = require(request.path);
          return { header: this.#header(), stat: statOf(node), ...(node.data && { data: node.data }) };
        }),
      exists: (request) =>
        this.#serve('exists', () => {
          this.#cluster.reads.push(request.read);
          const node = nodes.get(request.path);
          return { header: this.#header(), ...(node && { stat: statOf(node) }) };
        }),
      listChildren: (request) =>
        this.#serve('listChildren', () => {
          this.#cluster.reads.push(request.read);
          const parent = require(request.path);
          const prefix = request.path === '/' ? '/' : `${request.path}/`;
          const names = [...nodes.keys()]
            .filter((path) => path.length > prefix.length && path.startsWith(prefix))
            .map((path) => path.slice(prefix.length))
            .filter((name) => !name.includes('/') && name > request.startAfter)
            .sort();
          const page = names.slice(0, request.pageSize);
          return {
            header: this.#header(),
            children: page.map((name) => ({ name, ...(request.withStat && { stat: statOf(require(prefix + name)) }) })),
            more: names.length > page.length,
            stat: statOf(parent),
          };
        }),
    });
  }
}

function statOf(node: TestNode) {
  const { czxid, mzxid, version } = node;
  return createMessage(StatSchema, { czxid, mzxid, version, dataLength: node.data?.byteLength ?? 0 });
}
