import { isZklError } from '@zkl/client-sdk';
import { describe, expect, it } from 'vitest';
import { startTestCluster } from './index.js';

const text = (data: Uint8Array | null): string => new TextDecoder().decode(data ?? undefined);

describe('a test cluster', () => {
  it('serves, on all servers', async () => {
    await using cluster = await startTestCluster({ servers: 3 });
    for (const { id } of cluster.servers) {
      const client = cluster.client({ of: [id], discover: false });
      await client.create(`/from-${id}`, `value ${id}`);
    }
    const client = cluster.client();
    expect(text((await client.get('/from-3')).data)).toBe('value 3');
    const digests = new Set<string | undefined>();
    for (const server of cluster.servers) {
      await cluster.client({ of: [server.id], discover: false }).get('/from-3');
      digests.add(server.status?.digest);
    }
    expect(digests.size).toBe(1);
  });

  it('loses nothing that was acknowledged when the leader is killed, and takes it back', async () => {
    await using cluster = await startTestCluster({ servers: 3 });
    const client = cluster.client();
    await client.create('/a', 'before');
    const killed = await cluster.killLeader();
    expect(killed.state).toBe('down');
    expect(text((await client.get('/a')).data)).toBe('before');
    await client.set('/a', 'after');
    await cluster.restart(killed.id);
    const there = cluster.client({ of: [killed.id], discover: false });
    expect(text((await there.get('/a')).data)).toBe('after');
  });

  it('keeps what was acknowledged when every server is killed at once', async () => {
    await using cluster = await startTestCluster({ servers: 3 });
    const client = cluster.client();
    for (let i = 0; i < 20; i++) await client.create(`/n${i}`);
    await Promise.all(cluster.servers.map((server) => server.kill()));
    await cluster.start();
    expect((await client.listChildren('/')).children.filter(({ name }) => name.startsWith('n'))).toHaveLength(20);
  });

  it('serves nobody on the side of a partition that has no majority', async () => {
    await using cluster = await startTestCluster({ servers: 3 });
    const leader = await cluster.leader();
    const client = cluster.client();
    await client.create('/a', 'x');
    cluster.isolate(leader.id);
    const alone = cluster.client({ of: [leader.id], discover: false, timeoutMs: 1_500 });
    const refused = await alone.get('/a').catch((error: unknown) => error);
    expect(isZklError(refused)).toBe(true);
    const next = await cluster.leader(leader.id);
    expect(next.id).not.toBe(leader.id);
    const others = cluster.client({ of: cluster.servers.map(({ id }) => id).filter((id) => id !== leader.id) });
    await others.set('/a', 'y');
    cluster.heal();
    await cluster.whenServing();
    expect(text((await alone.get('/a', { timeoutMs: 5_000 })).data)).toBe('y');
  });

  it('elects another leader while one stands still, and lets that one back', async () => {
    await using cluster = await startTestCluster({ servers: 3 });
    const paused = await cluster.leader();
    const client = cluster.client();
    await client.create('/a', 'x');
    paused.pause();
    expect(paused.isServing).toBe(false);
    const next = await cluster.leader();
    expect(next.id).not.toBe(paused.id);
    await client.set('/a', 'y');
    paused.resume();
    await cluster.whenServing();
    expect((await cluster.leader()).id).toBe(next.id);
    const there = cluster.client({ of: [paused.id], discover: false });
    expect(text((await there.get('/a')).data)).toBe('y');
  });

  it('acknowledges a write only when a majority of disks has it', async () => {
    await using cluster = await startTestCluster({ servers: 3 });
    const client = cluster.client();
    await client.create('/a');
    const leader = await cluster.leader();
    const [one, other] = cluster.servers.filter(({ id }) => id !== leader.id);
    // One slow disk holds nobody up.
    one!.slowDisk(150);
    const fastMs = performance.now();
    await client.set('/a', 'x');
    expect(performance.now() - fastMs).toBeLessThan(150);
    // With two the write has to wait for one of them: the leader's own does not suffice.
    other!.slowDisk(150);
    const slowMs = performance.now();
    await client.set('/a', 'y');
    expect(performance.now() - slowMs).toBeGreaterThanOrEqual(149);
  });

  it('ends a session on demand', async () => {
    await using cluster = await startTestCluster({ servers: 3 });
    const client = cluster.client();
    const session = await client.session({ timeoutMs: 60_000 });
    await session.create('/alive', null, { mode: 'ephemeral' });
    expect(await client.exists('/alive')).toBeDefined();
    await cluster.expireSession(session);
    expect(await client.exists('/alive')).toBeUndefined();
  });

  it('says what is wrong with its use', async () => {
    await expect(startTestCluster({ servers: 0 })).rejects.toMatchObject({ code: 'BAD_ARGUMENTS' });
    await using cluster = await startTestCluster({ servers: 1 });
    expect(() => cluster.server(2)).toThrow('BAD_ARGUMENTS');
    await expect(cluster.server(1).start()).rejects.toMatchObject({ code: 'WRONG_STATE' });
    await cluster.server(1).kill();
    expect(() => cluster.server(1).server).toThrow('WRONG_STATE');
  });

  it('lets many run side by side', async () => {
    const clusters = await Promise.all(Array.from({ length: 4 }, () => startTestCluster({ servers: 3 })));
    try {
      await Promise.all(
        clusters.map(async (cluster, index) => {
          const client = cluster.client();
          await client.create('/who', String(index));
          expect(text((await client.get('/who')).data)).toBe(String(index));
        }),
      );
    } finally {
      await Promise.all(clusters.map((cluster) => cluster[Symbol.asyncDispose]()));
    }
  });
});
