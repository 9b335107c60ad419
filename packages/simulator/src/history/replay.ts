import { compareSnapshot, performAndCompare, performSeen } from './answers.js';
import type { Component } from './components.js';
import { isInScope } from './scope.js';
import { describeRecord } from './describe.js';
import type { Placement } from './placement.js';
import { isAnswered, isUnknown, isWrite, type Call, type WatchRecord, type WriteCall } from './record.js';
import { touchedBy } from './touched-keys.js';
import { TreeModel, type ModelChange } from './tree-model.js';

/** A reset of a watch, with what it looks at: the state of a scope at a zxid. */
export interface ScopeSnapshot {
  readonly reset: WatchRecord & { readonly event: 'reset' };
  readonly opened: WatchRecord & { readonly event: 'opened' };
}

export type ReplayVerdict =
  | {
      readonly kind: 'agrees';
      /** With their places, where they are known. */
      readonly changes: readonly ModelChange[];
      /** Sessions that the cluster must have ended, though nobody knows where: before this call, which saw it. */
      readonly endedBefore: readonly { readonly session: number; readonly witness: Item }[];
    }
  | { readonly kind: 'fault'; readonly message: string }
  /** Too many ways to place writes of unknown outcome, or an answered write without a place. */
  | { readonly kind: 'undecided' };

/** What is done in the order of the places. */
export type Item =
  | { readonly kind: 'call'; readonly call: Call; readonly zxid: number; readonly isSeenOnly: boolean }
  | ({ readonly kind: 'snapshot'; readonly zxid: number } & ScopeSnapshot);

interface Choice {
  readonly at: number;
  readonly mark: number;
  readonly ways: Iterator<readonly WriteCall[]>;
  inserted: readonly WriteCall[];
}

/** Ways that are tried, at most. */
const TRIES_MAX = 20_000;
/** Writes of unknown outcome that are taken for the explanation of one answer in every order, at most. */
const INSERTED_MAX = 3;

/**
 * Does a component's calls in the order of their zxids, reads right behind the last write at or before theirs, and holds every answer against the model: so every read, of
 * whatever consistency, is held against the state at its zxid. A write of unknown outcome that somebody saw stands where it was seen. One that nobody saw
 * directly is put in before the first answer that it explains; if several ways explain that, they are tried one after the other, within a bound.
 */
export function replayComponent(
  component: Component,
  placement: Placement,
  snapshots: readonly ScopeSnapshot[],
): ReplayVerdict {
  const items = itemsOf(component, placement, snapshots);
  return items === undefined ? { kind: 'undecided' } : new Replay(component, items, placement).run();
}

/** Undefined when an answered write has no place. */
function itemsOf(
  { calls, keys }: Component,
  placement: Placement,
  snapshots: readonly ScopeSnapshot[],
): Item[] | undefined {
  const items: Item[] = [];
  for (const call of calls) {
    if (isAnswered(call)) {
      if (call.zxid !== undefined) items.push({ kind: 'call', call, zxid: call.zxid, isSeenOnly: false });
      else if (isWrite(call)) return undefined;
    } else if (isWrite(call)) {
      const place = placeOf(call, placement);
      if (place !== undefined) items.push({ kind: 'call', call: place, zxid: place.zxid!, isSeenOnly: true });
    }
  }
  for (const { reset, opened } of snapshots) {
    if ([...keys].some((key) => isInScope(opened, key)))
      items.push({ kind: 'snapshot', zxid: reset.zxid, reset, opened });
  }
  const rank = (item: Item): number => (item.kind === 'call' && isWrite(item.call) ? 0 : 1);
  return items.sort((a, b) => a.zxid - b.zxid || rank(a) - rank(b));
}

/** A write of unknown outcome with its place: as it was seen, or as whoever recorded it knows. */
function placeOf(call: WriteCall, placement: Placement): WriteCall | undefined {
  if (call.zxid !== undefined) return call;
  const seen = placement.sightingOf(call);
  if (seen === undefined) return undefined;
  return call.kind === 'create' && seen.name !== undefined
    ? { ...call, zxid: seen.zxid, name: seen.name }
    : { ...call, zxid: seen.zxid };
}

class Replay {
  readonly #component: Component;
  readonly #items: readonly Item[];
  readonly #model: TreeModel;
  /** Writes of unknown outcome that nobody saw directly: real calls first, the cluster's own doings last. */
  readonly #open: readonly WriteCall[];
  readonly #used = new Set<WriteCall>();
  readonly #choices: Choice[] = [];
  #tries = TRIES_MAX;
  #isCut = false;

  constructor(component: Component, items: readonly Item[], placement: Placement) {
    this.#component = component;
    this.#items = items;
    this.#model = new TreeModel(component.creatable);
    const open = component.calls.filter(
      (call): call is WriteCall => isWrite(call) && isUnknown(call) && placeOf(call, placement) === undefined,
    );
    this.#open = open.sort((a, b) => Number(a.client === 'cluster') - Number(b.client === 'cluster'));
  }

  run(): ReplayVerdict {
    let fault: { at: number; message: string } | undefined;
    for (let at = 0; at < this.#items.length;) {
      const mark = this.#model.mark();
      const problem = this.#do(this.#items[at]!);
      if (problem === undefined) {
        at++;
        if (this.#choices.length === 0) this.#model.forget();
        continue;
      }
      this.#model.undo(mark);
      if (fault === undefined || at > fault.at) fault = { at, message: this.#tell(this.#items[at]!, problem) };
      this.#choices.push({ at, mark, ways: this.#waysBefore(this.#items[at]!), inserted: [] });
      const resumed = this.#chooseAgain();
      if (resumed === undefined) {
        return this.#isCut || this.#isAmbiguous(this.#items[fault.at]!)
          ? { kind: 'undecided' }
          : { kind: 'fault', message: fault.message };
      }
      at = resumed;
    }
    return { kind: 'agrees', changes: this.#model.changes, endedBefore: this.#endedBefore() };
  }

  #do(item: Item): string | undefined {
    if (item.kind === 'call') {
      if (item.isSeenOnly) return performSeen(this.#model, item.call as WriteCall);
      return performAndCompare(this.#model, item.call, { withPlaces: true });
    }
    const { keys } = this.#component;
    return compareSnapshot(this.#model, keys, (path) => isInScope(item.opened, path), item.reset.nodes);
  }

  #tell(item: Item, problem: string): string {
    const record = item.kind === 'call' ? item.call : item.reset;
    return `the order of the zxids has ${problem}\n    ${describeRecord(record)}`;
  }

  /** The next way of the latest choice that has one. Returns where to go on. */
  #chooseAgain(): number | undefined {
    for (let choice = this.#choices.at(-1); choice !== undefined; choice = this.#choices.at(-1)) {
      this.#model.undo(choice.mark);
      for (const call of choice.inserted) this.#used.delete(call);
      choice.inserted = [];
      for (let way = choice.ways.next(); way.done !== true; way = choice.ways.next()) {
        if (this.#tries-- <= 0) {
          this.#isCut = true;
          return undefined;
        }
        if (!this.#insert(way.value, this.#items[choice.at]!, choice.mark)) continue;
        choice.inserted = way.value;
        for (const call of way.value) this.#used.add(call);
        return choice.at + 1;
      }
      this.#choices.pop();
    }
    return undefined;
  }

  #insert(calls: readonly WriteCall[], item: Item, mark: number): boolean {
    for (const call of calls) {
      const before = this.#model.mark();
      const problem = performSeen(this.#model, { ...call, zxid: undefined });
      if (problem !== undefined || this.#model.mark() === before) {
        this.#model.undo(mark);
        return false;
      }
    }
    if (this.#do(item) === undefined) return true;
    this.#model.undo(mark);
    return false;
  }

  /** The shortest first; where there are more writes than are tried in every order, all of them as they began, and what does not fit then is undecided. */
  *#waysBefore(item: Item): Generator<readonly WriteCall[], undefined> {
    const candidates = this.#candidatesFor(item);
    const extend = function* (way: readonly WriteCall[], left: number): Generator<readonly WriteCall[], undefined> {
      if (left === 0) {
        yield way;
        return;
      }
      for (const call of candidates) if (!way.includes(call)) yield* extend([...way, call], left - 1);
    };
    for (let length = 1; length <= Math.min(INSERTED_MAX, candidates.length); length++) yield* extend([], length);
    if (candidates.length <= INSERTED_MAX) return;
    this.#isCut = true;
    yield candidates.sort((a, b) => a.start - b.start);
  }

  /** What began before the answer came, and has to do with it. */
  #candidatesFor(item: Item): WriteCall[] {
    const latest = item.kind === 'call' ? (item.call.end ?? Infinity) : item.reset.at;
    const keys = item.kind === 'call' ? touchedBy(item.call).keys : [item.opened.path];
    return this.#open.filter(
      (call) =>
        !this.#used.has(call) && call.start <= latest && (call.kind === 'sessionClose' || isRelated(call, keys)),
    );
  }

  /**
   * Where a name or number may come from a create that nobody saw, what is put in late may get another one than it had; and what changes several nodes at once is put in
   * where one of them shows it, though what it did to another may have been undone before that. So is what stood before an answered write that would have been answered the
   * same without it: a znode is deleted and made again, both unseen, and then set at version 0; only the next read shows that its czxid is another (world, seed 110157).
   */
  #isAmbiguous(item: Item): boolean {
    if (this.#open.length === 0) return false;
    const keys = item.kind === 'call' ? touchedBy(item.call).keys : [item.opened.path];
    return this.#open.some(
      (call) =>
        isRelated(call, keys) && (isSequential(call) || hasSeveralSteps(call) || this.#mayBeHidden(call, item, keys)),
    );
  }

  /** Whether a write that was answered after this one began, and stands before the item, may have covered up what it did. */
  #mayBeHidden(call: WriteCall, item: Item, keys: readonly string[]): boolean {
    for (const before of this.#items) {
      if (before === item) return false;
      if (before.kind !== 'call' || !isWrite(before.call) || (before.call.end ?? Infinity) < call.start) continue;
      if (isRelated(before.call, keys)) return true;
    }
    return false;
  }

  #endedBefore(): { session: number; witness: Item }[] {
    return this.#choices.flatMap(({ at, inserted }) =>
      inserted.flatMap((call) =>
        call.kind === 'sessionClose' && call.client === 'cluster'
          ? [{ session: call.session, witness: this.#items[at]! }]
          : [],
      ),
    );
  }
}

function hasSeveralSteps(call: WriteCall): boolean {
  if (call.kind === 'transaction') return Math.max(call.then.length, call.else?.length ?? 0) > 1;
  return call.kind === 'deleteRecursive' || call.kind === 'sessionClose';
}

function isSequential(call: WriteCall): boolean {
  const steps = call.kind === 'transaction' ? [...call.then, ...(call.else ?? [])] : [call];
  return steps.some((step) => step.kind === 'create' && (step.mode?.endsWith('Sequential') ?? false));
}

function isRelated(call: Call, keys: readonly string[]): boolean {
  return touchedBy(call).keys.some((own) =>
    keys.some((key) => own === key || own.startsWith(`${key}/`) || key.startsWith(`${own}/`) || key === '/'),
  );
}
