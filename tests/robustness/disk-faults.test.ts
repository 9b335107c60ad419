import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { endOfLog, findInLog, flipBit, tearAt } from './faults/data-folder.js';
import { countEvents } from './faults/server-events.js';
import { startTrialCluster, type TrialCluster } from './faults/trial-cluster.js';
import { Trial } from './faults/trial.js';

describe('the disk of one of three servers', () => {
  let servers: TrialCluster;
  let failed = false;

  beforeAll(async () => {
    servers = await startTrialCluster({ size: 3 });
  });
  afterEach(({ task }) => {
    failed ||= task.result?.state === 'fail';
  });
  afterAll(() => servers.end({ keep: failed }));

  const follower = async (): Promise<number> => {
    const { id } = await servers.cluster.leader();
    return servers.cluster.members.find((member) => member.id !== id)?.id ?? 0;
  };

  test.each([1, 20, 200])('lost the last %i bytes of the log: the server starts, and gets them back', async (bytes) => {
    await using trial = await Trial.start(servers, `torn-${bytes}`);
    await trial.acknowledgedWrites(30);
    const id = await follower();
    await servers.cluster.kill(id);
    const { path, offset } = await endOfLog(servers.cluster.member(id).dataFolder);
    await tearAt({ path, offset: offset - bytes });
    await servers.cluster.restart(id);
    await trial.acknowledgedWrites(30);
    await trial.conclude();
    expect(trial.unserved()).toEqual([]);
  });

  test('flipped a bit in the middle of the log: it is noticed, never served, and repaired by the others', async () => {
    await using trial = await Trial.start(servers, 'flipped');
    await trial.acknowledgedWrites(50);
    const marker = 'the bytes in which a bit flips';
    const caller = trial.workload.addCaller({ timeoutMs: 10_000 });
    await caller.create('/flipped/marked', { value: marker });
    await trial.acknowledgedWrites(100);
    const id = await follower();
    const { dataFolder, logFile } = servers.cluster.member(id);
    await servers.cluster.kill(id);
    const [place] = await findInLog(dataFolder, marker);
    if (place === undefined) throw new Error('the log does not hold what was written');
    await flipBit(place);

    await servers.cluster.spawn([id]);
    await servers.cluster.serving([id]);
    expect(await countEvents(logFile, 'log_damaged')).toBe(1);
    await trial.acknowledgedWrites(50);
    await trial.conclude();
    expect((await caller.client.get('/flipped/marked', { consistency: 'local' })).text()).toBe(marker);

    // Repaired on the disk too: the next start finds nothing.
    await servers.cluster.kill(id);
    await servers.cluster.restart(id);
    expect(await countEvents(logFile, 'log_damaged')).toBe(1);
  });
});
