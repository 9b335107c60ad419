import { createClient, type Client } from '@zkl/client-sdk';
import { startProcessCluster } from '@zkl/cli/cluster';
import { expect, test } from 'vitest';
import { startZkl, temporaryFolder, zkl } from './run-zkl.js';

async function traces(client: Client): Promise<string[]> {
  const { children } = await client.listChildren('/');
  return children.map(({ name }) => name).filter((name) => name.startsWith('zkl-bench-'));
}

test('bench tells rates and durations of each kind of call, and leaves nothing behind, also after Ctrl-C', async () => {
  await using folder = await temporaryFolder();
  await using cluster = await startProcessCluster({ size: 1, folder: folder.path });
  await using client = createClient({ endpoints: cluster.endpoints });
  const common = ['--folder', cluster.folder, '--json', '--warmup-seconds', '0', '--znodes', '20'];

  const mixed = await zkl(['bench', 'mixed', '--seconds', '1', '--clients', '2', '--in-flight', '8', ...common]);
  const [result] = mixed.json() as [Record<string, Record<string, number>>];
  expect(mixed.code).toBe(0);
  expect(result).toMatchObject({ ok: true, command: 'bench', kind: 'mixed', clients: 2, inFlight: 8, valueBytes: 256 });
  const { writes = {}, reads = {} } = result;
  expect(reads['count']! / (reads['count']! + writes['count']!)).toBeCloseTo(0.9, 1);
  for (const figures of [writes, reads]) {
    const { count, perSecond, p50Ms, p99Ms, p999Ms, maxMs, errors } = figures;
    expect(errors).toEqual({});
    expect(perSecond! * (result as unknown as { seconds: number }).seconds).toBeCloseTo(count!, -1);
    expect([p50Ms, p99Ms, p999Ms, maxMs]).toEqual([p50Ms!, p99Ms!, p999Ms!, maxMs!].sort((a, b) => a - b));
  }
  expect(await traces(client)).toEqual([]);

  const running = startZkl([
    'bench',
    '--seconds',
    '600',
    '--folder',
    cluster.folder,
    '--warmup-seconds',
    '0',
    '--json',
  ]);
  await using _ = running;
  await expect.poll(() => traces(client), { timeout: 30_000 }).toHaveLength(1);
  expect(await running.stop()).toBe(130);
  expect(await traces(client)).toEqual([]);

  const wrong = await zkl(['bench', 'deletes', ...common]);
  expect([wrong.code, wrong.json()[0]?.['ok']]).toEqual([2, false]);
}, 120_000);
