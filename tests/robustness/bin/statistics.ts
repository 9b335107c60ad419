/** A few numbers about many. */
export interface Distribution {
  readonly median: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** @param values - At least one; in any order. A percentile is the smallest value that so many are not above. */
export function distributionOf(values: readonly number[]): Distribution {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
  return { median: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}
