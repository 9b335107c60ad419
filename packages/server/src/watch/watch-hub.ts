import type { Zxid } from '@zkl/consensus';
import { compareZxid, ZXID_ZERO } from '@zkl/consensus';
import { DeadlineWheel } from '../session/deadline-wheel.js';
import { ChangeView } from '@zkl/state-machine';
import type { ChangeSource } from './change-source.js';
import { PathIndex } from './path-index.js';
import type { SnapshotState } from './scope-snapshot.js';
import { SharedEvents } from './shared-events.js';
import { SnapshotDesk, type SnapshotLimits } from './snapshot-desk.js';
import { matches, type WatchSpec } from './watch-spec.js';
import { Watcher, type ResetReason, type WatchSink } from './watcher.js';

/** What the hub needs of the rest of the server. */
export interface WatchHubDependencies {
  readonly source: ChangeSource;
  readonly tree: SnapshotState;
  readonly limits: SnapshotLimits & { readonly watchesMax: number };
}

/** How a watch is to begin. */
export interface WatchStart {
  readonly spec: WatchSpec;
  readonly sink: WatchSink;
  /** The client's name of it. */
  readonly id: number;
  /** Changes after this zxid; undefined: from now on. */
  readonly from: Zxid | undefined;
  readonly withSnapshot: boolean;
  readonly progressIntervalMs: number;
}

/** The grain of progress marks. */
const PROGRESS_TICK_MS = 50;
/** What the hub does for those who are behind before the event loop gets its turn, and changes looked at before the clock is. */
const SLICE_MS = 3;
const SCAN_STEP = 256;

/** Counts since the server started. */
export interface WatchCounts {
  events: number;
  resets: number;
  /** Times that a watcher fell behind because its client did not read. */
  fellBehind: number;
}

/**
 * Tells watchers what was changed, each change once and in order, out of the retained history. Those who are up to date are found by the path of the change; who
 * is not (it has just begun, or its client did not read) keeps nothing but its place in the history, and reads on from there when its client does. So a watcher
 * costs the same whether it is slow or not, and nobody waits for anybody.
 */
export class WatchHub {
  readonly counts: WatchCounts = { events: 0, resets: 0, fellBehind: 0 };
  readonly #source: ChangeSource;
  readonly #tree: SnapshotState;
  readonly #watchesMax: number;
  readonly #desk: SnapshotDesk;
  readonly #shared: SharedEvents;
  /** Those that are synced. */
  readonly #index = new PathIndex<Watcher>();
  /** All the others whose clients read. */
  readonly #active = new Set<Watcher>();
  readonly #all = new Set<Watcher>();
  /** Those that want a snapshot, for which there was no room. */
  readonly #waiting: Watcher[] = [];
  readonly #progress = new DeadlineWheel<Watcher>();
  readonly #hit: Watcher[] = [];
  readonly #view = new ChangeView();
  /** Everything before it was told to those who are synced. */
  #position: number;
  #timer: NodeJS.Timeout | undefined;
  #workDue = false;
  #pumping = false;

  constructor({ source, tree, limits }: WatchHubDependencies) {
    this.#source = source;
    this.#tree = tree;
    this.#watchesMax = limits.watchesMax;
    this.#desk = new SnapshotDesk(source, tree, limits);
    this.#shared = new SharedEvents(source);
    this.#position = source.end;
  }

  /** Watches that stand. */
  get size(): number {
    return this.#all.size;
  }

  /** Those of them that are not told of changes as they come. */
  get behind(): number {
    return this.#all.size - this.#index.size;
  }

  /** Bytes of snapshots that are made or given. */
  get snapshotBytes(): number {
    return this.#desk.bytes;
  }

  /** Begins a watch; undefined when there are too many. Nothing is given to the sink from within this call. */
  add(start: WatchStart): Watcher | undefined {
    if (this.#all.size >= this.#watchesMax) return undefined;
    this.pump();
    const watcher = new Watcher({
      spec: start.spec,
      sink: start.sink,
      id: start.id,
      after: start.from ?? ZXID_ZERO,
      progressTicks: Math.max(1, Math.ceil(start.progressIntervalMs / PROGRESS_TICK_MS)),
    });
    this.#all.add(watcher);
    const cursor = start.from === undefined ? this.#source.end : this.#source.positionAfter(start.from);
    if (start.withSnapshot) this.#lose(watcher, 'requested');
    else if (cursor === undefined) this.#lose(watcher, 'historyGone');
    else watcher.cursor = cursor;
    if (watcher.state === 'behind' && watcher.cursor === this.#source.end) this.#synced(watcher);
    else {
      this.#active.add(watcher);
      this.#work();
    }
    this.#startTimer();
    this.#renew(watcher);
    this.#progress.add(watcher);
    return watcher;
  }

  /** Ends a watch: nothing more is given to its sink. */
  remove(watcher: Watcher): void {
    if (!this.#all.delete(watcher)) return;
    watcher.state = 'ended';
    this.#index.delete(watcher);
    this.#active.delete(watcher);
    this.#desk.release(watcher);
    if (this.#all.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#progress.clear();
  }

  /** The watcher's client reads again. */
  onWritable(watcher: Watcher): void {
    if (watcher.state === 'synced' || watcher.state === 'ended') return;
    this.#active.add(watcher);
    this.#work();
  }

  /** Gives a mark of progress now, if the watcher is up to date: else one follows when it is. */
  markProgress(watcher: Watcher): void {
    this.pump();
    watcher.markWanted = !this.#mark(watcher);
  }

  /** Tells those who are synced of all that was applied. To be called after writes were applied, before anybody is answered. */
  pump(): void {
    const { end, first: oldest } = this.#source;
    if (this.#position === end || this.#pumping) return;
    this.#pumping = true;
    if (this.#index.size === 0) this.#position = end;
    else if (this.#position < oldest) this.#loseAll();
    const view = this.#view;
    let zxid = ZXID_ZERO;
    let first = this.#position;
    for (; this.#position < end; this.#position += 1) {
      this.#source.read(this.#position, view);
      if (view.counter !== zxid.counter || view.epoch !== zxid.epoch) {
        this.#tell(first, zxid);
        ({ zxid } = view);
        first = this.#position;
      }
      this.#index.match(view.type, view.path, this.#onHit);
    }
    this.#tell(first, zxid);
    this.#pumping = false;
  }

  readonly #onHit = (watcher: Watcher): void => {
    if (watcher.hit === -1) {
      watcher.hit = this.#position;
      this.#hit.push(watcher);
    } else (watcher.moreHits ??= []).push(this.#position);
  };

  /** All that one zxid changed, to all whom it concerns. */
  #tell(first: number, zxid: Zxid): void {
    if (this.#hit.length === 0) return;
    this.#shared.begin(first, zxid);
    for (const watcher of this.#hit) {
      if (!watcher.sink.writable) this.#fallBehind(watcher, first);
      else if (compareZxid(zxid, watcher.after) > 0) this.#give(watcher, watcher.hit, watcher.moreHits);
      watcher.hit = -1;
      watcher.moreHits = undefined;
    }
    this.#hit.length = 0;
  }

  #give(watcher: Watcher, first: number, more: readonly number[] = []): void {
    const batch = this.#shared.batch(first, more, watcher.flags);
    this.counts.events += 1 + more.length;
    this.#renew(watcher);
    watcher.sink.events(watcher, batch);
  }

  #fallBehind(watcher: Watcher, cursor: number): void {
    this.#index.delete(watcher);
    this.counts.fellBehind += 1;
    watcher.state = 'behind';
    watcher.cursor = cursor;
  }

  /** What is next for those who were synced is gone: the state was replaced by that of a snapshot. */
  #loseAll(): void {
    for (const watcher of [...this.#index.values()]) {
      this.#index.delete(watcher);
      // One that waits for what lies ahead has lost nothing.
      if (compareZxid(watcher.after, this.#source.floor) >= 0) {
        watcher.state = 'behind';
        watcher.cursor = this.#source.first;
      } else this.#lose(watcher, 'historyGone');
      this.#active.add(watcher);
    }
    this.#position = this.#source.end;
    this.#work();
  }

  #lose(watcher: Watcher, reason: ResetReason): void {
    this.#desk.release(watcher);
    watcher.state = 'lost';
    watcher.reason = reason;
    watcher.given = 0;
  }

  /** Soon, not now: for those who are not synced. */
  #work(): void {
    if (this.#workDue) return;
    this.#workDue = true;
    setImmediate(() => {
      this.#workDue = false;
      this.#workSlice();
    });
  }

  #workSlice(): void {
    this.pump();
    const untilMs = performance.now() + SLICE_MS;
    for (const watcher of this.#active) if (watcher.state === 'lost' && watcher.sink.writable) this.#assign(watcher);
    for (const watcher of [...this.#active]) {
      if (watcher.state === 'synced' || watcher.state === 'ended' || !watcher.sink.writable) {
        this.#active.delete(watcher);
        continue;
      }
      // To the end of the line: who has much to be told does not keep the others waiting.
      this.#active.delete(watcher);
      if (this.#advance(watcher, untilMs) === 'more') this.#active.add(watcher);
      if (performance.now() > untilMs) break;
    }
    if (this.#active.size > 0) this.#work();
  }

  /** Brings a watcher on. `more`: it wants another turn. */
  #advance(watcher: Watcher, untilMs: number): 'more' | 'rests' {
    if (watcher.state === 'lost') this.#assign(watcher);
    if (watcher.state === 'lost') {
      this.#waiting.push(watcher);
      return 'rests';
    }
    if (watcher.state === 'resetting') return this.#giveSnapshot(watcher, untilMs);
    return this.#catchUp(watcher, untilMs);
  }

  /** All who are lost get theirs before any is made: so they share it. */
  #assign(watcher: Watcher): void {
    if (!this.#desk.assign(watcher)) return;
    watcher.state = 'resetting';
    this.counts.resets += 1;
  }

  #giveSnapshot(watcher: Watcher, untilMs: number): 'more' | 'rests' {
    const snapshot = watcher.snapshot!;
    snapshot.gather(untilMs);
    if (snapshot.state === 'gathering') return 'more';
    if (snapshot.state !== 'ready') {
      this.remove(watcher);
      watcher.sink.fail(watcher, snapshot.state === 'tooLarge' ? 'MESSAGE_TOO_LARGE' : 'THROTTLED');
      return 'rests';
    }
    while (watcher.sink.writable) {
      const piece = this.#desk.nextPiece(watcher);
      this.#renew(watcher);
      watcher.sink.snapshot(watcher, piece);
      if (piece.last) {
        this.#desk.release(watcher);
        watcher.state = 'behind';
        watcher.cursor = snapshot.position;
        watcher.after = ZXID_ZERO;
        return 'more';
      }
      if (performance.now() > untilMs) return 'more';
    }
    return 'rests';
  }

  /** Reads on in the history, whole zxids at a time, until the client does not read, or the time is up, or it is at the end. */
  #catchUp(watcher: Watcher, untilMs: number): 'more' | 'rests' {
    if (watcher.cursor < this.#source.first) {
      this.#lose(watcher, 'tooSlow');
      return 'more';
    }
    let looked = 0;
    while (watcher.cursor < this.#source.end) {
      if (!watcher.sink.writable) return 'rests';
      looked += this.#catchUpOne(watcher);
      if (looked >= SCAN_STEP) {
        looked = 0;
        if (performance.now() > untilMs) return 'more';
      }
    }
    this.#synced(watcher);
    watcher.sink.caughtUp(watcher);
    if (watcher.markWanted) watcher.markWanted = !this.#mark(watcher);
    return 'rests';
  }

  #synced(watcher: Watcher): void {
    watcher.state = 'synced';
    this.#index.add(watcher);
  }

  /** One zxid. Answers how many changes it had. */
  #catchUpOne(watcher: Watcher): number {
    const first = watcher.cursor;
    const view = this.#view;
    this.#source.read(first, view);
    const { zxid } = view;
    const hits: number[] = [];
    let at = first;
    for (; at < this.#source.end; at += 1) {
      this.#source.read(at, view);
      if (view.counter !== zxid.counter || view.epoch !== zxid.epoch) break;
      if (matches(watcher.spec, view.type, view.path)) hits.push(at);
    }
    watcher.cursor = at;
    const [hit, ...more] = hits;
    if (hit !== undefined && compareZxid(zxid, watcher.after) > 0) {
      this.#shared.begin(first, zxid);
      this.#give(watcher, hit, more);
    }
    return at - first;
  }

  #startTimer(): void {
    this.#timer ??= setInterval(() => this.#onTick(), PROGRESS_TICK_MS);
  }

  #onTick(): void {
    this.pump();
    for (const watcher of this.#waiting.splice(0)) this.onWritable(watcher);
    for (const watcher of this.#progress.advance(this.#progress.tick + 1, hasEnded)) {
      watcher.markWanted = !this.#mark(watcher);
      this.#renew(watcher);
      this.#progress.add(watcher);
    }
  }

  /** A mark goes the way of the events, and only to who has been told all of them: it is never ahead of one, and never goes back. */
  #mark(watcher: Watcher): boolean {
    if (watcher.state !== 'synced' || !watcher.sink.writable) return false;
    const zxid = this.#tree.appliedZxid;
    if (compareZxid(zxid, watcher.after) >= 0) watcher.sink.progress(watcher, zxid);
    this.#renew(watcher);
    return true;
  }

  #renew(watcher: Watcher): void {
    watcher.dueTick = this.#progress.tick + watcher.progressTicks;
  }
}

function hasEnded(watcher: Watcher): boolean {
  return watcher.state === 'ended';
}
