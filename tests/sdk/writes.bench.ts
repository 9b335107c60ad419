/**
 * How many writes a second one client makes at 1, 64 and 256 in flight, and what a call costs it; the server is a process of its own. Beside
 * it the same calls through connect-node's client.
 *
 *     node --import tsx -C @zkl/source tests/sdk/writes.bench.ts
 */
import { createClient } from '@zkl/client-sdk';
import { createClient as createConnectClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { RegisterService } from '@zkl/protocol';
import { createServer } from '@zkl/server';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const WARM_UP_MS = 3_000;
const MEASURE_MS = 3_000;

async function serve(folder: string): Promise<void> {
  const server = await createServer({ dataFolder: folder, port: 0, logger: false });
  await server.ready;
  process.send?.(`127.0.0.1:${server.address.port}`);
  process.once('disconnect', () => void server.stop({ graceful: false }));
}

async function run(name: string, inFlight: number, durationMs: number, call: () => Promise<unknown>): Promise<void> {
  let done = 0;
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const endsAt = startedAt + durationMs;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      for (; performance.now() < endsAt; done += 1) await call();
    }),
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const rate = Math.round(done / seconds);
  process.stdout.write(
    `${name}, ${inFlight} in flight: ${rate}/s, ${Math.round((user + system) / done)} µs of the client's CPU a call\n`,
  );
}

async function measure(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'zkl-measure-'));
  const child = fork(fileURLToPath(import.meta.url), [folder]);
  try {
    const [address] = (await once(child, 'message')) as [string];
    await using client = createClient({ endpoints: [address] });
    const value = new Uint8Array(256);
    const ours = () => client.register.write(value);
    const transport = createConnectTransport({
      baseUrl: `http://${address}`,
      httpVersion: '2',
      useBinaryFormat: true,
      acceptCompression: [],
    });
    const connect = createConnectClient(RegisterService, transport);
    let requestId = 0n;
    const theirs = () => {
      requestId += 1n;
      const answeredThrough = requestId > 1_000n ? requestId - 1_000n : 0n;
      return connect.write(
        { value, writeId: { clientId: 'measure', requestId, answeredThrough } },
        { timeoutMs: 10_000 },
      );
    };
    await run('(warming up)', 64, WARM_UP_MS, ours);
    await run('(warming up)', 64, WARM_UP_MS, theirs);
    for (const inFlight of [1, 64, 256]) {
      await run('client-sdk', inFlight, MEASURE_MS, ours);
      await run('connect-node', inFlight, MEASURE_MS, theirs);
    }
  } finally {
    child.disconnect();
    await once(child, 'exit');
    await rm(folder, { recursive: true, force: true });
  }
}

const [, , folder] = process.argv;
await (folder === undefined ? measure() : serve(folder));
if (folder === undefined) process.exit();
