import type { Clock } from './ports.js';

interface Alarm {
  readonly periodMs: number;
  atMs: number;
  readonly callback: () => void;
}

/** A clock that only the test moves. */
export class TestClock implements Pick<Clock, 'monotonicMs' | 'every'> {
  nowMs = 1_000;
  readonly #alarms = new Set<Alarm>();

  monotonicMs(): number {
    return this.nowMs;
  }

  every(periodMs: number, callback: () => void): () => void {
    const alarm = { periodMs, atMs: this.nowMs + periodMs, callback };
    this.#alarms.add(alarm);
    return () => void this.#alarms.delete(alarm);
  }

  /** Lets so much time pass, millisecond by millisecond; after each, what follows from it happens. */
  async pass(ms: number): Promise<void> {
    for (let i = 0; i < ms; i++) {
      this.nowMs += 1;
      for (const alarm of [...this.#alarms]) {
        if (alarm.atMs > this.nowMs || !this.#alarms.has(alarm)) continue;
        alarm.atMs += alarm.periodMs;
        alarm.callback();
      }
      await new Promise(setImmediate);
    }
  }
}
