import { systemClock, type Clock } from '@zkl/consensus';

/** The machine's clock, for one server, that can stand still: what a frozen process sees of time when it goes on. */
export class TestClock implements Clock {
  #paused = false;
  #waiting: (() => void)[] = [];

  monotonicMs(): number {
    return systemClock.monotonicMs();
  }

  wallMs(): number {
    return systemClock.wallMs();
  }

  every(periodMs: number, callback: () => void): () => void {
    // A frozen process misses its ticks: they do not come later.
    return systemClock.every(periodMs, () => {
      if (!this.#paused) callback();
    });
  }

  nextTurn(callback: () => void): void {
    systemClock.nextTurn(() => {
      if (this.#paused) this.#waiting.push(callback);
      else callback();
    });
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const callback of waiting) this.nextTurn(callback);
  }
}
