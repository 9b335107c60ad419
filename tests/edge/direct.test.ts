import { once } from 'node:events';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { connect, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { create, fromBinary, toBinary, type DescMethod, type MessageInitShape } from '@bufbuild/protobuf';
import { createClient, isZklError, type Client } from '@zkl/client-sdk';
import { ErrorDetailSchema, SessionService, WatchService, ZnodeService } from '@zkl/protocol';
import {
  CALL_GREETING,
  CALL_MAGIC,
  decodeCallEnd,
  decodePing,
  decodeSelect,
  encodeCallStart,
  encodeClose,
  encodePing,
  FRAME_END,
  FRAME_GOING,
  FRAME_HEAD_BYTES,
  FRAME_MESSAGE,
  FRAME_PING,
  FRAME_PONG,
  FRAME_SELECT,
  FrameCutter,
  writeFrameHead,
  type CallEnd,
} from '@zkl/wire';
import { describe, expect, it } from 'vitest';
import { Cleanup, startServer, until } from './support.js';

const pathOf = (method: DescMethod): string => `/${method.parent.typeName}/${method.name}`;

function messageFrame(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEAD_BYTES + message.byteLength);
  writeFrameHead(frame, FRAME_MESSAGE, message.byteLength);
  frame.set(message, FRAME_HEAD_BYTES);
  return frame;
}

/** A client that speaks frames, byte by byte if need be. */
class RawClient {
  readonly socket: Socket;
  readonly messages: { readonly id: number; readonly bytes: Uint8Array }[] = [];
  readonly ends: CallEnd[] = [];
  readonly pongs: number[] = [];
  pings = 0;
  going = false;
  closed = false;
  #greeting = Buffer.alloc(0);
  #selected = 0;
  readonly #cutter = new FrameCutter(64 * 1024 * 1024);

  constructor(port: number, cleanup: Cleanup) {
    this.socket = connect({ port, host: '127.0.0.1' });
    cleanup.add(() => this.socket.destroy());
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => (this.closed = true));
    this.socket.on('data', (chunk: Buffer) => this.#onData(chunk));
  }

  say(...frames: Uint8Array[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  call<M extends DescMethod>(id: number, method: M, request: MessageInitShape<M['input']>): Uint8Array[] {
    const message = toBinary(method.input, create(method.input, request));
    return [encodeCallStart({ id, timeoutMs: 5_000, path: pathOf(method) }), messageFrame(message)];
  }

  endOf(id: number): Promise<CallEnd> {
    return until(`the end of call ${id}`, () => this.ends.find((end) => end.id === id));
  }

  #onData(chunk: Buffer): void {
    let rest = chunk;
    if (this.#greeting.byteLength < CALL_GREETING.byteLength) {
      const missing = CALL_GREETING.byteLength - this.#greeting.byteLength;
      this.#greeting = Buffer.concat([this.#greeting, chunk.subarray(0, missing)]);
      rest = chunk.subarray(missing);
      expect(this.#greeting.equals(CALL_GREETING.subarray(0, this.#greeting.byteLength))).toBe(true);
    }
    this.#cutter.push(rest);
    while (this.#cutter.next()) this.#onFrame(this.#cutter.kind, this.#cutter.payload);
  }

  #onFrame(kind: number, payload: Uint8Array): void {
    if (kind === FRAME_MESSAGE) this.messages.push({ id: this.#selected, bytes: payload.slice() });
    else if (kind === FRAME_SELECT) this.#selected = decodeSelect(payload) ?? 0;
    else if (kind === FRAME_END) this.ends.push(decodeCallEnd(payload)!);
    else if (kind === FRAME_PONG) this.pongs.push(decodePing(payload)!);
    else if (kind === FRAME_PING) this.pings += 1;
    else if (kind === FRAME_GOING) this.going = true;
    else throw new Error(`the server says a frame of kind ${kind}`);
  }
}

const exists = ZnodeService.method.exists;

async function served(cleanup: Cleanup, options: Parameters<typeof startServer>[1] = {}) {
  const { server } = await startServer(cleanup, options);
  return { server, port: server.address.port };
}

function clientOf(cleanup: Cleanup, port: number): Client {
  const client = createClient({ endpoints: [`127.0.0.1:${port}`], timeoutMs: 10_000 });
  cleanup.add(() => client.close());
  return client;
}

/** What stands before a server, and deals with connections in its own way. */
async function listen(cleanup: Cleanup, onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const proxy: Server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  cleanup.add(async () => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
    await once(proxy, 'close');
  });
  return (proxy.address() as AddressInfo).port;
}

describe('a direct connection', () => {
  it('carries calls of every kind, side by side, in whatever pieces they come', async () => {
    await using cleanup = new Cleanup();
    const { port } = await served(cleanup);
    const client = new RawClient(port, cleanup);
    const hello = toBinary(
      SessionService.method.attach.input,
      create(SessionService.method.attach.input, { hello: { layout: 1 } }),
    );
    const bytes = Buffer.concat([
      CALL_MAGIC,
      ...client.call(1, ZnodeService.method.create, { path: '/a', data: new Uint8Array([1]) }),
      encodeCallStart({ id: 7, timeoutMs: undefined, path: pathOf(SessionService.method.attach) }),
      messageFrame(hello),
      ...client.call(2, exists, { path: '/none' }),
      encodePing(FRAME_PING, 4_000_000_000),
    ]);
    for (let at = 0; at < bytes.byteLength; at += 7) {
      client.say(bytes.subarray(at, at + 7));
      await new Promise(setImmediate);
    }
    expect((await client.endOf(1)).refusal).toBeUndefined();
    expect((await client.endOf(2)).refusal).toBeUndefined();
    await until('the welcome, and the pong', () => client.messages.some(({ id }) => id === 7) && client.pongs.length);
    expect(client.pongs).toEqual([4_000_000_000]);
    const [reply] = client.messages.filter(({ id }) => id === 2);
    expect(fromBinary(exists.output, reply!.bytes).stat).toBeUndefined();
    // The stream says no more, and ends in order.
    client.say(encodeClose(7, false));
    expect((await client.endOf(7)).refusal).toBeUndefined();
  });

  it('tells why a call is refused, with all that gRPC would say', async () => {
    await using cleanup = new Cleanup();
    const { port } = await served(cleanup, { limits: { http2StreamsMax: 2, valueBytesMax: 1_024 } });
    const client = new RawClient(port, cleanup);
    client.say(CALL_MAGIC, ...client.call(1, ZnodeService.method.get, { path: '/none' }));
    const { refusal } = await client.endOf(1);
    expect(refusal?.code).toBe('not_found');
    expect(fromBinary(ErrorDetailSchema, refusal!.detail).code).toBe('NO_NODE');

    client.say(
      encodeCallStart({ id: 2, timeoutMs: undefined, path: '/zkl.v1.None/Such' }),
      messageFrame(new Uint8Array(0)),
    );
    expect((await client.endOf(2)).refusal).toMatchObject({ code: 'unimplemented' });

    client.say(encodeCallStart({ id: 3, timeoutMs: 1_000, path: pathOf(exists) }), encodeClose(3, false));
    expect((await client.endOf(3)).refusal).toMatchObject({ code: 'invalid_argument' });

    client.say(...client.call(4, exists, { path: 'no path' }));
    expect((await client.endOf(4)).refusal).toMatchObject({ code: 'invalid_argument' });

    // Streams that stay, up to the limit, and one more.
    const watch = WatchService.method.watch;
    for (const id of [5, 6, 7]) client.say(...client.call(id, watch, { path: '/', scope: 1 }));
    const { refusal: tooMany } = await client.endOf(7);
    expect(fromBinary(ErrorDetailSchema, tooMany!.detail).code).toBe('THROTTLED');
  });

  it('ends at what no client of ours would say, and nothing else does', async () => {
    await using cleanup = new Cleanup();
    const { server, port } = await served(cleanup);
    const frame = (kind: number, ...payload: number[]): Uint8Array =>
      new Uint8Array([kind, 0, 0, 0, payload.length, ...payload]);
    const start = encodeCallStart({ id: 1, timeoutMs: undefined, path: pathOf(SessionService.method.attach) });
    const nonsense: Uint8Array[][] = [
      [frame(0x99)],
      [frame(FRAME_MESSAGE, 1)],
      [frame(FRAME_SELECT)],
      [frame(FRAME_SELECT, 0)],
      [frame(FRAME_END, 1, 0)],
      [frame(FRAME_PING)],
      [start, start],
      [new Uint8Array([FRAME_MESSAGE, 0xff, 0xff, 0xff, 0xff])],
    ];
    for (const frames of nonsense) {
      const client = new RawClient(port, cleanup);
      client.say(CALL_MAGIC, ...frames);
      await until(`the end of the connection that said ${Buffer.concat(frames).toString('hex')}`, () => client.closed);
    }
    await until('no connection', () => server.connections === 0);
    await expect(clientOf(cleanup, port).exists('/')).resolves.toMatchObject({ version: 0 });
  });

  it('tells the call that a message is too large for, and ends', async () => {
    await using cleanup = new Cleanup();
    const { port } = await served(cleanup, { limits: { valueBytesMax: 1_024 } });
    const client = new RawClient(port, cleanup);
    client.say(
      CALL_MAGIC,
      encodeCallStart({ id: 1, timeoutMs: undefined, path: pathOf(exists) }),
      new Uint8Array([FRAME_MESSAGE, 0x10, 0, 0, 0]),
    );
    expect((await client.endOf(1)).refusal).toMatchObject({ code: 'resource_exhausted' });
    await until('its end', () => client.closed);
  });

  it('bears no flood of pings, nor of calls that are given up', async () => {
    await using cleanup = new Cleanup();
    const { port } = await served(cleanup);
    const pinging = new RawClient(port, cleanup);
    pinging.say(CALL_MAGIC, ...Array.from({ length: 2_001 }, () => encodePing(FRAME_PING, 1)));
    await until('the end of the one that pings', () => pinging.closed);
    const rapid = new RawClient(port, cleanup);
    rapid.say(CALL_MAGIC);
    const calls = Array.from({ length: 1_300 }, (_, index) => [
      ...rapid.call(index + 1, exists, { path: '/' }),
      encodeClose(index + 1, true),
    ]);
    rapid.say(...calls.flat());
    await until('the end of the one that gives up', () => rapid.closed);
  });

  it('takes no new calls when the server goes, and ends when those under way have', async () => {
    await using cleanup = new Cleanup();
    const { server, port } = await served(cleanup, { timing: { shutdownGraceMs: 10_000 } });
    const client = new RawClient(port, cleanup);
    client.say(CALL_MAGIC, ...client.call(1, exists, { path: '/' }));
    await client.endOf(1);
    const idle = new RawClient(port, cleanup);
    idle.say(CALL_MAGIC, ...idle.call(1, WatchService.method.watch, { path: '/', scope: 1 }));
    await until('the watch', () => idle.messages.length > 0);
    const startedMs = performance.now();
    await server.stop();
    expect(performance.now() - startedMs).toBeLessThan(8_000);
    await until('the ends', () => client.closed && idle.closed);
    expect([client.going, idle.going]).toEqual([true, true]);
    expect(idle.ends).toHaveLength(1);
  });

  it('holds back whoever does not read, and lets it go on', async () => {
    await using cleanup = new Cleanup();
    const { port } = await served(cleanup);
    const writer = clientOf(cleanup, port);
    await writer.create('/big', new Uint8Array(500_000));
    const slow = new RawClient(port, cleanup);
    await once(slow.socket, 'connect');
    slow.socket.pause();
    const ids = Array.from({ length: 200 }, (_, index) => index + 1);
    slow.say(CALL_MAGIC, ...ids.flatMap((id) => slow.call(id, ZnodeService.method.get, { path: '/big' })));
    // Others are served meanwhile.
    for (let time = 0; time < 20; time += 1) await writer.set('/big', new Uint8Array(500_000));
    expect(slow.ends.length).toBe(0);
    slow.socket.resume();
    await until('all the answers', () => slow.ends.length === ids.length, 30_000);
    expect(slow.messages.filter(({ bytes }) => bytes.byteLength > 500_000)).toHaveLength(ids.length);
  });
});

describe('the SDK', () => {
  it('speaks frames where they are understood: one connection for everything', async () => {
    await using cleanup = new Cleanup();
    const { server, port } = await served(cleanup);
    const client = clientOf(cleanup, port);
    await client.create('/a', 'x');
    await client.cluster.status();
    const session = await client.session();
    await session.create('/e', null, { mode: 'ephemeral' });
    expect(server.connections).toBe(1);
    await session.close();
  });

  it.each([
    ['answers that it knows nothing of it', (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['hangs up', (socket: Socket) => socket.destroy()],
    ['says nothing', () => undefined],
    ['says the same back', (socket: Socket, first: Buffer) => (socket.write(first), socket.pipe(socket))],
  ])('goes by HTTP/2 where what stands before the server %s', async (_, refuse) => {
    await using cleanup = new Cleanup();
    const { port } = await served(cleanup);
    const protocols: string[] = [];
    const proxy = await listen(cleanup, (socket) => {
      socket.once('data', (first: Buffer) => {
        const isHttp2 = first.subarray(0, 4).toString() === 'PRI ';
        protocols.push(isHttp2 ? 'http2' : 'frames');
        if (!isHttp2) return refuse(socket, first);
        const onward = connect({ port, host: '127.0.0.1' });
        cleanup.add(() => onward.destroy());
        onward.on('error', () => socket.destroy());
        onward.write(first);
        socket.pipe(onward).pipe(socket);
        return undefined;
      });
    });
    const client = createClient({ endpoints: [`127.0.0.1:${proxy}`], timeoutMs: 10_000, discover: false });
    cleanup.add(() => client.close());
    await client.create('/a', 'x');
    const watch = client.watch('/a');
    await watch.ready();
    await client.set('/a', 'y');
    for await (const event of watch) {
      expect(event.type).toBe('set');
      break;
    }
    expect(protocols).toContain('http2');
    expect(protocols).toContain('frames');
  });

  it('does not take a server of another kind for one of ours', async () => {
    await using cleanup = new Cleanup();
    const http2 = createHttp2Server((_, response) => response.writeHead(404).end());
    http2.listen(0, '127.0.0.1');
    await once(http2, 'listening');
    cleanup.add(() => http2.close());
    const { port } = http2.address() as AddressInfo;
    const client = createClient({ endpoints: [`127.0.0.1:${port}`], timeoutMs: 1_000 });
    cleanup.add(() => client.close());
    const code = await client.get('/a').catch((error: unknown) => (isZklError(error) ? error.code : undefined));
    expect(['PROTOCOL', 'UNIMPLEMENTED']).toContain(code);
  });

  it('leaves HTTP/2 to whoever speaks it: the same port', async () => {
    await using cleanup = new Cleanup();
    const { port } = await served(cleanup);
    await clientOf(cleanup, port).create('/a', 'x');
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    cleanup.add(() => session.destroy());
    const [settings] = (await once(session, 'remoteSettings')) as [object];
    expect(settings).toBeDefined();
  });
});
