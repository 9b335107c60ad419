import type { NodeCheckerFactory } from '../node-checker.js';
import { durableIsFound } from './durable-is-found.js';
import { durableOnQuorum } from './durable-on-quorum.js';
import { exactlyOnce } from './exactly-once.js';
import { linearizableHistory } from './linearizable-history.js';
import { oneHistory } from './one-history.js';
import { oneLeader } from './one-leader.js';
import { readsAreHistory } from './reads-are-history.js';

/** Each watches one property. */
export const ALL_NODE_CHECKERS: readonly NodeCheckerFactory[] = [
  oneLeader,
  oneHistory,
  durableOnQuorum,
  durableIsFound,
  exactlyOnce,
  readsAreHistory,
  linearizableHistory,
];
