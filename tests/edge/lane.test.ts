import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import {
  create,
  fromBinary,
  toBinary,
  toJson,
  type DescMessage,
  type DescMethod,
  type JsonValue,
} from '@bufbuild/protobuf';
import { ClusterService, ErrorDetailSchema, grpcHealthV1, RegisterService, ZnodeService } from '@zkl/protocol';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cleanup, startServer, until } from './support.js';

/**
 * Plain unary gRPC takes a lane of its own through the server. Whatever goes through it must come out as it does through Connect: the same requests
 * go to two new servers, to one by the lane and to the other, by an `origin` as browsers send it, past the lane.
 */
const PAST_THE_LANE = { origin: 'http://localhost' };

const cleanup = new Cleanup();
let lane: ClientHttp2Session;
let connectSession: ClientHttp2Session;
let laneUrl = '';
beforeAll(async () => {
  lane = await open((url) => (laneUrl = url));
  connectSession = await open();
});
afterAll(() => cleanup[Symbol.asyncDispose]());

async function open(tellUrl?: (url: string) => void): Promise<ClientHttp2Session> {
  const { baseUrl } = await startServer(cleanup, { limits: { valueBytesMax: 4_096 } });
  tellUrl?.(baseUrl);
  const session = connect(baseUrl);
  cleanup.add(() => session.destroy());
  return session;
}

interface Answer {
  readonly httpStatus: unknown;
  readonly contentType: unknown;
  readonly status: unknown;
  readonly message: unknown;
  readonly detail: JsonValue | undefined;
  readonly body: JsonValue | undefined;
}

/** One call, as bytes. `body` is what stands in the DATA frames. */
function exchange(
  session: ClientHttp2Session,
  path: string,
  body: Uint8Array,
  headers: Record<string, string>,
): Promise<{ headers: IncomingHttpHeaders; trailers: IncomingHttpHeaders; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    let got: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    stream.on('response', (response: IncomingHttpHeaders) => (got = response));
    stream.on('trailers', (response: IncomingHttpHeaders) => (trailers = response));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('close', () => resolve({ headers: got, trailers, body: Buffer.concat(chunks) }));
    stream.on('error', reject);
    stream.end(body);
  });
}

function frame(message: Uint8Array, flags = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flags;
  prefix.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([prefix, message]);
}

/** What both ways must agree on. Times differ, for the calls are not made at the same time. */
async function ask(
  session: ClientHttp2Session,
  method: DescMethod,
  body: Uint8Array,
  headers: Record<string, string>,
): Promise<Answer> {
  const path = `/${method.parent.typeName}/${method.name}`;
  const reply = await exchange(session, path, body, headers);
  const end = reply.trailers['grpc-status'] === undefined ? reply.headers : reply.trailers;
  const details = end['grpc-status-details-bin'];
  return {
    httpStatus: reply.headers[':status'],
    contentType: String(reply.headers['content-type']).replace(/\+proto$/, ''),
    status: end['grpc-status'],
    message: decodeURIComponent((end['grpc-message'] as string | undefined) ?? ''),
    detail: details === undefined ? undefined : detailIn(Buffer.from(String(details), 'base64')),
    body: reply.body.byteLength === 0 ? undefined : messageIn(method.output, reply.body),
  };
}

function messageIn(desc: DescMessage, body: Buffer): JsonValue {
  expect(body.readUInt32BE(1)).toBe(body.byteLength - 5);
  const json = toJson(desc, fromBinary(desc, body.subarray(5)));
  return JSON.parse(
    JSON.stringify(json, (key, value: unknown) =>
      /^(ctime|mtime|uptimeMs|clusterId|address)$/.test(key) ? null : value,
    ),
  ) as JsonValue;
}

/** The ErrorDetail in a google.rpc.Status, which is the last field of its last field. */
function detailIn(status: Buffer): JsonValue {
  const name = Buffer.from(`type.googleapis.com/${ErrorDetailSchema.typeName}`);
  const at = status.indexOf(name) + name.byteLength;
  const length = status[at + 1]!;
  const start = length < 0x80 ? at + 2 : at + 3;
  return toJson(ErrorDetailSchema, fromBinary(ErrorDetailSchema, status.subarray(start)));
}

async function askBoth(method: DescMethod, body: Uint8Array, headers: Record<string, string> = {}): Promise<Answer> {
  const [fast, slow] = await Promise.all([
    ask(lane, method, body, headers),
    ask(connectSession, method, body, { ...headers, ...PAST_THE_LANE }),
  ]);
  expect(fast).toEqual(slow);
  return fast;
}

const path = fc.constantFrom('/', '/a', '/b', '/a/x', '/a/y', '/a/x/deep', '', 'a', '/a//b', '/a/', '/ü');
const data = fc.option(fc.uint8Array({ maxLength: 20 }), { nil: undefined });
const version = fc.option(fc.integer({ min: -1, max: 3 }), { nil: undefined });
const requests: readonly (readonly [DescMethod, fc.Arbitrary<Record<string, unknown>>])[] = [
  [ZnodeService.method.create, fc.record({ path, data, sequential: fc.boolean() })],
  [ZnodeService.method.set, fc.record({ path, data, expectedVersion: version })],
  [ZnodeService.method.delete, fc.record({ path, expectedVersion: version })],
  [ZnodeService.method.get, fc.record({ path })],
  [ZnodeService.method.exists, fc.record({ path })],
  [
    ZnodeService.method.listChildren,
    fc.record({ path, pageSize: fc.constantFrom(0, 1, 20_000), withStat: fc.boolean(), withData: fc.boolean() }),
  ],
  [RegisterService.method.write, fc.record({ value: fc.uint8Array({ maxLength: 4 }) })],
  [RegisterService.method.guess, fc.record({ value: fc.uint8Array({ maxLength: 4 }) })],
  [RegisterService.method.read, fc.constant({})],
  [grpcHealthV1.Health.method.check, fc.record({ service: fc.constantFrom('', 'zkl.v1.ZnodeService', 'nobody') })],
  [ClusterService.method.listMembers, fc.constant({})],
];

function callOf(method: DescMethod, init: Record<string, unknown>): { method: DescMethod; message: Uint8Array } {
  return { method, message: toBinary(method.input, create(method.input, init)) };
}

const call = fc.oneof(...requests.map(([method, arbitrary]) => arbitrary.map((init) => callOf(method, init))));

/** Each call once well and once not: what is drawn need not bring all of them about. */
const known = [
  ...[ZnodeService.method.create, ZnodeService.method.create].map((method) => callOf(method, { path: '/known' })),
  ...['/known', '/unknown'].flatMap((at) =>
    [
      ZnodeService.method.set,
      ZnodeService.method.get,
      ZnodeService.method.exists,
      ZnodeService.method.listChildren,
      ZnodeService.method.delete,
    ].map((method) => callOf(method, { path: at })),
  ),
  callOf(ZnodeService.method.exists, { path: 'no path' }),
  callOf(RegisterService.method.write, { value: new Uint8Array([1]) }),
  callOf(RegisterService.method.guess, { value: new Uint8Array([1]) }),
  callOf(RegisterService.method.read, {}),
  ...['', 'nobody'].map((service) => callOf(grpcHealthV1.Health.method.check, { service })),
  callOf(ClusterService.method.listMembers, {}),
];

describe('the lane of plain unary gRPC', () => {
  it('answers as Connect does, whatever is asked in whatever order', { timeout: 60_000 }, async () => {
    const seen = new Set<unknown>();
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 20, maxLength: 60 }), async (calls) => {
        for (const { method, message } of calls) {
          const { status } = await askBoth(method, frame(message));
          seen.add(`${method.name} ${status === '0' ? 'ok' : 'failed'}`);
        }
      }),
      { numRuns: 15, endOnFailure: true, examples: [[known]] },
    );
    // Every method was reached, and all that can fail did.
    for (const [{ name }] of requests) expect([...seen]).toContain(`${name} ok`);
    for (const name of ['Create', 'Set', 'Delete', 'Get', 'Exists', 'ListChildren', 'Check']) {
      expect([...seen]).toContain(`${name} failed`);
    }
  });

  const { get, set } = ZnodeService.method;
  const root = toBinary(get.input, create(get.input, { path: '/' }));

  it.each([
    ['no message', Buffer.alloc(0), '12'],
    ['a prefix that is cut off', Buffer.from([0, 0]), '3'],
    ['a message that is cut off', frame(root).subarray(0, -1), '3'],
    ['bytes that are no message', frame(Buffer.from([0xff, 0xff, 0xff])), '3'],
  ])('refuses %s with the code that Connect gives', async (_what, body, expected) => {
    const { status, detail } = await ask(lane, get, body, {});
    const other = await ask(connectSession, get, body, PAST_THE_LANE);
    expect([status, (detail as { code: string }).code]).toEqual([
      other.status,
      (other.detail as { code: string }).code,
    ]);
    expect(status).toBe(expected);
  });

  it('refuses a message over the limit, and reads no more of it', async () => {
    const message = toBinary(set.input, create(set.input, { path: '/a', data: new Uint8Array(200_000) }));
    const { status, detail } = await ask(lane, set, frame(message), {});
    expect([status, detail]).toMatchObject(['8', { code: 'MESSAGE_TOO_LARGE' }]);
    expect((await askBoth(get, frame(root))).status).toBe('0');
  });

  it('keeps a deadline, and leaves one that it cannot read to Connect', async () => {
    expect((await askBoth(get, frame(root), { 'grpc-timeout': '5S' })).status).toBe('0');
    await askBoth(get, frame(root), { 'grpc-timeout': 'soon' });
    const message = toBinary(get.input, create(get.input, { path: '/', read: { atLeastZxid: 1n << 40n } }));
    const late = await askBoth(get, frame(message), { 'grpc-timeout': '200m' });
    expect(late).toMatchObject({ status: '14', detail: { code: 'NOT_SYNCED' } });
  });

  it('gives up the work of a caller that goes away', async () => {
    const message = toBinary(get.input, create(get.input, { path: '/', read: { atLeastZxid: 1n << 40n } }));
    const inFlight = async (): Promise<number> => {
      const text = await (await fetch(`${laneUrl}/metrics`)).text();
      return Number(/^zkl_requests_in_flight(?:\{[^}]*\})? (\d+)$/m.exec(text)?.[1]);
    };
    const stream = lane.request({
      ':method': 'POST',
      ':path': '/zkl.v1.ZnodeService/Get',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.on('error', () => undefined);
    stream.end(frame(message));
    await until('the call to be under way', async () => (await inFlight()) === 1);
    stream.close(8);
    await until('the call to be given up', async () => (await inFlight()) === 0);
  });

  it('serves a message that comes in pieces', async () => {
    const body = frame(root);
    const stream = lane.request({
      ':method': 'POST',
      ':path': '/zkl.v1.ZnodeService/Get',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const status = new Promise((resolve) =>
      stream.on('trailers', (trailers: IncomingHttpHeaders) => resolve(trailers['grpc-status'])),
    );
    stream.resume();
    for (const byte of body) await new Promise<void>((resolve) => stream.write(Buffer.from([byte]), () => resolve()));
    stream.end();
    expect(await status).toBe('0');
  });
});
