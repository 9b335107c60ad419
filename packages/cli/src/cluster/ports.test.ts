import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { findFreePorts, isPortFree } from './ports.js';

test('finds different ports that can be listened on, outside of the range of outgoing connections', async () => {
  const ports = await findFreePorts('127.0.0.1', 8);
  expect(new Set(ports).size).toBe(8);
  expect(ports.every((port) => port >= 15_000 && port < 32_000)).toBe(true);
  expect(await Promise.all(ports.map((port) => isPortFree('127.0.0.1', port)))).not.toContain(false);
});

test('tells a port that is in use', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  expect(await isPortFree('127.0.0.1', port)).toBe(false);
  server.close();
  await once(server, 'close');
  expect(await isPortFree('127.0.0.1', port)).toBe(true);
});

test('gives up with a clear error where no port can be had', async () => {
  // An address of nobody (TEST-NET-1): nothing can listen on it.
  await expect(findFreePorts('192.0.2.1', 1)).rejects.toMatchObject({ code: 'NO_FREE_PORT' });
});
