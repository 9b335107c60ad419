/**
 * Several locks at once.
 *
 * Guarantees: all of them or none; no deadlock among multi-locks, because every one takes its locks in the order of their paths.
 *
 * Not guaranteed: as `lock`; a deadlock with somebody who takes the same locks one by one in another order.
 */
import type { Session } from '../session/session.js';
import type { AcquireOptions, Holding } from './holding.js';
import { Lock } from './lock.js';
import { limitOf } from './until-aborted.js';

export type { AcquireOptions, Holding } from './holding.js';

/** What a {@link MultiLock} hands out. */
export interface MultiHolding extends AsyncDisposable {
  /** The token of each lock, by its path: what a lock guards checks its own. */
  readonly tokens: ReadonlyMap<string, bigint>;
  /** Aborted when one of them is not held any more. */
  readonly signal: AbortSignal;
  release(): Promise<void>;
}

/** Locks on several paths: see the guarantees above. */
export class MultiLock {
  readonly paths: readonly string[];
  readonly #session: Session;

  constructor(session: Session, paths: Iterable<string>) {
    this.#session = session;
    this.paths = [...new Set(paths)].sort();
  }

  async acquire(options: AcquireOptions = {}): Promise<MultiHolding> {
    const signal = limitOf(options);
    const held = new Map<string, Holding>();
    // In the opposite order: nobody gets the first while the last is held.
    const release = async (): Promise<void> => {
      for (const holding of [...held.values()].reverse()) await holding.release();
    };
    try {
      for (const path of this.paths) held.set(path, await new Lock(this.#session, path).acquire({ signal }));
    } catch (error) {
      await release();
      throw error;
    }
    const any = AbortSignal.any([...held.values()].map((holding) => holding.signal));
    const tokens = new Map([...held].map(([path, { token }]) => [path, token]));
    return {
      tokens,
      get signal() {
        for (const holding of held.values()) if (holding.signal.aborted) break;
        return any;
      },
      release,
      [Symbol.asyncDispose]: release,
    };
  }
}
