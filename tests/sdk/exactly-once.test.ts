import { createClient, isZklError } from '@zkl/client-sdk';
import { expect, it } from 'vitest';
import { CutProxy } from './cut-proxy.js';
import { EmbeddedCluster, sequenceOf } from './support.js';

it('a write whose replies are lost on the way is applied once', async () => {
  await using cluster = await EmbeddedCluster.start(1);
  await using proxy = await CutProxy.start(cluster.endpoints[0]!);
  await using client = createClient({ endpoints: [proxy.address], discover: false });
  await client.create('/counted');
  const paths = new Set<string>();
  for (let round = 0; round < 10; round += 1) {
    proxy.cuts = 1;
    const created = await Promise.all(
      Array.from({ length: 10 }, () => client.create('/counted/n-', null, { sequential: true })),
    );
    for (const { path } of created) paths.add(path);
  }
  expect(proxy.done).toBe(10);
  expect(paths.size).toBe(100);
  expect(await sequenceOf(client, '/counted')).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

it(
  '1,000 pipelined writes survive the death of the leader: none lost, none doubled',
  { timeout: 120_000 },
  async () => {
    await using cluster = await EmbeddedCluster.start(3);
    await using client = createClient({ endpoints: cluster.endpoints, timeoutMs: 110_000 });
    await client.create('/counted');
    const leaderId = await cluster.untilLeader();
    let answered = 0;
    let killing: Promise<void> | undefined;
    const paths = await Promise.all(
      Array.from({ length: 1_000 }, async () => {
        const { path } = await client.create('/counted/n-', null, { sequential: true });
        answered += 1;
        if (answered === 100) killing = cluster.kill(leaderId);
        return path;
      }),
    );
    await killing;
    expect(killing).toBeDefined();
    expect(new Set(paths).size).toBe(1_000);
    expect(await sequenceOf(client, '/counted')).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
    expect(await cluster.untilLeader()).not.toBe(leaderId);
  },
);

it('increments by compare-and-set keep count through the death of a leader', { timeout: 120_000 }, async () => {
  await using cluster = await EmbeddedCluster.start(3);
  await using client = createClient({ endpoints: cluster.endpoints, timeoutMs: 110_000 });
  await client.create('/count', '0');
  let acknowledged = 0;
  let killing: Promise<void> | undefined;
  const increment = async (): Promise<void> => {
    for (;;) {
      const read = await client.get('/count');
      try {
        await client.set('/count', String(Number(read.text()) + 1), { version: read.stat.version });
        acknowledged += 1;
        if (acknowledged === 40) killing = cluster.kill(cluster.leaderId);
        return;
      } catch (error) {
        if (!isZklError(error, 'BAD_VERSION')) throw error;
      }
    }
  };
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let i = 0; i < 25; i += 1) await increment();
    }),
  );
  await killing;
  expect(killing).toBeDefined();
  expect((await client.get('/count')).text()).toBe('100');
  expect(acknowledged).toBe(100);
});
