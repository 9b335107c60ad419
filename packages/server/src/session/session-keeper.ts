import type { Zxid } from '@zkl/consensus';
import { DeadlineWheel, type Due } from './deadline-wheel.js';
import { SessionMap } from './session-map.js';

/** A sign of life of a session. */
export interface SessionTouch {
  readonly session: Zxid;
  /** Of the stream that heard it: 1, 2, 3, ... for each time that the session was attached. 0 for a call that is no stream. */
  readonly attachment: number;
}

/** What became of a touch: counted, or why not. */
export type TouchVerdict = 'alive' | 'unknown' | 'expiring' | 'moved';

interface Kept extends Due {
  readonly session: Zxid;
  readonly timeoutTicks: number;
  /** The highest that was seen, and which server it came from. */
  attachment: number;
  server: number;
  state: 'alive' | 'expiring' | 'gone';
}

/** The grain of the keeper's clock, in milliseconds. A session is kept for at most two of them longer than its timeout. */
export const KEEPER_TICK_MS = 25;

/**
 * The leader's knowledge of who is alive: when each session was last heard of, on the keeper's own clock. Pure: time comes in through `advance`.
 *
 * Its clock is not the wall's: however long this process was paused, one `advance` passes two ticks at most. 1. The leader's process stands still for a
 * second. 2. Signs of life wait in its sockets, and those that other servers collected have not even been sent. 3. When it goes on, nobody is expired for
 * what it did not hear. So a pause makes sessions live longer, never shorter.
 *
 * 10,000 sessions that are touched every few seconds cost a number written for each touch, and a move between two lists once a timeout.
 */
export class SessionKeeper {
  readonly #sessions = new SessionMap<Kept>();
  readonly #wheel = new DeadlineWheel<Kept>();
  #lastMs: number | undefined;
  #leftMs = 0;

  /** Sessions that are kept, those in the course of being expired among them. */
  get size(): number {
    return this.#sessions.size;
  }

  /** A session was opened, or was found in the table: a full timeout begins. Nothing for one that is kept already. */
  add(session: Zxid, timeoutMs: number): void {
    if (this.#sessions.get(session) !== undefined) return;
    const timeoutTicks = Math.ceil(timeoutMs / KEEPER_TICK_MS);
    const kept: Kept = { session, timeoutTicks, attachment: 0, server: 0, state: 'alive', dueTick: 0 };
    this.#renew(kept);
    this.#sessions.set(session, kept);
    this.#wheel.add(kept);
  }

  /** The session is closed, or expired: it is in the table no more. */
  remove(session: Zxid): void {
    const kept = this.#sessions.get(session);
    if (kept === undefined) return;
    kept.state = 'gone';
    this.#sessions.delete(session);
  }

  /**
   * Counts a sign of life that came from a server: a full timeout begins anew. Not for a session that is being expired (whoever hears of it then must
   * not believe that it lives), nor for a stream that was followed by another. `onSuperseded` is told the server and the attachment that this one takes
   * the place of.
   */
  touch(
    { session, attachment }: SessionTouch,
    server: number,
    onSuperseded: (server: number, attachment: number) => void,
  ): TouchVerdict {
    const kept = this.#sessions.get(session);
    if (kept === undefined) return 'unknown';
    if (kept.state !== 'alive') return 'expiring';
    if (attachment !== 0 && attachment < kept.attachment) return 'moved';
    if (attachment > kept.attachment) {
      if (kept.attachment !== 0) onSuperseded(kept.server, kept.attachment);
      kept.attachment = attachment;
    }
    if (attachment !== 0) kept.server = server;
    this.#renew(kept);
    return 'alive';
  }

  /** Time has passed: `nowMs` on any monotonic clock. Answers the sessions whose time is over; from now on they are being expired. */
  advance(nowMs: number): readonly Zxid[] {
    const elapsedMs = Math.max(0, nowMs - (this.#lastMs ?? nowMs)) + this.#leftMs;
    this.#lastMs = nowMs;
    const ticks = Math.min(2, Math.floor(elapsedMs / KEEPER_TICK_MS));
    // What is beyond the two ticks never happened.
    this.#leftMs = Math.min(elapsedMs - ticks * KEEPER_TICK_MS, KEEPER_TICK_MS);
    const due = this.#wheel.advance(this.#wheel.tick + ticks, isGone);
    for (const kept of due) kept.state = 'expiring';
    return due.map(({ session }) => session);
  }

  /** The role ended: all is forgotten. Whoever leads next begins with full timeouts. */
  clear(): void {
    this.#sessions.clear();
    this.#wheel.clear();
    this.#lastMs = undefined;
    this.#leftMs = 0;
  }

  /** One tick for the part of the present one that has passed already, so that no timeout is ever cut short. */
  #renew(kept: Kept): void {
    kept.dueTick = this.#wheel.tick + kept.timeoutTicks + 1;
  }
}

function isGone(kept: Kept): boolean {
  return kept.state === 'gone';
}
