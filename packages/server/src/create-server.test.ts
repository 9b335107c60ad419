import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createNetServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { RegisterService } from '@zkl/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createServer, type CreateServerOptions } from './create-server.js';
import { ServerError, type ServerErrorCode } from './errors/server-error.js';
import type { LogFields, Logger } from './observability/logger.js';
import type { ZklServer } from './zkl-server.js';

let folder = '';
const servers: ZklServer[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zkl-server-'));
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop({ graceful: false })));
  await rm(folder, { recursive: true, force: true });
});

async function start(options: CreateServerOptions = {}): Promise<ZklServer> {
  const server = await createServer({ port: 0, logger: false, dataFolder: join(folder, 'data'), ...options });
  servers.push(server);
  await server.ready;
  return server;
}

async function codeOf(
  starting: Promise<ZklServer>,
): Promise<{ code: ServerErrorCode; message: string; exitCode: number }> {
  try {
    servers.push(await starting);
  } catch (error) {
    if (error instanceof ServerError) return { code: error.code, message: error.message, exitCode: error.exitCode };
    throw error;
  }
  throw new Error('it started');
}

function registerOf(server: ZklServer): ReturnType<typeof createClient<typeof RegisterService>> {
  const baseUrl = `http://127.0.0.1:${server.address.port}`;
  return createClient(RegisterService, createConnectTransport({ baseUrl, httpVersion: '1.1' }));
}

async function freePort(): Promise<number> {
  const probe = createNetServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('createServer', () => {
  it('starts, serves, stops, and finds its data again', async () => {
    const first = await start();
    expect(first.status()).toMatchObject({ role: 'leading', serving: true, epoch: 1, serverId: 1, clusterId: 'zkl' });
    await registerOf(first).write({ value: bytes('kept') });
    await first.stop();
    expect(first.status().serving).toBe(false);
    const second = await start();
    expect((await registerOf(second).read({})).value).toEqual(bytes('kept'));
    expect(second.status().epoch).toBe(2);
  });

  it('finds its data again when it was dropped and not stopped', async () => {
    const first = await start();
    await registerOf(first).write({ value: bytes('kept') });
    await first.stop({ graceful: false });
    expect((await registerOf(await start()).read({})).value).toEqual(bytes('kept'));
  });

  it('disposes of itself, and may be stopped again', async () => {
    let address;
    {
      await using server = await createServer({ port: 0, logger: false, dataFolder: join(folder, 'data') });
      ({ address } = server);
    }
    const again = await start({ port: address.port });
    await Promise.all([again.stop(), again.stop({ graceful: false })]);
    await again.stop();
  });

  it('runs several in one process, with nothing shared', async () => {
    const [a, b] = await Promise.all(
      ['a', 'b'].map((name) => start({ dataFolder: join(folder, name), clusterId: name })),
    );
    await registerOf(a!).write({ value: bytes('a') });
    expect((await registerOf(b!).read({})).version).toBe(0);
    await a!.stop();
    expect(b!.status().serving).toBe(true);
  });

  it('tells of itself by events, without secrets, and not on standard output when it is given a logger', async () => {
    const lines: LogFields[] = [];
    const note = (fields: LogFields): void => void lines.push(fields);
    const logger: Logger = { debug: note, info: note, warn: note, error: note, fatal: note, child: () => logger };
    const server = await start({ logger, peerSecret: 'correct horse battery staple' });
    await server.stop();
    const events = lines.map(({ event }) => event);
    expect(events).toEqual(
      expect.arrayContaining(['listening', 'looking', 'leading', 'serving', 'stopping', 'stopped']),
    );
    expect(events.indexOf('listening')).toBeLessThan(events.indexOf('serving'));
    expect(JSON.stringify(lines)).not.toContain('horse');
  });

  it('rejects ready when it is stopped before it serves', async () => {
    // The second member is never there. Another process may take the port between its choice and its use.
    let server: ZklServer | undefined;
    while (server === undefined) {
      const members = `1=127.0.0.1:${await freePort()},2=127.0.0.1:1`;
      server = await createServer({ members, logger: false, dataFolder: join(folder, 'data') }).catch(
        (error: unknown) => {
          if (error instanceof ServerError && error.code === 'PORT_IN_USE') return undefined;
          throw error;
        },
      );
    }
    servers.push(server);
    const ready = server.ready;
    await server.stop();
    await expect(ready).rejects.toThrow(/stopped before it served/);
  });
});

describe('a server that cannot start', () => {
  it('names the port that is in use, and leaves the data folder free', async () => {
    const first = await start({ dataFolder: join(folder, 'a') });
    const failed = await codeOf(start({ port: first.address.port, dataFolder: join(folder, 'b') }));
    expect(failed).toMatchObject({ code: 'PORT_IN_USE', exitCode: 2 });
    expect(failed.message).toContain(String(first.address.port));
    await start({ dataFolder: join(folder, 'b') });
  });

  it('names an address that is not of this machine', async () => {
    expect(await codeOf(start({ host: '203.0.113.7', port: 7001 }))).toMatchObject({
      code: 'ADDRESS_NOT_AVAILABLE',
      exitCode: 2,
    });
  });

  it('leaves a data folder alone that another server has open', async () => {
    const first = await start();
    const failed = await codeOf(start());
    expect(failed).toMatchObject({ code: 'DATA_FOLDER_IN_USE', exitCode: 2 });
    expect(failed.message).toContain(join(folder, 'data'));
    await registerOf(first).write({ value: bytes('undisturbed') });
  });

  it.each([
    ['another server', { serverId: 2 }],
    ['another cluster', { clusterId: 'other' }],
  ])('leaves a data folder alone that belongs to %s', async (_name, other) => {
    await (await start()).stop();
    expect(await codeOf(start(other))).toMatchObject({ code: 'DATA_FOLDER_FOREIGN', exitCode: 2 });
    await start();
  });

  it('leaves a folder alone that holds the files of somebody else', async () => {
    await writeFile(join(folder, 'thesis.txt'), 'years of work');
    expect(await codeOf(start({ dataFolder: folder }))).toMatchObject({ code: 'DATA_FOLDER_FOREIGN' });
  });

  it('says that a data folder is a file, or lies in one', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    for (const dataFolder of [file, join(file, 'data')]) {
      expect(await codeOf(start({ dataFolder }))).toMatchObject({ code: 'DATA_FOLDER_UNUSABLE', exitCode: 2 });
    }
  });

  it('says that a data folder cannot be made, where nobody can make one', async () => {
    expect(await codeOf(start({ dataFolder: '/proc/zkl-data' }))).toMatchObject({
      code: 'DATA_FOLDER_UNUSABLE',
      exitCode: 2,
    });
  });

  it('names every option that is wrong', async () => {
    const failed = await codeOf(createServer({ port: -1, clusterId: 'no spaces' }));
    expect(failed).toMatchObject({ code: 'CONFIGURATION', exitCode: 2 });
    expect(failed.message).toMatch(/^port = -1: /m);
    expect(failed.message).toMatch(/^clusterId = "no spaces": /m);
  });
});
