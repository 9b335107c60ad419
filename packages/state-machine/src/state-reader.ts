import { readUtf8, type SessionId } from '@zkl/wire';
import { PathSpeller } from './change-recorder.js';
import { COUNT_NODES_MAX } from './limits.js';
import type { CountAnswer, NodeRefAnswer, QuotaAnswer, ReadError, SessionAnswer } from './reads.js';
import { NO_SLOT } from './slot-index.js';
import type { State } from './state.js';
import { notFound, type TreeReader } from './tree-reader.js';

/** Reads of what is not a node's data: sessions, what is to be reaped, counts and quotas. They use no zxid and change nothing. */
export class StateReader {
  readonly #state: State;
  readonly #tree: TreeReader;
  readonly #speller: PathSpeller;

  constructor(state: State, tree: TreeReader) {
    this.#state = state;
    this.#tree = tree;
    this.#speller = new PathSpeller(state.store);
  }

  session(id: SessionId): SessionAnswer | undefined {
    const { sessions } = this.#state.store.extras;
    const slot = sessions.find(id.epoch, id.counter);
    return slot === NO_SLOT ? undefined : this.#sessionAt(slot);
  }

  *sessions(): IterableIterator<SessionAnswer> {
    const { sessions } = this.#state.store.extras;
    for (let slot = 0; slot < sessions.rows.end; slot++) if (sessions.isLive(slot)) yield this.#sessionAt(slot);
  }

  #sessionAt(slot: number): SessionAnswer {
    const { sessions } = this.#state.store.extras;
    return {
      id: { epoch: sessions.epoch(slot), counter: sessions.counter(slot) },
      timeoutMs: sessions.timeoutMs(slot),
      secretHash: sessions.secretHash(slot),
      ephemerals: sessions.ephemerals(slot),
    };
  }

  ephemerals(id: SessionId): string[] {
    const { extras } = this.#state.store;
    const slot = extras.sessions.find(id.epoch, id.counter);
    if (slot === NO_SLOT) return [];
    return this.#state.store.inOrderOfCreation(extras.ephemerals(slot)).map((node) => this.#pathOf(node));
  }

  emptyContainers(limit: number): NodeRefAnswer[] {
    return this.#refs(this.#state.store.extras.emptyContainers(limit));
  }

  expiredTtl(nowMs: number, limit: number): NodeRefAnswer[] {
    return this.#refs(this.#state.store.extras.over(nowMs, limit));
  }

  #refs(nodes: readonly number[]): NodeRefAnswer[] {
    return nodes.map((node) => ({ path: this.#pathOf(node), czxid: this.#state.store.stat(node).czxid }));
  }

  #pathOf(node: number): string {
    const { bytes, start, end } = this.#speller.spell(node);
    return readUtf8(bytes, start, end);
  }

  count(path: string): CountAnswer | ReadError {
    const { store } = this.#state;
    const node = this.#tree.find(path);
    if (node < 0) return notFound(node, path);
    if (node === store.root) return { kind: 'count', count: store.count - 1 };
    const known = store.quotas.get(node);
    if (known !== undefined) return { kind: 'count', count: known.count - 1 };
    const nodes = store.subtree(node, COUNT_NODES_MAX);
    return nodes === undefined
      ? { kind: 'error', code: 'TOO_MANY_NODES', path }
      : { kind: 'count', count: nodes.length - 1 };
  }

  quota(path: string): QuotaAnswer | ReadError {
    const node = this.#tree.find(path);
    if (node < 0) return notFound(node, path);
    const entry = this.#state.store.quotas.get(node);
    if (entry === undefined) return { kind: 'quota', quota: undefined, count: 0, bytes: 0 };
    return { kind: 'quota', quota: entry.quota, count: entry.count, bytes: entry.bytes };
  }
}
