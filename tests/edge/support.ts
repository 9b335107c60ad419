import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer, ServerError, type CreateServerOptions, type ZklServer } from '@zkl/server';

/** Cleans up after a test, the last first: servers, folders, clients. */
export class Cleanup implements AsyncDisposable {
  readonly #steps: (() => unknown)[] = [];

  add(step: () => unknown): void {
    this.#steps.push(step);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) await step();
  }
}

export async function temporaryFolder(cleanup: Cleanup): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'zkl-edge-'));
  cleanup.add(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Waits until `condition` answers with something that is not false or undefined. */
export async function until<T>(
  what: string,
  condition: () => T | false | undefined | Promise<T | false | undefined>,
  timeoutMs = 10_000,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value !== false && value !== undefined) return value;
    if (performance.now() > deadlineMs) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await delay(5);
  }
}

/** A port that nobody has. Below those that the system gives to outgoing connections, which may take one at any moment. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const taken = await new Promise<boolean>((resolve) => {
      const probe = createNetServer();
      probe.once('error', () => resolve(true));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(false)));
    });
    if (!taken) return port;
  }
}

export async function membersOf(size: number): Promise<Record<string, string>> {
  const members: Record<string, string> = {};
  for (let id = 1; id <= size; id += 1) members[id] = `127.0.0.1:${await freePort()}`;
  return members;
}

/** A cluster of one on a free port, serving. */
export async function startServer(
  cleanup: Cleanup,
  options: CreateServerOptions = {},
): Promise<{ server: ZklServer; baseUrl: string }> {
  const dataFolder = options.dataFolder ?? (await temporaryFolder(cleanup));
  const server = await createServer({ port: 0, logger: false, ...options, dataFolder });
  cleanup.add(() => server.stop());
  await server.ready;
  return { server, baseUrl: `http://127.0.0.1:${server.address.port}` };
}

/** Servers of one cluster, in this process. */
export interface EmbeddedCluster {
  readonly members: Record<string, string>;
  readonly servers: Map<number, ZklServer>;
  start(id: number): Promise<ZklServer>;
  url(id: number): string;
  leader(): Promise<ZklServer>;
}

/** Starts a cluster and waits until all of it serves. A port that somebody else took meanwhile is no reason to fail: others are chosen. */
export async function startCluster(
  cleanup: Cleanup,
  size: number,
  options: CreateServerOptions = {},
): Promise<EmbeddedCluster> {
  for (;;) {
    try {
      return await tryStartCluster(cleanup, size, options);
    } catch (error) {
      if (!(error instanceof ServerError && error.code === 'PORT_IN_USE')) throw error;
    }
  }
}

async function tryStartCluster(cleanup: Cleanup, size: number, options: CreateServerOptions): Promise<EmbeddedCluster> {
  const members = await membersOf(size);
  const folder = await temporaryFolder(cleanup);
  const servers = new Map<number, ZklServer>();
  cleanup.add(() => Promise.all([...servers.values()].map((server) => server.stop({ graceful: false }))));
  const start = async (id: number): Promise<ZklServer> => {
    const server = await createServer({
      logger: false,
      ...options,
      members,
      serverId: id,
      dataFolder: join(folder, String(id)),
    });
    servers.set(id, server);
    return server;
  };
  await Promise.all(Object.keys(members).map((id) => start(Number(id))));
  await Promise.all([...servers.values()].map((server) => server.ready));
  return {
    members,
    servers,
    start,
    url: (id) => `http://${members[id]}`,
    leader: () =>
      until('a leader', () =>
        [...servers.values()].find((server) => {
          const status = server.status();
          return status.role === 'leading' && status.serving;
        }),
      ),
  };
}
