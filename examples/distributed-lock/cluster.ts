import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from '@zkl/server';

/** The servers of this example: those that ZKL_ENDPOINTS names, else one of its own, which goes when the example ends. */
export async function openCluster(): Promise<{ readonly endpoints: readonly string[] } & AsyncDisposable> {
  const given = process.env.ZKL_ENDPOINTS;
  if (given) return { endpoints: given.split(','), [Symbol.asyncDispose]: () => Promise.resolve() };
  const dataFolder = await mkdtemp(join(tmpdir(), 'zkl-example-'));
  const server = await createServer({ dataFolder, port: 0, logger: false });
  await server.ready;
  return {
    endpoints: [`127.0.0.1:${server.address.port}`],
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await rm(dataFolder, { recursive: true });
    },
  };
}
