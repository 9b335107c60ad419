import { setTimeout as delay } from 'node:timers/promises';
import { onStage, type Scenario } from './scenario.js';

const HOUR_MS = 3_600_000;
const STAY_MS = 1_500;

/** The wall clocks of all servers jump by an hour, either way, one by one and all at once. */
export const clockJumps: Scenario = {
  name: 'clock-jumps',
  bar: 'no early expiry, no lost session',
  run: (options) =>
    onStage('clock-jumps', options, async ({ cluster, orders, trial }) => {
      const ids = cluster.members.map(({ id }) => id);
      let jumps = 0;
      const jump = async (servers: readonly number[], wallOffsetMs: number): Promise<void> => {
        await Promise.all(servers.map((id) => orders.give(id, { clock: { wallOffsetMs } })));
        jumps += servers.length;
        await delay(STAY_MS);
        await trial.acknowledgedWrites(20);
      };
      for (let round = 0; round < (options.times ?? 3); round += 1) {
        for (const id of ids) for (const offset of [HOUR_MS, -HOUR_MS, 0]) await jump([id], offset);
        for (const offset of [HOUR_MS, -HOUR_MS, 0]) await jump(ids, offset);
      }
      const sessions = trial.history.filter((record) => record.kind === 'session');
      const opened = sessions.filter(({ event }) => event === 'opened').length;
      const expired = sessions.filter(({ event }) => event === 'expired');
      if (expired.length > 0)
        throw new Error(`${expired.length} of ${opened} sessions expired, though nothing kept them from the cluster`);
      return [`jumps: ${jumps}; sessions: ${opened}, expired: 0`];
    }),
};
