/**
 * A semaphore: as many holders at a time as there are permits.
 *
 * Guarantees: never more holders with a live `signal` than permits, if all give the same number; first come, first served; a permit that is given back wakes one waiter.
 *
 * Not guaranteed: as `lock`. Tokens grow in the order in which permits were given; a guarded resource that takes several holders at a time cannot refuse by the highest token alone.
 */
import { badArguments } from '../options/validate.js';
import type { Session } from '../session/session.js';
import { Contender, ensureFolder, PATIENTLY } from './contender.js';
import { SessionHolding, type AcquireOptions, type Holding } from './holding.js';
import { Lock } from './lock.js';
import { limitOf, reasonOf, untilAborted } from './until-aborted.js';

export type { AcquireOptions, Holding } from './holding.js';

/** A semaphore on a path: see the guarantees above. */
export class Semaphore {
  readonly path: string;
  readonly permits: number;
  readonly #session: Session;

  /** @param permits - 1 or more; all that use the path must say the same. */
  constructor(session: Session, path: string, permits: number) {
    if (!Number.isInteger(permits) || permits < 1)
      throw badArguments(`permits is ${permits}`, 'Give a whole number above 0');
    this.#session = session;
    this.path = path;
    this.permits = permits;
  }

  /** Waits for a permit. */
  async acquire(options: AcquireOptions = {}): Promise<Holding> {
    const signal = limitOf(options);
    // Only the first in the queue looks at the permits: that is why nobody else is woken.
    await using _first = await new Lock(this.#session, `${this.path}/queue`).acquire({ signal });
    try {
      await this.#untilFree(signal);
    } catch (error) {
      throw reasonOf(error, signal, this.#session.signal);
    }
    const permit = await Contender.join(this.#session, `${this.path}/permits`, 'permit-', null, signal);
    const giveBack = () => permit.leave();
    return new SessionHolding(this.#session, permit.token, giveBack, (callback) => permit.onTakenAway(callback));
  }

  async #untilFree(signal: AbortSignal | undefined): Promise<void> {
    const folder = `${this.path}/permits`;
    for (;;) {
      await ensureFolder(this.#session, folder);
      // Linearizable: a permit that was given by the one before in the queue must be seen.
      const { stat, zxid } = await untilAborted(this.#session.get(folder, PATIENTLY), signal);
      if (stat.numChildren < this.permits) return;
      const either = signal === undefined ? this.#session.signal : AbortSignal.any([signal, this.#session.signal]);
      const watch = this.#session.watch(folder, { scope: 'children', types: ['deleted'], from: zxid, signal: either });
      for await (const _ of watch) break;
    }
  }
}
