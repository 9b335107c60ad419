import { ByteWriter } from './byte-writer.js';
import { writeResult } from './result-codec.js';
import type { Result } from './results.js';

const BUFFER_BYTES = 1 << 16;
/** Up to here a buffer takes one more result without growing, of those that are usual. */
const FULL_BYTES = BUFFER_BYTES - (1 << 10);

/**
 * Encodes results one after the other into shared buffers of 64 KiB: a tenth of the price of a buffer each. What was handed out is never written to
 * again; one that is kept keeps its buffer.
 */
export class ResultEncoder {
  #writer = new ByteWriter(BUFFER_BYTES);

  /** The bytes of one result, as `encodeResult` gives them: a view. */
  encode(result: Result): Uint8Array {
    if (this.#writer.length > FULL_BYTES) this.#writer = new ByteWriter(BUFFER_BYTES);
    const writer = this.#writer;
    const start = writer.length;
    writeResult(result, writer);
    return writer.bytes.subarray(start, writer.length);
  }
}
