import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERROR_CODE_NAMES } from './error-codes.js';
import { decodeResult, encodeResult } from './result-codec.js';
import type { Result } from './results.js';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const i32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
const u53 = fc.maxSafeNat();
const zxid = fc.record({ epoch: u32, counter: u32 });
const path = fc.string({ unit: 'grapheme', maxLength: 40 });
const stat = fc.record({
  czxid: zxid,
  mzxid: zxid,
  pzxid: zxid,
  ctimeMs: u53,
  mtimeMs: u53,
  version: i32,
  cversion: i32,
  aversion: i32,
  ephemeralOwner: u53,
  dataLength: u32,
  numChildren: u32,
});
const result: fc.Arbitrary<Result> = fc.oneof(
  fc.record({ kind: fc.constant('created' as const), zxid, path, stat }),
  fc.record({ kind: fc.constant('set' as const), zxid, stat }),
  fc.record({ kind: fc.constant('deleted' as const), zxid }),
  fc.record({ kind: fc.constant('registerWritten' as const), zxid, version: u32 }),
  fc.record({ kind: fc.constant('guessed' as const), zxid, matched: fc.boolean(), version: u32, leader: u32 }),
  fc.record({
    kind: fc.constant('error' as const),
    zxid,
    code: fc.constantFrom(...ERROR_CODE_NAMES),
    path: fc.option(path, { nil: undefined }),
  }),
);

describe('the result codec', () => {
  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(result, (written) => {
        expect(decodeResult(encodeResult(written))).toEqual(written);
      }),
      { numRuns: 500 },
    );
  });

  it('refuses what is cut off and what has a byte too many', () => {
    fc.assert(
      fc.property(result, fc.nat(), (written, cut) => {
        const bytes = encodeResult(written);
        expect(decodeResult(bytes, 0, cut % bytes.length)).toBeUndefined();
        expect(decodeResult(new Uint8Array([...bytes, 0]))).toBeUndefined();
      }),
    );
  });

  it('never throws on random bytes', () => {
    const tagged = fc
      .tuple(fc.nat(7), fc.uint8Array({ maxLength: 120 }))
      .map(([tag, tail]) => new Uint8Array([tag, ...tail]));
    fc.assert(
      fc.property(tagged, (bytes) => {
        expect(() => decodeResult(bytes)).not.toThrow();
      }),
      { numRuns: 2000 },
    );
  });
});
