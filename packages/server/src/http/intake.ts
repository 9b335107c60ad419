/** What of each request is free: everyday requests pass, whatever others hold. */
const FREE_BYTES = 16 * 1024;

/** Why a request that was on its way is not waited for any more. */
export type ArrivalRefusal = 'THROTTLED' | 'REQUEST_TIMEOUT';

/** Bounds on requests that are on their way. */
export interface IntakeLimits {
  /** Bytes of all of them that have come and wait for the rest, beyond the first 16 KiB of each. */
  readonly bytesMax: number;
  /** How long the rest may take. */
  readonly timeoutMs: number;
}

/**
 * Requests whose first bytes are there and whose last are not: HTTP/2 lets one connection begin a thousand of them, of the largest size, and never end
 * one. When they hold too much the oldest gives way, for honest ones take milliseconds; and none may take for ever.
 */
export class Intake {
  readonly #limits: IntakeLimits;
  /** The oldest first. */
  readonly #pending = new Set<Arrival>();
  #bytes = 0;
  #isWatching = false;

  constructor(limits: IntakeLimits) {
    this.#limits = limits;
  }

  /** Bytes that are held, beyond what is free. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Requests that are on their way. */
  get size(): number {
    return this.#pending.size;
  }

  /** A request has begun. `onRefused` is called once at most, and not after `end`. */
  begin(onRefused: (why: ArrivalRefusal) => void): Arrival {
    const arrival = new Arrival(onRefused, (counted, isOver) => {
      this.#bytes += counted;
      if (isOver) this.#pending.delete(arrival);
      else if (this.#bytes > this.#limits.bytesMax) this.#makeRoom();
    });
    this.#pending.add(arrival);
    this.#watch();
    return arrival;
  }

  /** One timer for all, and none while nothing is on its way. */
  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    setTimeout(() => this.#refuseLate(), this.#limits.timeoutMs / 4).unref();
  }

  #makeRoom(): void {
    for (const arrival of this.#pending) {
      if (this.#bytes <= this.#limits.bytesMax) return;
      if (arrival.counted > 0) arrival.refuse('THROTTLED');
    }
  }

  #refuseLate(): void {
    const deadlineMs = performance.now() - this.#limits.timeoutMs;
    for (const arrival of this.#pending) {
      if (arrival.startedMs > deadlineMs) break;
      arrival.refuse('REQUEST_TIMEOUT');
    }
    this.#isWatching = false;
    if (this.#pending.size > 0) this.#watch();
  }
}

/** One request on its way. */
export class Arrival {
  readonly startedMs = performance.now();
  /** Bytes that count. */
  counted = 0;
  readonly #onRefused: (why: ArrivalRefusal) => void;
  readonly #onChange: (counted: number, isOver: boolean) => void;
  #isOver = false;

  constructor(onRefused: (why: ArrivalRefusal) => void, onChange: (counted: number, isOver: boolean) => void) {
    this.#onRefused = onRefused;
    this.#onChange = onChange;
  }

  /** So many bytes of it wait for the rest now. May end it, by `onRefused`. */
  hold(bytes: number): void {
    if (this.#isOver) return;
    const counted = Math.max(0, bytes - FREE_BYTES);
    const more = counted - this.counted;
    this.counted = counted;
    if (more !== 0) this.#onChange(more, false);
  }

  /** It is all there, or nobody waits for it any more. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onChange(-this.counted, true);
    this.counted = 0;
  }

  /** Nobody waits for it any more: its owner is told. */
  refuse(why: ArrivalRefusal): void {
    if (this.#isOver) return;
    this.end();
    this.#onRefused(why);
  }
}
