import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createClient } from '@zkl/client-sdk';
import { wipe } from './faults/data-folder.js';
import { startTrialCluster, statusOf, type TrialCluster } from './faults/trial-cluster.js';
import { Trial } from './faults/trial.js';

describe('three servers', () => {
  let servers: TrialCluster;
  let failed = false;

  beforeAll(async () => {
    servers = await startTrialCluster({ size: 3 });
  });
  afterEach(({ task }) => {
    failed ||= task.result?.state === 'fail';
  });
  afterAll(() => servers.end({ keep: failed }));

  const followers = async (): Promise<number[]> => {
    const { id } = await servers.cluster.leader();
    return servers.cluster.members.map((member) => member.id).filter((other) => other !== id);
  };

  test('go on when a follower is stopped, and it catches up when it wakes', async () => {
    await using trial = await Trial.start(servers, 'paused-follower');
    const [follower = 0] = await followers();
    await servers.cluster.kill(follower, 'SIGSTOP');
    await trial.acknowledgedWrites(200);
    await servers.cluster.kill(follower, 'SIGCONT');
    await trial.acknowledgedWrites(50);
    await trial.conclude();
    expect(trial.unserved()).toEqual([]);
  });

  test('are all killed at once: everything acknowledged is there when they are back', async () => {
    await using trial = await Trial.start(servers, 'killed-all');
    await trial.acknowledgedWrites(100);
    await servers.cluster.stop({ force: true });
    await servers.cluster.spawn();
    await trial.acknowledgedWrites(50);
    await trial.conclude();
    expect(trial.acknowledgements).toBeGreaterThan(150);
  });

  test('refuse in time and say why when two of them are down, and local reads are still answered', async () => {
    const timeoutMs = 4_000;
    await using client = createClient({ endpoints: servers.cluster.endpoints, timeoutMs });
    await client.create('/alone', 'before');
    const [survivor = 0, other = 0] = await followers();
    const { id: leader } = await servers.cluster.leader();
    await Promise.all([leader, other].map((id) => servers.cluster.kill(id)));
    await statusOf(servers.cluster, survivor, ({ serving }) => !serving, 'to notice that it is alone');

    const started = performance.now();
    const refusal = { code: 'NO_QUORUM', outcome: 'rejected', retryable: true };
    await Promise.all([
      expect(client.set('/alone', 'after')).rejects.toMatchObject(refusal),
      expect(client.get('/alone')).rejects.toMatchObject(refusal),
    ]);
    expect(performance.now() - started).toBeLessThan(timeoutMs + 500);
    const local = await client.get('/alone', { consistency: 'local' });
    expect([local.serverId, local.text()]).toEqual([survivor, 'before']);

    await servers.cluster.spawn();
    await servers.cluster.serving();
    const { stat } = await client.set('/alone', 'after');
    // The refused one did not take effect late.
    expect(stat.version).toBe(1);
  });

  test('do not let one that lost its disk vote, and give it everything back', async () => {
    await using trial = await Trial.start(servers, 'wiped');
    await trial.acknowledgedWrites(100);
    const [wiped = 0, other = 0] = await followers();
    const { id: leader } = await servers.cluster.leader();
    await Promise.all([wiped, other].map((id) => servers.cluster.kill(id)));
    // It would still bring the empty one up, which is safe: it holds everything of its epoch. A leader that was replaced must not be.
    await statusOf(servers.cluster, leader, ({ serving, role }) => !serving && role === 'looking', 'to step down');
    await wipe(servers.cluster.member(wiped).dataFolder);
    await servers.cluster.spawn([wiped]);
    const met = await statusOf(servers.cluster, wiped, ({ role }) => role === 'looking', 'to look for a leader');
    expect(met.lastLoggedZxid).toBe(0n);
    await using client = createClient({ endpoints: servers.cluster.endpoints, timeoutMs: 2_000 });
    await expect(client.create('/elected-by-an-empty-disk')).rejects.toMatchObject({ outcome: 'rejected' });

    await servers.cluster.spawn([other]);
    await servers.cluster.serving();
    await trial.acknowledgedWrites(50);
    await trial.conclude();
    const back = await statusOf(servers.cluster, wiped, ({ serving }) => serving, 'to serve');
    expect(Number(back.appliedZxid)).toBeGreaterThanOrEqual(trial.acknowledged);
  });
});
