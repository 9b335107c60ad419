import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { OrderDesk } from './faults/orders.js';
import { startTrialCluster, type TrialCluster } from './faults/trial-cluster.js';
import { Trial } from './faults/trial.js';
import { until } from './faults/until.js';

const HOUR_MS = 3_600_000;

describe('three servers whose disks and clocks fail on demand', () => {
  let servers: TrialCluster;
  let orders: OrderDesk;
  let failed = false;

  beforeAll(async () => {
    servers = await startTrialCluster({ size: 3, injected: true });
    orders = new OrderDesk(servers.cluster);
  });
  afterEach(({ task }) => {
    failed ||= task.result?.state === 'fail';
  });
  afterAll(() => servers.end({ keep: failed }));

  test('a leader whose sync fails ends at once, with the exit code for disks, and never acknowledges what it did not write', async () => {
    await using trial = await Trial.start(servers, 'sync');
    const { id } = await servers.cluster.leader();
    await orders.give(id, { disk: { fail: { calls: ['sync'], code: 'EIO' } } });
    const end = await until('the leader to end', 20_000, () => servers.cluster.end(id));
    expect(end.code).toBe(3);
    await orders.give(id, {});
    await servers.cluster.restart(id);
    await trial.acknowledgedWrites(50);
    await trial.conclude();
    expect(trial.unserved()).toEqual([]);
  });

  test('wall clocks that jump by an hour, one and all, end no session early', async () => {
    await using trial = await Trial.start(servers, 'clocks');
    for (const wallOffsetMs of [HOUR_MS, -HOUR_MS, 0]) {
      for (const { id } of servers.cluster.members) await orders.give(id, { clock: { wallOffsetMs } });
      await trial.acknowledgedWrites(100);
    }
    await trial.conclude();
    const sessions = trial.history.filter((record) => record.kind === 'session');
    // Whether any ended before its client said so: it stands in the history.
    expect(sessions.filter(({ event }) => event === 'opened').length).toBeGreaterThan(0);
  });
});
