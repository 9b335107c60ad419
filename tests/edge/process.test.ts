import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { ConnectError, createClient, type Client } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { Consistency, ErrorDetailSchema, Outcome, RegisterService } from '@zkl/protocol';
import { describe, expect, it, vi } from 'vitest';
import { Cleanup, startServer, temporaryFolder, until } from './support.js';

/** Made before the tests (tests/build). */
const NODE_ARGS = [process.env['ZKL_SERVER_PROGRAM']!];

interface LogLine {
  readonly event?: string;
  readonly address?: string;
  readonly [field: string]: unknown;
}

/** A server as a process of its own, and what it said. */
class ServerProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  stdout = '';
  stderr = '';

  constructor(cleanup: Cleanup, command: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    const [program = '', ...args] = command;
    this.child = spawn(program, args, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.ended = new Promise((resolve) => this.child.on('close', (code) => resolve(code)));
    cleanup.add(async () => {
      this.child.kill('SIGKILL');
      await this.ended;
    });
  }

  lines(): LogLine[] {
    return this.stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as LogLine);
  }

  async event(name: string): Promise<LogLine> {
    return until(
      `the event ${name} (stderr: ${this.stderr})`,
      () => this.lines().find(({ event }) => event === name),
      30_000,
    );
  }

  async client(): Promise<Client<typeof RegisterService>> {
    const { address } = await this.event('serving');
    return createClient(RegisterService, createConnectTransport({ baseUrl: `http://${address}`, httpVersion: '1.1' }));
  }
}

function zklServer(cleanup: Cleanup, ...args: string[]): ServerProcess {
  return new ServerProcess(cleanup, [process.execPath, ...NODE_ARGS, ...args]);
}

async function endOf(server: ServerProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return { code: await server.ended, stdout: server.stdout, stderr: server.stderr };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

// Processes take their time on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

describe('zkl-server run', () => {
  it('says when it serves, stops in good order at SIGTERM, and keeps its data through that and through SIGKILL', async () => {
    await using cleanup = new Cleanup();
    const args = ['--port', '0', '--data-folder', join(await temporaryFolder(cleanup), 'data')];
    const first = zklServer(cleanup, ...args);
    await (await first.client()).write({ value: bytes('1') });
    first.child.kill('SIGTERM');
    expect(await endOf(first)).toMatchObject({ code: 0, stderr: '' });
    expect(first.lines().map(({ event }) => event)).toEqual(
      expect.arrayContaining(['listening', 'serving', 'signal', 'stopping', 'stopped']),
    );

    const second = zklServer(cleanup, ...args);
    await (await second.client()).write({ value: bytes('2') });
    second.child.kill('SIGKILL');
    expect((await endOf(second)).code).toBeNull();

    const third = zklServer(cleanup, ...args);
    expect(await (await third.client()).read({})).toMatchObject({ version: 2, value: bytes('2') });
  });

  it('ends at once at a second signal', async () => {
    await using cleanup = new Cleanup();
    const folder = await temporaryFolder(cleanup);
    const server = zklServer(cleanup, '--port', '0', '--data-folder', folder, '--timing-shutdown-grace-ms', '600000');
    const { address } = await server.event('serving');
    // A request that never comes to its end holds up the stop.
    const [host = '', port = ''] = String(address).split(':');
    const socket = connectTcp(Number(port), host);
    cleanup.add(() => socket.destroy());
    socket.write(
      'POST /zkl.v1.RegisterService/Write HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
    );
    await until('the connection', async () =>
      (await fetch(`http://${address}/metrics`)).text().then((text) => /^zkl_connections\{.*\} [2-9]/m.test(text)),
    );
    server.child.kill('SIGTERM');
    await server.event('stopping');
    server.child.kill('SIGINT');
    expect((await endOf(server)).code).toBe(1);
  });

  it('exits with 2 when it cannot run as it is configured, and says why on standard error', async () => {
    await using cleanup = new Cleanup();
    const { server, baseUrl } = await startServer(cleanup);
    const folder = await temporaryFolder(cleanup);
    const held = join(folder, 'held');
    await startServer(cleanup, { dataFolder: held });
    // What else may be wrong is tried without processes, beside the source: options/*.test.ts, create-server.test.ts.
    const cases: Record<string, [string[], RegExp]> = {
      option: [['--port', 'http'], /CONFIGURATION: port = "http" \(from --port\)/],
      port: [['--port', new URL(baseUrl).port, '--data-folder', join(folder, 'a')], /PORT_IN_USE: .*in use/],
      heldFolder: [['--port', '0', '--data-folder', held], /DATA_FOLDER_IN_USE: /],
    };
    const ends = await Promise.all(
      Object.entries(cases).map(async ([name, [args, expected]]) => ({
        name,
        expected,
        ...(await endOf(zklServer(cleanup, ...args))),
      })),
    );
    for (const { name, code, stderr, expected } of ends) {
      expect(stderr, name).toMatch(expected);
      expect(code, name).toBe(2);
    }
    expect(server.status().serving).toBe(true);
  });

  it('exits with 3 at the first write that the disk refuses, and loses nothing that it acknowledged', async () => {
    await using cleanup = new Cleanup();
    const args = [
      '--port',
      '0',
      '--data-folder',
      join(await temporaryFolder(cleanup), 'data'),
      '--limits-log-segment-bytes',
      String(MIB),
    ];
    const before = zklServer(cleanup, ...args);
    await (await before.client()).write({ value: bytes('first') });
    before.child.kill('SIGTERM');
    await before.ended;

    // Nothing may be written beyond 256 KiB of any file: in the middle of the log file that there is, writes begin to fail with EFBIG.
    const server = new ServerProcess(cleanup, [
      'bash',
      '-c',
      'ulimit -f 256; exec "$@"',
      'bash',
      process.execPath,
      ...NODE_ARGS,
      ...args,
    ]);
    const client = await server.client();
    let acknowledged = 1;
    const failure = await (async () => {
      for (;;) {
        try {
          await client.write({ value: new Uint8Array(10_000) }, { timeoutMs: 10_000 });
          acknowledged += 1;
        } catch (error) {
          return ConnectError.from(error);
        }
      }
    })();
    expect(acknowledged).toBeGreaterThan(5);
    expect(failure.message).not.toBe('');
    expect(await server.ended).toBe(3);
    expect(server.stderr).toMatch(/^zkl-server: DISK: .*EFBIG/m);
    expect(server.lines().find(({ event }) => event === 'failed')).toMatchObject({ level: 60, code: 'DISK' });

    const after = zklServer(cleanup, ...args);
    expect((await (await after.client()).read({})).version).toBeGreaterThanOrEqual(acknowledged);
  });

  it('exits with 4 when what it may have acknowledged is unreadable, and inspect shows where', async () => {
    await using cleanup = new Cleanup();
    const folder = join(await temporaryFolder(cleanup), 'data');
    const args = ['--port', '0', '--data-folder', folder];
    const server = zklServer(cleanup, ...args);
    const client = await server.client();
    for (let index = 0; index < 20; index += 1) await client.write({ value: bytes(`MARK-${index}-`) });
    server.child.kill('SIGTERM');
    await server.ended;

    const whole = await endOf(zklServer(cleanup, 'inspect', folder, '--json'));
    expect(whole.code).toBe(0);
    expect(JSON.parse(whole.stdout)).toMatchObject({
      damaged: false,
      faults: [],
      identity: { serverId: 1, clusterId: 'zkl' },
      hardState: { currentEpoch: 1 },
    });

    const listed = await endOf(zklServer(cleanup, 'inspect', folder, '--json', '--records'));
    const lines = listed.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const writes = lines.filter(({ kind }) => kind === 'registerWrite');
    expect(writes.map(({ dataBytes }) => dataBytes)).toEqual(
      Array.from({ length: 20 }, (_, index) => `MARK-${index}-`.length),
    );
    expect(writes[0]).toMatchObject({ zxid: '0x100000001', leader: 1 });
    expect(writes[19]).toMatchObject({ zxid: '0x100000014' });
    expect(lines.at(-1)).toMatchObject({ damaged: false });

    await flipABit(folder, 'MARK-10-');
    const before = await digestsOf(folder);
    const damaged = await endOf(zklServer(cleanup, 'inspect', folder));
    expect(damaged.code).toBe(4);
    expect(damaged.stdout).toMatch(/^damage:\n +\S/m);
    expect(await digestsOf(folder)).toEqual(before);
    const started = await endOf(zklServer(cleanup, ...args));
    expect(started.code).toBe(4);
    expect(started.stderr).toMatch(/^zkl-server: DAMAGE: part of the log is unreadable, and there is no other server/m);
    // It stays so: a second start does not take the cut log for a whole one.
    expect((await endOf(zklServer(cleanup, ...args))).code).toBe(4);
  });

  it('refuses writes while the disk is full, goes on serving reads, and recovers by itself', async ({ skip }) => {
    await using cleanup = new Cleanup();
    const folder = await temporaryFolder(cleanup);
    const mount = [
      'unshare',
      '--map-root-user',
      '--mount',
      'bash',
      '-c',
      `mount -t tmpfs -o size=12m none ${folder} && exec "$@"`,
      'bash',
    ];
    const probe = new ServerProcess(cleanup, [...mount, 'true']);
    if ((await probe.ended) !== 0) skip('this machine lets nobody mount a small disk');
    const server = new ServerProcess(cleanup, [
      ...mount,
      process.execPath,
      ...NODE_ARGS,
      '--port',
      '0',
      '--data-folder',
      `${folder}/data`,
      '--limits-log-segment-bytes',
      String(MIB),
    ]);
    const client = await server.client();
    // From outside, the small disk is seen through the process.
    const ballast = `/proc/${server.child.pid}/root${folder}/ballast`;
    await fillUp(ballast);
    const value = new Uint8Array(100_000);
    // The write that finds the disk full is in the log's hands: it waits for room, or its deadline. Those after it are refused.
    const error = await until('a write to be refused', () =>
      client.write({ value }, { timeoutMs: 500 }).then(
        () => undefined,
        (reason: unknown) => {
          const [detail] = ConnectError.from(reason).findDetails(ErrorDetailSchema);
          return detail?.code === 'DISK_FULL' ? detail : undefined;
        },
      ),
    );
    expect(error).toMatchObject({ outcome: Outcome.REJECTED, retryable: true });
    expect((await client.read({ read: { consistency: Consistency.LOCAL } })).value).toEqual(value);
    expect((await client.read({})).value).toEqual(value);
    await rm(ballast);
    await until('writes to be taken again', () =>
      client.write({ value: bytes('room') }).then(
        () => true,
        () => false,
      ),
    );
    expect((await client.read({})).value).toEqual(bytes('room'));
    expect(server.child.exitCode).toBeNull();
  });
});

const MIB = 1024 * 1024;

/** Writes a file until the disk is full. */
async function fillUp(path: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (let bytesAtOnce = MIB; bytesAtOnce >= 512;) {
      try {
        await file.write(Buffer.alloc(bytesAtOnce));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        bytesAtOnce /= 2;
      }
    }
  } finally {
    await file.close();
  }
}

/** Flips a bit of the first place in the folder's files where `mark` stands. */
async function flipABit(folder: string, mark: string): Promise<void> {
  for (const [name, content] of await contentsOf(folder)) {
    const at = content.indexOf(mark);
    if (at < 0) continue;
    content.writeUInt8(content.readUInt8(at) ^ 1, at);
    await writeFile(join(folder, name), content);
    return;
  }
  throw new Error(`${mark} stands nowhere`);
}

async function digestsOf(folder: string): Promise<Map<string, string>> {
  const contents = await contentsOf(folder);
  return new Map([...contents].map(([name, content]) => [name, createHash('sha256').update(content).digest('hex')]));
}

async function contentsOf(folder: string): Promise<Map<string, Buffer>> {
  const names = (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
  return new Map(
    await Promise.all(
      names.sort().map(async (name): Promise<[string, Buffer]> => [name, await readFile(join(folder, name))]),
    ),
  );
}

describe('zkl-server config', () => {
  it('prints what would be in force, without secrets, and where it came from', async () => {
    await using cleanup = new Cleanup();
    const environment = { ZKL_PEER_SECRET: 'correct horse battery staple', ZKL_LIMITS_VALUE_BYTES_MAX: '2048' };
    const printed = await endOf(
      new ServerProcess(
        cleanup,
        [process.execPath, ...NODE_ARGS, 'config', 'print', '--json', '--port', '7009'],
        environment,
      ),
    );
    expect(printed.code).toBe(0);
    expect(printed.stdout).not.toContain('horse');
    expect(JSON.parse(printed.stdout)).toMatchObject({
      options: {
        port: 7009,
        peerSecret: '(secret)',
        members: { 1: '127.0.0.1:7009' },
        limits: { valueBytesMax: 2048 },
      },
      origins: { port: '--port', peerSecret: 'ZKL_PEER_SECRET', 'limits.valueBytesMax': 'ZKL_LIMITS_VALUE_BYTES_MAX' },
    });
  });

  it('checks', async () => {
    await using cleanup = new Cleanup();
    expect((await endOf(zklServer(cleanup, 'config', 'check'))).code).toBe(0);
    expect(await endOf(zklServer(cleanup, 'config', 'check', '--log-level', 'loud'))).toMatchObject({
      code: 2,
      stdout: '',
    });
  });
});
