import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeResult } from './result-codec.js';
import { packSetResult, SET_RESULT_BYTES, SET_RESULT_WORDS, zxidOfSetResult } from './set-result.js';
import { result } from './testing/arbitraries.js';

const uint32 = fc.nat({ max: 0xffff_ffff });
const words = fc.array(uint32, { minLength: SET_RESULT_WORDS, maxLength: SET_RESULT_WORDS });

it('packs the bytes that the result codec writes, and touches nothing beside them', () => {
  fc.assert(
    fc.property(words, fc.nat({ max: 5 }), (given, at) => {
      // Times are below 2^53.
      const all = given.map((word, i) => (i === 9 || i === 11 ? word & 0x1f_ffff : word));
      const zxid = (i: number) => ({ epoch: all[i]!, counter: all[i + 1]! });
      const time = (i: number) => all[i + 1]! * 2 ** 32 + all[i]!;
      const stat = {
        czxid: zxid(2),
        mzxid: zxid(4),
        pzxid: zxid(6),
        ctimeMs: time(8),
        mtimeMs: time(10),
        version: all[12]! | 0,
        cversion: all[13]! | 0,
        aversion: all[14]! | 0,
        ephemeralOwner: zxid(15),
        dataLength: all[17]!,
        numChildren: all[18]!,
      };
      const expected = encodeResult({ kind: 'set', zxid: zxid(0), stat });
      const target = new Int32Array(SET_RESULT_WORDS + 8).fill(-1);
      packSetResult(
        Int32Array.from(all, (word) => word | 0),
        target,
        at,
      );
      const bytes = new Uint8Array(target.buffer);
      expect(expected.length).toBe(SET_RESULT_BYTES);
      expect(bytes.slice(4 * at, 4 * at + SET_RESULT_BYTES)).toEqual(expected);
      const padding = bytes.slice(4 * at + SET_RESULT_BYTES, 4 * (at + SET_RESULT_WORDS + 1));
      expect(padding.every((byte) => byte === 0)).toBe(true);
      expect([...target.slice(0, at), ...target.slice(at + SET_RESULT_WORDS + 1)].every((word) => word === -1)).toBe(
        true,
      );
    }),
  );
});

it('tells the zxid of a set, and of nothing else', () => {
  fc.assert(
    fc.property(result, uint32, uint32, (written, epoch, counter) => {
      const bytes = encodeResult({ ...written, zxid: { epoch, counter } });
      const expected = written.kind === 'set' ? { epoch, counter } : undefined;
      expect(zxidOfSetResult(bytes)).toEqual(expected);
      for (const cut of [0, 1, 9, bytes.length - 1]) expect(zxidOfSetResult(bytes.subarray(0, cut))).toBeUndefined();
      expect(zxidOfSetResult(new Uint8Array([...bytes, 0]))).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});
