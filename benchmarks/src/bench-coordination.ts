/**
 * What sessions and watches cost: `node --import tsx -C @zkl/source benchmarks/src/bench-coordination.ts [sessions] [watchers]`. Starts three servers as processes, attaches idle sessions that ping every third of
 * their timeout, and tells memory and CPU of each server; then lets one change fan out to many watchers, and tells how long it took each to hear of it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import {
  AttachRequestSchema,
  AttachResponseSchema,
  SessionService,
  WatchRequestSchema,
  WatchScope,
  ZnodeService,
} from '@zkl/protocol';

const SESSIONS = Number(process.argv[2] ?? 10_000);
const WATCHERS = Number(process.argv[3] ?? 1_000);
const TIMEOUT_MS = 10_000;
const STREAMS_PER_CONNECTION = 100;
const BASE_PORT = 17_100 + Math.floor(Math.random() * 500) * 10;

const SERVER = fileURLToPath(new URL('../../packages/server/src/bin/zkl-server.ts', import.meta.url));
const ports = [1, 2, 3].map((id) => BASE_PORT + id);
const members = ports.map((port, index) => `${index + 1}=127.0.0.1:${port}`).join(',');

function start(id: number, folder: string): ChildProcess {
  const args = ['--import', 'tsx', '-C', '@zkl/source', SERVER, '--members', members, '--server-id', String(id)];
  const limits = ['--data-folder', join(folder, String(id)), '--limits-connections-per-address-max', '10000'];
  return spawn(process.execPath, [...args, ...limits, '--log-level', 'error', '--timing-election-timeout-ms', '3000'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function metric(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? NaN);
}

function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([head, message]);
}

/** Calls `onMessage` with each message of a gRPC stream. */
function readFrames(stream: ClientHttp2Stream, onMessage: (bytes: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  stream.on('error', () => undefined);
  stream.on('data', (chunk: Buffer) => {
    rest = rest.byteLength === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.byteLength >= 5 && rest.byteLength >= 5 + rest.readUInt32BE(1)) {
      const end = 5 + rest.readUInt32BE(1);
      onMessage(rest.subarray(5, end));
      rest = rest.subarray(end);
    }
  });
}

class Connections {
  readonly #open: { session: ClientHttp2Session; streams: number }[][] = ports.map(() => []);

  request(index: number, path: string): ClientHttp2Stream {
    const open = this.#open[index]!;
    let last = open.at(-1);
    if (last === undefined || last.streams >= STREAMS_PER_CONNECTION) {
      last = { session: connect(`http://127.0.0.1:${ports[index]!}`), streams: 0 };
      last.session.on('error', () => undefined);
      last.session.setMaxListeners(0);
      open.push(last);
    }
    last.streams += 1;
    return last.session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc+proto',
      te: 'trailers',
    });
  }

  close(): void {
    for (const { session } of this.#open.flat()) session.destroy();
  }
}

async function usage(): Promise<{ cpuS: number; rssMb: number }[]> {
  return Promise.all(
    ports.map(async (port) => ({
      cpuS: await metric(port, 'process_cpu_seconds_total'),
      rssMb: (await metric(port, 'process_resident_memory_bytes')) / 1e6,
    })),
  );
}

async function idleSessions(connections: Connections): Promise<void> {
  const before = await usage();
  const clients = ports.map((port) =>
    createClient(SessionService, createConnectTransport({ baseUrl: `http://127.0.0.1:${port}`, httpVersion: '2' })),
  );
  let attached = 0;
  let pongs = 0;
  const streams: { stream: ClientHttp2Stream; ping: bigint }[] = [];
  const openOne = async (index: number): Promise<void> => {
    const secret = randomBytes(16);
    const opened = await clients[index]!.open({
      timeoutMs: TIMEOUT_MS,
      secretHash: createHash('sha256').update(secret).digest(),
    });
    const stream = connections.request(index, '/zkl.v1.SessionService/Attach');
    readFrames(stream, (bytes) => {
      const message = fromBinary(AttachResponseSchema, bytes);
      if (message.welcome !== undefined) attached += 1;
      if (message.pong > 0n) pongs += 1;
      if (message.goodbye !== undefined) console.log('goodbye', message.goodbye.code);
    });
    const session = { sessionId: opened.sessionId, secret };
    const hello = { session, attachment: 1n, lastSeenZxid: 0n, layout: 1 };
    stream.write(framed(toBinary(AttachRequestSchema, create(AttachRequestSchema, { hello }))));
    streams.push({ stream, ping: 0n });
  };
  // From the first on, each pings every third of its timeout.
  let next = 0;
  let pingedMs = performance.now();
  const pinger = setInterval(() => {
    // By the time that has passed: this process may be late.
    const due = Math.ceil((streams.length * (performance.now() - pingedMs)) / (TIMEOUT_MS / 3));
    pingedMs = performance.now();
    for (let i = 0; i < due; i += 1) {
      const each = streams[(next = (next + 1) % streams.length)]!;
      each.ping += 1n;
      each.stream.write(framed(toBinary(AttachRequestSchema, create(AttachRequestSchema, { ping: each.ping }))));
    }
  }, 20);
  for (let opened = 0; opened < SESSIONS; opened += 50) {
    await Promise.all(Array.from({ length: Math.min(50, SESSIONS - opened) }, (_, i) => openOne((opened + i) % 3)));
  }
  while (attached < SESSIONS) await delay(50);
  await delay(5_000);
  const [idle, pongsBefore] = [await usage(), pongs];
  await delay(10_000);
  const after = await usage();
  const left = await metric(ports[0]!, 'zkl_sessions');
  const leads = await Promise.all(ports.map((port) => metric(port, 'zkl_leading')));
  console.log(`${SESSIONS} sessions attached, ${left} left; ${((pongs - pongsBefore) / 10).toFixed(0)} pongs/s`);
  after.forEach(({ cpuS, rssMb }, i) => {
    const cpu = ((cpuS - idle[i]!.cpuS) / 10) * 100;
    const more = rssMb - before[i]!.rssMb;
    console.log(
      `  server ${i + 1}${leads[i] === 1 ? ' (leader)' : ''}: ${cpu.toFixed(1)} % of a core, ${rssMb.toFixed(0)} MB resident (+${more.toFixed(0)} MB)`,
    );
  });
  clearInterval(pinger);
}

async function fanOut(connections: Connections, index: number, label: string): Promise<void> {
  const znodes = createClient(
    ZnodeService,
    createConnectTransport({ baseUrl: `http://127.0.0.1:${ports[index]!}`, httpVersion: '2' }),
  );
  const path = `/fan-out-${label.replaceAll(/\W/g, '')}`;
  await znodes.create({ path });
  let standing = 0;
  let sentMs = 0;
  let heard: number[] = [];
  const begin = (): ClientHttp2Stream => {
    const stream = connections.request(index, '/zkl.v1.WatchService/Watch');
    let first = true;
    readFrames(stream, () => {
      if (first) standing += 1;
      else heard.push(performance.now() - sentMs);
      first = false;
    });
    const request = create(WatchRequestSchema, {
      path,
      scope: WatchScope.NODE,
      withData: true,
      progressIntervalMs: 600_000,
    });
    stream.end(framed(toBinary(WatchRequestSchema, request)));
    return stream;
  };
  const streams: ClientHttp2Stream[] = [];
  while (streams.length < WATCHERS) {
    for (let i = 0; i < 50 && streams.length < WATCHERS; i += 1) streams.push(begin());
    while (standing < streams.length) await delay(2);
  }
  const all: number[] = [];
  const writes: number[] = [];
  for (let round = 0; round < 20; round += 1) {
    heard = [];
    sentMs = performance.now();
    await znodes.set({ path, data: new Uint8Array(100) });
    writes.push(performance.now() - sentMs);
    while (heard.length < WATCHERS) await delay(1);
    if (round >= 5) all.push(...heard);
    await delay(50);
  }
  for (const stream of streams) stream.close();
  all.sort((a, b) => a - b);
  const at = (share: number): string => all[Math.min(all.length - 1, Math.floor(all.length * share))]!.toFixed(1);
  console.log(
    `fan-out of one change to ${WATCHERS} watchers of ${label}: median ${at(0.5)} ms, p99 ${at(0.99)} ms, last ${at(1)} ms after the write was sent`,
  );
}

const folder = await mkdtemp(join(tmpdir(), 'zkl-coordination-'));
const servers = [1, 2, 3].map((id) => start(id, folder));
const connections = new Connections();
try {
  for (const port of ports) {
    for (let serving = 0; serving !== 1;) {
      serving = await metric(port, 'zkl_serving').catch(() => 0);
      await delay(50);
    }
  }
  const leader = (await Promise.all(ports.map((port) => metric(port, 'zkl_leading')))).indexOf(1);
  await fanOut(connections, leader, 'the leader');
  await fanOut(connections, (leader + 1) % 3, 'a follower');
  await idleSessions(connections);
} finally {
  connections.close();
  for (const server of servers) server.kill('SIGKILL');
  await delay(100);
  await rm(folder, { recursive: true, force: true });
}
process.exit(0);
