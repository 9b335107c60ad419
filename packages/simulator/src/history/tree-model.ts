import type { CreateMode, Value } from './record.js';

/** A znode at one moment. */
export interface ModelNode {
  readonly value: Value;
  readonly version: number;
  readonly cversion: number;
  /** Undefined where the place of the write is not known. */
  readonly czxid: number | undefined;
  readonly mzxid: number | undefined;
  /** The session that an ephemeral belongs to; 0 for any other. */
  readonly owner: number;
  readonly kind: 'plain' | 'ephemeral' | 'container' | 'ttl';
  /** Children that were ever created. */
  readonly creates: number;
}

/** What is known of a parent that no call of the history creates: it was there before. */
interface AssumedParent {
  readonly creates: number | undefined;
}

/** A change as a watch would tell of it. */
export interface ModelChange {
  readonly zxid: number | undefined;
  readonly type: 'created' | 'set' | 'deleted';
  readonly path: string;
  readonly before: ModelNode | undefined;
  readonly after: ModelNode | undefined;
}

/** The register's cell in the model: no path of a znode. */
export const REGISTER = 'register';

/**
 * The tree, as plainly as it can be kept: a map from paths to znodes. Every change can be taken back, so that a search may try an order and give it up
 * (`mark`, `undo`). Paths that no call of the history can create were there before the history and stay; all else is absent at first.
 */
export class TreeModel {
  readonly #nodes = new Map<string, ModelNode>();
  readonly #children = new Map<string, Set<string>>();
  readonly #assumed = new Map<string, AssumedParent>();
  readonly #ended = new Set<number>();
  readonly #journal: (() => void)[] = [];
  readonly #creatable: ReadonlySet<string>;
  /** The place of what is done now; undefined where it is not known. */
  zxid: number | undefined;
  /** All changes that were not taken back. */
  readonly changes: ModelChange[] = [];

  /** @param creatable - All paths that calls of the history may create. */
  constructor(creatable: ReadonlySet<string>) {
    this.#creatable = creatable;
  }

  get(path: string): ModelNode | undefined {
    return this.#nodes.get(path);
  }

  /** Whether it is there for what is created below it. */
  isParent(path: string): boolean {
    return this.#nodes.has(path) || !this.#creatable.has(path);
  }

  /** The number that the next sequential child gets; undefined when it is not known yet. */
  nextNumber(parent: string): number | undefined {
    const node = this.#nodes.get(parent);
    return node === undefined ? this.#assumed.get(parent)?.creates : node.creates;
  }

  /** In the order of their bytes. */
  childNames(path: string): string[] {
    return [...(this.#children.get(path) ?? [])].sort(byBytes);
  }

  hasChildren(path: string): boolean {
    return (this.#children.get(path)?.size ?? 0) > 0;
  }

  /** All paths below, the lowest first. */
  below(path: string): string[] {
    const found: string[] = [];
    for (const name of this.#children.get(path) ?? []) {
      const child = childPath(path, name);
      found.push(...this.below(child), child);
    }
    return found;
  }

  ownedBy(session: number): string[] {
    return [...this.#nodes].filter(([, { owner }]) => owner === session && owner !== 0).map(([path]) => path);
  }

  hasEnded(session: number): boolean {
    return this.#ended.has(session);
  }

  /** `number`: of a sequential create, to set the parent's counter when it was not known. */
  create(path: string, value: Value, mode: CreateMode, owner: number, number?: number): void {
    const { zxid } = this;
    const kind = kindOf(mode);
    const isOwned = kind === 'ephemeral' ? owner : 0;
    this.#put(path, { value, version: 0, cversion: 0, czxid: zxid, mzxid: zxid, owner: isOwned, kind, creates: 0 });
    const parent = parentOf(path);
    const known = number ?? this.nextNumber(parent);
    this.#touchParent(parent, known === undefined ? undefined : known + 1);
  }

  set(path: string, value: Value): void {
    const node = this.#nodes.get(path)!;
    this.#put(path, { ...node, value, version: node.version + 1, mzxid: this.zxid });
  }

  remove(path: string): void {
    this.#put(path, undefined);
    const parent = parentOf(path);
    this.#touchParent(parent, this.nextNumber(parent));
  }

  /** A sequential child came and went: its number is used. Does nothing where the next number is not known. */
  skipNumber(parent: string): void {
    const number = this.nextNumber(parent);
    if (number === undefined) return;
    this.#touchParent(parent, number + 1);
    this.#touchParent(parent, number + 1);
  }

  /** The register is a cell beside the tree. */
  setRegister(value: string): void {
    const version = (this.#nodes.get(REGISTER)?.version ?? 0) + 1;
    const fields = { cversion: 0, czxid: undefined, owner: 0, kind: 'plain', creates: 0 } as const;
    this.#put(REGISTER, { ...fields, value, version, mzxid: this.zxid });
  }

  /** The session ends, and what it owns goes with it. Returns how much that was. */
  endSession(session: number): number {
    const owned = this.ownedBy(session);
    for (const path of owned) this.remove(path);
    if (!this.#ended.has(session)) {
      this.#ended.add(session);
      this.#journal.push(() => this.#ended.delete(session));
    }
    return owned.length;
  }

  /** Where to come back to. */
  mark(): number {
    return this.#journal.length;
  }

  undo(mark: number): void {
    while (this.#journal.length > mark) this.#journal.pop()!();
  }

  /** Nothing before this moment will be taken back. */
  forget(): void {
    this.#journal.length = 0;
  }

  /** Two states with the same text are the same, places of writes apart. */
  fingerprint(): string {
    const nodes = [...this.#nodes].map(
      ([path, { value, version, owner, creates, cversion }]) =>
        `${path}\u0001${value ?? '\u0002'}\u0001${version}.${owner}.${creates}.${cversion}`,
    );
    const assumed = [...this.#assumed].map(([path, { creates }]) => `${path}\u0003${creates}`);
    return [...nodes.sort(), ...assumed.sort(), ...[...this.#ended].sort()].join('\u0000');
  }

  #put(path: string, after: ModelNode | undefined): void {
    const before = this.#nodes.get(path);
    this.#swap(path, after);
    const type = before === undefined ? 'created' : after === undefined ? 'deleted' : 'set';
    this.changes.push({ zxid: this.zxid, type, path, before, after });
    this.#journal.push(() => {
      this.changes.pop();
      this.#swap(path, before);
    });
  }

  #swap(path: string, node: ModelNode | undefined): void {
    const parent = parentOf(path);
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (node === undefined) {
      this.#nodes.delete(path);
      this.#children.get(parent)?.delete(name);
      return;
    }
    this.#nodes.set(path, node);
    if (path === REGISTER) return;
    const siblings = this.#children.get(parent);
    if (siblings === undefined) this.#children.set(parent, new Set([name]));
    else siblings.add(name);
  }

  #touchParent(parent: string, creates: number | undefined): void {
    const node = this.#nodes.get(parent);
    if (node !== undefined) {
      this.#nodes.set(parent, { ...node, creates: creates ?? node.creates, cversion: node.cversion + 1 });
      this.#journal.push(() => this.#nodes.set(parent, node));
      return;
    }
    const assumed = this.#assumed.get(parent);
    if (creates === undefined || assumed?.creates === creates) return;
    this.#assumed.set(parent, { creates });
    this.#journal.push(() => {
      if (assumed === undefined) this.#assumed.delete(parent);
      else this.#assumed.set(parent, assumed);
    });
  }
}

function kindOf(mode: CreateMode): ModelNode['kind'] {
  if (mode.startsWith('ephemeral')) return 'ephemeral';
  if (mode.startsWith('ttl')) return 'ttl';
  return mode === 'container' ? 'container' : 'plain';
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

export function childPath(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`;
}

/** UTF-8's order is that of code points, which differs from JavaScript's only above U+FFFF. */
export function byBytes(a: string, b: string): number {
  if (a === b) return 0;
  const isPlain = !/[\ud800-\udfff]/.test(a + b);
  if (isPlain) return a < b ? -1 : 1;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
