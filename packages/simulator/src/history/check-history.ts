import { checkKey } from './linearizability.js';
import { isLinearizable, isRead, type Operation } from './operation.js';

export interface HistoryFault {
  /** `linearizable`: no order explains the answers. `real-time`: the cluster's order contradicts the clock. `one-place`: two writes have one place. */
  readonly property: 'linearizable' | 'real-time' | 'one-place';
  readonly key: string;
  readonly message: string;
}

export interface HistoryReport {
  readonly faults: readonly HistoryFault[];
  readonly operations: number;
  readonly keys: number;
  /** Keys for which the search was given up. */
  readonly undecided: number;
}

/** Judges a history: each key's operations by themselves, and the places in the cluster's one order across keys. */
export function checkHistory(history: readonly Operation[]): HistoryReport {
  const faults = [...checkPlaces(history), ...checkRealTime(history)];
  const keys = byKey(history.filter(isLinearizable));
  let undecided = 0;
  for (const [key, operations] of keys) {
    const verdict = checkKey(operations);
    if (verdict.kind === 'undecided') undecided++;
    if (verdict.kind !== 'violation') continue;
    const { longest, stuck } = verdict;
    const message = `no order explains the answers on ${key}: after ${longest} operations none allows ${JSON.stringify(stuck)}`;
    faults.push({ property: 'linearizable', key, message });
  }
  return { faults, operations: history.length, keys: keys.size, undecided };
}

function byKey(history: readonly Operation[]): Map<string, Operation[]> {
  const keys = new Map<string, Operation[]>();
  for (const operation of history) {
    const others = keys.get(operation.key);
    if (others === undefined) keys.set(operation.key, [operation]);
    else others.push(operation);
  }
  return keys;
}

/** Each write has a place of its own. */
function* checkPlaces(history: readonly Operation[]): Iterable<HistoryFault> {
  const places = new Map<number, Operation>();
  for (const operation of history) {
    if (isRead(operation) || operation.zxid === undefined || operation.end === undefined) continue;
    const other = places.get(operation.zxid);
    places.set(operation.zxid, operation);
    if (other === undefined) continue;
    const message = `${JSON.stringify(other)} and ${JSON.stringify(operation)} have the same zxid`;
    yield { property: 'one-place', key: operation.key, message };
  }
}

/** What was answered before a call began has an earlier place than that call (a read may have the same), whatever the keys. */
function* checkRealTime(history: readonly Operation[]): Iterable<HistoryFault> {
  const placed = history.filter(
    (operation) => operation.zxid !== undefined && operation.end !== undefined && isLinearizable(operation),
  );
  const byEnd = [...placed].sort((a, b) => a.end! - b.end!);
  const byStart = [...placed].sort((a, b) => a.start - b.start);
  let latest: Operation | undefined;
  let at = 0;
  for (const operation of byStart) {
    for (; at < byEnd.length && byEnd[at]!.end! < operation.start; at++) {
      if (latest === undefined || byEnd[at]!.zxid! > latest.zxid!) latest = byEnd[at];
    }
    if (latest === undefined) continue;
    const isLate = isRead(operation) ? operation.zxid! < latest.zxid! : operation.zxid! <= latest.zxid!;
    if (!isLate) continue;
    const message = `${JSON.stringify(latest)} was answered before ${JSON.stringify(operation)} began, and has no earlier place`;
    yield { property: 'real-time', key: operation.key, message };
  }
}
