/**
 * A queue with claims: an item is handed to one consumer, and removed when that has acknowledged it.
 *
 * Guarantees: no item is lost once `put` resolved; an item is with one live consumer at a time; it comes back when its consumer's session ends, or when it is released; first
 * in, first out, as far as nothing comes back; consumers are served in the order in which they ask, and one is woken for an item.
 *
 * Not guaranteed: that an item is worked on once only: a consumer that dies after the work and before `acknowledge` leaves it to the next (at least once). `acknowledge` fails
 * when the claim was lost: make the work's effect depend on it, or on the token. Not for many thousands of items: that is the work of a message broker.
 */
import type { Calls, DataInput } from '../client/client.js';
import { decodeText } from '../codec/data.js';
import { isZklError } from '../errors/zkl-error.js';
import type { Session } from '../session/session.js';
import { ensureFolder, PATIENTLY, queueOf } from './contender.js';
import { SessionHolding, type AcquireOptions, type Holding } from './holding.js';
import { Lock } from './lock.js';
import { limitOf, reasonOf } from './until-aborted.js';

export type { AcquireOptions, Holding } from './holding.js';

/** An item that is claimed. `release` puts it back; disposing of it too, unless it was acknowledged. */
export interface QueueItem extends Holding {
  readonly data: Uint8Array | null;
  /** The data as UTF-8. */
  text(): string;
  /** The work is done: removes the item. @throws {@link ZklError} `NO_NODE` when the claim was lost: somebody else may have it. */
  acknowledge(): Promise<void>;
}

/** Puts an item at the end of a queue; a client may, without a session. Resolves when it is kept for good. */
export async function enqueue(calls: Calls, path: string, data: DataInput): Promise<void> {
  for (;;) {
    try {
      await calls.create(`${path}/items/item-`, data, { sequential: true });
      return;
    } catch (error) {
      if (!isZklError(error, 'NO_NODE')) throw error;
      await ensureFolder(calls, `${path}/items`);
    }
  }
}

/** A queue on a path, for its consumers: see the guarantees above. */
export class Queue {
  readonly path: string;
  readonly #session: Session;

  constructor(session: Session, path: string) {
    this.#session = session;
    this.path = path;
  }

  put(data: DataInput): Promise<void> {
    return enqueue(this.#session, this.path, data);
  }

  /** Waits for an item, and claims it. */
  async take(options: AcquireOptions = {}): Promise<QueueItem> {
    const signal = limitOf(options);
    // Only the first of those that wait looks at the items: nobody else is woken.
    await using _first = await new Lock(this.#session, `${this.path}/takers`).acquire({ signal });
    try {
      return await this.#next(
        signal === undefined ? this.#session.signal : AbortSignal.any([signal, this.#session.signal]),
      );
    } catch (error) {
      throw reasonOf(error, signal, this.#session.signal);
    }
  }

  async #next(signal: AbortSignal): Promise<QueueItem> {
    for (;;) {
      signal.throwIfAborted();
      const { free, zxid } = await this.#look();
      for (const name of free) {
        const item = await this.#claim(name);
        if (item !== undefined) return item;
      }
      if (free.length > 0) continue;
      const types = ['created', 'deleted'] as const;
      for await (const event of this.#session.watch(this.path, {
        scope: 'subtree',
        types,
        from: zxid,
        signal,
      })) {
        const isNew = event.type === 'created' && event.path.startsWith(`${this.path}/items/`);
        const isFree = event.type === 'deleted' && event.path.startsWith(`${this.path}/claims/`);
        if (isNew || isFree || event.type === 'reset') break;
      }
    }
  }

  /** The items without a claim, the oldest first. */
  async #look(): Promise<{ free: readonly string[]; zxid: bigint }> {
    await ensureFolder(this.#session, `${this.path}/items`);
    await ensureFolder(this.#session, `${this.path}/claims`);
    const reads = [{ children: `${this.path}/items` }, { children: `${this.path}/claims`, pageSize: 10_000 }] as const;
    const { answers, zxid } = await this.#session.multiRead(reads, PATIENTLY);
    const [items, claims] = answers;
    if (items.kind === 'failed' || claims.kind === 'failed') return { free: [], zxid };
    const claimed = new Set(claims.page.children.map(({ name }) => name));
    return {
      free: queueOf(items.page.children.map(({ name }) => name))
        .map(({ name }) => name)
        .filter((name) => !claimed.has(name)),
      zxid,
    };
  }

  async #claim(name: string): Promise<QueueItem | undefined> {
    const item = `${this.path}/items/${name}`;
    const claim = `${this.path}/claims/${name}`;
    const result = await this.#session
      .transaction()
      .get(item)
      .create(claim, null, { mode: 'ephemeral' })
      .run(PATIENTLY);
    const [got] = result.results;
    if (!result.committed || got?.kind !== 'got') return undefined;
    return new ClaimedItem(this.#session, { item, claim }, got.data, result.zxid);
  }
}

class ClaimedItem implements QueueItem {
  readonly data: Uint8Array | null;
  readonly #session: Session;
  readonly #paths: { readonly item: string; readonly claim: string };
  readonly #holding: SessionHolding;
  #acknowledged = false;

  constructor(
    session: Session,
    paths: { readonly item: string; readonly claim: string },
    data: Uint8Array | null,
    token: bigint,
  ) {
    this.#session = session;
    this.#paths = paths;
    this.data = data;
    this.#holding = new SessionHolding(session, token, () => this.#putBack());
  }

  get token(): bigint {
    return this.#holding.token;
  }

  get signal(): AbortSignal {
    return this.#holding.signal;
  }

  text(): string {
    return decodeText(this.data);
  }

  async acknowledge(): Promise<void> {
    const { item, claim } = this.#paths;
    await this.#session.transaction().delete(claim).delete(item).commit(PATIENTLY);
    this.#acknowledged = true;
    await this.#holding.release();
  }

  release(): Promise<void> {
    return this.#holding.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  async #putBack(): Promise<void> {
    if (this.#acknowledged) return;
    try {
      await this.#session.delete(this.#paths.claim, PATIENTLY);
    } catch (error) {
      if (!isZklError(error, 'NO_NODE') && !isZklError(error, 'SESSION_EXPIRED')) throw error;
    }
  }
}
