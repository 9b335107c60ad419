import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { AttachRequestSchema, AttachResponseSchema } from '@zkl/protocol';
import { describe, expect, it } from 'vitest';
import { operationsOf, repliesFrame } from './attach-frames.js';
import { frameOf } from './grpc-body.js';

const LENGTHS = [1, 2, 127, 128, 129, 16_383, 16_384, 16_385, 2_097_151, 2_097_152];

function bytesOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + length) & 0xff);
}

function encode(request: MessageInitShape<typeof AttachRequestSchema>): Uint8Array {
  return toBinary(AttachRequestSchema, create(AttachRequestSchema, request));
}

describe('repliesFrame', () => {
  it.each(LENGTHS)("makes the schema's bytes of %i bytes of replies", (length) => {
    const replies = bytesOf(length);
    const expected = frameOf(toBinary(AttachResponseSchema, create(AttachResponseSchema, { replies })));
    expect(Buffer.compare(repliesFrame(replies), expected)).toBe(0);
  });
});

describe('operationsOf', () => {
  it.each(LENGTHS)('finds %i bytes of operations that stand alone', (length) => {
    const operations = bytesOf(length);
    expect(Buffer.compare(operationsOf(encode({ operations }))!, operations)).toBe(0);
  });

  it('leaves all else to the schema', () => {
    const operations = bytesOf(200);
    const whole = encode({ operations });
    const others = [
      new Uint8Array(),
      encode({ hello: { layout: 1 } }),
      encode({ ping: 7n }),
      encode({ operations, ping: 7n }),
      // The last of several counts: the schema knows that.
      Buffer.concat([whole, whole]),
      Uint8Array.of(0x12, 0),
      // A length that takes more bytes than it must, and one that never ends.
      Uint8Array.of(0x12, 0x80, 0x80, 0x80, 0x80, 0x01),
      new Uint8Array(12).fill(0xff).fill(0x12, 0, 1),
    ];
    for (let cut = 0; cut < whole.byteLength; cut += 1) others.push(whole.subarray(0, cut));
    for (const other of others) expect(operationsOf(other)).toBeUndefined();
  });
});
