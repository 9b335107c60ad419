import type { Metrics, MetricRule, Row, RowGroup } from './rows/row.js';
import type { Settings } from './settings.js';
import type { SystemName } from './systems/system.js';
import type { Machine } from './machine.js';

/** What one round showed: metrics by system, by the row's id. */
export type Round = Readonly<Record<string, Partial<Readonly<Record<SystemName, Metrics>>>>>;

/** Everything that a run measured; what the JSON file holds. */
export interface Results {
  readonly startedAt: string;
  readonly endedAt: string;
  readonly command: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly settings: Settings;
  readonly groups: readonly { readonly name: string; readonly title: string; readonly rows: readonly Row[] }[];
  readonly rounds: readonly Round[];
  /** What could not be measured, and why. */
  readonly failures: readonly string[];
}

/** The smallest, the middle and the largest of what rounds showed. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export function describeGroup({ name, title }: RowGroup, rows: readonly Row[]): Results['groups'][number] {
  return {
    name,
    title,
    rows: rows.map((row) => ({ id: row.id, title: row.title, rules: row.rules })),
  };
}

/** undefined when no round showed it. */
export function spreadOf(numbers: readonly (number | undefined)[]): Spread | undefined {
  const sorted = numbers.filter((number): number is number => Number.isFinite(number)).sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) return undefined;
  const middle = sorted.length / 2;
  const median =
    sorted.length % 2 === 1
      ? (sorted[Math.floor(middle)] as number)
      : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
  return { min, median, max };
}

/** What the rounds showed of one metric. Of a `max`, the metric's name with `Max` behind it, if there is one, is the largest within each round. */
export function spreadOfMetric(results: Results, row: string, system: SystemName, metric: string): Spread | undefined {
  return spreadOf(results.rounds.map((round) => round[row]?.[system]?.[metric]));
}

/** zkl's number by the better peer's in the same round, or by that of the peer that the target names. */
export function ratioToPeers(results: Results, row: string, rule: MetricRule): Spread | undefined {
  const ratios = results.rounds.map((round) => {
    const { zkl, ...peers } = round[row] ?? {};
    const { target } = rule;
    const named = target !== undefined && 'to' in target ? target.to : undefined;
    const theirs = Object.entries(peers)
      .filter(([system]) => named === undefined || system === named)
      .map(([, metrics]) => metrics[rule.metric])
      .filter((number): number is number => Number.isFinite(number));
    const own = zkl?.[rule.metric];
    if (own === undefined || theirs.length === 0) return undefined;
    return own / (rule.better === 'higher' ? Math.max(...theirs) : Math.min(...theirs));
  });
  return spreadOf(ratios);
}

/** Whether a target is met, by the medians; undefined when it has none, or nothing was measured. */
export function isMet(results: Results, row: string, rule: MetricRule): boolean | undefined {
  const { target } = rule;
  if (target === undefined) return undefined;
  if (target.kind === 'atMost') {
    const own = spreadOfMetric(results, row, 'zkl', rule.metric);
    return own === undefined ? undefined : own[target.of ?? 'median'] <= target.value;
  }
  const ratio = ratioToPeers(results, row, rule);
  if (ratio === undefined) return undefined;
  return target.kind === 'ratioAtLeast' ? ratio.median >= target.value : ratio.median <= target.value;
}
