import type { Clock } from '@zkl/consensus';
import type { EventQueue } from '../event-queue.js';
import type { Random } from '../random.js';
import { UNITS_PER_MS } from './node-settings.js';

/** What a clock needs of the process that it belongs to. */
export interface ClockHost {
  /** Calls back unless the process has ended; later, if it is paused. */
  whenAwake(callback: () => void): void;
  readonly isAlive: boolean;
  /** How far the machine's wall clock is off. */
  readonly wallOffsetMs: number;
}

const WALL_START_MS = 1_700_000_000_000;

/** The clocks and the event loop of one run of one server, in virtual time. */
export class SimulatedClock implements Clock {
  readonly #queue: EventQueue;
  readonly #random: Random;
  readonly #host: ClockHost;
  readonly #rate: number;
  readonly #turnDelayMax: () => number;
  #lastTurn = 0;

  /** `rate`: 1 for a clock that is right. */
  constructor(queue: EventQueue, random: Random, host: ClockHost, rate: number, turnDelayMax: () => number) {
    this.#queue = queue;
    this.#random = random;
    this.#host = host;
    this.#rate = rate;
    this.#turnDelayMax = turnDelayMax;
  }

  monotonicMs(): number {
    return (this.#queue.now / UNITS_PER_MS) * this.#rate;
  }

  wallMs(): number {
    return Math.floor(WALL_START_MS + this.monotonicMs() + this.#host.wallOffsetMs);
  }

  /** As `setInterval`: what falls into a pause comes once, after it. */
  every(periodMs: number, callback: () => void): () => void {
    const period = Math.max(1, Math.round((periodMs * UNITS_PER_MS) / this.#rate));
    let isCancelled = false;
    const tick = (): void => {
      if (isCancelled || !this.#host.isAlive) return;
      this.#host.whenAwake(() => {
        if (isCancelled) return;
        callback();
        this.#queue.after(period, tick);
      });
    };
    this.#queue.after(1 + this.#random.below(period), tick);
    return () => {
      isCancelled = true;
    };
  }

  /** In the order in which they were asked for. */
  nextTurn(callback: () => void): void {
    const delay = this.#random.below(this.#turnDelayMax());
    this.#lastTurn = Math.max(this.#lastTurn, this.#queue.now + delay);
    this.#queue.after(this.#lastTurn - this.#queue.now, () => this.#host.whenAwake(callback));
  }
}
