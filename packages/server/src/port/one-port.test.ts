import { request as httpRequest } from 'node:http';
import { connect as http2Connect, constants, type ClientHttp2Session } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { listenOnePort, type ConnectionRefusal, type OnePort, type OnePortOptions } from './one-port.js';
import { PortError } from './port-error.js';
import type { PortLimits } from './port-limits.js';
import { PEER_MAGIC } from './protocol-sniffer.js';

const closers: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Opened {
  readonly port: OnePort;
  readonly peers: { socket: Socket; head: Buffer }[];
  readonly refused: ConnectionRefusal[];
}

async function open(limits: PortLimits = {}, onHttp?: OnePortOptions['onHttp']): Promise<Opened> {
  const peers: Opened['peers'] = [];
  const refused: ConnectionRefusal[] = [];
  const port = await listenOnePort({
    host: '127.0.0.1',
    port: 0,
    limits,
    onHttp: onHttp ?? ((request, response) => void response.end(`${request.httpVersion} ${request.url}`)),
    onPeer: (socket, head) => {
      peers.push({ socket, head });
      socket.resume();
    },
    onRefused: (reason) => refused.push(reason),
  });
  closers.push(() => port.close({ graceMs: 0 }));
  return { port, peers, refused };
}

/** A socket, and what becomes of it. */
function dial(port: OnePort): { socket: Socket; received: () => string; closed: () => boolean } {
  const socket = connect({ port: port.address.port, host: '127.0.0.1' });
  let received = '';
  let closed = false;
  socket.on('data', (piece) => (received += piece.toString('latin1')));
  socket.on('error', () => undefined);
  socket.on('close', () => (closed = true));
  closers.push(() => void socket.destroy());
  return { socket, received: () => received, closed: () => closed };
}

function session(port: OnePort): ClientHttp2Session {
  const client = http2Connect(`http://127.0.0.1:${port.address.port}`);
  client.on('error', () => undefined);
  closers.push(() => client.destroy());
  return client;
}

function get2(client: ClientHttp2Session, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const stream = client.request({ ':path': path });
    let body = '';
    stream.on('data', (piece: Buffer) => (body += piece.toString()));
    stream.on('end', () => resolve(body));
    stream.on('error', reject);
    stream.end();
  });
}

function get1(port: OnePort, path: string): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port: port.address.port, host: '127.0.0.1', path }, (response) => {
      let body = '';
      response.on('data', (piece: Buffer) => (body += piece.toString()));
      response.on('end', () => resolve({ status: response.statusCode, body }));
    });
    request.on('error', reject);
    request.end();
  });
}

async function until(condition: () => boolean): Promise<void> {
  const endMs = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`waited in vain until ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

describe('one port for all protocols', () => {
  it('serves HTTP/1.1, HTTP/2 and peers beside each other', async () => {
    const { port, peers } = await open();
    const client = session(port);
    const peer = dial(port);
    peer.socket.write(Buffer.concat([PEER_MAGIC, Buffer.from('and more')]));
    const [one, two, again] = await Promise.all([get1(port, '/one'), get2(client, '/two'), get2(client, '/again')]);
    expect([one.body, two, again]).toEqual(['1.1 /one', '2.0 /two', '2.0 /again']);
    await until(() => peers.length === 1);
    expect(peers[0]?.head.toString('latin1')).toBe(`${PEER_MAGIC.toString('latin1')}and more`);
    expect(port.connections).toBeGreaterThanOrEqual(2);
  });

  it('tells them apart when they come byte by byte', async () => {
    const { port, peers } = await open();
    const http = dial(port);
    const peer = dial(port);
    http.socket.setNoDelay(true);
    peer.socket.setNoDelay(true);
    const text = Buffer.from('GET /slow HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
    for (let at = 0; at < text.length; at++) {
      http.socket.write(text.subarray(at, at + 1));
      if (at < PEER_MAGIC.length) peer.socket.write(PEER_MAGIC.subarray(at, at + 1));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await until(() => http.closed() && peers.length === 1);
    expect(http.received()).toContain('1.1 /slow');
    expect(peers[0]?.head).toEqual(PEER_MAGIC);
  });

  it('closes whatever speaks anything else', async () => {
    const { port, refused } = await open();
    const garbage = ['\x16\x03\x01\x02\x00\x01', '\x00\x00\x00\x2d', 'ruok', 'GETX / HTTP/1.1\r\n\r\n', '\x89ZKLPEEP'];
    const clients = garbage.map((bytes) => {
      const client = dial(port);
      client.socket.write(Buffer.from(bytes, 'latin1'));
      return client;
    });
    await until(() => clients.every((client) => client.closed()));
    expect(refused).toEqual(garbage.map(() => 'unknown-protocol'));
    expect(clients.map((client) => client.received())).toEqual(garbage.map(() => ''));
    await until(() => port.connections === 0);
  });

  it('closes an HTTP/2 preface that goes on wrongly, and stays up', async () => {
    const { port } = await open();
    const client = dial(port);
    client.socket.write('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n');
    await until(() => client.closed());
    expect((await get1(port, '/still')).body).toBe('1.1 /still');
  });
});

describe('timeouts', () => {
  it('closes a connection that never says what it speaks', async () => {
    const { port, refused } = await open({ sniffTimeoutMs: 100 });
    const silent = dial(port);
    const slow = dial(port);
    slow.socket.write('PO');
    await until(() => silent.closed() && slow.closed());
    expect(refused).toEqual(['sniff-timeout', 'sniff-timeout']);
  });

  it('closes a request whose headers never end', async () => {
    const { port } = await open({ headersTimeoutMs: 100 });
    const client = dial(port);
    client.socket.write('GET / HTTP/1.1\r\nhost: a\r\nx: ');
    await until(() => client.closed());
    expect(client.received()).toContain('408 Request Timeout');
  });

  it('closes a request whose body never ends', async () => {
    const { port } = await open({ headersTimeoutMs: 100, requestTimeoutMs: 100 }, (request) => void request.resume());
    const client = dial(port);
    client.socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nab');
    await until(() => client.closed());
    expect(client.received()).toContain('408 Request Timeout');
  });

  it('closes an HTTP/1.1 connection between requests', async () => {
    const { port } = await open({ keepAliveTimeoutMs: 100 });
    const client = dial(port);
    client.socket.write('GET /once HTTP/1.1\r\nhost: a\r\n\r\n');
    await until(() => client.closed());
    expect(client.received()).toContain('1.1 /once');
  });

  it('closes an HTTP/2 connection that sends no settings', async () => {
    const { port } = await open({ http2HandshakeTimeoutMs: 100 });
    const client = dial(port);
    client.socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    await until(() => client.closed());
  });

  it('closes an HTTP/2 connection without streams, and none with a stream', async () => {
    const { port } = await open({ http2IdleTimeoutMs: 100 }, (request, response) => {
      if (request.url !== '/open') response.end();
    });
    const idle = session(port);
    const busy = session(port);
    const stream = busy.request({ ':path': '/open' });
    stream.on('error', () => undefined);
    await get2(idle, '/done');
    await until(() => idle.closed);
    expect(busy.closed).toBe(false);
    stream.close();
    await until(() => busy.closed);
  });

  it('ends an HTTP/2 connection whose client no longer answers pings', async () => {
    const { port } = await open({ http2KeepAliveMs: 50 });
    const alive = session(port);
    await get2(alive, '/');
    const dead = dial(port);
    const emptySettings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    dead.socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), emptySettings]));
    await until(() => dead.closed());
    expect(await get2(alive, '/lives')).toBe('2.0 /lives');
  });
});

describe('caps', () => {
  it('refuses clients beyond the cap, and lets peers in', async () => {
    const { port, peers, refused } = await open({ connectionsMax: 2, connectionsReserved: 2 });
    const kept = [dial(port), dial(port)];
    for (const { socket } of kept) socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await until(() => kept.every((client) => client.received() !== ''));
    const one = dial(port);
    one.socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await until(() => one.closed());
    expect(one.received()).toContain('503 Service Unavailable');
    const two = dial(port);
    two.socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    await until(() => two.closed());
    const peer = dial(port);
    peer.socket.write(PEER_MAGIC);
    await until(() => peers.length === 1);
    expect(refused).toEqual(['too-many-connections', 'too-many-connections']);
    expect(kept.some((client) => client.closed())).toBe(false);
    kept[0]?.socket.destroy();
    await until(() => port.connections === 2);
    expect((await get1(port, '/again')).status).toBe(503);
    kept[1]?.socket.destroy();
    await until(() => port.connections === 1);
    expect((await get1(port, '/again')).status).toBe(200);
  });

  it('refuses more from one address', async () => {
    const { port, refused } = await open({ connectionsPerAddressMax: 1, connectionsReserved: 0 });
    const first = dial(port);
    first.socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await until(() => first.received() !== '');
    const second = dial(port);
    await until(() => second.closed());
    expect(refused).toEqual(['too-many-from-address']);
  });

  it('announces the maximum of streams, and windows that are large enough', async () => {
    const { port } = await open({ http2StreamsMax: 3 }, () => undefined);
    const client = session(port);
    await new Promise((resolve) => client.once('remoteSettings', resolve));
    expect(client.remoteSettings.maxConcurrentStreams).toBe(3);
    expect(client.remoteSettings.initialWindowSize).toBe(1024 * 1024);
  });

  it('refuses headers that are too large', async () => {
    const { port } = await open({ headerBytesMax: 2_048 });
    const client = dial(port);
    client.socket.write(`GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(4_096)}\r\n\r\n`);
    await until(() => client.closed());
    expect(client.received()).toContain('431');
  });

  it('takes a request timeout that is shorter than the one for headers', async () => {
    const { port } = await open({ requestTimeoutMs: 1_000, headersTimeoutMs: 5_000 });
    expect((await get1(port, '/')).status).toBe(200);
  });

  it('names a limit that is out of its range', async () => {
    await expect(open({ http2StreamsMax: 0 })).rejects.toThrow(
      'limits.http2StreamsMax is 0, but must be a whole number from 1 to 1000000',
    );
  });
});

describe('floods', () => {
  it('ends a connection that resets streams as fast as it opens them', async () => {
    const { port } = await open({ http2ResetBurst: 50, http2ResetsPerSecond: 1 }, () => undefined);
    const client = session(port);
    const goaway = new Promise<number>((resolve) => client.once('goaway', resolve));
    await new Promise((resolve) => client.once('remoteSettings', resolve));
    for (let count = 0; count < 500 && !client.closed && !client.destroyed; count++) {
      const stream = client.request({ ':path': '/' });
      stream.on('error', () => undefined);
      stream.close(constants.NGHTTP2_CANCEL);
      if (count % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await goaway).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    await until(() => port.connections === 0);
  });

  it('ends a connection that floods with pings', async () => {
    const { port } = await open({ http2ControlFramesMax: 100 });
    const client = session(port);
    const goaway = new Promise<number>((resolve) => client.once('goaway', resolve));
    await new Promise((resolve) => client.once('connect', resolve));
    for (let count = 0; count < 1_000 && !client.destroyed; count++) {
      await new Promise<void>((resolve) => {
        if (client.destroyed || !client.ping(() => resolve())) resolve();
      });
    }
    expect(await goaway).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  });

  it('ends a connection that floods with settings', async () => {
    const { port } = await open({ http2ControlFramesMax: 100 });
    const client = dial(port);
    const emptySettings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    client.socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    for (let count = 0; count < 1_000 && !client.closed(); count++) {
      client.socket.write(emptySettings);
      if (count % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => client.closed());
  });
});

describe('opening and closing', () => {
  it('says that the port is in use', async () => {
    const { port } = await open();
    const second = listenOnePort({
      host: '127.0.0.1',
      port: port.address.port,
      limits: {},
      onHttp: () => undefined,
      onPeer: () => undefined,
    });
    await expect(second).rejects.toMatchObject({ name: 'PortError', code: 'PORT_IN_USE' });
  });

  it('says that the address is none of this machine', async () => {
    const options = { port: 0, limits: {}, onHttp: () => undefined, onPeer: () => undefined };
    await expect(listenOnePort({ host: '192.0.2.1', ...options })).rejects.toMatchObject({
      code: 'ADDRESS_NOT_AVAILABLE',
    });
    await expect(listenOnePort({ host: 'no-such-host.invalid', ...options })).rejects.toBeInstanceOf(PortError);
  });

  it('lets requests under way finish, and takes no new ones', async () => {
    const waiting: (() => void)[] = [];
    const { port } = await open({}, (_request, response) => void waiting.push(() => void response.end('finished')));
    const client = session(port);
    const answer = get2(client, '/slow');
    const goaway = new Promise((resolve) => client.once('goaway', resolve));
    const fresh = dial(port);
    await until(() => port.connections === 2 && waiting.length === 1);
    const closed = port.close({ graceMs: 10_000 });
    await goaway;
    await until(() => fresh.closed());
    await expect(get1(port, '/late')).rejects.toThrow();
    waiting[0]?.();
    expect(await answer).toBe('finished');
    await closed;
    expect(port.connections).toBe(0);
  });

  it('lets an HTTP/1.1 request finish, and closes its connection then', async () => {
    const waiting: (() => void)[] = [];
    const { port } = await open({}, (_request, response) => void waiting.push(() => void response.end('finished')));
    const client = dial(port);
    client.socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await until(() => waiting.length === 1);
    const closed = port.close({ graceMs: 10_000 });
    waiting[0]?.();
    await closed;
    await until(() => client.closed());
    expect(client.received()).toContain('finished');
  });

  it('destroys what is not finished in time', async () => {
    const waiting: unknown[] = [];
    const { port, peers } = await open({}, (_request, response) => void waiting.push(response));
    const one = dial(port);
    one.socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    const two = get2(session(port), '/');
    const peer = dial(port);
    peer.socket.write(PEER_MAGIC);
    two.catch(() => undefined);
    await until(() => waiting.length === 2 && peers.length === 1);
    const beganMs = performance.now();
    await port.close({ graceMs: 100 });
    expect(performance.now() - beganMs).toBeGreaterThanOrEqual(99);
    await until(() => one.closed() && peer.closed());
    expect(port.connections).toBe(0);
  });
});
