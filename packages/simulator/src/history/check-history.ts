import { checkDigests } from './checkers/digests.js';
import { checkFifo } from './checkers/fifo.js';
import { checkHolders, checkTokens } from './checkers/holders.js';
import { checkPlaces } from './checkers/one-place.js';
import { checkRealTime } from './checkers/real-time.js';
import { checkSessions, type SeenEnd } from './checkers/sessions.js';
import { checkWatches, type KnownChanges } from './checkers/watch-slices.js';
import { divide, type Component } from './components.js';
import { describeRecord } from './describe.js';
import type { HistoryFault } from './fault.js';
import { KnownPlaces } from './known-places.js';
import { Placement } from './placement.js';
import { isCall, isUnknown, isWrite, type Call, type HistoryRecord, type WatchRecord } from './record.js';
import { replayComponent, type ReplayVerdict, type ScopeSnapshot } from './replay.js';
import { takenPlaces } from './shown-writes.js';
import { searchOrder } from './search.js';
import { ancestorsOf, touchedBy } from './touched-keys.js';

export interface CheckOptions {
  /** What the search for an order may cost for each component, in characters of states: beyond it the component is `undecided`. Default 20,000,000: some seconds. */
  readonly searchWorkMax?: number | undefined;
}

export interface HistoryReport {
  readonly faults: readonly HistoryFault[];
  readonly calls: number;
  /** Groups of calls that have nothing to do with each other. */
  readonly components: number;
  /** Components for which the search without zxids was given up. */
  readonly searchUndecided: number;
  /** Components for which the replay in the order of the zxids was given up. */
  readonly replayUndecided: number;
}

/**
 * Judges a history, in two ways that do not trust each other: a search for any order that explains the answers, with no regard to the places that the cluster gave; and those
 * places themselves, in whose order every answer must come out of a plain model. Beyond that: real time, exactly once, each client's order, watches, sessions,
 * locks and digests, each in a file of its own.
 */
export function checkHistory(history: readonly HistoryRecord[], options: CheckOptions = {}): HistoryReport {
  const calls = history.filter(isCall);
  const placement = new Placement(history);
  const known = new KnownPlaces(history);
  const components = divide(history, calls);
  const faults: HistoryFault[] = [...checkPlaces(history), ...checkRealTime(history, known), ...checkFifo(history)];
  faults.push(...placement.faults, ...checkHolders(history), ...checkTokens(history), ...checkDigests(history));
  const searchUndecided = search(components, options, faults);
  const context = { placement, known, snapshots: snapshotsIn(history), taken: takenPlaces(history, placement) };
  const verdicts = components.map((component) => replayComponent(component, context));
  for (const verdict of verdicts)
    if (verdict.kind === 'fault') faults.push({ property: 'zxid-order', message: verdict.message });
  faults.push(...checkSessions(history, verdicts.flatMap(seenEnds)));
  faults.push(...checkWatches(history, knownChanges(components, verdicts, placement)));
  const replayUndecided = verdicts.filter(({ kind }) => kind === 'undecided').length;
  return { faults, calls: calls.length, components: components.length, searchUndecided, replayUndecided };
}

function search(components: readonly Component[], options: CheckOptions, faults: HistoryFault[]): number {
  let undecided = 0;
  for (const component of components) {
    const verdict = searchOrder(component, options.searchWorkMax);
    if (verdict.kind === 'undecided') undecided++;
    if (verdict.kind !== 'violation') continue;
    const { longest, stuck } = verdict;
    const shown = stuck === undefined ? '' : `\n    ${describeRecord(stuck)}`;
    const message = `no order explains the answers: after ${longest} calls none allows what this one was told${shown}`;
    faults.push({ property: 'linearizable', message });
  }
  return undecided;
}

function seenEnds(verdict: ReplayVerdict): readonly SeenEnd[] {
  return verdict.kind === 'agrees' ? verdict.endedBefore : [];
}

function snapshotsIn(history: readonly HistoryRecord[]): ScopeSnapshot[] {
  const opened = new Map<string, WatchRecord & { readonly event: 'opened' }>();
  for (const record of history) {
    if (record.kind === 'watch' && record.event === 'opened') opened.set(`${record.client}/${record.watch}`, record);
  }
  return history.flatMap((record) => {
    if (record.kind !== 'watch' || record.event !== 'reset') return [];
    const own = opened.get(`${record.client}/${record.watch}`);
    return own === undefined ? [] : [{ reset: record, opened: own }];
  });
}

/** A path is wholly known when its component agrees, and no write of unknown outcome that nobody saw could have touched it. */
function knownChanges(
  components: readonly Component[],
  verdicts: readonly ReplayVerdict[],
  placement: Placement,
): KnownChanges {
  const known = new Set<string>();
  const changes = components.flatMap((component, index) => {
    const verdict = verdicts[index]!;
    if (verdict.kind !== 'agrees') return [];
    const open = openKeys(component.calls, placement);
    // Only what the history's calls may create is theirs alone; of the rest others may have been writers.
    for (const path of component.creatable) {
      if (!open.has(path) && !ancestorsOf(path).some((ancestor) => open.has(ancestor))) known.add(path);
    }
    return verdict.changes;
  });
  return { changes, isWhollyKnown: (path) => known.has(path) };
}

function openKeys(calls: readonly Call[], placement: Placement): Set<string> {
  const open = new Set<string>();
  for (const call of calls) {
    const isOpen =
      isWrite(call) && isUnknown(call) && call.zxid === undefined && placement.sightingOf(call) === undefined;
    if (!isOpen) continue;
    // The end of a session touches what it owns, wherever that is.
    const touched =
      call.kind === 'sessionClose' ? calls.flatMap((other) => ownedBy(other, call.session)) : touchedBy(call).keys;
    for (const key of touched) open.add(key);
  }
  return open;
}

function ownedBy(call: Call, session: number): readonly string[] {
  return call.session === session ? touchedBy(call).created : [];
}
