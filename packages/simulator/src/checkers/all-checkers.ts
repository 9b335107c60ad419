import type { CheckerFactory } from '../cluster.js';
import { committedNeverTruncated } from './committed-never-truncated.js';
import { durableOnQuorum } from './durable-on-quorum.js';
import { durableNeverShrinks } from './durable-never-shrinks.js';
import { epochAfterHistory } from './epoch-after-history.js';
import { epochsOnlyGrow } from './epochs-only-grow.js';
import { equalLogs } from './equal-logs.js';
import { integrity } from './integrity.js';
import { leaderCompleteness } from './leader-completeness.js';
import { linearizableReads } from './linearizable-reads.js';
import { oneLeaderPerEpoch } from './one-leader-per-epoch.js';
import { prefixConsistency } from './prefix-consistency.js';
import { primaryOrder } from './primary-order.js';
import { standingIsKept } from './standing-is-kept.js';

/** Every property that every run is checked for; docs/invariants.md says what each is. */
export const ALL_CHECKERS: readonly CheckerFactory[] = [
  oneLeaderPerEpoch,
  integrity,
  primaryOrder,
  prefixConsistency,
  leaderCompleteness,
  durableOnQuorum,
  committedNeverTruncated,
  linearizableReads,
  epochAfterHistory,
  durableNeverShrinks,
  epochsOnlyGrow,
  standingIsKept,
  equalLogs,
];
