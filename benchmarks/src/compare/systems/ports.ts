import { createServer, type Server } from 'node:net';

/** Below the range of the near ends of outgoing connections: a server that is started again must find its port free. */
const [PORT_MIN, PORT_MAX] = [15_000, 32_000];
const ATTEMPTS_MAX = 500;

/** So many different ports of 127.0.0.1 that were free when asked. */
export async function findFreePorts(count: number): Promise<number[]> {
  const held = new Map<number, Server>();
  for (let attempt = 0; held.size < count && attempt < ATTEMPTS_MAX; attempt += 1) {
    const port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));
    const server = held.has(port) ? undefined : await tryListen(port);
    if (server) held.set(port, server);
  }
  await Promise.all([...held.values()].map((server) => new Promise((resolve) => server.close(resolve))));
  if (held.size < count) throw new Error(`found only ${held.size} of ${count} free ports`);
  return [...held.keys()];
}

function tryListen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => resolve(server));
  });
}
