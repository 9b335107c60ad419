import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteWriter } from './byte-writer.js';
import { ERROR_CODE_NAMES } from './error-codes.js';
import type { Reply, SingleReply } from './replies.js';
import { appendEncodedResult, appendReply, decodeReplies, decodeReply } from './reply-codec.js';
import { encodeResult } from './result-codec.js';
import { bytes, data, path, result, stat, u32, u53, zxid } from './testing/arbitraries.js';

const bound = fc.option(u53, { nil: undefined });
const quota = fc.record({ countSoft: bound, countHard: bound, bytesSoft: bound, bytesHard: bound });
const child = fc.record({
  name: path,
  stat: fc.option(stat, { nil: undefined }),
  data: fc.option(data, { nil: undefined }),
});

function single(at: { epoch: number; counter: number }): fc.Arbitrary<SingleReply> {
  const common = { zxid: fc.constant(at) };
  return fc.oneof(
    fc.record({ kind: fc.constant('node' as const), ...common, data, stat }),
    fc.record({ kind: fc.constant('exists' as const), ...common, stat: fc.option(stat, { nil: undefined }) }),
    fc.record({
      kind: fc.constant('children' as const),
      ...common,
      children: fc.array(child, { maxLength: 4 }),
      more: fc.boolean(),
      stat,
    }),
    fc.record({ kind: fc.constant('count' as const), ...common, count: u53 }),
    fc.record({
      kind: fc.constant('quota' as const),
      ...common,
      quota: fc.option(quota, { nil: undefined }),
      count: u53,
      bytes: u53,
    }),
    fc.record({
      kind: fc.constant('refused' as const),
      ...common,
      code: fc.constantFrom(...ERROR_CODE_NAMES),
      outcome: fc.constantFrom('rejected' as const, 'unknown' as const),
      retryable: fc.boolean(),
      path: fc.option(path, { nil: undefined }),
      leaderId: u32,
    }),
  );
}

const reply: fc.Arbitrary<Reply> = zxid.chain((at) => {
  const common = { zxid: fc.constant(at) };
  return fc.oneof(
    result,
    single(at),
    fc.record({
      kind: fc.constant('register' as const),
      ...common,
      value: fc.option(bytes, { nil: undefined }),
      version: u32,
      mzxid: zxid,
      guesses: u53,
      hits: u53,
    }),
    fc.record({ kind: fc.constant('multi' as const), ...common, answers: fc.array(single(at), { maxLength: 4 }) }),
    fc.record({ kind: fc.constantFrom('watching' as const, 'done' as const), ...common }),
  );
});

function encode(replies: readonly Reply[]): Uint8Array {
  const writer = new ByteWriter(8);
  for (const one of replies) appendReply(one, writer);
  return writer.content();
}

describe('the replies of a session stream', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.array(reply, { maxLength: 8 }), (replies) => {
        expect(decodeReplies(encode(replies))).toEqual(replies);
      }),
      { numRuns: 500 },
    );
  });

  it('are refused when they are cut off anywhere but between two', () => {
    fc.assert(
      fc.property(reply, reply, fc.nat(4), (first, second, offset) => {
        const one = encode([first]).length;
        const encoded = encode([first, second]);
        for (let length = 1 + offset; length < encoded.length; length += 5) {
          if (length === one) continue;
          expect(decodeReplies(encoded.subarray(0, length)), `cut at ${length}`).toBeUndefined();
        }
      }),
    );
  });

  it('of random bytes are refused or read, never an exception', () => {
    const random = fc
      .tuple(fc.integer({ min: 60, max: 75 }), fc.uint8Array({ maxLength: 120 }))
      .map(([kind, tail]) => new Uint8Array([kind, ...tail]));
    fc.assert(
      fc.property(random, (input) => {
        expect(() => decodeReply(input, 0, input.length)).not.toThrow();
        expect(() => decodeReplies(input)).not.toThrow();
      }),
      { numRuns: 3000 },
    );
  });

  it('take a result that was encoded before as it is', () => {
    fc.assert(
      fc.property(result, (one) => {
        const writer = new ByteWriter();
        appendEncodedResult(encodeResult(one), writer);
        expect(writer.content()).toEqual(encode([one]));
      }),
    );
  });
});
