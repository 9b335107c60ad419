import type { CheckResult } from '../check/check-history.js';
import type { Failover } from '../faults/failover.js';
import { distributionOf } from './statistics.js';

/** What a history that holds consists of, in lines. */
export function describeCheck(result: CheckResult): string[] {
  return [
    `operations           ${result.operations}`,
    `acknowledged writes  ${result.acknowledgedWrites}`,
    `  lost               ${result.counts.get('lost') ?? 0}`,
    `  doubled            ${result.counts.get('doubled') ?? 0}`,
    `unknown writes       ${result.unknownWrites}`,
    `refused              ${result.rejected}`,
    `linearizable reads   ${result.linearizableReads}`,
    `local reads          ${result.localReads}`,
    `registers searched   ${result.searchedRegisters}`,
    `violations           ${[...result.counts.values()].reduce((sum, count) => sum + count, 0)}`,
  ];
}

/** Times from the kill to the next acknowledged write, in lines. */
export function describeFailovers(failovers: readonly Failover[]): string[] {
  const { median, p90, p99, max } = distributionOf(failovers.map(({ gapMs }) => gapMs));
  const ms = (value: number): string => `${value.toFixed(0)} ms`;
  return [
    `rounds               ${failovers.length}`,
    `kill to next acknowledged write: median ${ms(median)}, p90 ${ms(p90)}, p99 ${ms(p99)}, max ${ms(max)}`,
  ];
}
