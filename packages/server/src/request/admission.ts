/** Bounds on what is under way on one server. */
export interface AdmissionLimits {
  readonly requestsInFlightMax: number;
  readonly requestBytesInFlightMax: number;
}

/** Counts the requests under way and their bytes, and lets no more in than the limits allow: whoever is refused hears THROTTLED. */
export class Admission {
  readonly #limits: AdmissionLimits;
  #requests = 0;
  #bytes = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  get requests(): number {
    return this.#requests;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** True when the request may go on: `leave` must be called with the same number of bytes, once, when it is over. */
  tryEnter(bytes: number): boolean {
    if (this.#requests >= this.#limits.requestsInFlightMax) return false;
    if (this.#bytes + bytes > this.#limits.requestBytesInFlightMax) return false;
    this.#requests += 1;
    this.#bytes += bytes;
    return true;
  }

  leave(bytes: number): void {
    this.#requests -= 1;
    this.#bytes -= bytes;
  }
}
