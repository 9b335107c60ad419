import { snapshot, transfer } from './background.js';
import { idle, sizes, watches } from './coordination.js';
import { failover } from './failover.js';
import { clients, foreign, reads, writes } from './load-rows.js';
import type { RowGroup } from './row.js';
import { memory, restart } from './storage.js';
import { tail } from './tail.js';

/** Every group of rows, in the order in which they are measured and shown. */
export const allGroups: readonly RowGroup[] = [
  writes,
  clients,
  reads,
  foreign,
  tail,
  failover,
  memory,
  restart,
  snapshot,
  transfer,
  watches,
  idle,
  sizes,
];
