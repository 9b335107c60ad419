/**
 * Protobuf messages that have one field of bytes and nothing else: nearly all that goes over a session stream (`AttachRequest.operations`,
 * `AttachResponse.replies`). Told by its first bytes, such a message needs no message object; everything else is the schema's.
 */

/** The number and the wire type (2, with a length) of a field, in one byte. `field`: 1 to 15. */
const tagOf = (field: number): number => (field << 3) | 2;

/** The bytes of this field, as a view of the message, when there is nothing else in it; undefined for every other message. */
export function onlyBytesField(field: number, message: Uint8Array): Uint8Array | undefined {
  if (message[0] !== tagOf(field)) return undefined;
  let length = 0;
  for (let at = 1, shift = 0; shift < 28; at += 1, shift += 7) {
    const byte = message[at];
    if (byte === undefined) return undefined;
    length |= (byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    // None is a message without anything, and more behind it is for the schema.
    return length > 0 && at + 1 + length === message.byteLength ? message.subarray(at + 1) : undefined;
  }
  return undefined;
}

/**
 * A message that has this field and nothing else: the bytes that the schema makes, made in one piece.
 *
 * @param content - At least one byte, and less than 2^28.
 * @param headroom - Bytes to leave free before the message.
 */
export function encodeBytesField(field: number, content: Uint8Array, headroom = 0): Uint8Array {
  let lengthBytes = 1;
  for (let rest = content.byteLength; rest >= 0x80; rest >>>= 7) lengthBytes += 1;
  const bytes = new Uint8Array(headroom + 1 + lengthBytes + content.byteLength);
  bytes[headroom] = tagOf(field);
  let at = headroom + 1;
  let rest = content.byteLength;
  for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at++] = rest;
  bytes.set(content, at);
  return bytes;
}
