import { endOf, prevOf, sameZxid, ZXID_ZERO, type Block, type Zxid } from '@zkl/consensus';
import {
  ChangeHistory,
  ChangeView,
  REGISTER_PARENT_PATH,
  REGISTER_PATH,
  ZnodeStateMachine,
  type Result,
} from '@zkl/state-machine';
import type { ChangeType, WatchScope } from '@zkl/wire';
import { keyOf } from '../ledger.js';
import { plantInBlock } from './planted-state.js';

/** A change of a znode, as the one history has it. Zxids are `epoch * 2^32 + counter`. */
export interface Change {
  readonly zxid: number;
  readonly type: ChangeType;
  readonly path: string;
  /** After it; undefined of a deleted znode, null for null. */
  readonly data: string | null | undefined;
  /** Before it; undefined of a created one. */
  readonly previous: string | null | undefined;
  readonly version: number;
  readonly czxid: number;
  /** The session that owns it, 0 for none. */
  readonly owner: number;
}

/** A znode at some time. */
export interface Znode {
  readonly data: string | null;
  readonly version: number;
  readonly czxid: number;
  readonly mzxid: number;
  readonly owner: number;
}

/** What is watched. */
export interface Scope {
  readonly path: string;
  readonly scope: WatchScope;
  readonly types: readonly ChangeType[];
}

/** The beginning and the end of a session. */
export interface SessionLife {
  readonly id: number;
  readonly timeoutMs: number;
  readonly openedAt: number;
  endedAt: number | undefined;
}

/**
 * The one history, told by a state machine of the simulation's own that applies each block once, when the first server does: what the cluster's replicas and
 * all that clients are told is held against.
 */
export class Chronicle {
  readonly changes: Change[] = [];
  readonly sessions = new Map<number, SessionLife>();
  readonly #history = new ChangeHistory({ changesMax: 20_000, bytesMax: 1 << 22 });
  readonly #view = new ChangeView();
  readonly #reference: ZnodeStateMachine;
  readonly #plantedBugs: ReadonlySet<string>;
  readonly #digests = new Map<number, string>();
  readonly #byPath = new Map<string, Change[]>();
  #position = 0;
  #last: Zxid = ZXID_ZERO;
  #blocks = 0;

  constructor(plantedBugs: ReadonlySet<string>) {
    this.#plantedBugs = plantedBugs;
    this.#reference = new ZnodeStateMachine({ history: this.#history });
    for (const path of ['/', REGISTER_PARENT_PATH, REGISTER_PATH]) this.#noteFromTheStart(path);
  }

  get blocks(): number {
    return this.#blocks;
  }

  get lastZxid(): Zxid {
    return this.#last;
  }

  get last(): number {
    return keyOf(this.#last);
  }

  get paths(): Iterable<string> {
    return this.#byPath.keys();
  }

  /** The digest of the state after the block that ends there. */
  digestAt(zxid: Zxid): string | undefined {
    return this.#digests.get(keyOf(zxid));
  }

  /** Takes in a block that follows on the last one, and answers what came of it; undefined for one that does not follow. */
  apply(block: Block): { readonly results: readonly Result[]; readonly ended: readonly SessionLife[] } | undefined {
    if (!sameZxid(prevOf(block), this.#last)) return undefined;
    const results = this.#reference.apply(plantInBlock(this.#plantedBugs, block));
    this.#last = endOf(block);
    this.#blocks++;
    this.#digests.set(this.last, this.#reference.digest);
    this.#readChanges();
    return { results, ended: this.#followSessions() };
  }

  /** The znode after everything up to that zxid; undefined when there is none. */
  at(path: string, zxid: number): Znode | undefined {
    const changes = this.#byPath.get(path) ?? [];
    const change = changes[lastUpTo(changes, zxid)];
    if (change?.data === undefined) return undefined;
    const { data, version, czxid, owner } = change;
    return { data, version, czxid, owner, mzxid: change.zxid };
  }

  /** The names of the children at that zxid, sorted. */
  childrenAt(path: string, zxid: number): string[] {
    const before = path === '/' ? '/' : `${path}/`;
    const names: string[] = [];
    for (const other of this.#byPath.keys()) {
      if (!other.startsWith(before) || other.length === before.length || other.includes('/', before.length)) continue;
      if (this.at(other, zxid) !== undefined) names.push(other.slice(before.length));
    }
    return names.sort();
  }

  /** All znodes of a scope at that zxid. */
  allAt(scope: Scope, zxid: number): ReadonlyMap<string, Znode> {
    const found = new Map<string, Znode>();
    for (const path of this.#byPath.keys()) {
      const znode = isWithin(scope, path) ? this.at(path, zxid) : undefined;
      if (znode !== undefined) found.set(path, znode);
    }
    return found;
  }

  /** The changes of a scope after one zxid and up to another, in order. */
  between(scope: Scope, after: number, upTo: number): readonly Change[] {
    const found: Change[] = [];
    for (let at = lastUpTo(this.changes, after) + 1; at < this.changes.length; at++) {
      const change = this.changes[at]!;
      if (change.zxid > upTo) break;
      if (isToBeTold(scope, change)) found.push(change);
    }
    return found;
  }

  /** What one write did. */
  changesAt(zxid: number): readonly Change[] {
    return this.between({ path: '/', scope: 'subtree', types: [] }, zxid - 1, zxid);
  }

  /** What is there before anything happened. */
  #noteFromTheStart(path: string): void {
    const found = this.#reference.get(path);
    if (found.kind !== 'node') return;
    const { version } = found.stat;
    const first: Change = {
      zxid: 0,
      type: 'created',
      path,
      data: textOf(found.data),
      previous: undefined,
      version,
      czxid: 0,
      owner: 0,
    };
    this.#byPath.set(path, [first]);
  }

  #readChanges(): void {
    const { end } = this.#history;
    for (; this.#position < end; this.#position++) {
      if (!this.#history.read(this.#position, this.#view)) continue;
      const { type, path, stat } = this.#view;
      const change: Change = {
        zxid: keyOf(this.#view.zxid),
        type,
        path,
        data: type === 'deleted' ? undefined : textOf(this.#view.data),
        previous: type === 'created' ? undefined : textOf(this.#view.previousData),
        version: stat.version,
        czxid: keyOf(stat.czxid),
        owner: keyOf(stat.ephemeralOwner),
      };
      this.changes.push(change);
      const ofPath = this.#byPath.get(path);
      if (ofPath === undefined) this.#byPath.set(path, [change]);
      else ofPath.push(change);
    }
  }

  #followSessions(): readonly SessionLife[] {
    const open = new Set<number>();
    for (const { id, timeoutMs } of this.#reference.sessions()) {
      const key = keyOf(id);
      open.add(key);
      if (!this.sessions.has(key)) this.sessions.set(key, { id: key, timeoutMs, openedAt: key, endedAt: undefined });
    }
    const ended: SessionLife[] = [];
    for (const life of this.sessions.values()) {
      if (life.endedAt !== undefined || open.has(life.id)) continue;
      life.endedAt = this.last;
      ended.push(life);
    }
    return ended;
  }
}

/** Whether a watch tells of a change. One of children tells of the parent only that it comes and goes. */
function isToBeTold(scope: Scope, { type, path }: Change): boolean {
  if (scope.types.length > 0 && !scope.types.includes(type)) return false;
  if (scope.scope === 'children' && path === scope.path && type === 'set') return false;
  return isWithin(scope, path);
}

/** Whether a path is within the scope. */
function isWithin({ path, scope }: Scope, other: string): boolean {
  if (other === path) return true;
  const before = path === '/' ? '/' : `${path}/`;
  if (scope === 'node' || !other.startsWith(before)) return false;
  return scope === 'subtree' || !other.includes('/', before.length);
}

/** The index of the last change at or before a zxid; -1 for none. */
function lastUpTo(changes: readonly Change[], zxid: number): number {
  let low = 0;
  let high = changes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (changes[middle]!.zxid <= zxid) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export function textOf(data: Uint8Array | null): string | null {
  return data === null ? null : Buffer.from(data).toString('utf8');
}

/** A zxid of the SDK's as a number. */
export function zxidOf(zxid: bigint): number {
  return Number(zxid);
}
