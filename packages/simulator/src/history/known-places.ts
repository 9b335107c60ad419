import { isAnswered, isCall, type HistoryRecord } from './record.js';

/** A place that somebody was told of, and when. */
export interface KnownPlace {
  readonly record: HistoryRecord;
  readonly zxid: number;
  readonly at: number;
}

/** Which places were known when: whatever begins after one was known has a later place itself. */
export class KnownPlaces {
  /** In the order of time; each the latest place of all that were known at its moment. */
  readonly #latest: readonly KnownPlace[];

  constructor(history: readonly HistoryRecord[]) {
    const known = history.flatMap(knownBy).sort((a, b) => a.at - b.at);
    const latest: KnownPlace[] = [];
    for (const place of known) {
      if (latest.length === 0 || place.zxid > latest.at(-1)!.zxid) latest.push(place);
    }
    this.#latest = latest;
  }

  /** The latest place that was known before this moment. Of two events at one moment nobody knows which was first. */
  before(at: number): KnownPlace | undefined {
    let [low, high] = [0, this.#latest.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#latest[middle]!.at < at) low = middle + 1;
      else high = middle;
    }
    return this.#latest[low - 1];
  }
}

function knownBy(record: HistoryRecord): KnownPlace[] {
  if (isCall(record)) {
    return isAnswered(record) && record.zxid !== undefined ? [{ record, zxid: record.zxid, at: record.end! }] : [];
  }
  if (record.kind !== 'watch' || record.event === 'opened') return [];
  return [{ record, zxid: record.zxid, at: record.at }];
}
