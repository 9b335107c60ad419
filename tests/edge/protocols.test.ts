import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import {
  createConnectTransport as createWebConnectTransport,
  createGrpcWebTransport as createWebGrpcWebTransport,
} from '@connectrpc/connect-web';
import {
  ClusterService,
  ErrorDetailSchema,
  Outcome,
  RegisterService,
  Role,
  ZnodeService,
  type ErrorDetail,
} from '@zkl/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cleanup, startServer } from './support.js';

const cleanup = new Cleanup();
let baseUrl = '';
beforeAll(async () => {
  ({ baseUrl } = await startServer(cleanup));
});
afterAll(() => cleanup[Symbol.asyncDispose]());

/** Every way in which a client may speak to the one port. */
const TRANSPORTS: Readonly<Record<string, (baseUrl: string) => Transport>> = {
  'gRPC over HTTP/2': (url) => createGrpcTransport({ baseUrl: url }),
  'gRPC, JSON messages': (url) => createGrpcTransport({ baseUrl: url, useBinaryFormat: false }),
  'gRPC-Web over HTTP/1.1': (url) => createGrpcWebTransport({ baseUrl: url, httpVersion: '1.1' }),
  'gRPC-Web over HTTP/2': (url) => createGrpcWebTransport({ baseUrl: url, httpVersion: '2' }),
  'Connect over HTTP/1.1': (url) => createConnectTransport({ baseUrl: url, httpVersion: '1.1' }),
  'Connect over HTTP/1.1, JSON': (url) =>
    createConnectTransport({ baseUrl: url, httpVersion: '1.1', useBinaryFormat: false }),
  'Connect over HTTP/2, JSON': (url) =>
    createConnectTransport({ baseUrl: url, httpVersion: '2', useBinaryFormat: false }),
  'Connect with GET': (url) => createConnectTransport({ baseUrl: url, httpVersion: '1.1', useHttpGet: true }),
  'Connect in a browser': (url) => createWebConnectTransport({ baseUrl: url }),
  'gRPC-Web in a browser': (url) => createWebGrpcWebTransport({ baseUrl: url }),
};

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function failureOf(call: Promise<unknown>): Promise<{ code: Code; detail: ErrorDetail }> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => ConnectError.from(reason),
  );
  if (error === undefined) throw new Error('it did not fail');
  const [detail] = error.findDetails(ErrorDetailSchema);
  if (detail === undefined) throw new Error(`no typed detail: ${error.message}`);
  expect(error.rawMessage).toContain(detail.code);
  return { code: error.code, detail };
}

describe.each(Object.entries(TRANSPORTS))('%s', (name, connect) => {
  // One tree for all: each has a branch of its own.
  const root = `/${name.replace(/[^A-Za-z0-9]+/g, '-')}`;
  const clients = (): {
    znodes: ReturnType<typeof createClient<typeof ZnodeService>>;
    register: ReturnType<typeof createClient<typeof RegisterService>>;
    cluster: ReturnType<typeof createClient<typeof ClusterService>>;
  } => {
    const transport = connect(baseUrl);
    return {
      znodes: createClient(ZnodeService, transport),
      register: createClient(RegisterService, transport),
      cluster: createClient(ClusterService, transport),
    };
  };

  it('has every procedure of the tree', async () => {
    const { znodes } = clients();
    const created = await znodes.create({ path: root, data: bytes('one') });
    expect(created).toMatchObject({
      path: root,
      header: { serverId: 1, leaderId: 1, epoch: 1 },
      stat: { version: 0, dataLength: 3 },
    });
    expect(created.header?.zxid).toBe(created.stat?.czxid);

    const got = await znodes.get({ path: root });
    expect(got.data).toEqual(bytes('one'));
    expect(got.stat).toEqual(created.stat);

    const set = await znodes.set({ path: root, data: bytes('two'), expectedVersion: 0 });
    expect(set.stat).toMatchObject({ version: 1, mzxid: set.header?.zxid, czxid: created.stat?.czxid });
    expect(await failureOf(znodes.set({ path: root, data: bytes('three'), expectedVersion: 0 }))).toMatchObject({
      code: Code.FailedPrecondition,
      detail: {
        code: 'BAD_VERSION',
        number: -103,
        outcome: Outcome.REJECTED,
        retryable: false,
        path: root,
        leaderId: 1,
      },
    });

    const first = await znodes.create({ path: `${root}/n-`, sequential: true });
    expect(first.path).toBe(`${root}/n-0000000000`);
    expect((await znodes.get({ path: first.path })).data).toBeUndefined();
    const second = await znodes.create({ path: `${root}/n-`, sequential: true, data: new Uint8Array() });
    expect((await znodes.get({ path: second.path })).data).toEqual(new Uint8Array());

    const page = await znodes.listChildren({ path: root, pageSize: 1, withStat: true, withData: true });
    expect(page).toMatchObject({
      more: true,
      children: [{ name: 'n-0000000000', stat: { czxid: first.header?.zxid } }],
      stat: { numChildren: 2 },
    });
    const rest = await znodes.listChildren({
      path: root,
      startAfter: 'n-0000000000',
      read: { atLeastZxid: page.header!.zxid },
    });
    expect(rest).toMatchObject({ more: false, children: [{ name: 'n-0000000001' }] });
    expect(rest.children[0]?.stat).toBeUndefined();

    expect(await failureOf(znodes.delete({ path: root }))).toMatchObject({ detail: { code: 'NOT_EMPTY' } });
    const deleted = await znodes.delete({ path: first.path, expectedVersion: -1 });
    expect(deleted.header!.zxid).toBeGreaterThan(second.header!.zxid);
    expect((await znodes.exists({ path: first.path })).stat).toBeUndefined();
    expect((await znodes.exists({ path: second.path })).stat?.version).toBe(0);
  });

  it('has every procedure of the register', async () => {
    const { register } = clients();
    const written = await register.write({ value: bytes(name) });
    const guessed = await register.guess({ value: bytes(name) });
    expect(guessed).toMatchObject({ matched: true, leaderId: 1, version: written.version });
    expect((await register.guess({ value: bytes('something else') })).matched).toBe(false);
    const read = await register.read({});
    expect(read.value).toEqual(bytes(name));
    expect(read).toMatchObject({ version: written.version, mzxid: written.header?.zxid });
    expect(read.guesses).toBeGreaterThan(read.hits);
  });

  it('has every procedure of the cluster', async () => {
    const { cluster } = clients();
    const status = await cluster.status({});
    expect(status).toMatchObject({
      clusterId: 'zkl',
      serverId: 1,
      role: Role.LEADING,
      serving: true,
      leaderId: 1,
      writesRefused: '',
    });
    expect(status.digest).toMatch(/^[0-9a-f]{16}$/);
    expect(status.digestZxid).toBe(status.appliedZxid);
    expect(status.digests.at(-1)).toMatchObject({ zxid: status.appliedZxid, digest: status.digest });
    const members = await cluster.listMembers({});
    expect(members.members).toMatchObject([{ serverId: 1, address: new URL(baseUrl).host }]);
  });

  it('gives the first answer again to a write that is sent again', async () => {
    const { znodes } = clients();
    const request = {
      path: `${root}-once-`,
      sequential: true,
      writeId: { clientId: `client of ${name}`, requestId: 1n },
    };
    const first = await znodes.create(request);
    const again = await znodes.create(request);
    expect(again.path).toBe(first.path);
    expect(again.header?.zxid).toBe(first.header?.zxid);
    expect(await failureOf(znodes.delete({ path: first.path, writeId: request.writeId }))).toMatchObject({
      detail: { outcome: Outcome.REJECTED },
    });
    const stale = { ...request, writeId: { ...request.writeId, requestId: 2n, answeredThrough: 2n } };
    expect(await failureOf(znodes.create(stale))).toMatchObject({ detail: { code: 'STALE_REQUEST' } });
  });

  it('says with a typed error what is wrong with a request', async () => {
    const { znodes, register } = clients();
    expect(await failureOf(znodes.get({ path: `${root}/absent` }))).toMatchObject({
      code: Code.NotFound,
      detail: { code: 'NO_NODE', path: `${root}/absent` },
    });
    expect(await failureOf(znodes.create({ path: '/' }))).toMatchObject({
      code: Code.AlreadyExists,
      detail: { code: 'NODE_EXISTS' },
    });
    for (const path of ['', 'a', '/a/', '/a//b', '/a/./b', '/a/../b', '/a\u0001', `/${'x'.repeat(5_000)}`]) {
      expect(await failureOf(znodes.create({ path }))).toMatchObject({
        code: Code.InvalidArgument,
        detail: { code: 'BAD_ARGUMENTS' },
      });
      expect(await failureOf(znodes.get({ path }))).toMatchObject({
        code: Code.InvalidArgument,
        detail: { code: 'BAD_ARGUMENTS' },
      });
    }
    expect(await failureOf(znodes.create({ path: '/x', writeId: { clientId: '', requestId: 1n } }))).toMatchObject({
      detail: { code: 'BAD_ARGUMENTS' },
    });
    expect(
      await failureOf(znodes.create({ path: '/x', writeId: { clientId: 'c', requestId: 2n ** 53n } })),
    ).toMatchObject({ detail: { code: 'BAD_ARGUMENTS' } });
    expect(await failureOf(znodes.listChildren({ path: '/', pageSize: 10_001 }))).toMatchObject({
      detail: { code: 'BAD_ARGUMENTS' },
    });
    expect(await failureOf(register.read({ read: { atLeastZxid: 99n << 32n } }, { timeoutMs: 1_000 }))).toMatchObject({
      code: Code.Unavailable,
      detail: { code: 'NOT_SYNCED', outcome: Outcome.REJECTED },
    });
  });

  it('refuses a value over the limit, and that request alone', async () => {
    const { znodes } = clients();
    const path = `${root}-large`;
    await znodes.create({ path, data: new Uint8Array(1_048_576) });
    expect(await failureOf(znodes.set({ path, data: new Uint8Array(1_048_577) }))).toMatchObject({
      code: Code.ResourceExhausted,
      detail: { code: 'VALUE_TOO_LARGE', outcome: Outcome.REJECTED, path },
    });
    expect(await failureOf(znodes.set({ path, data: new Uint8Array(4_000_000) }))).toMatchObject({
      code: Code.ResourceExhausted,
      detail: { code: 'MESSAGE_TOO_LARGE', outcome: Outcome.REJECTED },
    });
    expect((await znodes.get({ path })).stat).toMatchObject({ version: 0, dataLength: 1_048_576 });
  });
});
