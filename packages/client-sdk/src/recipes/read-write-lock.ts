/**
 * A read-write lock: many readers, or one writer.
 *
 * Guarantees: as `lock`; first come, first served, so that neither readers nor writers starve: a reader that comes after a waiting writer waits for it. A release wakes the next
 * writer, or all readers before it, and nobody else.
 *
 * Not guaranteed: as `lock`; it is not re-entrant, and a reader cannot become a writer.
 */
import type { Session } from '../session/session.js';
import { Contender, type Place } from './contender.js';
import { SessionHolding, type AcquireOptions, type Holding } from './holding.js';
import { limitOf } from './until-aborted.js';

export type { AcquireOptions, Holding } from './holding.js';

const READ = 'read-';
const WRITE = 'write-';

/** A read-write lock on a path: see the guarantees above. */
export class ReadWriteLock {
  readonly path: string;
  readonly #session: Session;

  constructor(session: Session, path: string) {
    this.#session = session;
    this.path = path;
  }

  /** Waits until no writer is before. */
  acquireRead(options: AcquireOptions = {}): Promise<Holding> {
    return this.#acquire(READ, (before) => before.findLast(({ prefix }) => prefix === WRITE), options);
  }

  /** Waits until nobody is before. */
  acquireWrite(options: AcquireOptions = {}): Promise<Holding> {
    return this.#acquire(WRITE, (before) => before.at(-1), options);
  }

  async #acquire(
    prefix: string,
    blocker: (before: readonly Place[]) => Place | undefined,
    options: AcquireOptions,
  ): Promise<Holding> {
    const signal = limitOf(options);
    const contender = await Contender.join(this.#session, this.path, prefix, null, signal);
    try {
      await contender.untilFree(blocker, signal);
    } catch (error) {
      await contender.leave();
      throw error;
    }
    const leave = () => contender.leave();
    return new SessionHolding(this.#session, contender.token, leave, (callback) => contender.onTakenAway(callback));
  }
}
