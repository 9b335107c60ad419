import type { RefusalReason, ServerId, Zxid } from '@zkl/consensus';
import type { ZnodeStateMachine } from '@zkl/state-machine';
import type { TouchAnswer } from '../peer/touch-codec.js';
import { KEEPER_TICK_MS, SessionKeeper, type SessionTouch } from './session-keeper.js';

/** The sessions that there are, by what this server has applied. */
export type SessionTable = Pick<ZnodeStateMachine, 'session' | 'sessions'>;

/** What the leader's part needs of the rest of the server. */
export interface SessionLeaderDependencies {
  readonly table: SessionTable;
  /** Proposes that these sessions are expired. `done(false)`: certainly not, at present; it is to be proposed again. */
  readonly expire: (sessions: readonly Zxid[], done: (applied: boolean) => void) => void;
  readonly readBarrier: (done: (refusal: RefusalReason | undefined) => void) => void;
  /** Tells a server (this one too) that streams of its are served elsewhere by now. */
  readonly tellMoved: (to: ServerId, moved: readonly SessionTouch[]) => void;
}

/** Bounds of one proposal: so many sessions, and about so many ephemerals, go in one zxid. */
const EXPIRE_SESSIONS_MAX = 256;
const EXPIRE_EPHEMERALS_MAX = 10_000;

/**
 * The leader's part of sessions: it decides who is alive, and proposes the end of those who are not. It works between `begin` and `end`, which
 * is while this server leads and a quorum is synchronised with it.
 */
export class SessionLeader {
  readonly #dependencies: SessionLeaderDependencies;
  readonly #keeper = new SessionKeeper();
  /** Those whose time is over and that no proposal under way names. */
  #toExpire: Zxid[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Counts the times of leading: what was begun in an earlier one ends without an effect. */
  #term = 0;
  #expired = 0;

  constructor(dependencies: SessionLeaderDependencies) {
    this.#dependencies = dependencies;
  }

  /** True between `begin` and `end`. */
  get leading(): boolean {
    return this.#timer !== undefined;
  }

  /** Sessions that were expired by this server as the leader, since it started. */
  get expired(): number {
    return this.#expired;
  }

  /** Leading begins: every session gets a full timeout, whatever the leader before knew. */
  begin(): void {
    if (this.leading) return;
    for (const { id, timeoutMs } of this.#dependencies.table.sessions()) this.#keeper.add(id, timeoutMs);
    this.#timer = setInterval(() => this.#onTick(), KEEPER_TICK_MS);
  }

  /** Leading ends: nothing more is decided here. */
  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#term += 1;
    this.#keeper.clear();
    this.#toExpire = [];
  }

  /** A session was opened, and this server has applied it. */
  onOpened(session: Zxid, timeoutMs: number): void {
    if (this.leading) this.#keeper.add(session, timeoutMs);
  }

  /**
   * Counts signs of life, and answers once that is certain to be of effect. 1. A leader is cut off, and does not know it yet. 2. A touch reaches it. 3. The
   * others elect, the new leader begins with full timeouts, and expires the session. 4. So the old leader must not say "alive" for what the new one never
   * counts from: it answers only when a quorum has confirmed, *after* the touch was noted, that it still leads. Any later leader begins after that.
   */
  onTouch(from: ServerId, touches: readonly SessionTouch[], reply: (answer: TouchAnswer) => void): void {
    if (!this.leading) return reply({ kind: 'notLeader' });
    const term = this.#term;
    const refused: { index: number; why: 'expired' | 'moved' }[] = [];
    const unknown: number[] = [];
    touches.forEach((touch, index) => {
      const verdict = this.#touch(touch, from);
      if (verdict === 'unknown') unknown.push(index);
      else if (verdict !== 'alive') refused.push({ index, why: verdict === 'moved' ? 'moved' : 'expired' });
    });
    this.#dependencies.readBarrier((refusal) => {
      if (refusal !== undefined || term !== this.#term) return reply({ kind: 'notLeader' });
      // All that was committed before the touch is applied by now: who is not in the table is gone.
      for (const index of unknown) {
        const verdict = this.#touchLate(touches[index]!, from);
        if (verdict !== 'alive') refused.push({ index, why: verdict === 'moved' ? 'moved' : 'expired' });
      }
      return reply({ kind: 'noted', refused });
    });
    return undefined;
  }

  #touch(touch: SessionTouch, from: ServerId): ReturnType<SessionKeeper['touch']> {
    return this.#keeper.touch(touch, from, (server, attachment) =>
      this.#dependencies.tellMoved(server, [{ session: touch.session, attachment }]),
    );
  }

  #touchLate(touch: SessionTouch, from: ServerId): ReturnType<SessionKeeper['touch']> {
    const entry = this.#dependencies.table.session(touch.session);
    if (entry === undefined) return 'unknown';
    this.#keeper.add(touch.session, entry.timeoutMs);
    return this.#touch(touch, from);
  }

  #onTick(): void {
    for (const session of this.#keeper.advance(performance.now())) this.#toExpire.push(session);
    while (this.#toExpire.length > 0) {
      const batch = this.#takeBatch();
      if (batch.length > 0 && !this.#expire(batch)) return;
    }
  }

  /** Those of the due that are still there: a session that was closed is found out here. */
  #takeBatch(): Zxid[] {
    const batch: Zxid[] = [];
    let ephemerals = 0;
    let taken = 0;
    for (const session of this.#toExpire) {
      if (batch.length >= EXPIRE_SESSIONS_MAX || ephemerals >= EXPIRE_EPHEMERALS_MAX) break;
      taken += 1;
      const entry = this.#dependencies.table.session(session);
      if (entry === undefined) {
        this.#keeper.remove(session);
        continue;
      }
      batch.push(session);
      ephemerals += entry.ephemerals;
    }
    this.#toExpire.splice(0, taken);
    return batch;
  }

  /** False when the proposal was refused on the spot: the rest waits for the next tick. */
  #expire(batch: readonly Zxid[]): boolean {
    const term = this.#term;
    let refused = false;
    this.#dependencies.expire(batch, (applied) => {
      if (term !== this.#term) return;
      if (applied) {
        this.#expired += batch.length;
        for (const session of batch) this.#keeper.remove(session);
      } else {
        refused = true;
        this.#toExpire.push(...batch);
      }
    });
    return !refused;
  }
}
