/** Puts writes into a block's payload: for each its length as a little-endian uint32, then its bytes. */
export function joinOperations(operations: readonly Uint8Array[], bytes: number): Uint8Array {
  const payload = new Uint8Array(bytes + 4 * operations.length);
  let at = 0;
  for (const operation of operations) {
    const length = operation.byteLength;
    payload[at] = length & 0xff;
    payload[at + 1] = (length >>> 8) & 0xff;
    payload[at + 2] = (length >>> 16) & 0xff;
    payload[at + 3] = length >>> 24;
    payload.set(operation, at + 4);
    at += 4 + length;
  }
  return payload;
}

/** The writes in a payload, as views. Throws a RangeError when the lengths do not add up. */
export function splitOperations(payload: Uint8Array): Uint8Array[] {
  const operations: Uint8Array[] = [];
  let at = 0;
  while (at < payload.byteLength) {
    if (at + 4 > payload.byteLength) throw new RangeError('a payload ends within a length');
    const length =
      payload[at]! + payload[at + 1]! * 0x100 + payload[at + 2]! * 0x1_0000 + payload[at + 3]! * 0x100_0000;
    if (at + 4 + length > payload.byteLength) throw new RangeError('a payload ends within a write');
    operations.push(payload.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return operations;
}
