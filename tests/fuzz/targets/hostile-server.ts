import { createServer } from 'node:http2';
import { createServer as createTcp, type AddressInfo, type Server, type Socket } from 'node:net';
import { create, toBinary } from '@bufbuild/protobuf';
import {
  AttachResponseSchema,
  GetResponseSchema,
  ListChildrenResponseSchema,
  ListMembersResponseSchema,
  ReadResponseSchema,
  StatusResponseSchema,
  TransactResponseSchema,
  WriteResponseSchema,
} from '@zkl/protocol';
import { createClient, isZklError, type Client } from '@zkl/client-sdk';
import { CALL_GREETING, encodeCallEnd, encodePing, encodeSelect, FRAME_PING } from '@zkl/wire';
import fc from 'fast-check';
import { must, type FuzzTarget } from '../engine/target.js';

const TIMEOUT_MS = 200;
const SETTLES_MS = 3_000;

/** Serves what no server of ours would, and has two clients before it: one that calls one by one, and one with a session stream. */
class HostileServer {
  body: Uint8Array = new Uint8Array(0);
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly clients: Client[] = [];

  /** @param make - Makes a server that says `body` of this one. */
  constructor(make: (hostile: HostileServer) => Server) {
    this.#server = make(this);
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const endpoints = [`127.0.0.1:${(this.#server.address() as AddressInfo).port}`];
    const common = { endpoints, timeoutMs: TIMEOUT_MS, attemptTimeoutMs: 50, messageBytesMax: 65_536 };
    this.clients.push(createClient({ ...common, stream: false }), createClient(common));
    return this;
  }

  async close(): Promise<void> {
    for (const client of this.clients) await client.close();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Speaks HTTP/2, and answers every request with the bytes it was given last. */
function http2Server(hostile: HostileServer): Server {
  const server = createServer();
  server.on('session', (session) => session.on('error', () => undefined));
  server.on('sessionError', () => undefined);
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    const isStream = headers['content-type'] === 'application/grpc+proto';
    stream.respond({ ':status': 200, 'content-type': isStream ? 'application/grpc+proto' : 'application/proto' });
    if (isStream) stream.write(hostile.body);
    else stream.end(hostile.body);
  });
  return server;
}

/** Speaks frames: greets, and says the bytes it was given last whenever something comes. */
function framesServer(hostile: HostileServer): Server {
  return createTcp((socket) => {
    socket.once('data', () => {
      socket.write(CALL_GREETING);
      socket.on('data', () => socket.write(hostile.body));
    });
  });
}

let server: Promise<HostileServer> | undefined;
let frames: Promise<HostileServer> | undefined;

const CALLS: readonly ((client: Client) => Promise<unknown>)[] = [
  (client) => client.get('/a'),
  async (client) => {
    for await (const child of client.children('/a')) must(typeof child.name === 'string', 'a child without a name');
  },
  (client) => client.register.read(),
  (client) => client.register.write('x'),
  (client) => client.exists('/a'),
  (client) => client.set('/a', 'x'),
  (client) => client.cluster.members(),
  (client) => client.cluster.status(),
  (client) => client.transaction().create('/t').set('/a', 'y').commit(),
];

const header = { zxid: 5n, serverId: 1, leaderId: 1, epoch: 1 };
const stat = { version: 1, czxid: 3n };
const SAMPLES: readonly Uint8Array[] = [
  toBinary(GetResponseSchema, create(GetResponseSchema, { header, stat, data: new Uint8Array([1]) })),
  toBinary(
    ListChildrenResponseSchema,
    create(ListChildrenResponseSchema, { header, stat, children: [{ name: '__proto__' }, { name: '../x' }] }),
  ),
  toBinary(ReadResponseSchema, create(ReadResponseSchema, { header, value: new Uint8Array([1]), version: 2 })),
  toBinary(WriteResponseSchema, create(WriteResponseSchema, { header, version: 2 })),
  toBinary(
    ListMembersResponseSchema,
    create(ListMembersResponseSchema, {
      members: [{ serverId: 1, address: '127.0.0.1:1' }],
      leaderId: 1,
      serverId: 1,
      epoch: 1,
    }),
  ),
  toBinary(StatusResponseSchema, create(StatusResponseSchema, { serverId: 1, role: 3 })),
  toBinary(
    TransactResponseSchema,
    create(TransactResponseSchema, { header, compared: true, committed: true, results: [{}] }),
  ),
];

const envelope = (fields: object): Buffer =>
  envelopeOf(toBinary(AttachResponseSchema, create(AttachResponseSchema, fields)));

function envelopeOf(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

const streamed = Buffer.concat([
  envelope({ welcome: { layout: 1, header, sessionTimeoutMs: 1_000 } }),
  envelope({ replies: new Uint8Array([9, 73, 1, 0, 0, 0, 5, 0, 0, 0]) }),
  envelope({ pong: 1n }),
]);

/** What a call comes to. The first byte says which, and over what. */
async function outcomeOf(hostile: HostileServer, input: Uint8Array): Promise<string> {
  hostile.body = input.slice(1);
  const which = input[0] ?? 0;
  const client = hostile.clients[which % 2]!;
  try {
    await CALLS[(which >> 1) % CALLS.length]!(client);
    return 'answered';
  } catch (error) {
    must(isZklError(error), `an untyped error: ${String(error)}`);
    return error.code;
  }
}

const hostileServer: FuzzTarget = {
  name: 'client-hostile-server',
  covers: ['packages/client-sdk/src/channel/node/http2-call.ts'],
  // The first byte: which call, and over what.
  valid: fc
    .tuple(fc.nat(CALLS.length * 2 - 1), fc.nat(SAMPLES.length - 1))
    .map(([call, sample]) => new Uint8Array([call, ...(call % 2 === 1 ? streamed : SAMPLES[sample]!)])),
  ...{ inputBytesMax: 4_096, runs: 24, timeMsMax: SETTLES_MS, sharesProcess: true },
  run: async (input) => {
    return outcomeOf(await (server ??= new HostileServer(http2Server).start()), input);
  },
  close: async () => {
    const open = server;
    server = undefined;
    await (await open)?.close();
  },
};

/** Answers to the first calls of a connection, and a stream that stays open. */
const talk = fc
  .tuple(fc.nat(SAMPLES.length - 1), fc.integer({ min: 1, max: 3 }), fc.nat(3))
  .map(([sample, id, how]) => {
    const end = how === 0 ? { code: 'not_found', message: 'no', detail: new Uint8Array([8, 1]) } : undefined;
    const unary = [encodeSelect(id), envelopeOf(SAMPLES[sample]!), encodeCallEnd({ id, refusal: end })];
    return Buffer.concat(how === 1 ? [encodePing(FRAME_PING, 1), encodeSelect(id), streamed] : unary);
  });

const hostileFrames: FuzzTarget = {
  name: 'client-hostile-frames',
  covers: ['packages/client-sdk/src/channel/node/direct-call.ts'],
  valid: fc.tuple(fc.nat(CALLS.length * 2 - 1), talk).map(([call, body]) => new Uint8Array([call, ...body])),
  ...{ inputBytesMax: 4_096, runs: 24, timeMsMax: SETTLES_MS, sharesProcess: true },
  run: async (input) => outcomeOf(await (frames ??= new HostileServer(framesServer).start()), input),
  close: async () => {
    const open = frames;
    frames = undefined;
    await (await open)?.close();
  },
};

/** A client before a server that answers anything. */
export const hostileServerTargets: readonly FuzzTarget[] = [hostileServer, hostileFrames];
