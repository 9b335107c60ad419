import { describeRecord } from '../describe.js';
import type { HistoryFault } from '../fault.js';
import { isAnswered, isCall, isRead, isWrite, type Call, type HistoryRecord } from '../record.js';

type Placed = Call & { readonly zxid: number };

/**
 * The calls of a client that numbers them (`op`) are done in this order, also those that were under way at the same time: its writes stand in the order of its
 * calls, and its reads, of whatever consistency, show at least what its earlier calls wrote or saw. Calls without a number promise no such order.
 */
export function* checkFifo(history: readonly HistoryRecord[]): Iterable<HistoryFault> {
  const clients = new Map<string, Placed[]>();
  for (const record of history) {
    if (!isCall(record) || !isAnswered(record) || record.zxid === undefined) continue;
    const calls = clients.get(record.client);
    if (calls === undefined) clients.set(record.client, [record as Placed]);
    else calls.push(record as Placed);
    if (isRead(record) && record.atLeast !== undefined && record.zxid < record.atLeast)
      yield { property: 'reads-at-least', message: `a read is older than it asked\n    ${describeRecord(record)}` };
  }
  for (const calls of clients.values()) {
    const numbered = calls.filter(({ op }) => op !== undefined).sort((a, b) => a.op! - b.op!);
    yield* checkNumbered(numbered);
  }
}

function* checkNumbered(calls: readonly Placed[]): Iterable<HistoryFault> {
  let write: Placed | undefined;
  let any: Placed | undefined;
  for (const call of calls) {
    // A read may see writes that were called after it and done with it; so only its own kind bounds a write.
    const before = isWrite(call) ? write : any;
    if (before !== undefined && (isWrite(call) ? call.zxid <= before.zxid : call.zxid < before.zxid))
      yield fault(before, call);
    if (isWrite(call)) write = call;
    if (any === undefined || call.zxid > any.zxid) any = call;
  }
}

function fault(before: Call, call: Call): HistoryFault {
  const message = `a client's later call stands before its earlier one\n    ${describeRecord(before)}\n    ${describeRecord(call)}`;
  return { property: 'fifo', message };
}
