import { failOver } from '../faults/failover.js';
import { allServed, atMost, describeTimes, onStage, type Scenario } from './scenario.js';
import { distributionOf } from '../bin/statistics.js';

const GAP_P99_MS_MAX = 1_500;
const WRITES_BETWEEN = 50;

/** The leader is killed, again and again. */
export const leaderKills: Scenario = {
  name: 'leader-kills',
  bar: `p99 to the next acknowledged write at most ${GAP_P99_MS_MAX} ms; roaming clients see no error`,
  run: (options) =>
    onStage('leader-kills', options, async (scene) => {
      const gaps: number[] = [];
      for (let round = 0; round < (options.times ?? 100); round += 1) {
        await scene.trial.acknowledgedWrites(WRITES_BETWEEN);
        const { leader, gapMs } = await failOver(scene.trial, 'SIGKILL');
        gaps.push(gapMs);
        await scene.cluster.restart(leader);
      }
      atMost('p99 to the next acknowledged write, in ms', distributionOf(gaps).p99, GAP_P99_MS_MAX);
      return [describeTimes('kill to next acknowledged write', gaps), allServed(scene)];
    }),
};

/** All servers are killed at once. */
export const allKilled: Scenario = {
  name: 'all-killed',
  bar: 'everything acknowledged is there when they are back',
  run: (options) =>
    onStage('all-killed', options, async ({ cluster, trial }) => {
      const outages: number[] = [];
      for (let round = 0; round < (options.times ?? 50); round += 1) {
        await trial.acknowledgedWrites(WRITES_BETWEEN);
        const startedMs = performance.now();
        await Promise.all(cluster.members.map(({ id }) => cluster.kill(id)));
        await cluster.spawn();
        await trial.acknowledgedWrites(1);
        outages.push(performance.now() - startedMs);
      }
      return [describeTimes('kill of all to next acknowledged write', outages)];
    }),
};

/** All servers are restarted, one after the other, in good order. */
export const rollingRestart: Scenario = {
  name: 'rolling-restart',
  bar: 'roaming clients see no error',
  run: (options) =>
    onStage('rolling-restart', options, async (scene) => {
      let restarts = 0;
      for (let round = 0; round < (options.times ?? 5); round += 1) {
        for (const { id } of scene.cluster.members) {
          await scene.trial.acknowledgedWrites(WRITES_BETWEEN);
          await scene.cluster.restart(id);
          restarts += 1;
        }
      }
      return [`restarts: ${restarts}`, allServed(scene)];
    }),
};
