import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { PEER_MAGIC } from '../../packages/server/src/port/protocol-sniffer.js';
import * as h2 from './http2-frames.js';

/** An attack on a port, until the signal. Resolves with how often it did what it does. */
export type Attack = (port: number, signal: AbortSignal, scale: number) => Promise<number>;

function open(port: number): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', () => resolve(socket));
    socket.on('close', () => resolve(socket));
  });
}

/** Writes pieces as fast as they are taken; dials again when the connection is ended. */
async function flood(
  port: number,
  signal: AbortSignal,
  opening: Buffer,
  piece: (count: number) => Buffer,
): Promise<number> {
  let count = 0;
  while (!signal.aborted) {
    const socket = await open(port);
    socket.setMaxListeners(0);
    socket.resume();
    socket.write(opening);
    for (let own = 0; !signal.aborted && !socket.destroyed && socket.writable; own += 1) {
      count += 1;
      if (!socket.write(piece(own)))
        await Promise.race([
          new Promise((resolve) => socket.once('drain', resolve)),
          new Promise((resolve) => socket.once('close', resolve)),
          delay(50),
        ]);
      else if (own % 64 === 63) await delay(0);
    }
    socket.destroy();
    await delay(1);
  }
  return count;
}

const connections =
  (most: number, attack: Attack): Attack =>
  async (port, signal, scale) => {
    const counts = await Promise.all(Array.from({ length: most }, () => attack(port, signal, scale)));
    return counts.reduce((sum, count) => sum + count, 0);
  };

const READ = h2.grpcHeaders('/zkl.v1.RegisterService/Read');
const streamOf = (count: number): number => 2 * count + 1;
const many = (frame: Buffer, times: number): Buffer => Buffer.concat(Array.from({ length: times }, () => frame));

const floodOf = (opening: Buffer, piece: (count: number) => Buffer): Attack =>
  connections(2, (port, signal) => flood(port, signal, opening, piece));

const UNFINISHED = Buffer.concat([h2.OPENING, h2.frame(h2.HEADERS, h2.END_HEADERS, 1, READ)]);

/** Connections that say a bit, and then nothing. */
const slow =
  (pieces: readonly Buffer[]): Attack =>
  async (port, signal, scale) => {
    const sockets: Socket[] = [];
    for (let at = 0; at < 300 * scale && !signal.aborted; at += 1) {
      const socket = await open(port);
      socket.on('error', () => undefined);
      socket.write(pieces[at % pieces.length]!);
      sockets.push(socket);
    }
    await untilAborted(signal);
    for (const socket of sockets) socket.destroy();
    return sockets.length;
  };

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function session(port: number): ClientHttp2Session {
  const made = connectHttp2(`http://127.0.0.1:${port}`);
  made.on('error', () => undefined);
  return made;
}

function requestOn(
  made: ClientHttp2Session,
  path: string,
  body: Uint8Array | undefined,
  headers: Record<string, string> = {},
): Promise<void> {
  return new Promise((resolve) => {
    if (made.closed || made.destroyed) return void setImmediate(resolve);
    const stream = made.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    stream.on('error', () => undefined);
    stream.on('close', () => resolve());
    stream.resume();
    if (body === undefined) return;
    stream.end(body);
  });
}

/** Bodies of the largest size, all of them but their end: on each connection as many as it may have. */
const unendedBodies: Attack = async (port, signal, scale) => {
  let count = 0;
  const piece = Buffer.concat([
    h2.message(Buffer.alloc(0)).subarray(0, 1),
    Buffer.from([0, 0x13, 0, 0]),
    Buffer.alloc(1_200_000),
  ]);
  const sessions = Array.from({ length: 2 * scale }, () => session(port));
  for (const made of sessions) {
    for (let stream = 0; stream < 400 && !signal.aborted; stream += 1) {
      if (made.closed || made.destroyed) break;
      const one = made.request({
        ':method': 'POST',
        ':path': '/zkl.v1.RegisterService/Write',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      one.on('error', () => undefined);
      one.resume();
      one.write(piece);
      count += 1;
      if (stream % 8 === 7) await delay(1);
    }
  }
  await untilAborted(signal);
  for (const made of sessions) made.destroy();
  return count;
};

const BOMB = gzipSync(Buffer.alloc(64 * 1024 * 1024));
const LARGE = Buffer.alloc(4 * 1024 * 1024);

/** Requests in a row, each with that body. */
const requests = (path: string, body: Buffer, headers: Record<string, string> = {}): Attack =>
  connections(4, async (port, signal) => {
    let count = 0;
    let made = session(port);
    while (!signal.aborted) {
      if (made.closed || made.destroyed) made = session(port);
      await Promise.race([requestOn(made, path, body, headers), delay(2_000)]);
      count += 1;
    }
    made.destroy();
    return count;
  });

/** Watches and streams that are opened and never read. */
const slowReaders: Attack = async (port, signal, scale) => {
  // WatchRequest: path "/zkl" (1), scope subtree (2), with data: the register's own node, which the bystander writes.
  const request = h2.message(Buffer.from([0x0a, 1, 0x2f, 0x10, 3, 0x20, 1]));
  const headers = h2.grpcHeaders('/zkl.v1.WatchService/Watch');
  const sockets: Socket[] = [];
  for (let at = 0; at < 50 * scale && !signal.aborted; at += 1) {
    const socket = await open(port);
    socket.on('error', () => undefined);
    socket.pause();
    socket.write(h2.OPENING);
    for (let stream = 1; stream < 8; stream += 2)
      socket.write(
        Buffer.concat([
          h2.frame(h2.HEADERS, h2.END_HEADERS, stream, headers),
          h2.frame(h2.DATA, h2.END_STREAM, stream, request),
        ]),
      );
    sockets.push(socket);
  }
  await untilAborted(signal);
  for (const socket of sockets) socket.destroy();
  return sockets.length * 4;
};

const idle: Attack = async (port, signal, scale) => {
  const sockets: Socket[] = [];
  while (sockets.length < 1_000 * scale && !signal.aborted) {
    const batch = await Promise.all(Array.from({ length: 50 }, () => open(port)));
    for (const socket of batch) {
      socket.on('error', () => undefined);
      socket.resume();
      socket.write(h2.OPENING);
    }
    sockets.push(...batch);
  }
  await untilAborted(signal);
  const count = sockets.filter((socket) => !socket.destroyed).length;
  for (const socket of sockets) socket.destroy();
  return count;
};

/** Far more writes at once than are taken. */
const overload: Attack = connections(4, async (port, signal) => {
  const made = session(port);
  let count = 0;
  const one = async (): Promise<void> => {
    while (!signal.aborted && !made.destroyed) {
      count += 1;
      await requestOn(made, '/zkl.v1.RegisterService/Write', h2.message(Buffer.from([0x0a, 1, 0x61])));
    }
  };
  await Promise.race([Promise.all(Array.from({ length: 500 }, one)), untilAborted(signal)]);
  made.destroy();
  return count;
});

/** All of them, by name. */
export const attacks: Readonly<Record<string, Attack>> = {
  'rapid reset': floodOf(h2.OPENING, (count) =>
    Buffer.concat([
      h2.frame(h2.HEADERS, h2.END_HEADERS, streamOf(count), READ),
      h2.frame(h2.RST_STREAM, 0, streamOf(count), Buffer.from([0, 0, 0, 8])),
    ]),
  ),
  pings: floodOf(h2.OPENING, () => many(h2.frame(h2.PING, 0, 0, Buffer.alloc(8)), 64)),
  settings: floodOf(h2.OPENING, () => many(h2.frame(h2.SETTINGS, 0, 0), 64)),
  continuation: floodOf(Buffer.concat([h2.OPENING, h2.frame(h2.HEADERS, 0, 1, READ)]), () =>
    h2.frame(h2.CONTINUATION, 0, 1, Buffer.from([0x00, 1, 0x78, 1, 0x79])),
  ),
  'empty data': floodOf(UNFINISHED, () => many(h2.frame(h2.DATA, 0, 1), 64)),
  'priorities and windows': floodOf(UNFINISHED, () =>
    many(
      Buffer.concat([
        h2.frame(h2.PRIORITY, 0, 1, Buffer.from([0, 0, 0, 0, 1])),
        h2.frame(h2.WINDOW_UPDATE, 0, 1, Buffer.from([0, 0, 0, 1])),
      ]),
      32,
    ),
  ),
  'header bomb': floodOf(h2.OPENING, (count) =>
    h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, streamOf(count), h2.headerBomb(4_000)),
  ),
  'slow openings': slow([
    h2.PREFACE.subarray(0, 10),
    Buffer.from('POST /zkl.v1.RegisterService/Read HTTP/1.1\r\nhost: '),
    Buffer.from(
      'POST /zkl.v1.RegisterService/Read HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{',
    ),
    h2.PREFACE,
    UNFINISHED,
    PEER_MAGIC,
  ]),
  'bodies without an end': unendedBodies,
  'tiny pieces': floodOf(
    Buffer.concat([
      h2.OPENING,
      h2.frame(h2.HEADERS, h2.END_HEADERS, 1, h2.grpcHeaders('/zkl.v1.SessionService/Attach')),
      h2.frame(h2.DATA, 0, 1, Buffer.from([0, 0, 0x13, 0, 0])),
    ]),
    () => many(h2.frame(h2.DATA, 0, 1, Buffer.from([1])), 64),
  ),
  'bomb in gzip': requests('/zkl.v1.RegisterService/Write', h2.message(BOMB, 1), { 'grpc-encoding': 'gzip' }),
  'bomb over Connect': requests('/zkl.v1.RegisterService/Write', BOMB, {
    'content-type': 'application/proto',
    'content-encoding': 'gzip',
  }),
  'oversized gRPC': requests('/zkl.v1.RegisterService/Write', h2.message(LARGE)),
  'oversized JSON': requests('/zkl.v1.RegisterService/Write', Buffer.from(`{"value":"${'A'.repeat(4_000_000)}"}`), {
    'content-type': 'application/json',
  }),
  'deep JSON': requests('/zkl.v1.RegisterService/Write', Buffer.from('{"value":'.repeat(100_000)), {
    'content-type': 'application/json',
  }),
  'slow readers': slowReaders,
  'idle connections': idle,
  'strangers at the peer door': floodOf(PEER_MAGIC, (count) =>
    count === 0 ? Buffer.from([0xff, 7, 0, 0]) : Buffer.alloc(1_000, count),
  ),
  overload: overload,
};
