import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, Agent } from 'node:http';
import { connect, constants, type ClientHttp2Session } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary, toJsonString, type DescMessage, type DescMethod } from '@bufbuild/protobuf';
import {
  ClusterService,
  ErrorDetailSchema,
  RegisterService,
  SessionService,
  WatchService,
  ZnodeService,
} from '@zkl/protocol';
import { createServer, type LogFields, type Logger, type ZklServer } from '@zkl/server';
import { CLASS_READ } from '@zkl/wire';
import fc from 'fast-check';
import { PEER_MAGIC } from '../../../packages/server/src/port/protocol-sniffer.js';
import { must, type FuzzTarget } from '../engine/target.js';

/** How long an answer may take; the requests give 300 ms. */
export const ANSWER_MS = 5_000;
/** Streams are looked at for so long: that is what tells whether they end. */
export const STREAM_MS = 20;

/** A server in this process, and all that it logged as an error. */
class Door {
  readonly errors: LogFields[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'zkl-fuzz-door-'));
  readonly agent = new Agent({ keepAlive: true });
  #server: ZklServer | undefined;
  #session: ClientHttp2Session | undefined;

  async start(): Promise<this> {
    const ignore = (): void => undefined;
    const note = (fields: LogFields): void => void this.errors.push(fields);
    const logger: Logger = { debug: ignore, info: ignore, warn: ignore, error: note, fatal: note, child: () => logger };
    const limits = { valueBytesMax: 65_536 };
    this.#server = await createServer({
      dataFolder: this.#folder,
      port: 0,
      logger,
      limits,
      timing: { shutdownGraceMs: 0 },
    });
    await this.#server.ready;
    return this;
  }

  get port(): number {
    return this.#server!.address.port;
  }

  check(): void {
    must(this.errors.length === 0, `the server logged ${JSON.stringify(this.errors[0])}`);
    must(this.#server?.status().serving === true, 'the server serves no more');
  }

  session(): ClientHttp2Session {
    const now = this.#session;
    if (now !== undefined && !now.closed && !now.destroyed) return now;
    const session = connect(`http://127.0.0.1:${this.port}`);
    session.on('error', () => undefined);
    this.#session = session;
    return session;
  }

  async close(): Promise<void> {
    this.#session?.destroy();
    this.agent.destroy();
    await this.#server?.stop({ graceful: false });
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

let door: Promise<Door> | undefined;
export const theDoor = (): Promise<Door> => (door ??= new Door().start());

export async function closeDoor(): Promise<void> {
  const open = door;
  door = undefined;
  await (await open)?.close();
}

const METHODS: readonly DescMethod[] = [ZnodeService, RegisterService, ClusterService, SessionService].flatMap(
  (service) => service.methods.filter(({ methodKind }) => methodKind === 'unary'),
);
export const methodAt = (byte: number): DescMethod => METHODS[byte % METHODS.length]!;
export const pathOf = (method: DescMethod): string => `/${method.parent.typeName}/${method.name}`;

const FIELDS: readonly object[] = [
  { path: '/a', data: new Uint8Array([1, 2]) },
  { path: '/__proto__', expectedVersion: -1, mode: 1 },
  { path: '/a/b', writeId: { clientId: 'constructor', requestId: 1n, answeredThrough: 0n } },
  { value: new Uint8Array([3]), read: { consistency: 1, atLeastZxid: 1n } },
  { reads: [{ kind: { case: 'get', value: { path: '/a' } } }], timeoutMs: 1_000 },
  { then: [{ kind: { case: 'create', value: { path: '/t' } } }], comparisons: [{ path: '/a', operator: 1 }] },
];

function sampleOf(desc: DescMessage, at: number): object {
  const known = new Set(desc.fields.map(({ localName }) => localName));
  const oneofs = new Set(desc.oneofs.map(({ localName }) => localName));
  return Object.fromEntries(
    Object.entries(FIELDS[at % FIELDS.length]!).filter(([name]) => known.has(name) || oneofs.has(name)),
  );
}

/** The method's number, then the body. */
const bodies = (encode: (desc: DescMessage, fields: object) => Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc.tuple(fc.nat(METHODS.length - 1), fc.nat(FIELDS.length - 1)).map(([method, fields]) => {
    const { input } = methodAt(method);
    let body = new Uint8Array(0);
    try {
      body = new Uint8Array(encode(input, sampleOf(input, fields)));
    } catch {
      // Fields of that name, but of another type.
    }
    return new Uint8Array([method, ...body]);
  });
export const binary = bodies((desc, fields) => toBinary(desc, create(desc, fields as Record<string, unknown>)));
const json = bodies((desc, fields) => Buffer.from(toJsonString(desc, create(desc, fields as Record<string, unknown>))));

function post(
  at: Door,
  path: string,
  headers: Record<string, string>,
  body: Uint8Array,
): Promise<{ status: number; body: Buffer; headers: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      host: '127.0.0.1',
      port: at.port,
      agent: at.agent,
      method: 'POST',
      path,
      headers: { ...headers, 'content-length': body.length },
    });
    const timer = setTimeout(() => request.destroy(new Error(`no answer in ${ANSWER_MS} ms`)), ANSWER_MS);
    request.on('error', (error) => (clearTimeout(timer), reject(error)));
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks), headers: response.headers });
      });
    });
    request.end(body);
  });
}

/** An error of Connect: JSON with our detail, and never one that nobody expected. */
function checkError(text: string): string {
  const error = JSON.parse(text) as { code: string; message?: string; details?: { type: string }[] };
  must(error.code !== 'internal' && error.code !== 'unknown', `an error that nobody expected: ${text}`);
  must(error.details?.[0]?.type === ErrorDetailSchema.typeName, `an error without a detail: ${text}`);
  return error.code;
}

function connectDoor(name: string, contentType: string, valid: fc.Arbitrary<Uint8Array>): FuzzTarget {
  return {
    name,
    covers: ['packages/server/src/http/framework-errors.ts'],
    valid,
    ...{ inputBytesMax: 16_384, runs: 50, timeMsMax: ANSWER_MS, sharesProcess: true, close: closeDoor },
    run: async (input) => {
      const at = await theDoor();
      const method = methodAt(input[0] ?? 0);
      const { status, body } = await post(
        at,
        pathOf(method),
        { 'content-type': contentType, 'connect-timeout-ms': '300' },
        input.subarray(1),
      );
      at.check();
      return status === 200 ? method.name : checkError(body.toString());
    },
  };
}

export function envelope(payload: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

const framed = binary.map((input) => new Uint8Array([input[0] ?? 0, ...envelope(input.subarray(1))]));

const grpcWeb: FuzzTarget = {
  name: 'door-grpc-web',
  covers: ['packages/server/src/http/framework-errors.ts'],
  valid: framed,
  ...{ inputBytesMax: 16_384, runs: 50, timeMsMax: ANSWER_MS, sharesProcess: true, close: closeDoor },
  run: async (input) => {
    const at = await theDoor();
    const headers = { 'content-type': 'application/grpc-web+proto', 'grpc-timeout': '300m' };
    const { status, body } = await post(at, pathOf(methodAt(input[0] ?? 0)), headers, input.subarray(1));
    at.check();
    const code = /grpc-status: (\d+)/.exec(body.toString('latin1'))?.[1];
    must(
      status === 200 && code !== undefined && code !== '13' && code !== '2',
      `status ${status}, grpc-status ${code}`,
    );
    return code;
  },
};

/** A stream on the lane: what came back, and how it ended within the time. */
function onLane(at: Door, path: string, body: Uint8Array, waitMs: number): Promise<{ status: string; bytes: number }> {
  return new Promise((resolve) => {
    const stream = at.session().request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(waitMs === ANSWER_MS ? { 'grpc-timeout': '300m' } : {}),
    });
    let status = 'open';
    let bytes = 0;
    const finish = (): void => {
      clearTimeout(timer);
      resolve({ status, bytes });
    };
    const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), waitMs);
    const note = (headers: Record<string, unknown>): void => {
      if (typeof headers['grpc-status'] === 'string') status = headers['grpc-status'];
    };
    stream.on('response', note);
    stream.on('trailers', note);
    stream.on('data', (chunk: Buffer) => (bytes += chunk.length));
    stream.on('error', () => undefined);
    stream.on('close', finish);
    stream.end(body);
  });
}

const grpc: FuzzTarget = {
  name: 'door-grpc',
  covers: ['packages/server/src/lane/grpc-lane.ts', 'packages/server/src/lane/grpc-body.ts'],
  valid: framed,
  ...{ inputBytesMax: 16_384, runs: 60, timeMsMax: ANSWER_MS, sharesProcess: true, close: closeDoor },
  run: async (input) => {
    const at = await theDoor();
    const { status } = await onLane(at, pathOf(methodAt(input[0] ?? 0)), input.subarray(1), ANSWER_MS);
    at.check();
    must(status !== 'open' && status !== '2', `the call ended with ${status}`);
    return status;
  },
};

const hello = { hello: { layout: 1 } };
export const attachMessages = fc
  .array(
    fc.constantFrom<object>(
      { operations: new Uint8Array([6, CLASS_READ, 1, 0, 0, 6]) },
      { operations: new Uint8Array([11, 2, 1, 3, 7, 0, 0, 2, 47, 97]) },
      { ping: 7n },
      hello,
    ),
    { maxLength: 5 },
  )
  .map(
    (list) =>
      new Uint8Array(
        Buffer.concat(
          [hello, ...list].map((fields) =>
            envelope(toBinary(SessionService.method.attach.input, create(SessionService.method.attach.input, fields))),
          ),
        ),
      ),
  );

function streamDoor(
  name: string,
  covers: readonly string[],
  method: DescMethod,
  valid: fc.Arbitrary<Uint8Array>,
): FuzzTarget {
  return {
    name,
    covers,
    valid,
    ...{ inputBytesMax: 16_384, runs: 50, timeMsMax: ANSWER_MS, sharesProcess: true, close: closeDoor },
    run: async (input) => {
      const at = await theDoor();
      const { status, bytes } = await onLane(at, pathOf(method), input, STREAM_MS);
      at.check();
      must(status !== '2' && bytes < 16 * 1024 * 1024, `the stream ended with ${status} after ${bytes} bytes`);
      return `${status} ${bytes > 0}`;
    },
  };
}

const watchRequest = toBinary(
  WatchService.method.watch.input,
  create(WatchService.method.watch.input, { path: '/', scope: 3 }),
);

const raw: FuzzTarget = {
  name: 'door-raw',
  covers: ['packages/server/src/port/protocol-sniffer.ts'],
  valid: fc
    .constantFrom(
      Buffer.from(
        'POST /zkl.v1.RegisterService/Read HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}',
      ),
      Buffer.from('GET /metrics HTTP/1.1\r\nhost: [::1\r\norigin: null\r\n\r\n'),
      Buffer.from(
        'GET /../../etc/passwd HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n',
      ),
      Buffer.concat([
        Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
        Buffer.from('000000040000000000', 'hex'),
        Buffer.from('00000401050000000182848641', 'hex'),
      ]),
      Buffer.concat([PEER_MAGIC, Buffer.from('0f000000aabbccdd01', 'hex')]),
    )
    .map((bytes) => new Uint8Array(bytes)),
  ...{ inputBytesMax: 16_384, runs: 50, timeMsMax: ANSWER_MS, sharesProcess: true, close: closeDoor },
  run: async (input) => {
    const at = await theDoor();
    const first = await new Promise<string>((resolve) => {
      const socket = connectTcp(at.port, '127.0.0.1', () => socket.end(input));
      let answer = '';
      const timer = setTimeout(() => socket.destroy(), STREAM_MS);
      socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1').slice(0, 12)));
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearTimeout(timer);
        resolve(answer.slice(0, 12));
      });
    });
    at.check();
    return first.startsWith('HTTP/1.1') ? first : first === '' ? 'nothing' : 'bytes';
  },
};

/** A whole server behind its port. */
export const doorTargets: readonly FuzzTarget[] = [
  connectDoor('door-json', 'application/json', json),
  connectDoor('door-connect', 'application/proto', binary),
  grpcWeb,
  grpc,
  streamDoor(
    'door-attach',
    ['packages/server/src/lane/attach-lane.ts', 'packages/server/src/lane/lane-stream.ts'],
    SessionService.method.attach,
    attachMessages,
  ),
  streamDoor(
    'door-watch',
    ['packages/server/src/lane/watch-lane.ts', 'packages/server/src/lane/lane-stream.ts'],
    WatchService.method.watch,
    fc.constant(new Uint8Array(envelope(watchRequest))),
  ),
  raw,
];
