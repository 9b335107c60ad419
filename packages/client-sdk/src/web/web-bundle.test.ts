import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TestCluster } from '../testing/test-cluster.js';
import { createClient, isZklError } from './index.js';

function bundle(entry: string, format: 'esm' | 'iife' = 'esm') {
  return build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    write: false,
    metafile: true,
    format,
    globalName: 'zkl',
    platform: 'browser',
    conditions: ['@zkl/source'],
    logLevel: 'silent',
    minify: true,
  });
}

describe('the entry for browsers', () => {
  it('is bundled without any module of Node.js', async () => {
    const { metafile, outputFiles } = await bundle('./index.ts');
    const inputs = Object.keys(metafile.inputs);
    expect(inputs.filter((input) => input.startsWith('node:') || /channel\/node|connect-node/.test(input))).toEqual([]);
    const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
    expect(imports).toEqual([]);
    expect(outputFiles[0]!.contents.byteLength).toBeLessThan(220_000);
  });

  it('runs where there are the globals of the web only', async () => {
    const { outputFiles } = await bundle('./index.ts', 'iife');
    const { AbortController, AbortSignal, clearTimeout, crypto, fetch, Headers, performance, Response, setTimeout } =
      globalThis;
    const { TextDecoder, TextEncoder, URL, URLSearchParams } = globalThis;
    const web = {
      AbortController,
      AbortSignal,
      clearTimeout,
      crypto,
      fetch,
      Headers,
      performance,
      Response,
      setTimeout,
    };
    const context = { ...web, TextDecoder, TextEncoder, URL, URLSearchParams };
    const code: unknown = await runInNewContext(
      `${outputFiles[0]!.text}
      zkl.createClient('zkl://127.0.0.1:1/?timeoutMs=50').exists('/a').catch((error) => error.code)`,
      context,
    );
    expect(code).toBe('CONNECTION_LOSS');
  });

  it('is needed: that for Node.js is refused by a bundler', async () => {
    await expect(bundle('../index.ts')).rejects.toThrow('node:http2');
  });
});

describe('the client for browsers, over fetch', () => {
  let cluster: TestCluster;
  let endless: Server;

  beforeAll(async () => {
    cluster = await TestCluster.start(1, { http1: true });
    endless = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/proto' });
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', more);
      more();
    });
    await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve));
  });

  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
    endless.closeAllConnections();
    await new Promise((resolve) => endless.close(resolve));
  });

  it('does what that for Node.js does', async () => {
    await using client = createClient({ endpoints: cluster.endpoints });
    await client.create('/w', 'one');
    expect((await client.get('/w')).text()).toBe('one');
    await expect(client.create('/w')).rejects.toMatchObject({ code: 'NODE_EXISTS', outcome: 'rejected', path: '/w' });
    await client.register.write('1');
    expect((await client.register.guess('1')).matched).toBe(true);
    expect(await client.cluster.status()).toMatchObject({ serverId: 1 });
  });

  it('ends in a typed error when nobody listens, or the reply never ends', async () => {
    await using nobody = createClient({ endpoints: ['127.0.0.1:1'], timeoutMs: 200 });
    const lost: unknown = await nobody.register.write('x').catch((error: unknown) => error);
    // A browser does not tell whether a request left.
    expect(isZklError(lost, 'CONNECTION_LOSS') && lost.outcome).toBe('unknown');
    const address = `127.0.0.1:${(endless.address() as AddressInfo).port}`;
    await using flooded = createClient({ endpoints: [address], timeoutMs: 5_000, messageBytesMax: 65_536 });
    await expect(flooded.register.read()).rejects.toMatchObject({ code: 'PROTOCOL', attempts: 3 });
  });

  it('aborts', async () => {
    await using client = createClient({ endpoints: cluster.endpoints });
    await client.register.read();
    const server = cluster.server(1);
    const before = server.requests;
    const controller = new AbortController();
    server.faults.before = () => new Promise((resolve) => controller.signal.addEventListener('abort', () => resolve()));
    const write = client.register.write('x', { signal: controller.signal }).catch((error: unknown) => error);
    while (server.requests === before) await new Promise((resolve) => setTimeout(resolve, 2));
    controller.abort();
    expect(await write).toMatchObject({ code: 'ABORTED', outcome: 'unknown' });
    server.faults.before = undefined;
  });
});
