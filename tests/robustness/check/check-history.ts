/**
 * Decides whether a history is linearizable and exactly-once. Exact, and in O(n log n), because zkl tells with every answer where it
 * stands in the log.
 *
 * *Sound*: a history without violations is linearizable. Order its operations thus: each write at its zxid, each linearizable read
 * right behind the last write at or before its zxid, reads of one place by the time of their ends. This is a legal sequential execution:
 * writes have zxids of their own (`shared-zxid`), each read returns the newest write before it (`read`), each conditional set
 * and each guess fits what stands before it (`version`, `guess`). And it respects real time: if A ended before B was invoked then A's
 * place is not behind B's (`real-time`), and where both are at one place, both are reads and A's end is before B's. Writes of unknown
 * outcome that somebody saw take the place where they were seen; those that nobody saw change no read, and are left out, as if they had
 * not been applied.
 *
 * *Complete* with regard to what zkl promises, which is more than linearizability: that the zxids are that order. A history that could be
 * explained by another order only is reported, for then the zxids lie.
 *
 * *Exactly once*: every set adds one to the version and every create one to the parent's counter, so an application too many leaves a
 * version or a number that no write accounts for, and one too few leaves one that comes twice or a child that is missing.
 *
 * Only completed calls, and what is there at the end, are looked at: the histories come from one monotonic clock.
 */
import type { History } from '../history/operation.js';
import { checkAppends } from './appends.js';
import { searchRegisters } from './linearizability-search.js';
import { Placement } from './placement.js';
import { checkRealTimeOrder, checkSessionOrder, checkUniqueZxids } from './real-time-order.js';
import { checkRegisters } from './registers.js';
import { Findings, type Rule, type Violation } from './violation.js';

/** What a check found. */
export interface CheckResult {
  /** None when all is well; of each rule the first 20. */
  readonly violations: readonly Violation[];
  /** How many there are of each rule. */
  readonly counts: ReadonlyMap<Rule, number>;
  readonly operations: number;
  readonly acknowledgedWrites: number;
  readonly unknownWrites: number;
  readonly rejected: number;
  /** Linearizable and local reads that were answered. */
  readonly linearizableReads: number;
  readonly localReads: number;
  /** Registers whose history was also explained by the search, which knows nothing of zxids. */
  readonly searchedRegisters: number;
}

/**
 * Checks a whole history.
 *
 * @param options.searchOperationsMax - Registers with more operations than this are left out of the search. Default 20,000.
 * @throws Error when two writes have one value.
 */
export function checkHistory(
  history: History,
  options: { readonly searchOperationsMax?: number | undefined } = {},
): CheckResult {
  const findings = new Findings();
  const placement = new Placement(history, findings);
  checkUniqueZxids(history.operations, placement, findings);
  checkRealTimeOrder(history.operations, placement, findings);
  checkSessionOrder(history.operations, placement, findings);
  checkRegisters(history, placement, findings);
  checkAppends(history, findings);
  const searchedRegisters = searchRegisters(history, options.searchOperationsMax ?? 20_000, findings);
  return { violations: findings.violations, counts: findings.counts, searchedRegisters, ...count(history) };
}

function count(history: History): Omit<CheckResult, 'violations' | 'counts' | 'searchedRegisters'> {
  let acknowledgedWrites = 0;
  let unknownWrites = 0;
  let rejected = 0;
  let linearizableReads = 0;
  let localReads = 0;
  for (const operation of history.operations) {
    if (operation.outcome === 'rejected') rejected += 1;
    else if (operation.outcome === 'unknown') unknownWrites += 1;
    else if (operation.kind !== 'get') acknowledgedWrites += 1;
    else if (operation.consistency === 'linearizable') linearizableReads += 1;
    else localReads += 1;
  }
  const operations = history.operations.length;
  return { operations, acknowledgedWrites, unknownWrites, rejected, linearizableReads, localReads };
}
