import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { countEvents } from './faults/server-events.js';
import { startTrialCluster, type TrialCluster } from './faults/trial-cluster.js';
import { Trial } from './faults/trial.js';

const MIB = 1024 * 1024;
/** More than a leader keeps in memory for learners that are a little behind, so that only the disk could help. */
const AWAY_BYTES = 40 * MIB;
const VALUE_BYTES = MIB / 2;

let servers: TrialCluster;
let failed = false;

beforeAll(async () => {
  servers = await startTrialCluster({
    size: 3,
    serverArgs: [
      ...['--limits-snapshot-every-bytes', String(2 * MIB)],
      ...['--limits-log-segment-bytes', String(MIB)],
      ...['--limits-log-retained-bytes', '0'],
    ],
  });
});
afterEach(({ task }) => {
  failed ||= task.result?.state === 'fail';
});
afterAll(() => servers.end({ keep: failed }));

test('a server that was away for longer than the log is kept comes back by snapshot', async () => {
  const { cluster } = servers;
  await using trial = await Trial.start(servers, 'away');
  const { id: leader } = await cluster.leader();
  const away = cluster.members.find(({ id }) => id !== leader)?.id ?? 0;
  const { logFile } = cluster.member(away);
  const { client } = trial.workload.addCaller({ timeoutMs: 20_000 });
  await client.create('/large');
  await cluster.kill(away);
  for (let written = 0; written < AWAY_BYTES; written += 4 * VALUE_BYTES) {
    await Promise.all(
      Array.from({ length: 4 }, (_, index) => client.set('/large', new Uint8Array(VALUE_BYTES).fill(index))),
    );
  }
  expect(await countEvents(logFile, 'snapshot_received')).toBe(0);
  await cluster.restart(away);
  expect(await countEvents(logFile, 'snapshot_received')).toBe(1);
  await trial.acknowledgedWrites(50);

  // What it was given is on its disk: it comes back from that alone.
  await cluster.kill(away);
  await cluster.restart(away);
  expect(await countEvents(logFile, 'snapshot_received')).toBe(1);
  await trial.conclude();
  expect(trial.unserved()).toEqual([]);
});
