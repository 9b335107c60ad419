import { setTimeout as delay } from 'node:timers/promises';
import { pickServer, type Fault } from './fault.js';

const HOUR_MS = 3_600_000;
const OUTAGE_MS_MAX = 4_000;

/**
 * How fast a server's monotonic clock runs. Sessions are promised to hold with clocks that differ by 5 %, the SDK's margin; a server that is slower than that only
 * lets them live longer.
 */
const RATES = [0.9, 0.96, 1.04] as const;

/** What clocks do. */
export const CLOCK_FAULTS: readonly Fault[] = [
  {
    name: 'wall-clock-jump',
    kind: 'clock',
    strike: async (scene) => {
      const { orders, random } = scene;
      const id = await pickServer(scene);
      const jumps = [HOUR_MS, -HOUR_MS, 0].slice(random.below(2));
      for (const wallOffsetMs of jumps) {
        await orders.give(id, { clock: { wallOffsetMs } });
        await delay(500 + random.below(OUTAGE_MS_MAX / 2));
      }
      await orders.give(id, {});
      return `the wall clock of server ${id} jumped by an hour, ${jumps.length} times`;
    },
  },
  {
    name: 'clock-rate',
    kind: 'clock',
    strike: async (scene) => {
      const { orders, random } = scene;
      const id = await pickServer(scene);
      const rate = random.pick(RATES);
      const outageMs = 1_000 + random.below(OUTAGE_MS_MAX);
      await orders.give(id, { clock: { rate } });
      await delay(outageMs);
      await orders.give(id, {});
      return `the clock of server ${id} ran at ${rate} of its speed for ${outageMs} ms`;
    },
  },
];
