import { describeRecord } from '../describe.js';
import type { HistoryFault } from '../fault.js';
import { isAnswered, isWrite, type HistoryRecord, type WriteCall } from '../record.js';

/** Each write has a place of its own; those that the cluster refused, too. */
export function* checkPlaces(history: readonly HistoryRecord[]): Iterable<HistoryFault> {
  const places = new Map<number, WriteCall>();
  for (const record of history) {
    if (!isWrite(record) || !isAnswered(record) || record.zxid === undefined) continue;
    const other = places.get(record.zxid);
    places.set(record.zxid, record);
    if (other === undefined) continue;
    const message = `two writes have one zxid\n    ${describeRecord(other)}\n    ${describeRecord(record)}`;
    yield { property: 'one-place', message };
  }
}
