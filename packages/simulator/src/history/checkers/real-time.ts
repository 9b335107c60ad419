import { describeRecord } from '../describe.js';
import type { HistoryFault } from '../fault.js';
import { isAnswered, isCall, isLinearizable, isWrite, type Call, type HistoryRecord } from '../record.js';

interface Known {
  readonly record: HistoryRecord;
  readonly zxid: number;
  readonly at: number;
}

/**
 * What was answered, or told by a watch, before a call began has an earlier place than that call (a linearizable read may have the same), whatever the keys. Reads that ask
 * for less may lag; but what they show, others must not miss later.
 */
export function* checkRealTime(history: readonly HistoryRecord[]): Iterable<HistoryFault> {
  const known = history.flatMap(knownBy).sort((a, b) => a.at - b.at);
  const begun = history
    .filter((record): record is Call & { readonly zxid: number } => isCall(record) && isPlaced(record))
    .filter(isLinearizable)
    .sort((a, b) => a.start - b.start);
  let latest: Known | undefined;
  let at = 0;
  for (const call of begun) {
    // Of two events at one moment nobody knows which was first.
    for (; at < known.length && known[at]!.at < call.start; at++) {
      if (latest === undefined || known[at]!.zxid > latest.zxid) latest = known[at];
    }
    if (latest === undefined) continue;
    if (isWrite(call) ? call.zxid > latest.zxid : call.zxid >= latest.zxid) continue;
    const message = `what was known before a call began has no earlier place\n    ${describeRecord(latest.record)}\n    ${describeRecord(call)}`;
    yield { property: 'real-time', message };
  }
}

function isPlaced(call: Call): boolean {
  return isAnswered(call) && call.zxid !== undefined;
}

function knownBy(record: HistoryRecord): Known[] {
  if (isCall(record)) return isPlaced(record) ? [{ record, zxid: record.zxid!, at: record.end! }] : [];
  if (record.kind !== 'watch' || record.event === 'opened') return [];
  return [{ record, zxid: record.zxid, at: record.at }];
}
