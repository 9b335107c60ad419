/**
 * How a suite of yours may look: a small service, and what must hold of it while the cluster does its worst. The service is a pool of workers, one of
 * which leads and counts what it does; copy it, and put your own in its place.
 */
import type { Client, Session } from '@zkl/client-sdk';
import { Counter } from '@zkl/client-sdk/recipes/counter';
import { LeaderElection, type Holding } from '@zkl/client-sdk/recipes/leader-election';
import { expect, test } from 'vitest';
import { startTestCluster, type TestCluster } from './index.js';

/** The service: whoever leads may work. */
class Worker {
  readonly #client: Client;
  readonly #session: Session;
  readonly #election: LeaderElection;

  private constructor(client: Client, session: Session) {
    this.#client = client;
    this.#session = session;
    this.#election = new LeaderElection(session, '/workers');
  }

  static async start(cluster: TestCluster): Promise<Worker> {
    const client = cluster.client();
    return new Worker(client, await client.session({ timeoutMs: 2_000 }));
  }

  get session(): Session {
    return this.#session;
  }

  lead(): Promise<Holding> {
    return this.#election.lead();
  }

  async work(): Promise<void> {
    await new Counter(this.#client, '/done').add(1);
  }
}

async function done(cluster: TestCluster): Promise<bigint> {
  return new Counter(cluster.client(), '/done').get();
}

test('the pool goes on when the leader of the cluster is killed, and no work is lost or done twice', async () => {
  await using cluster = await startTestCluster({ servers: 3 });
  const worker = await Worker.start(cluster);
  await worker.lead();
  for (let i = 0; i < 20; i++) {
    if (i === 10) void cluster.killLeader();
    await worker.work();
  }
  expect(await done(cluster)).toBe(20n);
});

test('another worker takes over when the session of the first ends, and the first knows before that', async () => {
  await using cluster = await startTestCluster({ servers: 3 });
  const [first, second] = [await Worker.start(cluster), await Worker.start(cluster)];
  const led = await first.lead();
  const next = second.lead();
  await cluster.expireSession(first.session);
  const leads = await next;
  await expect.poll(() => led.signal.aborted).toBe(true);
  expect(leads.signal.aborted).toBe(false);
  expect(leads.token).toBeGreaterThan(led.token);
});

test('a minority serves nobody, and all is well when the network is whole again', async () => {
  await using cluster = await startTestCluster({ servers: 3 });
  const worker = await Worker.start(cluster);
  await worker.work();
  const { id } = await cluster.leader();
  cluster.isolate(id);
  await worker.work();
  cluster.heal();
  await cluster.whenServing();
  await worker.work();
  expect(await done(cluster)).toBe(3n);
});
