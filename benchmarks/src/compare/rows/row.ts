import type { Bench } from '../bench.js';
import type { SystemName } from '../systems/system.js';

/** What is measured of one row, by name. */
export type Metrics = Readonly<Record<string, number>>;

/** One number of a row, and what is asked of it. */
export interface MetricRule {
  readonly metric: string;
  readonly label: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** Digits behind the point. */
  readonly digits?: number;
  readonly target?: Target;
}

/** Of the ratio to the better peer in the same round, or to the one that is named; or of the number itself. */
export type Target =
  | { readonly kind: 'ratioAtLeast' | 'ratioAtMost'; readonly value: number; readonly to?: SystemName }
  | { readonly kind: 'atMost'; readonly value: number; readonly of?: 'median' | 'max' };

/** One line of the table of results. */
export interface Row {
  readonly id: string;
  readonly title: string;
  /** The first is the one that plots show. */
  readonly rules: readonly MetricRule[];
}

/** Rows that are measured together, on the same servers. */
export interface RowGroup {
  readonly name: string;
  readonly title: string;
  /** Who takes part. */
  readonly systems: readonly SystemName[];
  rows(bench: Bench): readonly Row[];
  /** About how long one system takes for one round. */
  seconds(bench: Bench, system: SystemName): number;
  /** One round: the metrics of each row, by its id. */
  measure(bench: Bench, system: SystemName): Promise<Readonly<Record<string, Metrics>>>;
}
