import { execFile } from 'node:child_process';
import { request as httpRequest } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { fromBinary } from '@bufbuild/protobuf';
import { ErrorDetailSchema, type ErrorDetail } from '@zkl/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cleanup, startServer } from './support.js';

const run = promisify(execFile);

const cleanup = new Cleanup();
let baseUrl = '';
let port = 0;
beforeAll(async () => {
  const { server, baseUrl: url } = await startServer(cleanup, {
    corsAllowedOrigins: ['loopback', 'https://console.example'],
  });
  baseUrl = url;
  ({ port } = server.address);
});
afterAll(() => cleanup[Symbol.asyncDispose]());

/** Runs curl; answers with the HTTP version, the status and the body. */
async function curl(...args: string[]): Promise<{ version: string; status: number; body: string }> {
  const { stdout } = await run('curl', ['-sS', '--max-time', '10', '-w', '\n%{http_version} %{http_code}', ...args]);
  const at = stdout.lastIndexOf('\n');
  const [version = '', status = ''] = stdout.slice(at + 1).split(' ');
  return { version, status: Number(status), body: stdout.slice(0, at) };
}

const JSON_TYPE = ['-H', 'content-type: application/json'];

async function post(
  path: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<{ status: number; error: ConnectErrorJson | undefined; body: string }> {
  const response = await fetch(`${baseUrl}${path}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : Uint8Array.from(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
  const text = await response.text();
  return {
    status: response.status,
    body: text,
    error: response.ok ? undefined : (JSON.parse(text) as ConnectErrorJson),
  };
}

interface ConnectErrorJson {
  readonly code: string;
  readonly message: string;
  readonly details: readonly { readonly type: string; readonly value: string }[];
}

function detailOf(error: ConnectErrorJson | undefined): ErrorDetail {
  const [detail] = error?.details ?? [];
  expect(detail?.type).toBe('zkl.v1.ErrorDetail');
  return fromBinary(ErrorDetailSchema, Buffer.from(detail!.value, 'base64'));
}

describe('curl', () => {
  it.each([
    ['HTTP/1.1', '--http1.1', '1.1'],
    ['HTTP/2 without TLS', '--http2-prior-knowledge', '2'],
  ])('writes and reads with JSON over %s', async (_name, flag, version) => {
    const path = `/curl-${version}`;
    const created = await curl(
      flag,
      ...JSON_TYPE,
      '-d',
      JSON.stringify({ path, data: 'b25l' }),
      `${baseUrl}/zkl.v1.ZnodeService/Create`,
    );
    expect(created).toMatchObject({ status: 200, version });
    expect(JSON.parse(created.body)).toMatchObject({ path, stat: { dataLength: 3 } });
    const got = await curl(flag, ...JSON_TYPE, '-d', JSON.stringify({ path }), `${baseUrl}/zkl.v1.ZnodeService/Get`);
    expect(JSON.parse(got.body)).toMatchObject({ data: 'b25l' });
  });

  it('reads with GET', async () => {
    const message = encodeURIComponent(JSON.stringify({ path: '/' }));
    const got = await curl(`${baseUrl}/zkl.v1.ZnodeService/Get?connect=v1&encoding=json&message=${message}`);
    expect(got.status).toBe(200);
    expect(JSON.parse(got.body)).toHaveProperty('stat');
  });

  it('scrapes the metrics', async () => {
    await post('/zkl.v1.ZnodeService/Get', '{"path": "/nothing"}');
    const { status, body } = await curl(`${baseUrl}/metrics`);
    expect(status).toBe(200);
    const labels = 'server_id="1",cluster_id="zkl"';
    expect(body).toContain(`zkl_serving{${labels}} 1`);
    expect(body).toContain(`zkl_leading{${labels}} 1`);
    expect(body).toMatch(/^zkl_requests_total\{method="Get",code="NO_NODE",.*\} [1-9]/m);
    expect(body).toMatch(/^zkl_request_duration_seconds_count\{/m);
    expect(body).toMatch(/^zkl_event_loop_delay_p99_seconds\{/m);
    expect((await curl('-X', 'POST', `${baseUrl}/metrics`)).status).toBe(405);
  });
});

describe('requests of the wrong shape', () => {
  it.each([
    ['no JSON', '{"path"'],
    ['a field of another type', '{"path": 7}'],
    ['a field that there is not', '{"path": "/x", "paht": "/y"}'],
    ['a list', '[]'],
    ['data that is no base64', '{"path": "/x", "data": "***"}'],
    ['an integer out of range', '{"path": "/x", "expectedVersion": 4294967296}'],
    ['deep nesting', `{"path": ${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
    ['the key __proto__', '{"path": "/x", "__proto__": {"x": 1}}'],
  ])('names what is wrong with %s', async (_name, body) => {
    const { status, error } = await post('/zkl.v1.ZnodeService/Set', body);
    expect(status).toBe(400);
    expect(error?.code).toBe('invalid_argument');
    expect(error?.message).toMatch(/^MARSHALLING_ERROR: ./);
    expect(detailOf(error)).toMatchObject({ code: 'MARSHALLING_ERROR', retryable: false });
  });

  it.each(['application/proto', 'application/grpc', 'application/grpc-web'])(
    'refuses a binary message that is none as %s',
    async (contentType) => {
      const malformed = Uint8Array.of(0xff, 0xff, 0xff);
      const body = contentType === 'application/proto' ? malformed : Uint8Array.of(0, 0, 0, 0, 3, ...malformed);
      const response = await fetch(`${baseUrl}/zkl.v1.ZnodeService/Set`, {
        method: 'POST',
        body,
        headers: { 'content-type': contentType },
      });
      const text = await response.text();
      if (contentType === 'application/proto') {
        expect(response.status).toBe(400);
        expect(detailOf(JSON.parse(text) as ConnectErrorJson)).toMatchObject({ code: 'MARSHALLING_ERROR' });
      } else if (contentType === 'application/grpc-web') {
        expect(text).toMatch(/grpc-status: 3\r\n/);
        expect(text).toMatch(/grpc-message: MARSHALLING_ERROR: /);
        expect(text).toMatch(/grpc-status-details-bin: ./);
      } else {
        expect(response.status).toBe(200);
      }
    },
  );

  it.each([
    ['a frame that is cut short', Uint8Array.of(0, 0, 0, 0, 9, 1)],
    ['a frame that claims four gigabytes', Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff, 1)],
    ['two messages', Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)],
    ['no message', new Uint8Array()],
    ['flags that there are not', Uint8Array.of(0x7f, 0, 0, 0, 0)],
  ])('answers %s with a typed error', async (_name, body) => {
    const response = await fetch(`${baseUrl}/zkl.v1.ZnodeService/Set`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/grpc-web' },
    });
    const text = await response.text();
    expect(text).toMatch(/grpc-status: [1-9]/);
    expect(text).toMatch(/grpc-status-details-bin: ./);
    expect(text).toMatch(/grpc-message: (MARSHALLING_ERROR|MESSAGE_TOO_LARGE|UNIMPLEMENTED|BAD_ARGUMENTS)/);
  });

  it('says what content type, method and procedure there are', async () => {
    expect((await post('/zkl.v1.ZnodeService/Get', '{}', { 'content-type': 'text/plain' })).error?.message).toContain(
      'set Content-Type to application/json',
    );
    const wrongMethod = await fetch(`${baseUrl}/zkl.v1.ZnodeService/Set`);
    expect(wrongMethod.status).toBe(405);
    expect(((await wrongMethod.json()) as ConnectErrorJson).message).toContain('use POST');
    const noProcedure = await post('/zkl.v1.ZnodeService/Sett', '{}');
    expect(noProcedure).toMatchObject({ status: 404, error: { code: 'unimplemented' } });
  });

  it('refuses a message that is larger than the limit, and a small one that unpacks to such', async () => {
    const large = JSON.stringify({ path: '/x', data: 'A'.repeat(8_000_000) });
    expect(detailOf((await post('/zkl.v1.ZnodeService/Set', large)).error)).toMatchObject({
      code: 'MESSAGE_TOO_LARGE',
    });
    const bomb = gzipSync(large);
    expect(bomb.byteLength).toBeLessThan(20_000);
    expect(
      detailOf((await post('/zkl.v1.ZnodeService/Set', bomb, { 'content-encoding': 'gzip' })).error),
    ).toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
  });

  it('understands a compressed message, and refuses a compression that it does not know', async () => {
    const message = gzipSync(JSON.stringify({ path: '/' }));
    expect((await post('/zkl.v1.ZnodeService/Get', message, { 'content-encoding': 'gzip' })).status).toBe(200);
    expect(
      detailOf((await post('/zkl.v1.ZnodeService/Get', message, { 'content-encoding': 'rot13' })).error),
    ).toMatchObject({ code: 'UNIMPLEMENTED' });
  });

  it.each([
    ['a deadline that is none', { 'connect-timeout-ms': 'soon' }],
    ['a deadline that is too long', { 'connect-timeout-ms': '99999999999' }],
  ])('refuses %s', async (_name, headers) => {
    expect(detailOf((await post('/zkl.v1.ZnodeService/Get', '{"path": "/"}', headers)).error)).toMatchObject({
      code: 'MARSHALLING_ERROR',
    });
  });

  it('survives requests whose address cannot be made out', async () => {
    const raw = (lines: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connectTcp(port, '127.0.0.1', () => socket.end(lines));
        let answer = '';
        socket.on('data', (chunk) => (answer += chunk.toString()));
        socket.on('close', () => resolve(answer));
        socket.on('error', reject);
      });
    const path = '/zkl.v1.ZnodeService/Get';
    const tail = 'content-type: application/json\r\ncontent-length: 2\r\n\r\n{}';
    // No Host at all, which HTTP/1.0 allows; and one that is no host.
    expect(await raw(`POST ${path} HTTP/1.0\r\n${tail}`)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw(`POST ${path} HTTP/1.1\r\nhost: [\r\nconnection: close\r\n${tail}`)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw(`POST //${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${tail}`)).toMatch(/^HTTP\/1\.1 404 /);
    expect((await post(path, '{"path": "/"}')).status).toBe(200);
  });

  it('goes on serving a connection whose request was cut off', async () => {
    await new Promise<void>((resolve) => {
      const request = httpRequest(`${baseUrl}/zkl.v1.ZnodeService/Get`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': 100 },
      });
      request.on('error', () => resolve());
      request.write('{"path"', () => request.destroy());
    });
    expect((await post('/zkl.v1.ZnodeService/Get', '{"path": "/"}')).status).toBe(200);
  });
});

describe('pages in a browser', () => {
  const preflight = (origin: string): Promise<Response> =>
    fetch(`${baseUrl}/zkl.v1.ZnodeService/Get`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });

  it.each(['http://localhost:5173', 'http://127.0.0.1', 'http://[::1]:8080', 'https://console.example'])(
    'lets %s in',
    async (origin) => {
      const allowed = await preflight(origin);
      expect(allowed.status).toBe(204);
      expect(allowed.headers.get('access-control-allow-origin')).toBe(origin);
      expect(allowed.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('connect-protocol-version');
      const response = await fetch(`${baseUrl}/zkl.v1.ZnodeService/Get`, {
        method: 'POST',
        body: '{"path": "/"}',
        headers: { origin, 'content-type': 'application/json' },
      });
      expect(response.status).toBe(200);
      expect(response.headers.get('access-control-allow-origin')).toBe(origin);
    },
  );

  it.each(['https://evil.example', 'http://localhost.evil.example', 'null', 'nonsense'])(
    'refuses %s, writes included',
    async (origin) => {
      expect((await preflight(origin)).status).toBe(403);
      const path = '/written-by-a-page';
      expect((await post('/zkl.v1.ZnodeService/Create', JSON.stringify({ path }), { origin })).status).toBe(403);
      expect((await post('/zkl.v1.ZnodeService/Get', JSON.stringify({ path }))).status).toBe(404);
    },
  );
});
