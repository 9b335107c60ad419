import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { RegisterService } from '@zkl/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cleanup, temporaryFolder, until } from '../edge/support.js';
import { attacks } from './attacks.js';

/** `ZKL_HOSTILE_SECONDS=20 ZKL_HOSTILE_SCALE=10 npx vitest run tests/hostile`: longer, with 10,000 idle connections and 2,000 slow readers; the figures are in reports/hostile.json. */
const ATTACK_MS = Number(process.env['ZKL_HOSTILE_SECONDS'] ?? 0.5) * 1_000;
const SCALE = Number(process.env['ZKL_HOSTILE_SCALE'] ?? 1);
const RSS_MIB_MAX = 1_024;

const cleanup = new Cleanup();
const figures: Record<string, unknown> = {};
let attacker: ChildProcess;
let server: ChildProcess;
let port = 0;
let output = '';

beforeAll(async () => {
  const folder = await temporaryFolder(cleanup);
  server = spawn(
    process.execPath,
    [process.env['ZKL_SERVER_PROGRAM']!, '--port', '0', '--data-folder', `${folder}/data`, '--log-format', 'json'],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  server.stdout?.on('data', (chunk: Buffer) => (output = `${output.slice(-1_000_000)}${chunk.toString()}`));
  server.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  cleanup.add(() => server.kill('SIGKILL'));
  const address = await until(
    'the server',
    () => /"event":"serving".*?"address":"[^"]*:(\d+)"/.exec(output)?.[1],
    30_000,
  );
  port = Number(address);
  attacker = fork(fileURLToPath(new URL('attacker.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx', '--conditions', '@zkl/source'],
  });
  cleanup.add(() => attacker.kill('SIGKILL'));
  await once(attacker, 'message');
});

afterAll(async () => {
  if (process.env['ZKL_HOSTILE_SECONDS'] !== undefined) {
    const folder = fileURLToPath(new URL('../../reports', import.meta.url));
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/hostile.json`, `${JSON.stringify(figures, undefined, 2)}\n`);
  }
  await cleanup[Symbol.asyncDispose]();
});

/** Memory of the server's process now, in MiB; 0 where there is no /proc. */
function rssMiB(): number {
  try {
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1_024);
  } catch {
    return 0;
  }
}

/** Another client, on a connection of its own: reads and writes, one after the other, until told. */
async function bystander(
  signal: AbortSignal,
): Promise<{ p50Ms: number; p99Ms: number; calls: number; rssMaxMiB: number }> {
  const baseUrl = `http://127.0.0.1:${port}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const register = createClient(RegisterService, createGrpcTransport({ baseUrl, sessionManager }));
  const times: number[] = [];
  let rssMaxMiB = 0;
  try {
    for (let at = 0; !signal.aborted || at < 20; at += 1) {
      const startedMs = performance.now();
      if (at % 2 === 0) await register.write({ value: new Uint8Array(1_000) }, { timeoutMs: 60_000 });
      else await register.read({}, { timeoutMs: 60_000 });
      times.push(performance.now() - startedMs);
      rssMaxMiB = Math.max(rssMaxMiB, rssMiB());
      await delay(5);
    }
  } finally {
    sessionManager.abort();
  }
  times.sort((a, b) => a - b);
  const at = (share: number): number => Math.round((times[Math.floor(times.length * share)] ?? 0) * 10) / 10;
  return { p50Ms: at(0.5), p99Ms: at(0.99), calls: times.length, rssMaxMiB };
}

async function watched(ms: number): ReturnType<typeof bystander> {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), ms);
  try {
    return await bystander(end.signal);
  } finally {
    clearTimeout(timer);
  }
}

describe('while a hostile client does its worst, another is served and memory stays bounded', () => {
  it('is fast when undisturbed', async () => {
    figures['undisturbed'] = await watched(ATTACK_MS);
    expect((figures['undisturbed'] as { calls: number }).calls).toBeGreaterThanOrEqual(20);
  });

  it.each(Object.keys(attacks))(
    '%s',
    async (name) => {
      const before = rssMiB();
      const attacked = once(attacker, 'message') as Promise<[{ count: number }]>;
      attacker.send({ name, port, ms: ATTACK_MS, scale: SCALE });
      const served = await watched(ATTACK_MS);
      const [{ count }] = await attacked;
      figures[name] = { ...served, count, rssBeforeMiB: before, rssAfterMiB: rssMiB() };
      expect(count, 'the attack did something').toBeGreaterThan(0);
      expect(server.exitCode).toBeNull();
      // Every call of the bystander was answered: none threw. How fast is in the figures; a loaded machine has no say in what is right.
      expect(served.p99Ms).toBeLessThan(15_000);
      expect(served.rssMaxMiB).toBeLessThan(RSS_MIB_MAX);
      expect(output).not.toMatch(/"event":"(?:defect|failed)"/);
    },
    120_000,
  );

  it('lets go of what the hostile held', async () => {
    const connections = async (): Promise<number> =>
      Number(/^zkl_connections\{.*\} (\d+)/m.exec(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text())?.[1]);
    await until('the connections to be gone', async () => (await connections()) < 10, 30_000);
    figures['afterwards'] = await watched(ATTACK_MS);
    expect(rssMiB()).toBeLessThan(RSS_MIB_MAX);
  }, 60_000);
});
