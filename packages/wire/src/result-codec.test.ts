import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeResult, encodeResult } from './result-codec.js';
import { ResultEncoder } from './result-encoder.js';
import { result } from './testing/arbitraries.js';

describe('the result codec', () => {
  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(result, (written) => {
        expect(decodeResult(encodeResult(written))).toEqual(written);
      }),
      { numRuns: 500 },
    );
  });

  it('encodes many into shared buffers, of which none changes what was handed out before', () => {
    const encoder = new ResultEncoder();
    const [first] = fc.sample(result, 1);
    const long = { kind: 'error', zxid: first!.zxid, code: 'NO_NODE', path: `/${'x'.repeat(70_000)}` } as const;
    fc.assert(
      fc.property(fc.array(result, { minLength: 1, maxLength: 200, size: 'max' }), fc.nat(), (many, at) => {
        const written = [...many.slice(0, at % many.length), long, ...many.slice(at % many.length)];
        const encoded = written.map((one) => encoder.encode(one));
        encoded.forEach((bytes, i) => expect(Buffer.compare(bytes, encodeResult(written[i]!))).toBe(0));
      }),
      { numRuns: 30 },
    );
  });

  it('refuses what is cut off and what has a byte too many', () => {
    fc.assert(
      fc.property(result, fc.nat(), (written, cut) => {
        const bytes = encodeResult(written);
        for (let length = cut % 7; length < bytes.length; length += 7)
          expect(decodeResult(bytes, 0, length)).toBeUndefined();
        expect(decodeResult(new Uint8Array([...bytes, 0]))).toBeUndefined();
      }),
    );
  });

  it('never throws on random bytes', () => {
    const tagged = fc
      .tuple(fc.nat(20), fc.uint8Array({ maxLength: 120 }))
      .map(([tag, tail]) => new Uint8Array([tag, ...tail]));
    fc.assert(
      fc.property(tagged, (bytes) => {
        expect(() => decodeResult(bytes)).not.toThrow();
      }),
      { numRuns: 2000 },
    );
  });

  it('makes nothing of a size that is not there', () => {
    // A transaction of 2^32 - 1 results, and a `got` of nearly 4 GiB in it.
    const head = [8, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1];
    expect(decodeResult(new Uint8Array([...head, 0xff, 0xff, 0xff, 0xff, 16]))).toBeUndefined();
    const got = [1, 0, 0, 0, 14, ...new Array<number>(68).fill(0), 0xff, 0xff, 0xff, 0xff];
    expect(decodeResult(new Uint8Array([...head, ...got]))).toBeUndefined();
  });
});
