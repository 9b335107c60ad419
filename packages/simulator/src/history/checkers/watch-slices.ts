import { describeRecord } from '../describe.js';
import type { HistoryFault } from '../fault.js';
import { formatPlace, type HistoryRecord, type WatchedChange, type WatchRecord } from '../record.js';
import { isTold } from '../scope.js';
import type { ModelChange } from '../tree-model.js';

/** What is known of the changes of the history, beside what watches tell. */
export interface KnownChanges {
  /** Of the components whose answers agree with the order of the zxids. */
  readonly changes: readonly ModelChange[];
  /** Whether all that happens to a path is known; false where writes of unknown outcome, or others than the history's clients, may have changed it. */
  readonly isWhollyKnown: (path: string) => boolean;
}

type Opened = WatchRecord & { readonly event: 'opened' };

/** One watch: what it looks at, and what it told, in order. */
interface Watch {
  readonly name: string;
  opened: Opened | undefined;
  readonly steps: WatchRecord[];
}

/** What is known to have happened to a path at a zxid: in the order in which it did. */
interface Happened {
  readonly zxid: number;
  readonly path: string;
  readonly changes: readonly WatchedChange[];
  readonly source: HistoryRecord | undefined;
}

/**
 * Watch streams are slices of history: each goes forward only, tells every change of its scope since where it began (or since its last reset) exactly once, in order, and nothing
 * else. What happened is known from the writes, where all writers are known, and from what any watch tells: no watch may miss, or tell otherwise, what another one tells.
 */
export function* checkWatches(history: readonly HistoryRecord[], known: KnownChanges): Iterable<HistoryFault> {
  const watches = watchesIn(history);
  const happened = [...happenedByWrites(known), ...happenedByWatches(watches)];
  const byZxid = happened.sort((a, b) => a.zxid - b.zxid);
  const ofWrites = new Map(byZxid.filter(({ source }) => source === undefined).map((one) => [placeOf(one), one]));
  for (const watch of watches) {
    if (watch.opened === undefined) continue;
    yield* checkOrder(watch, watch.opened);
    yield* checkTold(watch, watch.opened, ofWrites, known);
    yield* checkWhole(watch, watch.opened, byZxid);
  }
}

function watchesIn(history: readonly HistoryRecord[]): Watch[] {
  const watches = new Map<string, Watch>();
  for (const record of history) {
    if (record.kind !== 'watch') continue;
    const name = `${record.client}/${record.watch}`;
    const watch = watches.get(name) ?? { name, opened: undefined, steps: [] };
    watches.set(name, watch);
    if (record.event === 'opened') watch.opened = record;
    else watch.steps.push(record);
  }
  return [...watches.values()];
}

function placeOf({ zxid, path }: { readonly zxid: number; readonly path: string }): string {
  return `${zxid} ${path}`;
}

function happenedByWrites({ changes, isWhollyKnown }: KnownChanges): Happened[] {
  const places = new Map<string, Happened & { readonly changes: WatchedChange[] }>();
  for (const { zxid, type, path, before, after } of changes) {
    if (zxid === undefined || !path.startsWith('/') || !isWhollyKnown(path)) continue;
    const place = { zxid, path, changes: [] as WatchedChange[], source: undefined };
    const one = places.get(placeOf(place)) ?? place;
    places.set(placeOf(place), one);
    const version = (after ?? before)!.version;
    one.changes.push({ type, path, version, value: after?.value, previous: before?.value });
  }
  return [...places.values()];
}

/** What one watch tells holds for all; one that filters by type tells a part only. */
function happenedByWatches(watches: readonly Watch[]): Happened[] {
  return watches.flatMap(({ opened, steps }) => {
    if (opened === undefined || opened.types !== undefined) return [];
    return steps.flatMap((step) => {
      if (step.event !== 'batch') return [];
      return [...groupByPath(step.events)].map(([path, events]) => ({
        zxid: step.zxid,
        path,
        changes: events,
        source: step,
      }));
    });
  });
}

function groupByPath(events: readonly WatchedChange[]): Map<string, WatchedChange[]> {
  const paths = new Map<string, WatchedChange[]>();
  for (const event of events) paths.set(event.path, [...(paths.get(event.path) ?? []), event]);
  return paths;
}

/** Forward only: no step stands before one that came earlier, and each batch behind all of them. */
function* checkOrder({ name, steps }: Watch, opened: Opened): Iterable<HistoryFault> {
  let last: number = opened.since;
  let at = opened.at;
  for (const step of steps as readonly Exclude<WatchRecord, Opened>[]) {
    const isBack = step.event === 'batch' ? step.zxid <= last : step.zxid < last;
    if (isBack || step.at < at) {
      const message = `watch ${name} goes back behind ${formatPlace(last)}\n    ${describeRecord(step)}`;
      yield { property: 'watch-order', message };
    }
    [last, at] = [Math.max(last, step.zxid), Math.max(at, step.at)];
  }
}

/** Nothing but what happened, as it happened. */
function* checkTold(
  { name, steps }: Watch,
  opened: Opened,
  ofWrites: ReadonlyMap<string, Happened>,
  known: KnownChanges,
): Iterable<HistoryFault> {
  for (const step of steps) {
    if (step.event !== 'batch') continue;
    for (const [path, events] of groupByPath(step.events)) {
      const outside = events.find(({ type }) => !isTold(opened, path, type) || !isWanted(opened, type));
      if (outside !== undefined) yield slice(name, `tells of what it does not look at: ${path}`, step);
      const happened = ofWrites.get(placeOf({ zxid: step.zxid, path }));
      if (happened === undefined && known.isWhollyKnown(path))
        yield slice(name, `tells of a change of ${path} that never was`, step);
      const problem = happened === undefined ? undefined : differs(opened, events, happened);
      if (problem !== undefined) yield slice(name, `tells of ${path}: ${problem}`, step);
    }
  }
}

/** All that happened from where it began to the last that it told, but for what a reset stands for. */
function* checkWhole({ name, steps }: Watch, opened: Opened, happened: readonly Happened[]): Iterable<HistoryFault> {
  const told = new Map<string, readonly WatchedChange[]>();
  for (const step of steps) {
    if (step.event !== 'batch') continue;
    for (const [path, events] of groupByPath(step.events)) told.set(placeOf({ zxid: step.zxid, path }), events);
  }
  for (const [after, upTo] of rangesOf(steps, opened)) {
    for (let at = firstAfter(happened, after); at < happened.length && happened[at]!.zxid <= upTo; at++) {
      const one = happened[at]!;
      const isToBeTold = one.changes.some(({ type }) => isTold(opened, one.path, type) && isWanted(opened, type));
      if (!isToBeTold) continue;
      const events = told.get(placeOf(one));
      const by = one.source === undefined ? '' : ', which another watch tells';
      if (events === undefined) {
        const message = `watch ${name} leaves out ${one.path} at ${formatPlace(one.zxid)}${by}: ${JSON.stringify(one.changes)}`;
        yield { property: 'watch-slice', message };
      } else if (one.source !== undefined) {
        const problem = differs(opened, events, one);
        if (problem !== undefined)
          yield slice(
            name,
            `tells of ${one.path} at ${formatPlace(one.zxid)} otherwise than another watch: ${problem}`,
            one.source,
          );
      }
    }
  }
}

/** The stretches of the history that were told change by change: after the first, up to the second. */
function rangesOf(steps: readonly WatchRecord[], opened: Opened): [number, number][] {
  const ranges: [number, number][] = [[opened.since, opened.since]];
  for (const step of steps as readonly Exclude<WatchRecord, Opened>[]) {
    if (step.event === 'reset') ranges.push([step.zxid, step.zxid]);
    else ranges.at(-1)![1] = Math.max(ranges.at(-1)![1], step.zxid);
  }
  return ranges;
}

function firstAfter(happened: readonly Happened[], zxid: number): number {
  let [low, high] = [0, happened.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (happened[middle]!.zxid <= zxid) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isWanted({ types }: Opened, type: WatchedChange['type']): boolean {
  return types === undefined || types.length === 0 || types.includes(type);
}

function differs(opened: Opened, events: readonly WatchedChange[], happened: Happened): string | undefined {
  const own = happened.changes.filter(({ type }) => isWanted(opened, type));
  if (own.length !== events.length) return `${events.length} events for ${JSON.stringify(own)}`;
  for (const [index, event] of events.entries()) {
    const change = own[index]!;
    const isSame =
      event.type === change.type &&
      agree(event.value, change.value) &&
      agree(event.version, change.version) &&
      agree(event.previous, change.previous);
    if (!isSame) return `${JSON.stringify(event)} for ${JSON.stringify(change)}`;
  }
  return undefined;
}

function agree<T>(told: T | undefined, own: T | undefined): boolean {
  return told === undefined || own === undefined || told === own;
}

function slice(name: string, what: string, record: HistoryRecord): HistoryFault {
  return { property: 'watch-slice', message: `watch ${name} ${what}\n    ${describeRecord(record)}` };
}
