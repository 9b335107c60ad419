import { describeRecord } from '../describe.js';
import type { HistoryFault } from '../fault.js';
import { KnownPlaces } from '../known-places.js';
import { isAnswered, isCall, isLinearizable, isWrite, type Call, type HistoryRecord } from '../record.js';

/**
 * What was answered, or told by a watch, before a call began has an earlier place than that call (a linearizable read may have the same), whatever the keys. Reads that ask
 * for less may lag; but what they show, others must not miss later.
 */
export function* checkRealTime(
  history: readonly HistoryRecord[],
  known = new KnownPlaces(history),
): Iterable<HistoryFault> {
  const begun = history
    .filter((record): record is Call & { readonly zxid: number } => isCall(record) && isPlaced(record))
    .filter(isLinearizable)
    .sort((a, b) => a.start - b.start);
  for (const call of begun) {
    const latest = known.before(call.start);
    if (latest === undefined) continue;
    if (isWrite(call) ? call.zxid > latest.zxid : call.zxid >= latest.zxid) continue;
    const message = `what was known before a call began has no earlier place\n    ${describeRecord(latest.record)}\n    ${describeRecord(call)}`;
    yield { property: 'real-time', message };
  }
}

function isPlaced(call: Call): boolean {
  return isAnswered(call) && call.zxid !== undefined;
}
