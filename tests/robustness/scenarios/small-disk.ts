import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { wipe } from '../faults/data-folder.js';
import { othersHoldAll } from '../faults/others-hold.js';
import { until } from '../faults/until.js';
import { allServed, onStage, type Scenario, type ScenarioScene } from './scenario.js';

const run = promisify(execFile);
const MIB = 1024 * 1024;
/** Room for two segments of the log, and no third. */
const SMALL_MIB = 40;
const VALUE_BYTES = MIB / 2;
const WRITTEN_BYTES_MAX = 200 * MIB;
const EXIT_DISK = 3;

/** A file system in memory that is full soon, in the place of one server's disk. It takes the right to mount. */
export const smallDisk: Scenario = {
  name: 'small-disk',
  bar: 'a server on a full file system keeps what it has or ends with exit code 3; the others serve; with room again it holds everything',
  run: (options) =>
    onStage('small-disk', options, async (scene) => {
      const { id: leader } = await scene.cluster.leader();
      const id = scene.cluster.members.find((member) => member.id !== leader)?.id ?? 0;
      const { dataFolder } = scene.cluster.member(id);
      await scene.cluster.kill(id);
      await othersHoldAll(scene, id);
      await wipe(dataFolder);
      await mkdir(dataFolder);
      const size = (mib: number): string => `size=${mib}m`;
      await run('mount', ['-t', 'tmpfs', '-o', size(SMALL_MIB), 'tmpfs', dataFolder]);
      try {
        await scene.cluster.restart(id);
        const seen = await fill(scene, id);
        await run('mount', ['-o', `remount,${size(1_000)}`, dataFolder]);
        if ((await scene.cluster.end(id)) !== undefined) await scene.cluster.spawn([id]);
        await scene.cluster.serving([id], { timeoutMs: 60_000 });
        await othersHoldAll(scene, leader);
        return [seen, allServed(scene)];
      } finally {
        await scene.cluster.kill(id).catch(() => undefined);
        await run('umount', [dataFolder]);
        // What was on it is gone with it: the server begins anew.
        await scene.cluster.spawn([id]);
      }
    }),
};

/** Writes until the small disk is full, and somewhat beyond. */
async function fill({ trial, cluster }: ScenarioScene, id: number): Promise<string> {
  const { client } = trial.workload.addCaller({ timeoutMs: 20_000 });
  await client.create('/large');
  for (let written = 0; written < WRITTEN_BYTES_MAX; written += VALUE_BYTES) {
    await client.set('/large', new Uint8Array(VALUE_BYTES).fill(written));
  }
  const end = await cluster.end(id);
  if (end === undefined) {
    await until(
      `server ${id} to say what it is`,
      10_000,
      async () => (await cluster.status()).find((member) => member.id === id)?.status,
    );
    return `server ${id} went on with a full disk`;
  }
  if (end.code !== EXIT_DISK) throw new Error(`server ${id} ended with ${end.code}`);
  return `server ${id} ended with exit code ${end.code}`;
}
