import { clockJumps } from './clock-jumps.js';
import { increments } from './increments.js';
import { partitions } from './partitions.js';
import { allKilled, leaderKills, rollingRestart } from './process-scenarios.js';
import { smallDisk } from './small-disk.js';
import type { Scenario } from './scenario.js';

/** The trials that have a bar. */
export const SCENARIOS: readonly Scenario[] = [
  leaderKills,
  partitions,
  allKilled,
  increments,
  clockJumps,
  rollingRestart,
  smallDisk,
];
