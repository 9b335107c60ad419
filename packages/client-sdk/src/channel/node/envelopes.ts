const HEAD_BYTES = 5;

/** Cuts a stream of bytes into its messages: for each 1 byte flags, its length as a big-endian uint32, and that many bytes. */
export class Envelopes {
  readonly #messageBytesMax: number;
  #chunks: Buffer[] = [];
  #byteLength = 0;
  /** How many bytes must be there before anything can be done. */
  #wanted = HEAD_BYTES;

  constructor(messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax;
  }

  /** Takes the next bytes, and gives every message that they complete. `failed`: why nothing after them can be read. */
  read(chunk: Buffer, onEnvelope: (flags: number, payload: Uint8Array) => void): { readonly failed?: string } {
    this.#chunks.push(chunk);
    this.#byteLength += chunk.byteLength;
    if (this.#byteLength < this.#wanted) return NOT_FAILED;
    // One copy a message at most: chunks are joined only when it is whole.
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#byteLength);
    let at = 0;
    for (;;) {
      const left = bytes.byteLength - at;
      this.#wanted = HEAD_BYTES;
      if (left < HEAD_BYTES) break;
      const length = bytes.readUInt32BE(at + 1);
      if (length > this.#messageBytesMax)
        return { failed: `The message is larger than ${this.#messageBytesMax} bytes` };
      this.#wanted = HEAD_BYTES + length;
      if (left < this.#wanted) break;
      const start = at + HEAD_BYTES;
      at = start + length;
      onEnvelope(bytes[start - HEAD_BYTES]!, bytes.subarray(start, at));
    }
    this.#chunks = at === bytes.byteLength ? [] : [bytes.subarray(at)];
    this.#byteLength = bytes.byteLength - at;
    return NOT_FAILED;
  }
}

const NOT_FAILED = {};
