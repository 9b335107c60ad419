/**
 * A second opinion on checkHistory: the search of Wing and Gong, with Lowe's memory of states that were met before (G. Lowe, "Testing for
 * linearizability", 2017), on one register at a time. It looks at times, values and versions only, and knows nothing of zxids.
 */
import type { GetOperation, History, SetOperation } from '../history/operation.js';
import type { Findings } from './violation.js';

/** What a register holds. Every set adds one to the version. */
interface RegisterState {
  readonly value: string;
  readonly version: number;
}

/** One call on a register. */
export interface RegisterCall {
  readonly invokedUs: number;
  /** Infinity when it is not known whether it took effect: it may do so at any later time, or never. */
  readonly endedUs: number;
  readonly kind: 'set' | 'get';
  readonly value: string;
  /** What the caller was told: the version that was made or read. */
  readonly version?: number | undefined;
  /** The version that a set was conditional on. */
  readonly expected?: number | undefined;
}

/** `gaveUp`: more states than `statesMax`. */
export type SearchVerdict = 'linearizable' | 'notLinearizable' | 'gaveUp';

const STATES_MAX = 2_000_000;

/** Searches every register that has at most `operationsMax` operations, and returns how many these were. */
export function searchRegisters(history: History, operationsMax: number, findings: Findings): number {
  const registers = new Map<string, RegisterCall[]>();
  for (const operation of history.operations) {
    if (operation.kind !== 'set' && operation.kind !== 'get') continue;
    const call = toCall(operation);
    if (call === undefined) continue;
    const calls = registers.get(operation.path);
    if (calls === undefined) registers.set(operation.path, [call]);
    else calls.push(call);
  }
  let searched = 0;
  for (const [path, calls] of registers) {
    if (calls.length > operationsMax) continue;
    const verdict = searchRegister(calls);
    if (verdict !== 'gaveUp') searched += 1;
    if (verdict === 'notLinearizable')
      findings.add('search', `no order explains the ${calls.length} operations on ${path}`);
  }
  return searched;
}

function toCall(operation: SetOperation | GetOperation): RegisterCall | undefined {
  const { invokedUs } = operation;
  if (operation.kind === 'get') {
    if (operation.outcome !== 'ok' || operation.consistency === 'local') return undefined;
    const { value, version } = operation.result;
    return { kind: 'get', invokedUs, endedUs: operation.endedUs, value, version };
  }
  const { value, expected } = operation;
  if (operation.outcome === 'rejected') return undefined;
  if (operation.outcome === 'unknown') {
    return { kind: 'set', invokedUs, endedUs: Number.POSITIVE_INFINITY, value, expected };
  }
  return { kind: 'set', invokedUs, endedUs: operation.endedUs, value, expected, version: operation.result.version };
}

/** A call's beginning or end in the list of moments; what was put in order is lifted out of the list. */
interface Moment {
  readonly call: RegisterCall;
  readonly isEnd: boolean;
  readonly atUs: number;
  /** Two random numbers a call: the set of those in order is known by their exclusive-or. */
  readonly mark: readonly [number, number];
  end: Moment | undefined;
  before: Moment | undefined;
  after: Moment | undefined;
}

interface Step {
  readonly begin: Moment;
  readonly stateBefore: RegisterState;
}

/**
 * Whether some order of the calls explains them: each takes effect at one moment between its invocation and its end. The register is
 * taken to begin right before the lowest version that a set made.
 *
 * @param statesMax - How many states are looked at before the search gives up. Default 2,000,000.
 */
export function searchRegister(calls: readonly RegisterCall[], statesMax = STATES_MAX): SearchVerdict {
  const head = linkMoments(calls);
  const stack: Step[] = [];
  const met = new Set<string>();
  let state: RegisterState = { value: '', version: firstVersion(calls) - 1 };
  let openEnds = calls.filter(({ endedUs }) => Number.isFinite(endedUs)).length;
  let [high, low] = [0, 0];
  let moment = head.after;
  while (openEnds > 0) {
    if (moment !== undefined && !moment.isEnd) {
      const next = take(state, moment.call);
      const key =
        next && `${(high ^ moment.mark[0]) >>> 0}:${(low ^ moment.mark[1]) >>> 0}:${next.version}:${next.value}`;
      if (next === undefined || key === undefined || met.has(key)) {
        moment = moment.after;
        continue;
      }
      if (met.size >= statesMax) return 'gaveUp';
      met.add(key);
      stack.push({ begin: moment, stateBefore: state });
      state = next;
      [high, low] = [high ^ moment.mark[0], low ^ moment.mark[1]];
      openEnds -= moment.end === undefined ? 0 : 1;
      lift(moment);
      moment = head.after;
      continue;
    }
    // The end of a call that is not in order yet: the last choice was wrong.
    const last = stack.pop();
    if (last === undefined) return 'notLinearizable';
    state = last.stateBefore;
    [high, low] = [high ^ last.begin.mark[0], low ^ last.begin.mark[1]];
    openEnds += last.begin.end === undefined ? 0 : 1;
    unlift(last.begin);
    moment = last.begin.after;
  }
  return 'linearizable';
}

/** What the register holds after the call; undefined when the call cannot have taken effect on this state. */
function take(state: RegisterState, call: RegisterCall): RegisterState | undefined {
  if (call.kind === 'get') return state.value === call.value && state.version === call.version ? state : undefined;
  if (call.expected !== undefined && call.expected !== state.version) return undefined;
  const version = state.version + 1;
  return call.version === undefined || call.version === version ? { value: call.value, version } : undefined;
}

function firstVersion(calls: readonly RegisterCall[]): number {
  let first = Number.POSITIVE_INFINITY;
  for (const { kind, version } of calls) if (kind === 'set' && version !== undefined) first = Math.min(first, version);
  return Number.isFinite(first) ? first : 0;
}

/** All beginnings and ends in the order of time. At one time beginnings come first: nobody knows, and so nothing is ruled out. */
function linkMoments(calls: readonly RegisterCall[]): Moment {
  const random = xorshift(0x9e3779b9);
  const moments: Moment[] = [];
  for (const call of calls) {
    const mark = [random(), random()] as const;
    const begin: Moment = {
      call,
      isEnd: false,
      atUs: call.invokedUs,
      mark,
      end: undefined,
      before: undefined,
      after: undefined,
    };
    moments.push(begin);
    if (!Number.isFinite(call.endedUs)) continue;
    begin.end = { ...begin, isEnd: true, atUs: call.endedUs };
    moments.push(begin.end);
  }
  moments.sort((a, b) => a.atUs - b.atUs || Number(a.isEnd) - Number(b.isEnd));
  const head: Moment = { ...(moments[0] as Moment), before: undefined, after: undefined };
  let last = head;
  for (const moment of moments) {
    last.after = moment;
    moment.before = last;
    last = moment;
  }
  return head;
}

function lift(begin: Moment): void {
  unlink(begin);
  if (begin.end !== undefined) unlink(begin.end);
}

/** Undoes `lift`. In the opposite order, for the two may be neighbours. */
function unlift(begin: Moment): void {
  if (begin.end !== undefined) relink(begin.end);
  relink(begin);
}

function unlink({ before, after }: Moment): void {
  if (before !== undefined) before.after = after;
  if (after !== undefined) after.before = before;
}

function relink(moment: Moment): void {
  if (moment.before !== undefined) moment.before.after = moment;
  if (moment.after !== undefined) moment.after.before = moment;
}

function xorshift(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  };
}
