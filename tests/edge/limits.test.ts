import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { ErrorDetailSchema, Outcome, RegisterService, ZnodeService, type ErrorDetail } from '@zkl/protocol';
import { createServer, type LogFields, type Logger } from '@zkl/server';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Cleanup, membersOf, startServer, temporaryFolder, until } from './support.js';

const FUTURE = 99n << 32n;

async function detailOf(call: Promise<unknown>): Promise<ErrorDetail> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => ConnectError.from(reason),
  );
  const [detail] = error?.findDetails(ErrorDetailSchema) ?? [];
  if (detail === undefined) throw new Error(`no typed detail: ${error?.message ?? 'it did not fail'}`);
  return detail;
}

it('throttles what is beyond its limits, and makes room again when a caller goes away', async () => {
  await using cleanup = new Cleanup();
  const { baseUrl } = await startServer(cleanup, { limits: { requestsInFlightMax: 2 } });
  const sessionManager = new Http2SessionManager(baseUrl);
  cleanup.add(() => sessionManager.abort());
  const register = createClient(RegisterService, createGrpcTransport({ baseUrl, sessionManager }));
  const inFlight = async (): Promise<string | undefined> =>
    /^zkl_requests_in_flight\{.*\} (\d+)/m.exec(await (await fetch(`${baseUrl}/metrics`)).text())?.[1];
  // Reads that wait for a zxid that does not come.
  const leaving = new AbortController();
  const waiting = [1, 2].map(() => register.read({ read: { atLeastZxid: FUTURE } }, { signal: leaving.signal }));
  await until('both to wait', async () => (await inFlight()) === '2');
  expect(await detailOf(register.read({}))).toMatchObject({
    code: 'THROTTLED',
    number: -127,
    outcome: Outcome.REJECTED,
    retryable: true,
  });
  expect(await detailOf(register.write({ value: new Uint8Array(1) }))).toMatchObject({
    code: 'THROTTLED',
    outcome: Outcome.REJECTED,
  });
  leaving.abort();
  const ends = await Promise.allSettled(waiting);
  expect(ends).toMatchObject([1, 2].map(() => ({ status: 'rejected', reason: { code: Code.Canceled } })));
  await until('room', async () => (await inFlight()) === '0');
  expect((await register.write({ value: new Uint8Array(1) })).version).toBe(1);
});

it('throttles by bytes too, and takes a small request beside', async () => {
  await using cleanup = new Cleanup();
  // The other server is never there: writes wait for a leader, and hold their bytes.
  const server = await createServer({
    members: await membersOf(2),
    logger: false,
    dataFolder: join(await temporaryFolder(cleanup), 'data'),
    limits: { requestBytesInFlightMax: 2_097_152, valueBytesMax: 1_048_576 },
    timing: { leaderGraceMs: 30_000 },
  });
  cleanup.add(() => server.stop({ graceful: false }));
  const baseUrl = `http://127.0.0.1:${server.address.port}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  cleanup.add(() => sessionManager.abort());
  const znodes = createClient(ZnodeService, createGrpcTransport({ baseUrl, sessionManager }));
  const inFlight = async (): Promise<number> =>
    Number(/^zkl_request_bytes_in_flight\{.*\} (\d+)/m.exec(await (await fetch(`${baseUrl}/metrics`)).text())?.[1]);
  const waiting = [1, 2].map(() => detailOf(znodes.set({ path: '/n', data: new Uint8Array(1_000_000) })));
  await until('both to wait', async () => (await inFlight()) > 2_000_000);
  expect(await detailOf(znodes.set({ path: '/n', data: new Uint8Array(1_000_000) }))).toMatchObject({
    code: 'THROTTLED',
    outcome: Outcome.REJECTED,
  });
  expect(await detailOf(znodes.set({ path: '/n', data: new Uint8Array(10) }, { timeoutMs: 1_000 }))).toMatchObject({
    code: 'NO_QUORUM',
  });
  await server.stop();
  for (const call of waiting) expect(await call).toMatchObject({ code: 'SHUTTING_DOWN', outcome: Outcome.REJECTED });
});

it('answers a request whose deadline is short before that deadline', async () => {
  await using cleanup = new Cleanup();
  const { baseUrl } = await startServer(cleanup);
  const sessionManager = new Http2SessionManager(baseUrl);
  cleanup.add(() => sessionManager.abort());
  const register = createClient(RegisterService, createGrpcTransport({ baseUrl, sessionManager }));
  await register.read({});
  const startedMs = performance.now();
  expect(await detailOf(register.read({ read: { atLeastZxid: FUTURE } }, { timeoutMs: 1_000 }))).toMatchObject({
    code: 'NOT_SYNCED',
    outcome: Outcome.REJECTED,
    retryable: true,
  });
  expect(performance.now() - startedMs).toBeLessThan(1_000);
});

it.each([
  ['another cluster id', { clusterId: 'other' }, 'CLUSTER_MISMATCH'],
  ['another secret', { peerSecret: 'another secret, as long' }, 'BAD_PROOF'],
])('makes no cluster of servers with %s, and says why', async (_name, other, code) => {
  await using cleanup = new Cleanup();
  const folder = await temporaryFolder(cleanup);
  const members = await membersOf(2);
  const lines: LogFields[] = [];
  const note = (fields: LogFields): void => void lines.push(fields);
  const logger: Logger = { debug: note, info: note, warn: note, error: note, fatal: note, child: () => logger };
  const secret = { peerSecret: 'a secret that is long enough' };
  for (const [serverId, options] of [
    [1, {}],
    [2, other],
  ] as const) {
    const server = await createServer({
      members,
      serverId,
      logger,
      dataFolder: join(folder, String(serverId)),
      ...secret,
      ...options,
    });
    cleanup.add(() => server.stop({ graceful: false }));
  }
  await until(`a line with ${code}`, () => lines.some((line) => line['code'] === code));
  expect(lines.some(({ event }) => event === 'serving')).toBe(false);
  expect(JSON.stringify(lines)).not.toContain('secret');
});
