import { createServer, type Server } from 'node:net';
import { ClusterError } from './errors.js';

/**
 * Below the range from which systems give out the near ends of outgoing connections (32,768 and up on Linux, 49,152 on others):
 * a server that is killed and started again must find its port free, and not taken by some connection in the meantime.
 */
const PORT_MIN = 15_000;
const PORT_MAX = 32_000;
const ATTEMPTS_MAX = 500;

/** Whether `port` on `host` can be listened on at this moment. */
export async function isPortFree(host: string, port: number): Promise<boolean> {
  const server = await tryListen(host, port);
  await close(server);
  return server !== undefined;
}

/**
 * `count` different ports that were free when asked. They are chosen at random, so that clusters started at the same time seldom
 * choose the same; another process may still take one before it is used.
 *
 * @throws ClusterError NO_FREE_PORT when too few are found.
 */
export async function findFreePorts(host: string, count: number): Promise<number[]> {
  const held = new Map<number, Server>();
  try {
    for (let attempt = 0; held.size < count; attempt += 1) {
      if (attempt === ATTEMPTS_MAX) {
        throw new ClusterError(
          'NO_FREE_PORT',
          `found only ${held.size} of ${count} free ports on ${host} between ${PORT_MIN} and ${PORT_MAX}`,
          'Stop other servers, or choose the ports with --port-base.',
        );
      }
      const port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));
      const server = held.has(port) ? undefined : await tryListen(host, port);
      if (server) held.set(port, server);
    }
    return [...held.keys()];
  } finally {
    await Promise.all([...held.values()].map(close));
  }
}

function tryListen(host: string, port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });
}

function close(server: Server | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (server) server.close(() => resolve());
    else resolve();
  });
}
