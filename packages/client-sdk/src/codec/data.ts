import { badArguments, show } from '../options/validate.js';
import { makeError } from '../errors/zkl-error.js';
import type { DataInput } from '../client/client.js';
import { ByteSlab } from './byte-slab.js';

const slab = new ByteSlab();
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** What a message needs beside the data, in bytes, at most: the path, and a few numbers. */
const MESSAGE_OVERHEAD_BYTES = 8_192;

/**
 * Makes the bytes to send: a copy, because the caller may reuse the buffer while the call is still retried, and every attempt
 * of one write must be the same.
 *
 * @throws {@link BadArgumentsError}, {@link ZklError} `MESSAGE_TOO_LARGE`.
 */
export function encodeData(
  data: DataInput | undefined,
  messageBytesMax: number,
  path?: string,
): Uint8Array | undefined {
  if (data === null || data === undefined) return undefined;
  if (typeof data !== 'string' && !(data instanceof Uint8Array)) {
    throw badArguments(`The data is ${show(data)}`, 'Give a string, a Uint8Array, or null', path);
  }
  const byteLength = typeof data === 'string' ? data.length : data.byteLength;
  if (byteLength <= messageBytesMax - MESSAGE_OVERHEAD_BYTES) {
    const bytes = typeof data === 'string' ? encoder.encode(data) : slab.copy(data);
    if (bytes.byteLength <= messageBytesMax - MESSAGE_OVERHEAD_BYTES) return bytes;
  }
  throw makeError({
    code: 'MESSAGE_TOO_LARGE',
    message: `The data is larger than a message of ${messageBytesMax} bytes can carry`,
    outcome: 'rejected',
    hint: 'Store it elsewhere, and its address here',
    path,
  });
}

/** A copy of received bytes that is the caller's own: those received share one buffer with the whole reply. */
export function ownBytes(bytes: Uint8Array | undefined): Uint8Array | null {
  return bytes === undefined ? null : new Uint8Array(bytes);
}

export function decodeText(bytes: Uint8Array | null): string {
  return bytes === null ? '' : decoder.decode(bytes);
}
