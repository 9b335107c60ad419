import { once } from 'node:events';
import { connect, createServer } from 'node:http2';
import { afterEach, describe, expect, it } from 'vitest';
import { CLIENTS, MemoryNetwork } from './memory-network.js';
import type { MemorySocket } from './memory-socket.js';

let network = new MemoryNetwork();
afterEach(() => {
  network.close();
  network = new MemoryNetwork();
});

/** Both ends of a connection of a client with server 1. */
async function connected(): Promise<[MemorySocket, MemorySocket]> {
  const accepted = new Promise<MemorySocket>((resolve) => network.listen('a:1', 1, resolve));
  const socket = network.connect(CLIENTS, 'a:1');
  await once(socket, 'connect');
  return [socket, await accepted];
}

async function textOf(socket: MemorySocket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

describe('a network in memory', () => {
  it('carries bytes both ways, in order, and the end', async () => {
    const [client, server] = await connected();
    for (let i = 0; i < 100; i++) client.write(`${i} `);
    client.resume();
    client.end();
    expect(await textOf(server)).toBe(Array.from({ length: 100 }, (_, i) => `${i} `).join(''));
    await once(client, 'close');
  });

  it('closes an end that was told to when the other has ended, and not before all is read', async () => {
    const [client, server] = await connected();
    const pieces: string[] = [];
    server.closeAtEnd().on('data', (piece: Buffer) => pieces.push(String(piece)));
    server.on('end', () => pieces.push('end'));
    client.write('a');
    client.end('b');
    await once(server, 'close');
    expect(pieces.join('')).toBe('ab');
  });

  it('sends what was written before it was connected', async () => {
    const accepted = new Promise<MemorySocket>((resolve) => network.listen('a:1', 1, resolve));
    network.connect(CLIENTS, 'a:1').end('early');
    expect(await textOf(await accepted)).toBe('early');
  });

  it('lets nobody write ahead of one who does not read', async () => {
    const [client, server] = await connected();
    let written = 0;
    while (client.write(Buffer.alloc(16 * 1024)) && written < 1_000) written += 1;
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(client.writableNeedDrain).toBe(true);
    server.resume();
    await once(client, 'drain');
  });

  it('refuses a connection where nobody listens, and once more after the listener has gone', async () => {
    const [error] = (await once(network.connect(CLIENTS, 'a:1'), 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
    const stop = network.listen('a:1', 1, () => undefined);
    expect(() => network.listen('a:1', 2, () => undefined)).toThrow('EADDRINUSE');
    stop();
    const [again] = (await once(network.connect(CLIENTS, 'a:1'), 'error')) as [NodeJS.ErrnoException];
    expect(again.code).toBe('ECONNREFUSED');
  });

  it('holds what is sent while the way is closed, and delivers it in order', async () => {
    const [client, server] = await connected();
    const got: string[] = [];
    server.on('data', (chunk: Buffer) => got.push(String(chunk)));
    network.gate(CLIENTS, 1).close();
    client.write('one ');
    client.write('two');
    server.write('back');
    const [back] = (await once(client, 'data')) as [Buffer];
    expect([String(back), got]).toEqual(['back', []]);
    network.gate(CLIENTS, 1).open();
    await once(server, 'data');
    client.end();
    await once(server, 'end');
    expect(got.join('')).toBe('one two');
  });

  it('delays by at least the time that was asked for', async () => {
    const [client, server] = await connected();
    network.gate(CLIENTS, 1).delay(30);
    const sentMs = performance.now();
    client.write('late');
    await once(server, 'data');
    expect(performance.now() - sentMs).toBeGreaterThanOrEqual(29);
  });

  it('resets all connections of a party', async () => {
    const [client, server] = await connected();
    server.on('error', () => undefined);
    const failed = once(client, 'error') as Promise<[NodeJS.ErrnoException]>;
    network.reset(1);
    expect((await failed)[0].code).toBe('ECONNRESET');
    expect(client.destroyed).toBe(true);
  });

  it('carries HTTP/2', async () => {
    const http = createServer((request, response) => response.end(`you asked for ${request.url}`));
    network.listen('a:1', 1, (socket) => http.emit('connection', socket));
    const session = connect('http://a:1', { createConnection: () => network.connect(CLIENTS, 'a:1') });
    const stream = session.request({ ':path': '/this' });
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += String(chunk)));
    await once(stream, 'close');
    expect(text).toBe('you asked for /this');
    session.close();
    await once(session, 'close');
  });
});
