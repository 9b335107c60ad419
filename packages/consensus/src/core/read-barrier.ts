import type { ServerId } from './server-id.js';
import type { Zxid } from './zxid.js';

interface RemoteRead {
  readonly from: ServerId;
  readonly attempt: number;
  readonly request: number;
}

export interface Barrier {
  readonly number: number;
  readonly zxid: Zxid;
  readonly tickets: readonly number[];
  readonly remote: readonly RemoteRead[];
}

/** Barriers that may be under way at the same time: what waits meanwhile shares the next one. */
const BARRIERS_MAX = 4;

/**
 * Linearizable reads without a log entry: all reads that wait in a turn share one question to the quorum, "do you still follow?". When it has
 * answered, what was committed at the time of asking is new enough for all of them. Source: Raft's ReadIndex (Ongaro 2014, 6.4).
 */
export class ReadBarriers {
  #tickets: number[] = [];
  #remote: RemoteRead[] = [];
  #open: Barrier[] = [];
  #number = 0;

  get newest(): number {
    return this.#number;
  }

  get pending(): boolean {
    return this.#tickets.length > 0 || this.#remote.length > 0;
  }

  addLocal(ticket: number): void {
    this.#tickets.push(ticket);
  }

  addRemote(read: RemoteRead): void {
    this.#remote.push(read);
  }

  /** Opens a barrier for all that wait; false when there is nothing to ask, or enough is being asked. */
  openNext(committed: Zxid): boolean {
    if (!this.pending || this.#open.length >= BARRIERS_MAX) return false;
    this.#number++;
    this.#open.push({ number: this.#number, zxid: committed, tickets: this.#tickets, remote: this.#remote });
    this.#tickets = [];
    this.#remote = [];
    return true;
  }

  /** The barriers that are passed, given how many servers have answered a barrier of at least a given number. */
  passed(answered: (barrier: number) => number, quorum: number): Barrier[] {
    let done = 0;
    while (done < this.#open.length && answered(this.#open[done]!.number) >= quorum) done++;
    return done === 0 ? [] : this.#open.splice(0, done);
  }

  /** Every local read that waits: the role has ended. */
  end(): number[] {
    const tickets = [...this.#open.flatMap((barrier) => barrier.tickets), ...this.#tickets];
    this.#open = [];
    this.#tickets = [];
    this.#remote = [];
    return tickets;
  }
}
