import { isCall, type HistoryRecord } from '@zkl/simulator/history';
import { isAcknowledged } from '../faults/trial.js';

/** One fault that was done, on the clock of the history. */
export interface Struck {
  readonly name: string;
  readonly kind: string;
  readonly atUs: number;
  readonly endUs: number;
  readonly what: string;
  /** From its beginning to the first acknowledgement of a write that began after that, in milliseconds. */
  readonly nextMs?: number | undefined;
}

export type Outcome = 'ok' | 'refused' | 'failed' | 'unknown';

/** How the calls of a history ended, and how writes went on. */
export class Tally {
  /** By kind of call, and outcome. */
  readonly calls = new Map<string, Record<Outcome, number>>();
  readonly records = new Map<string, number>();
  /** Acknowledged writes: when they began, and their ends. */
  #acknowledged: { readonly start: number; readonly end: number }[] = [];
  #longestGapMs = 0;

  /** Another cluster begins: what is between the two is no gap of anybody's. */
  nextCluster(): void {
    this.#longestGapMs = this.longestGapMs();
    this.#acknowledged = [];
  }

  add(record: HistoryRecord): void {
    if (!isCall(record)) {
      this.records.set(record.kind, (this.records.get(record.kind) ?? 0) + 1);
      return;
    }
    const outcome: Outcome =
      record.failed !== undefined
        ? 'failed'
        : record.end === undefined
          ? 'unknown'
          : record.refused === undefined
            ? 'ok'
            : 'refused';
    const kind =
      'consistency' in record && record.consistency !== 'linearizable'
        ? `${record.kind} (${record.consistency})`
        : record.kind;
    const counts = this.calls.get(kind) ?? { ok: 0, refused: 0, failed: 0, unknown: 0 };
    counts[outcome] += 1;
    this.calls.set(kind, counts);
    if (isAcknowledged(record) && record.end !== undefined)
      this.#acknowledged.push({ start: record.start, end: record.end });
  }

  get operations(): number {
    return [...this.calls.values()].reduce(
      (sum, { ok, refused, failed, unknown }) => sum + ok + refused + failed + unknown,
      0,
    );
  }

  /** The longest time without an acknowledgement since a moment, in milliseconds. */
  longestGapMs(sinceUs = 0): number {
    const ends = this.#acknowledged.flatMap(({ end }) => (end >= sinceUs ? [end] : [])).sort((a, b) => a - b);
    let longest = this.#longestGapMs * 1_000;
    for (let index = 1; index < ends.length; index += 1)
      longest = Math.max(longest, (ends[index] ?? 0) - (ends[index - 1] ?? 0));
    return longest / 1_000;
  }

  /** From a moment to the first acknowledgement of a write that began after it, in milliseconds; undefined when there is none. */
  nextAcknowledgementMs(atUs: number): number | undefined {
    let first: number | undefined;
    for (const { start, end } of this.#acknowledged)
      if (start >= atUs && (first === undefined || end < first)) first = end;
    return first === undefined ? undefined : (first - atUs) / 1_000;
  }
}
