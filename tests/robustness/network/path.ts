import type { Random } from '../workload/random.js';
import type { Direction } from './direction.js';

/** What is wrong with one direction between two places. */
export interface PathTrouble {
  /** Nothing gets through. It is held, and goes on when this ends, as what TCP sends again. */
  readonly blocked?: boolean;
  /** Everything takes so much longer, in milliseconds. */
  readonly delayMs?: number;
  /** And at random up to so much more. */
  readonly jitterMs?: number;
  /** The part of all packets that is lost, 0 .. 1: what comes behind one waits for it to be sent again. */
  readonly loss?: number;
}

/** What a lost packet costs: TCP's least time to send again on Linux is 200 ms, and twice that when it is lost again. */
const RETRANSMIT_MS = 200;

/** All that goes from one place to another, over whatever connections. */
export class Path {
  readonly directions = new Set<Direction>();
  readonly #random: Random;
  #trouble: PathTrouble = {};

  constructor(random: Random) {
    this.#random = random;
  }

  get isBlocked(): boolean {
    return this.#trouble.blocked === true;
  }

  /** In place of what was wrong before. `{}` is a good path. */
  set(trouble: PathTrouble): void {
    this.#trouble = trouble;
    for (const direction of this.directions) direction.pump();
  }

  /** How late the next packet is. */
  drawDelayMs(): number {
    const { delayMs = 0, jitterMs = 0, loss = 0 } = this.#trouble;
    let lateMs = delayMs + (jitterMs > 0 ? this.#random.next() * jitterMs : 0);
    for (let wait = RETRANSMIT_MS; loss > 0 && this.#random.next() < loss; wait *= 2) lateMs += wait;
    return lateMs;
  }
}
