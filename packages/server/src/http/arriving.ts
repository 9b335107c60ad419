import { toConnectError } from '../errors/connect-error.js';
import { rejected } from '../request/failure.js';
import type { Arrival, ArrivalRefusal, Intake } from './intake.js';

/** The prefix of a message in a stream of them: 1 byte of flags, and the length as a big-endian uint32. */
const PREFIX_BYTES = 5;

/**
 * A body that Connect reads, within what the intake allows: what has come of a request, or of a message of a stream, and waits for the rest. Ends with
 * THROTTLED or REQUEST_TIMEOUT.
 */
export async function* arriving(
  body: AsyncIterable<Uint8Array>,
  intake: Intake,
  isStream: boolean,
): AsyncGenerator<Uint8Array, void> {
  const iterator = body[Symbol.asyncIterator]();
  let refusal: Error | undefined;
  let reject: (error: Error) => void = () => undefined;
  const onRefused = (why: ArrivalRefusal): void => {
    refusal = toConnectError(rejected(why), 0);
    reject(refusal);
  };
  const next = (): Promise<IteratorResult<Uint8Array>> =>
    new Promise((resolve, fail) => {
      reject = fail;
      if (refusal === undefined) iterator.next().then(resolve, fail);
      else fail(refusal);
    });
  const partial = new PartialMessage();
  // A stream may be silent between two messages, for ever.
  let arrival: Arrival | undefined = isStream ? undefined : intake.begin(onRefused);
  let bytes = 0;
  try {
    for (;;) {
      const step = await next();
      if (step.done === true) return;
      const { value } = step;
      bytes = isStream ? partial.after(value) : bytes + value.byteLength;
      if (bytes > 0) (arrival ??= intake.begin(onRefused)).hold(bytes);
      else {
        arrival?.end();
        arrival = undefined;
      }
      yield value;
    }
  } finally {
    arrival?.end();
    iterator.return?.().catch(() => undefined);
  }
}

/** How much is there of the last message of a stream that is not whole. */
class PartialMessage {
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #held = 0;
  #left = 0;

  /** Bytes of it, after these have come. */
  after(chunk: Uint8Array): number {
    for (let at = 0; at < chunk.byteLength;) {
      if (this.#held < PREFIX_BYTES) {
        this.#prefix[this.#held] = chunk[at] ?? 0;
        this.#held += 1;
        at += 1;
        if (this.#held === PREFIX_BYTES) this.#left = this.#prefix.readUInt32BE(1);
      } else {
        const part = Math.min(this.#left, chunk.byteLength - at);
        this.#held += part;
        this.#left -= part;
        at += part;
      }
      if (this.#held >= PREFIX_BYTES && this.#left === 0) this.#held = 0;
    }
    return this.#held;
  }
}
