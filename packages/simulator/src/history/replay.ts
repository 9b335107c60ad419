import { compareShown, compareSnapshot, performAndCompare, performSeen } from './answers.js';
import type { Component } from './components.js';
import { isInScope } from './scope.js';
import { describeRecord } from './describe.js';
import type { KnownPlaces } from './known-places.js';
import type { Placement } from './placement.js';
import {
  formatPlace,
  isAnswered,
  isUnknown,
  isWrite,
  type Call,
  type CreateMode,
  type HistoryRecord,
  type WatchRecord,
  type WriteCall,
} from './record.js';
import { mayWrite, shownWrites, type ShownWrite } from './shown-writes.js';
import { touchedBy } from './touched-keys.js';
import { parentOf, TreeModel, type ModelChange } from './tree-model.js';

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
  | {
      readonly kind: 'call';
      readonly call: Call;
      readonly zxid: number;
      readonly isSeenOnly: boolean;
      /** Of a write: what stats show of it. */
      readonly shown?: readonly ShownWrite[] | undefined;
    }
  | ({ readonly kind: 'snapshot'; readonly zxid: number } & ScopeSnapshot)
  /** A write that nobody was told of, as a stat shows it. */
  | ({ readonly kind: 'revealed' } & ShownWrite);

/** What is known of a history as a whole. */
export interface ReplayContext {
  readonly placement: Placement;
  readonly known: KnownPlaces;
  readonly snapshots: readonly ScopeSnapshot[];
  /** The places of all writes whose places are known. */
  readonly taken: ReadonlySet<number>;
}

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
 * whatever consistency, is held against the state at its zxid. A write of unknown outcome whose value somebody saw stands where it was seen. Where a stat shows the czxid or mzxid
 * of a write that nobody was told of, one of those that fit is put in, at that place. One that nobody saw in any way is put in before the first answer that it explains; if
 * several ways explain something, they are tried one after the other, within a bound. None is put in before what was known when it began.
 */
export function replayComponent(component: Component, context: ReplayContext): ReplayVerdict {
  const items = itemsOf(component, context);
  return items === undefined ? { kind: 'undecided' } : new Replay(component, items, context).run();
}

/** Undefined when an answered write has no place. */
function itemsOf(component: Component, { placement, snapshots, taken }: ReplayContext): Item[] | undefined {
  const { calls, keys } = component;
  const items: Item[] = [];
  const shown = shownWrites(component, snapshots);
  for (const call of calls) {
    const place = placeOf(call, placement);
    if (place === undefined && isWrite(call) && isAnswered(call)) return undefined;
    if (place?.zxid === undefined) continue;
    const { zxid } = place;
    const isSeenOnly = !isAnswered(call);
    items.push({ kind: 'call', call: place, zxid, isSeenOnly, shown: isWrite(call) ? shown.get(zxid) : undefined });
  }
  for (const { reset, opened } of snapshots) {
    if ([...keys].some((key) => isInScope(opened, key)))
      items.push({ kind: 'snapshot', zxid: reset.zxid, reset, opened });
  }
  for (const [zxid, writes] of shown) {
    if (!taken.has(zxid)) for (const write of writes) items.push({ kind: 'revealed', ...write });
  }
  const rank = (item: Item): number =>
    item.kind === 'revealed' || (item.kind === 'call' && isWrite(item.call)) ? 0 : 1;
  return items.sort((a, b) => a.zxid - b.zxid || rank(a) - rank(b));
}

/** A call with its place, where it has one; a write of unknown outcome: as it was seen, or as whoever recorded it knows. */
function placeOf<C extends Call>(call: C, placement: Placement): C | undefined {
  if (call.zxid !== undefined) return isAnswered(call) || isWrite(call) ? call : undefined;
  const seen = isWrite(call) && isUnknown(call) ? placement.sightingOf(call) : undefined;
  if (seen === undefined) return undefined;
  return call.kind === 'create' && seen.name !== undefined
    ? { ...call, zxid: seen.zxid, name: seen.name }
    : { ...call, zxid: seen.zxid };
}

class Replay {
  readonly #component: Component;
  readonly #items: readonly Item[];
  readonly #known: KnownPlaces;
  readonly #model: TreeModel;
  /** Writes of unknown outcome that nobody saw directly: real calls first, the cluster's own doings last. */
  readonly #open: readonly WriteCall[];
  readonly #used = new Set<WriteCall>();
  readonly #choices: Choice[] = [];
  #tries = TRIES_MAX;
  #isCut = false;

  constructor(component: Component, items: readonly Item[], { placement, known }: ReplayContext) {
    this.#component = component;
    this.#items = items;
    this.#known = known;
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
    if (item.kind === 'revealed') return compareShown(this.#model, item.path, item.after);
    if (item.kind === 'call') {
      const problem = item.isSeenOnly
        ? performSeen(this.#model, item.call as WriteCall)
        : performAndCompare(this.#model, item.call, { withPlaces: true });
      return problem ?? this.#misses(item.shown);
    }
    const { keys } = this.#component;
    return compareSnapshot(this.#model, keys, (path) => isInScope(item.opened, path), item.reset.nodes);
  }

  #tell(item: Item, problem: string): string {
    const by = `\n    ${describeRecord(witnessOf(item).record)}`;
    if (item.kind !== 'revealed') return `the order of the zxids has ${problem}${by}`;
    return `no write can have ${item.what} ${item.path} at ${formatPlace(item.zxid)}, where this shows one${by}`;
  }

  /** What stats show of a write, and is not so after it. */
  #misses(shown: readonly ShownWrite[] | undefined): string | undefined {
    for (const { path, after, witness } of shown ?? []) {
      const problem = compareShown(this.#model, path, after);
      if (problem !== undefined)
        return `${path}: ${problem} there, and not what was shown\n    ${describeRecord(witness)}`;
    }
    return undefined;
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
      // What comes before the one that was shown has some place before it.
      const isShown = item.kind === 'revealed' && call === calls.at(-1);
      const problem = this.#perform(call, isShown ? item.zxid : undefined);
      if (problem !== undefined || this.#model.mark() === before) {
        this.#model.undo(mark);
        return false;
      }
    }
    if (this.#do(item) === undefined) return true;
    this.#model.undo(mark);
    return false;
  }

  /** An ephemeral of a session that is over may have come and gone before: what is left of it is its number. */
  #perform(call: WriteCall, zxid: number | undefined): string | undefined {
    const isOver = call.session !== undefined && this.#model.hasEnded(call.session);
    if (!isOver || call.kind !== 'create' || call.mode !== 'ephemeralSequential')
      return performSeen(this.#model, { ...call, zxid });
    this.#model.skipNumber(parentOf(call.path));
    return undefined;
  }

  /** The shortest first; where there are more writes than are tried in every order, all of them as they began, and what does not fit then is undecided. */
  *#waysBefore(item: Item): Generator<readonly WriteCall[], undefined> {
    const candidates = this.#candidatesFor(item);
    const isWay = (way: readonly WriteCall[]): boolean =>
      item.kind !== 'revealed' || mayWrite(way.at(-1)!, item.path, item.what);
    const extend = function* (way: readonly WriteCall[], left: number): Generator<readonly WriteCall[], undefined> {
      if (left === 0) {
        if (isWay(way)) yield way;
        return;
      }
      for (const call of candidates) if (!way.includes(call)) yield* extend([...way, call], left - 1);
    };
    for (let length = 1; length <= Math.min(INSERTED_MAX, candidates.length); length++) yield* extend([], length);
    if (candidates.length <= INSERTED_MAX) return;
    this.#isCut = true;
    if (item.kind === 'revealed') return;
    yield candidates.sort((a, b) => a.start - b.start);
  }

  /** What began before the answer came, and after nothing later was known, and has to do with it. */
  #candidatesFor(item: Item): WriteCall[] {
    const keys = keysOf(item);
    const { at: latest } = witnessOf(item);
    return this.#open.filter((call) => {
      if (this.#used.has(call) || call.start > latest) return false;
      if ((this.#known.before(call.start)?.zxid ?? -1) >= item.zxid) return false;
      return call.kind === 'sessionClose' || isRelated(call, keys);
    });
  }

  /**
   * Where a name or number may come from a create that nobody saw, what is put in late may get another one than it had; and what changes several nodes at once is put in
   * where one of them shows it, though what it did to another may have been undone before that. So is a znode that goes by itself: that it was made anew, as another kind, may be
   * covered up by an answered write until it goes. Of all other covered writes the stats show the places.
   */
  #isAmbiguous(item: Item): boolean {
    const keys = keysOf(item);
    return this.#open.some(
      (call) => isRelated(call, keys) && (isSequential(call) || hasSeveralSteps(call) || createsWhatGoes(call)),
    );
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
  return modesOf(call).some((mode) => mode.endsWith('Sequential'));
}

function createsWhatGoes(call: WriteCall): boolean {
  return modesOf(call).some((mode) => !mode.startsWith('persistent'));
}

function modesOf(call: WriteCall): CreateMode[] {
  const steps = call.kind === 'transaction' ? [...call.then, ...(call.else ?? [])] : [call];
  return steps.flatMap((step) => (step.kind === 'create' ? [step.mode ?? 'persistent'] : []));
}

function keysOf(item: Item): readonly string[] {
  if (item.kind === 'call') return touchedBy(item.call).keys;
  return [item.kind === 'snapshot' ? item.opened.path : item.path];
}

/** Who was shown it, and when: what began later had no part in it. */
export function witnessOf(item: Item): { readonly record: HistoryRecord; readonly at: number } {
  if (item.kind === 'call') return { record: item.call, at: item.call.end ?? Infinity };
  return item.kind === 'snapshot' ? { record: item.reset, at: item.reset.at } : { record: item.witness, at: item.at };
}

function isRelated(call: Call, keys: readonly string[]): boolean {
  return touchedBy(call).keys.some((own) =>
    keys.some((key) => own === key || own.startsWith(`${key}/`) || key.startsWith(`${own}/`) || key === '/'),
  );
}
