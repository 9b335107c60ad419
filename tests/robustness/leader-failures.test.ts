import { createClient } from '@zkl/client-sdk';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { failOver } from './faults/failover.js';
import { startTrialCluster, statusOf, type TrialCluster } from './faults/trial-cluster.js';
import { Trial } from './faults/trial.js';
import { until } from './faults/until.js';
import { isDone } from './workload/caller.js';

/** A bound for a test machine that is busy with other things. What the defaults give: docs/testing-robustness.md. */
const GAP_MS_MAX = 5_000;
/** The best of some tries, for a client that has to find out by itself: its servers know after about 700 ms, and silence alone tells it after 2,000. */
const BEST_FREEZE_MS_MAX = 1_900;
const FREEZES = 4;

describe('the leader of three servers, under load', () => {
  let servers: TrialCluster;
  let failed = false;

  beforeAll(async () => {
    servers = await startTrialCluster({ size: 3 });
  });
  afterEach(({ task }) => {
    failed ||= task.result?.state === 'fail';
  });
  afterAll(() => servers.end({ keep: failed }));

  test('is killed three times: nothing acknowledged is lost or doubled, and no client sees an error', async () => {
    await using trial = await Trial.start(servers, 'killed-leader');
    for (let round = 1; round <= 3; round += 1) {
      await trial.acknowledgedWrites(50);
      const { leader, gapMs } = await failOver(trial, 'SIGKILL');
      expect(gapMs).toBeLessThan(GAP_MS_MAX);
      await servers.cluster.restart(leader);
    }
    await trial.conclude();
    expect(trial.unserved()).toEqual([]);
    expect(trial.acknowledgements).toBeGreaterThan(150);
  });

  test('is stopped in the middle of its work: others elect, and when it wakes it answers nothing old', async () => {
    await using trial = await Trial.start(servers, 'paused-leader');
    const { busyKey } = trial.workload;
    const { id } = await servers.cluster.leader();
    const caller = trial.workload.addCaller({ server: id, timeoutMs: 15_000 });
    await caller.get(busyKey);
    const { leader, gapMs } = await failOver(trial, 'SIGSTOP');
    expect(leader).toBe(id);
    expect(gapMs).toBeLessThan(GAP_MS_MAX);
    // Questions that the sleeper finds in its socket when it wakes, before it can hear that it leads no more.
    const asked = Array.from({ length: 50 }, () => caller.get(busyKey));
    await trial.acknowledgedWrites(20);
    await servers.cluster.kill(id, 'SIGCONT');
    const answers = await Promise.all(asked);
    await trial.acknowledgedWrites(20);
    expect(answers.filter(isDone).length).toBeGreaterThan(0);
    // Whether any of them was old: they stand in the history.
    await trial.conclude();
    expect(trial.unserved()).toEqual([]);
  });

  test('is frozen under a client that has its stream on it: the others tell the client', async () => {
    await using client = createClient({ endpoints: servers.cluster.endpoints });
    await client.create('/frozen-leader');
    const gapsMs: number[] = [];
    for (let freeze = 0; freeze < FREEZES; freeze += 1) {
      const { id } = await servers.cluster.leader();
      await until('the client is on the leader', 20_000, async () => {
        await client.set('/frozen-leader', 'before');
        return (await client.get('/frozen-leader')).serverId === id || undefined;
      });
      await servers.cluster.kill(id, 'SIGSTOP');
      const frozenMs = performance.now();
      await client.set('/frozen-leader', 'after', { timeoutMs: 20_000 });
      gapsMs.push(performance.now() - frozenMs);
      await servers.cluster.kill(id, 'SIGCONT');
      await statusOf(servers.cluster, id, ({ serving, role }) => serving && role === 'following', 'follows again');
    }
    expect(Math.max(...gapsMs)).toBeLessThan(GAP_MS_MAX);
    expect(Math.min(...gapsMs)).toBeLessThan(BEST_FREEZE_MS_MAX);
  });

  test('is stopped in good order: it hands over, and no client sees an error', async () => {
    await using trial = await Trial.start(servers, 'stopped-leader');
    await trial.acknowledgedWrites(50);
    const { leader, gapMs } = await failOver(trial, 'SIGTERM');
    await trial.acknowledgedWrites(50);
    await servers.cluster.restart(leader);
    await trial.conclude();
    expect(trial.unserved()).toEqual([]);
    expect(gapMs).toBeLessThan(GAP_MS_MAX);
  });
});
