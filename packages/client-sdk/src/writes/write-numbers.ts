import type { MessageInitShape } from '@bufbuild/protobuf';
import type { WriteIdSchema } from '@zkl/protocol';

/**
 * The numbers of one client's writes, by which the cluster applies each exactly once.
 *
 * A number is open from the write's first attempt until its caller has been told its end. Only then it may count as answered: the
 * cluster forgets the replies to numbers that do, so a retry after that could not be told from a new write. A write whose
 * outcome stayed unknown counts as answered too, once it is given up: from then on the cluster refuses any copy that still
 * travels.
 */
export class WriteNumbers {
  readonly clientId: string;
  readonly #open = new Set<number>();
  #next = 1;
  #lowestOpen = 1;

  constructor(clientId: string) {
    this.clientId = clientId;
  }

  /** Takes the next number. */
  take(): number {
    const number = this.#next;
    this.#next += 1;
    this.#open.add(number);
    return number;
  }

  /** The write with this number will not be sent again. */
  settle(number: number): void {
    this.#open.delete(number);
    while (this.#lowestOpen < this.#next && !this.#open.has(this.#lowestOpen)) this.#lowestOpen += 1;
  }

  /** How many numbers there are from the lowest open one to the last taken. */
  get span(): number {
    return this.#next - this.#lowestOpen;
  }

  /** How many were taken so far. */
  get taken(): number {
    return this.#next - 1;
  }

  /** Every write up to this one has been answered, and is not retried. */
  get answeredThrough(): number {
    return this.#lowestOpen - 1;
  }

  /** What an attempt of a write carries. Made anew for each: `answeredThrough` advances. */
  writeId(number: number): MessageInitShape<typeof WriteIdSchema> {
    return {
      clientId: this.clientId,
      requestId: BigInt(number),
      answeredThrough: BigInt(this.answeredThrough),
    };
  }
}
