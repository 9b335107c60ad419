import { createHash, timingSafeEqual } from 'node:crypto';
import type { Zxid } from '@zkl/consensus';
import type { ZnodeStateMachine } from '@zkl/state-machine';
import type { GiveUp } from '../request/deadline.js';
import { rejected, type Failure } from '../request/failure.js';

/** A session as a caller names it, with the secret that proves that it may. */
export interface SessionClaim {
  readonly session: Zxid;
  readonly secret: Uint8Array;
}

/** What checking a claim needs of the rest of the server. */
export interface SessionAccessDependencies {
  readonly table: Pick<ZnodeStateMachine, 'session'>;
  readonly whenApplied: (zxid: Zxid, done: () => void) => () => void;
}

/** What a claim came to. `gone`: the session has ended; nobody can act for it, and nobody's secret was looked at. */
export type AccessVerdict =
  | { readonly kind: 'granted'; readonly timeoutMs: number }
  | { readonly kind: 'gone' }
  | { readonly kind: 'refused'; readonly failure: Failure };

/**
 * Checks claims against the table of sessions as this server has applied it. A session that it has not heard of yet is waited for: a client may open a
 * session on one server and name it to another that lags.
 */
export class SessionAccess {
  readonly #dependencies: SessionAccessDependencies;

  constructor(dependencies: SessionAccessDependencies) {
    this.#dependencies = dependencies;
  }

  /** Calls `done` once, before the deadline (on the clock of `performance.now()`), or at once. The returned function gives up the wait. */
  check(claim: SessionClaim, deadlineMs: number, done: (verdict: AccessVerdict) => void): GiveUp {
    let settled = false;
    const settle = (verdict: AccessVerdict): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      done(verdict);
    };
    const late = (): void => settle({ kind: 'refused', failure: rejected('NOT_SYNCED') });
    let timer: NodeJS.Timeout | undefined;
    const stop = this.#dependencies.whenApplied(claim.session, () => settle(this.#verdict(claim)));
    if (!settled) timer = setTimeout(late, Math.max(0, deadlineMs - performance.now()));
    return (why) => {
      stop();
      if (why === 'deadline') return late();
      settled = true;
      return clearTimeout(timer);
    };
  }

  #verdict({ session, secret }: SessionClaim): AccessVerdict {
    const entry = this.#dependencies.table.session(session);
    if (entry === undefined) return { kind: 'gone' };
    const hash = createHash('sha256').update(secret).digest();
    // What the caller does not know must not be found out by how long it takes to refuse it.
    if (timingSafeEqual(hash, entry.secretHash)) return { kind: 'granted', timeoutMs: entry.timeoutMs };
    return {
      kind: 'refused',
      failure: rejected('AUTH_FAILED', { message: "The secret is not this session's." }),
    };
  }
}
