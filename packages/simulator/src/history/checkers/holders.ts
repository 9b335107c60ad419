import { describeRecord } from '../describe.js';
import type { HistoryFault } from '../fault.js';
import { isAnswered, isWrite, type HistoryRecord, type HoldRecord, type WriteCall } from '../record.js';

/** At any moment no more hold a lock than may, by their own word. Handing over at one moment is allowed. */
export function* checkHolders(history: readonly HistoryRecord[]): Iterable<HistoryFault> {
  for (const holds of byLock(history).values()) {
    const holding: HoldRecord[] = [];
    for (const hold of holds) {
      const still = holding.filter(({ until = Infinity }) => until > hold.acquired);
      holding.splice(0, holding.length, ...still);
      // A hold that was over by the time its holder was told of it was never used.
      if (hold.until !== undefined && hold.until <= hold.acquired) continue;
      if (holding.length >= (hold.permits ?? 1)) {
        const shown = [...holding, hold].map((one) => `\n    ${describeRecord(one)}`).join('');
        yield { property: 'holder', message: `${holding.length + 1} hold ${hold.lock}${shown}` };
      }
      holding.push(hold);
    }
  }
}

/**
 * Tokens grow from each holder to the next; and what is guarded by them takes no write with a lower token than one that it took before, in the order of the
 * zxids.
 */
export function* checkTokens(history: readonly HistoryRecord[]): Iterable<HistoryFault> {
  for (const holds of byLock(history).values()) {
    let last: HoldRecord | undefined;
    for (const hold of holds) {
      const isAfter = last !== undefined && (last.until ?? Infinity) <= hold.acquired;
      const isShared = (hold.permits ?? 1) > 1;
      if (last !== undefined && (isAfter || !isShared) && hold.token <= last.token) {
        const message = `a token did not grow\n    ${describeRecord(last)}\n    ${describeRecord(hold)}`;
        yield { property: 'token', message };
      }
      if (last === undefined || hold.token > last.token) last = hold;
    }
  }
  yield* checkGuarded(history);
}

function* checkGuarded(history: readonly HistoryRecord[]): Iterable<HistoryFault> {
  const writes = history.filter(
    (record): record is WriteCall & { readonly zxid: number; readonly token: number } =>
      isWrite(record) && isTaken(record) && record.token !== undefined && record.zxid !== undefined,
  );
  const highest = new Map<string, WriteCall & { readonly token: number }>();
  for (const write of writes.sort((a, b) => a.zxid - b.zxid)) {
    const guarded = 'path' in write ? write.path : write.kind === 'transaction' ? pathOf(write) : '';
    const before = highest.get(guarded);
    if (before !== undefined && write.token < before.token) {
      const message = `a write with an older token was taken\n    ${describeRecord(before)}\n    ${describeRecord(write)}`;
      yield { property: 'token', message };
    } else highest.set(guarded, write);
  }
}

function isTaken(write: WriteCall): boolean {
  if (!isAnswered(write) || write.refused !== undefined) return false;
  return write.kind !== 'transaction' || (write.committed !== false && write.branch !== 'else');
}

/** What a transaction guards is what it writes first. */
function pathOf(write: WriteCall & { readonly kind: 'transaction' }): string {
  return write.then.find(({ kind }) => kind === 'set' || kind === 'create')?.path ?? '';
}

/** In the order in which they were told. */
function byLock(history: readonly HistoryRecord[]): Map<string, HoldRecord[]> {
  const locks = new Map<string, HoldRecord[]>();
  for (const record of history) {
    if (record.kind !== 'hold') continue;
    const holds = locks.get(record.lock);
    if (holds === undefined) locks.set(record.lock, [record]);
    else holds.push(record);
  }
  for (const holds of locks.values()) holds.sort((a, b) => a.acquired - b.acquired);
  return locks;
}
