import type { ClockTrouble } from './orders.js';

/**
 * Stands before the process's clocks: the wall clock can be set, and the monotonic one and the timers run faster or slower. The monotonic one never
 * goes back. It is about the globals, which is all that the server uses.
 */
export class FaultyClock {
  readonly #realNow = performance.now.bind(performance);
  readonly #realDate = Date;
  #offsetMs = 0;
  #rate = 1;
  /** Where the monotonic clock was when its rate was changed last: really, and as it is shown. */
  #real = this.#realNow();
  #shown = this.#real;

  set({ wallOffsetMs = 0, rate = 1 }: ClockTrouble): void {
    this.#shown = this.#now();
    this.#real = this.#realNow();
    this.#offsetMs = wallOffsetMs;
    this.#rate = rate;
  }

  install(): void {
    const wall = (): number => this.#realDate.now() + this.#offsetMs;
    globalThis.Date = new Proxy(this.#realDate, {
      construct: (target, args: unknown[], newTarget) =>
        Reflect.construct(target, args.length === 0 ? [wall()] : args, newTarget) as object,
      get: (target, name, receiver) => (name === 'now' ? wall : (Reflect.get(target, name, receiver) as unknown)),
    });
    performance.now = () => this.#now();
    const { setTimeout, setInterval } = globalThis;
    // A clock that is fast lets time pass sooner.
    const bent = (real: typeof setTimeout) =>
      Object.assign(
        (callback: () => void, delayMs?: number, ...args: []) =>
          real(callback, delayMs === undefined ? undefined : delayMs / this.#rate, ...args),
        { __promisify__: real.__promisify__ },
      );
    globalThis.setTimeout = bent(setTimeout) as typeof setTimeout;
    globalThis.setInterval = bent(setInterval as unknown as typeof setTimeout);
  }

  #now(): number {
    return this.#shown + (this.#realNow() - this.#real) * this.#rate;
  }
}
