/**
 * A lock: one holder at a time.
 *
 * Guarantees: no two holders whose `signal` is not aborted, through lost connections, dead servers and elections; first come, first served; a release or an expiry wakes
 * one waiter only; a waiter whose session ends leaves the queue; a token that grows from holder to holder.
 *
 * Not guaranteed: that a holder which does not look at its `signal` stops in time, as after a long pause of its process: let what it writes to check the token (`fencing`). A
 * holder is not stopped by force. The lock is not held across sessions.
 */
import type { Session } from '../session/session.js';
import { Contender } from './contender.js';
import { SessionHolding, type AcquireOptions, type Holding } from './holding.js';
import { limitOf } from './until-aborted.js';

export type { AcquireOptions, Holding } from './holding.js';

/** Options of {@link Lock}. */
export interface LockOptions {
  /** Acquiring it again through the same object while it is held succeeds at once; it is free when each holding was released. Default: false. */
  readonly reentrant?: boolean | undefined;
  /** What others see in the queue: who this is. Default: nothing. */
  readonly data?: string | undefined;
}

/**
 * A lock on a path: see the guarantees above.
 *
 * @example
 * ```ts
 * import { createClient } from '@zkl/client-sdk';
 * import { Lock } from '@zkl/client-sdk/recipes/lock';
 *
 * await using client = createClient('zkl://127.0.0.1:7001');
 * await using session = await client.session();
 * await using held = await new Lock(session, '/locks/report').acquire({ timeoutMs: 5_000 });
 * await fetch('https://example.org/report', { signal: held.signal, headers: { token: String(held.token) } });
 * ```
 */
export class Lock {
  readonly path: string;
  readonly #session: Session;
  readonly #options: LockOptions;
  #held: { readonly holding: Holding; count: number } | undefined;

  /** @param path - The folder of the queue; made when it is needed. */
  constructor(session: Session, path: string, options: LockOptions = {}) {
    this.#session = session;
    this.path = path;
    this.#options = options;
  }

  /** Waits for the lock. @throws the reason of the signal; {@link ZklError} `SESSION_EXPIRED`, and those of every call. */
  async acquire(options: AcquireOptions = {}): Promise<Holding> {
    if (this.#options.reentrant !== true) return this.#acquire(options);
    const again = this.#enter();
    if (again !== undefined) return again;
    const holding = await this.#acquire(options);
    // Of two that asked at once the second waits in the queue, and not for long: then the first has left.
    this.#held = { holding, count: 0 };
    return this.#enter() ?? holding;
  }

  /** The lock, if nobody is before; undefined otherwise, without waiting for anybody. */
  async tryAcquire(): Promise<Holding | undefined> {
    const again = this.#options.reentrant === true ? this.#enter() : undefined;
    if (again !== undefined) return again;
    const taken = new Error('taken');
    try {
      return await this.#acquire({}, taken);
    } catch (error) {
      if (error === taken) return undefined;
      throw error;
    }
  }

  #enter(): Holding | undefined {
    const held = this.#held;
    if (held === undefined || held.holding.signal.aborted) return undefined;
    held.count += 1;
    const { holding } = held;
    let released: Promise<void> | undefined;
    const release = async (): Promise<void> => {
      held.count -= 1;
      if (held.count > 0) return;
      if (this.#held === held) this.#held = undefined;
      await holding.release();
    };
    return {
      token: holding.token,
      get signal() {
        return holding.signal;
      },
      release: () => (released ??= release()),
      [Symbol.asyncDispose]: () => (released ??= release()),
    };
  }

  async #acquire(options: AcquireOptions, whenTaken?: Error): Promise<Holding> {
    const signal = limitOf(options);
    const contender = await Contender.join(this.#session, this.path, 'lock-', this.#options.data ?? null, signal);
    try {
      await contender.untilFree((before) => {
        const last = before.at(-1);
        if (last !== undefined && whenTaken !== undefined) throw whenTaken;
        return last;
      }, signal);
    } catch (error) {
      await contender.leave();
      throw error;
    }
    return new SessionHolding(
      this.#session,
      contender.token,
      () => contender.leave(),
      (callback) => contender.onTakenAway(callback),
    );
  }
}
