import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { epochOf } from './faults/failover.js';
import { startTrialCluster, type TrialCluster } from './faults/trial-cluster.js';
import { Trial } from './faults/trial.js';
import type { Network } from './network/network.js';

describe('the network of three servers', () => {
  let servers: TrialCluster;
  let network: Network;
  let failed = false;

  beforeAll(async () => {
    servers = await startTrialCluster({ size: 3, network: { seed: 1 } });
    network = servers.network as Network;
  });
  afterEach(({ task }) => {
    failed ||= task.result?.state === 'fail';
    network.heal();
  });
  afterAll(() => servers.end({ keep: failed }));

  /** Waits for writes that were acknowledged in a later epoch, with the leader of the earlier one still cut off. */
  const othersServe = async (trial: Trial, epoch: number): Promise<void> => {
    await trial.next((record) => record.kind === 'create' && epochOf(record.zxid ?? 0) > epoch);
    await trial.acknowledgedWrites(50);
  };

  test('cuts the leader off from everybody: the others serve, and it shows nothing old', async () => {
    await using trial = await Trial.start(servers, 'alone');
    await trial.acknowledgedWrites(50);
    const { id } = await servers.cluster.leader();
    const others = network.ids.filter((other) => other !== id);
    const epoch = epochOf(trial.acknowledged);
    // Clients that talk to it alone go on asking it: what it answers stands in the history.
    network.partition([id], others);
    await othersServe(trial, epoch);
    network.heal({ cut: true });
    await servers.cluster.serving();
    await trial.acknowledgedWrites(20);
    await trial.conclude();
    expect(trial.unserved()).toEqual([]);
  });

  test('lets the leader speak and not hear: another leads, and what was held comes too late to matter', async () => {
    await using trial = await Trial.start(servers, 'deaf');
    await trial.acknowledgedWrites(50);
    const { id } = await servers.cluster.leader();
    const epoch = epochOf(trial.acknowledged);
    for (const other of network.ids) if (other !== id) network.oneWay(other, id, { blocked: true });
    await othersServe(trial, epoch);
    network.heal();
    await servers.cluster.serving();
    await trial.acknowledgedWrites(20);
    await trial.conclude();
    expect(trial.unserved()).toEqual([]);
  });
});
