import { toBinary, create } from '@bufbuild/protobuf';
import { GetResponseSchema, ListChildrenResponseSchema, ListMembersResponseSchema, StatSchema } from '@zkl/protocol';
import { createServer as createHttp1Server } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createClient, isZklError, type Client, type ClientOptions, type ZklError } from '../index.js';
import { TestCluster } from '../testing/test-cluster.js';

const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listen(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function tcp(onSocket: (socket: Socket) => void): Promise<string> {
  return listen(createTcpServer(onSocket));
}

/** For what ends by what the server answers, not by the deadline: as long as a slow machine needs. */
const PATIENT = { timeoutMs: 15_000 };

/** An HTTP/2 server, of which the test counts the requests. */
async function http2(onStream: (stream: ServerHttp2Stream, path: string) => void) {
  const counted = { address: '', requests: 0 };
  const server = createHttp2Server();
  server.on('stream', (stream, headers) => {
    counted.requests += 1;
    stream.on('error', () => undefined);
    onStream(stream, headers[':path'] ?? '');
  });
  server.on('sessionError', () => undefined);
  counted.address = await listen(server);
  return counted;
}

function open(endpoints: string[], options: Partial<ClientOptions> = {}): Client {
  const client = createClient({ endpoints, timeoutMs: 500, stream: false, ...options });
  cleanups.push(() => client.close());
  return client;
}

async function failure(promise: Promise<unknown>, withinMs = 2_500): Promise<ZklError> {
  const startedAt = performance.now();
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(performance.now() - startedAt).toBeLessThan(withinMs);
  if (!isZklError(error)) throw new Error('Expected a ZklError', { cause: error });
  return error;
}

function reply(
  stream: ServerHttp2Stream,
  body: Uint8Array | string,
  contentType = 'application/proto',
  status = 200,
): void {
  stream.respond({ ':status': status, 'content-type': contentType });
  stream.end(body);
}

const stat = create(StatSchema, {});

describe('a server that is none, or broken, ends in a typed error within the deadline', () => {
  it('accepts and says nothing', async () => {
    const error = await failure(open([await tcp(() => undefined)]).register.write('x'));
    // No request leaves before the server's HTTP/2 settings have come: it certainly was not applied.
    expect(error).toMatchObject({ code: 'TIMEOUT', outcome: 'rejected', attempts: 1 });
  });

  it('closes at once', async () => {
    const error = await failure(open([await tcp((socket) => socket.destroy())]).register.write('x'));
    expect(error).toMatchObject({ code: 'CONNECTION_LOSS', outcome: 'rejected' });
    expect(error.attempts).toBeLessThan(30);
  });

  it('sends garbage', async () => {
    const address = await tcp((socket) => socket.write(Buffer.alloc(4_096, 0x5a)));
    expect(await failure(open([address]).register.write('x'))).toMatchObject({
      code: 'CONNECTION_LOSS',
      outcome: 'rejected',
    });
  });

  it('sends garbage for ever', async () => {
    const address = await tcp((socket) => {
      const chunk = Buffer.alloc(65_536, 0x5a);
      const more = (): void => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on('drain', more);
      more();
    });
    expect(await failure(open([address]).register.write('x'))).toMatchObject({
      code: 'CONNECTION_LOSS',
      outcome: 'rejected',
    });
  });

  it('speaks HTTP/1.1 only', async () => {
    const address = await listen(createHttp1Server((_, response) => response.end('hello')));
    expect(await failure(open([address]).get('/a'))).toMatchObject({ code: 'CONNECTION_LOSS' });
  });

  it.each<[string, (stream: ServerHttp2Stream) => void]>([
    ['HTML', (stream) => reply(stream, '<html>', 'text/html')],
    ['404', (stream) => reply(stream, 'not found', 'text/plain', 404)],
    ['JSON in place of a message', (stream) => reply(stream, '{}', 'application/json')],
    ['bytes that are no message', (stream) => reply(stream, Buffer.alloc(64, 0xff))],
    [
      'a message without a header',
      (stream) => reply(stream, toBinary(GetResponseSchema, create(GetResponseSchema, { stat }))),
    ],
    [
      'a message without a stat',
      (stream) => reply(stream, toBinary(GetResponseSchema, create(GetResponseSchema, { header: { zxid: 1n } }))),
    ],
    ['nothing', (stream) => reply(stream, '')],
    ['an error that is no JSON', (stream) => reply(stream, '{"code', 'application/json', 500)],
    ['an error of odd types', (stream) => reply(stream, '{"code":5,"details":{}}', 'application/json', 500)],
    [
      'an error whose detail is broken',
      (stream) =>
        reply(
          stream,
          '{"code":"internal","details":[{"type":"zkl.v1.ErrorDetail","value":"////"}]}',
          'application/json',
          500,
        ),
    ],
    [
      'an error as large as a message',
      (stream) => reply(stream, Buffer.alloc(1_000_000, 0x20), 'application/json', 500),
    ],
    [
      'a compressed message nobody asked for',
      (stream) => {
        stream.respond({ ':status': 200, 'content-type': 'application/proto', 'content-encoding': 'gzip' });
        stream.end('x');
      },
    ],
  ])('answers %s', async (_, onStream) => {
    const server = await http2(onStream);
    const error = await failure(open([server.address], PATIENT).get('/a'), 15_000);
    expect(error).toMatchObject({ code: 'PROTOCOL', outcome: 'rejected', attempts: 3 });
    expect(server.requests).toBe(3);
  });

  it('says of a write that was answered with garbage that it may have been applied', async () => {
    const server = await http2((stream) => reply(stream, 'x', 'text/plain'));
    expect(await failure(open([server.address], PATIENT).register.write('x'), 15_000)).toMatchObject({
      code: 'PROTOCOL',
      outcome: 'unknown',
    });
  });

  it('never ends its reply', async () => {
    let sent = 0;
    const server = await http2((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/proto' });
      const more = (): void => {
        while (!stream.destroyed && stream.writable && stream.write(Buffer.alloc(65_536))) sent += 65_536;
      };
      stream.on('drain', more);
      more();
    });
    const client = open([server.address], { ...PATIENT, messageBytesMax: 1_048_576 });
    const error = await failure(client.get('/a'), 15_000);
    expect(error).toMatchObject({ code: 'PROTOCOL', attempts: 3 });
    // Three times the bound, and what flow control lets ahead.
    expect(sent).toBeLessThan(16_777_216);
  });

  it('never answers', async () => {
    const server = await http2(() => undefined);
    const client = open([server.address], { attemptTimeoutMs: 50 });
    const error = await failure(client.register.write('x'));
    expect(error).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
    expect(server.requests).toBeLessThan(10);
  });

  it('resets every stream', async () => {
    const server = await http2((stream) => stream.close(2));
    const error = await failure(open([server.address]).register.write('x'));
    expect(error).toMatchObject({ code: 'CONNECTION_LOSS', outcome: 'unknown' });
    expect(server.requests).toBeLessThan(30);
  });

  it('refuses every stream: certainly not applied', async () => {
    const server = await http2((stream) => stream.close(7));
    expect(await failure(open([server.address]).register.write('x'))).toMatchObject({
      code: 'CONNECTION_LOSS',
      outcome: 'rejected',
    });
  });

  it('goes away again and again', async () => {
    const server = await http2((stream) => stream.session?.goaway(11));
    const error = await failure(open([server.address]).register.write('x'));
    expect(error.code).toBe('CONNECTION_LOSS');
    expect(server.requests).toBeLessThan(30);
  });

  it('lists children for ever', async () => {
    let page = 0;
    const server = await http2((stream) => {
      page += 1;
      const children = [{ name: page === 1 ? 'b' : 'a' }];
      const message = create(ListChildrenResponseSchema, {
        header: { zxid: 1n, serverId: 1 },
        children,
        more: true,
        stat,
      });
      reply(stream, toBinary(ListChildrenResponseSchema, message));
    });
    const client = open([server.address], { ...PATIENT, discover: false });
    const names: string[] = [];
    const reading = (async () => {
      for await (const child of client.children('/p')) names.push(child.name);
    })();
    expect(await failure(reading, 15_000)).toMatchObject({ code: 'PROTOCOL' });
    expect(names).toEqual(['b']);
  });

  it('lists members that are none', async () => {
    const members = Array.from({ length: 10_000 }, (_, i) => ({
      serverId: i,
      address: i % 2 ? '\u0000:99999' : `h${i}:1`,
    }));
    const server = await http2((stream, path) => {
      const list = create(ListMembersResponseSchema, { members, leaderId: 1, serverId: 1, epoch: 1 });
      if (path.endsWith('ListMembers')) reply(stream, toBinary(ListMembersResponseSchema, list));
      else
        reply(
          stream,
          toBinary(GetResponseSchema, create(GetResponseSchema, { header: { zxid: 1n, serverId: 1, epoch: 1 }, stat })),
        );
    });
    const client = open([server.address], PATIENT);
    for (let i = 0; i < 20; i += 1) await client.get('/a');
    expect((await client.get('/a', { consistency: 'local' })).serverId).toBe(1);
  });
});

it('a broken server among good ones costs nothing but an attempt', async () => {
  const broken = await http2((stream) => reply(stream, '<html>', 'text/html'));
  await using cluster = await TestCluster.start(2);
  for (let i = 0; i < 5; i += 1) {
    const client = open([broken.address, ...cluster.endpoints], PATIENT);
    for (let j = 0; j < 5; j += 1) await client.register.write(String(j));
    await client.close();
  }
  expect(cluster.counter).toBe(25);
});
