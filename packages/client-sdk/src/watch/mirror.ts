import type { Calls } from '../client/client.js';
import { decodeText } from '../codec/data.js';
import { makeError } from '../errors/zkl-error.js';
import { onlyKnown } from '../options/validate.js';
import type { Stat } from '../client/results.js';
import type { ChangeEvent, WatchStep } from './watch.js';

/** Options of {@link Calls.mirror}. */
export interface MirrorOptions {
  /** Ends the mirror, also while it is being made. */
  readonly signal?: AbortSignal | undefined;
}

/** A znode in a mirror. */
export interface MirrorNode {
  readonly path: string;
  /** Null and empty are different. Do not change the bytes: they are the mirror's. */
  readonly data: Uint8Array | null;
  /** The data as UTF-8; `''` when it is null. */
  text(): string;
  /** As of the last change of this znode itself: a child's creation does not renew `numChildren`, `cversion` and `pzxid`. */
  readonly stat: Stat;
}

/** What one step changed in a mirror. */
export interface MirrorChange {
  readonly zxid: bigint;
  /** Paths whose znodes were created, changed or deleted; after a reset, all that differ. */
  readonly paths: readonly string[];
}

/**
 * A copy of a subtree in memory. It is always the whole state at one zxid: what one write or transaction changed appears all at once, or not
 * yet. It lags behind the cluster by the way of an event; `reached` waits for a zxid. It goes on by itself through lost connections and
 * elections, and never back. Memory: the subtree's.
 *
 * @example
 * ```ts
 * import { createClient } from '@zkl/client-sdk';
 *
 * await using client = createClient('zkl://127.0.0.1:7001');
 * await using config = await client.mirror('/config');
 * const { zxid } = await client.set('/config/colour', 'red');
 * await config.reached(zxid);
 * console.log(config.get('/config/colour')?.text());
 * ```
 */
export interface Mirror extends AsyncDisposable {
  readonly path: string;
  /** What it is a picture of. */
  readonly zxid: bigint;
  /** Znodes, the one at the top among them. */
  readonly size: number;
  /** @param path - The whole path, as of the client. */
  get(path: string): MirrorNode | undefined;
  /** The names of a znode's children, in order. */
  children(path: string): readonly string[];
  /** All znodes, in no particular order. */
  nodes(): Iterable<MirrorNode>;
  /** Resolves once the mirror is at this zxid or later. @throws {@link ZklError} when it ends before. */
  reached(zxid: bigint): Promise<void>;
  /** Calls back after every step, when it can be seen. Returns how to stop that. */
  onChange(callback: (change: MirrorChange) => void): () => void;
  /** Aborted when the mirror ends and is renewed no more; its reason tells why. */
  readonly signal: AbortSignal;
  close(): Promise<void>;
}

/** {@link Calls.mirror} */
export async function openMirror(calls: Calls, path: string, options: MirrorOptions): Promise<Mirror> {
  onlyKnown('mirror', options, ['signal']);
  const mirror = new WatchedMirror(calls, path, options.signal);
  try {
    await mirror.reached(0n);
  } catch (error) {
    await mirror.close();
    throw error;
  }
  return mirror;
}

interface Waiting {
  readonly zxid: bigint;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

class WatchedMirror implements Mirror {
  readonly path: string;
  readonly #nodes = new Map<string, MirrorNode>();
  readonly #childrenOf = new Map<string, Set<string>>();
  readonly #callbacks = new Set<(change: MirrorChange) => void>();
  readonly #waiting = new Set<Waiting>();
  readonly #ending = new AbortController();
  readonly #ended = new AbortController();
  readonly #following: Promise<void>;
  #zxid: bigint | undefined;

  constructor(calls: Calls, path: string, signal: AbortSignal | undefined) {
    this.path = path;
    const either = signal === undefined ? this.#ending.signal : AbortSignal.any([signal, this.#ending.signal]);
    const watch = calls.watch(path, { scope: 'subtree', snapshot: true, data: true, stat: true, signal: either });
    this.#following = this.#follow(watch.steps());
  }

  get zxid(): bigint {
    return this.#zxid ?? 0n;
  }

  get size(): number {
    return this.#nodes.size;
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  get(path: string): MirrorNode | undefined {
    return this.#nodes.get(path);
  }

  children(path: string): readonly string[] {
    return [...(this.#childrenOf.get(path) ?? [])].sort();
  }

  nodes(): Iterable<MirrorNode> {
    return this.#nodes.values();
  }

  async reached(zxid: bigint): Promise<void> {
    if (this.#zxid !== undefined && this.#zxid >= zxid) return;
    if (this.#ended.signal.aborted) throw this.#ended.signal.reason;
    await new Promise<void>((resolve, reject) => {
      this.#waiting.add({ zxid, resolve, reject });
    });
  }

  onChange(callback: (change: MirrorChange) => void): () => void {
    const own = (change: MirrorChange): void => callback(change);
    this.#callbacks.add(own);
    return () => this.#callbacks.delete(own);
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#following;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #follow(steps: AsyncIterable<WatchStep>): Promise<void> {
    try {
      for await (const step of steps) this.#apply(step);
      this.#end(makeError({ code: 'ABORTED', message: 'The mirror has ended', outcome: 'rejected', path: this.path }));
    } catch (error) {
      this.#end(error);
    }
  }

  #end(error: unknown): void {
    this.#ended.abort(error);
    for (const { reject } of this.#waiting) reject(error);
    this.#waiting.clear();
  }

  #apply(step: WatchStep): void {
    let paths: readonly string[] = [];
    if (step.kind === 'events') paths = step.events.map((event) => this.#change(event));
    else if (step.kind === 'reset') {
      const before = new Map(this.#nodes);
      this.#nodes.clear();
      this.#childrenOf.clear();
      for (const { path, data = null, stat } of step.reset.nodes) this.#put(path, data, stat);
      const all = new Set([...before.keys(), ...this.#nodes.keys()]);
      paths = [...all].filter((path) => before.get(path)?.stat.mzxid !== this.#nodes.get(path)?.stat.mzxid);
    }
    this.#zxid = step.zxid;
    if (paths.length > 0) for (const callback of [...this.#callbacks]) callback({ zxid: step.zxid, paths });
    for (const waiting of this.#waiting) {
      if (waiting.zxid > step.zxid) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }

  #change({ type, path, data = null, stat }: ChangeEvent): string {
    if (type !== 'deleted') this.#put(path, data, stat!);
    else if (this.#nodes.delete(path)) {
      const { parent, name } = split(path);
      const names = this.#childrenOf.get(parent);
      names?.delete(name);
      if (names?.size === 0) this.#childrenOf.delete(parent);
    }
    return path;
  }

  #put(path: string, data: Uint8Array | null, stat: Stat): void {
    this.#nodes.set(path, { path, data, stat, text: () => decodeText(data) });
    if (path === this.path || path === '/') return;
    const { parent, name } = split(path);
    const names = this.#childrenOf.get(parent);
    if (names === undefined) this.#childrenOf.set(parent, new Set([name]));
    else names.add(name);
  }
}

function split(path: string): { readonly parent: string; readonly name: string } {
  const at = path.lastIndexOf('/');
  return { parent: at === 0 ? '/' : path.slice(0, at), name: path.slice(at + 1) };
}
