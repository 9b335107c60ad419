import type { Zxid } from '@zkl/consensus';
import { ChangeView, type Stat, type ZnodeStateMachine } from '@zkl/state-machine';
import type { ChangeSource } from './change-source.js';
import { inScope, parentOf, type WatchSpec } from './watch-spec.js';

/** One node of a snapshot. */
export interface SnapshotEntry {
  readonly path: string;
  readonly stat: Stat;
  readonly data: Uint8Array | null;
}

/** What an entry takes in memory beyond path and data, about. */
const ENTRY_BYTES = 400;
/** Nodes or changes that are looked at before the clock is. */
const STEP = 64;
const PAGE_CHILDREN = 256;
/** A gathering whose beginning falls out of the history so often is given up: more changes than can be kept up with. */
const RESTARTS_MAX = 5;

/** The part of the state that snapshots are made of. */
export type SnapshotState = Pick<ZnodeStateMachine, 'get' | 'exists' | 'children' | 'appliedZxid'>;

/**
 * - `gathering`: go on.
 * - `ready`: `zxid`, `position` and `entries` are set.
 * - `tooLarge`: it has more bytes than are allowed.
 * - `tooBusy`: the history is too short for the changes that come meanwhile.
 */
export type GatheringState = 'gathering' | 'ready' | 'tooLarge' | 'tooBusy';

/**
 * A picture of what a watch looks at, of one zxid, made in slices while writes go on. 1. It walks the tree, a little at a time, and notes what it finds. 2. What
 * was changed meanwhile stands in the history: those nodes are read again. 3. When it has come to the end of the history, all of it is as it is now: that is the
 * zxid of the picture. So nothing stands still for it, and it is no mixture.
 */
export class ScopeSnapshot {
  state: GatheringState = 'gathering';
  zxid: Zxid = { epoch: 0, counter: 0 };
  /** Of the first change that the picture does not show. */
  position = 0;
  /** Parents before their children. */
  entries: SnapshotEntry[] = [];
  bytes = 0;
  readonly spec: WatchSpec;
  readonly #source: ChangeSource;
  readonly #tree: SnapshotState;
  readonly #bytesMax: number;
  readonly #view = new ChangeView();
  readonly #found = new Map<string, SnapshotEntry>();
  #walk: { readonly path: string; after: string }[] = [];
  #restarts = 0;

  constructor(spec: WatchSpec, source: ChangeSource, tree: SnapshotState, bytesMax: number) {
    this.spec = spec;
    this.#source = source;
    this.#tree = tree;
    this.#bytesMax = bytesMax;
    this.#begin();
  }

  /** Works until about `untilMs` on the clock of `performance.now()`. */
  gather(untilMs: number): void {
    while (this.state === 'gathering') {
      if (this.position < this.#source.first) this.#restart();
      else if (this.#walk.length > 0) this.#walkOn();
      else if (this.position < this.#source.end) this.#readAgain();
      else this.#finish();
      if (this.bytes > this.#bytesMax) this.#giveUp('tooLarge');
      if (performance.now() > untilMs) return;
    }
  }

  #begin(): void {
    this.position = this.#source.end;
    this.#found.clear();
    this.bytes = 0;
    this.#walk = [];
    const { path, scope } = this.spec;
    this.#note(path);
    if (scope !== 'node' && this.#found.has(path)) this.#walk.push({ path, after: '' });
  }

  #restart(): void {
    this.#restarts += 1;
    if (this.#restarts > RESTARTS_MAX) this.#giveUp('tooBusy');
    else this.#begin();
  }

  #walkOn(): void {
    const at = this.#walk[this.#walk.length - 1]!;
    const { withData, scope } = this.spec;
    const page = this.#tree.children(at.path, { startAfter: at.after, limit: PAGE_CHILDREN, withStat: true, withData });
    // Gone meanwhile: the history knows of it.
    if (page.kind === 'error' || !page.more) this.#walk.pop();
    if (page.kind === 'error') return;
    for (const { name, stat, data } of page.children) {
      const path = at.path === '/' ? `/${name}` : `${at.path}/${name}`;
      this.#put({ path, stat: stat!, data: data ?? null });
      if (scope === 'subtree' && stat!.numChildren > 0) this.#walk.push({ path, after: '' });
      at.after = name;
    }
  }

  #readAgain(): void {
    const end = Math.min(this.#source.end, this.position + STEP);
    for (; this.position < end; this.position += 1) {
      this.#source.read(this.position, this.#view);
      const { path, type } = this.#view;
      // The parent's stat tells of its children.
      const parent = type === 'set' ? undefined : parentOf(path);
      if (parent !== undefined && inScope(this.spec, parent)) this.#note(parent);
      if (inScope(this.spec, path)) this.#note(path);
    }
  }

  /** The node as it is now. One that was made anew goes to the end: so its parent, made anew before it, stands before it. */
  #note(path: string): void {
    const before = this.#found.get(path);
    const now = this.#read(path);
    if (before !== undefined && (now === undefined || before.stat.czxid.counter !== now.stat.czxid.counter)) {
      this.#found.delete(path);
      this.bytes -= weigh(before);
    }
    if (now !== undefined) this.#put(now);
  }

  #read(path: string): SnapshotEntry | undefined {
    if (this.spec.withData) {
      const answer = this.#tree.get(path);
      return answer.kind === 'error' ? undefined : { path, stat: answer.stat, data: answer.data };
    }
    const answer = this.#tree.exists(path);
    return answer.kind === 'error' || answer.stat === undefined ? undefined : { path, stat: answer.stat, data: null };
  }

  #put(entry: SnapshotEntry): void {
    const before = this.#found.get(entry.path);
    if (before !== undefined) this.bytes -= weigh(before);
    this.#found.set(entry.path, entry);
    this.bytes += weigh(entry);
  }

  #finish(): void {
    this.entries = [...this.#found.values()];
    this.#found.clear();
    this.zxid = this.#tree.appliedZxid;
    this.state = 'ready';
  }

  #giveUp(state: 'tooLarge' | 'tooBusy'): void {
    this.state = state;
    this.#found.clear();
    this.#walk = [];
    this.bytes = 0;
  }
}

/** What an entry weighs in memory, about. */
export function weigh({ path, data }: SnapshotEntry): number {
  return ENTRY_BYTES + path.length + (data?.byteLength ?? 0);
}
