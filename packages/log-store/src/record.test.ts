import { BlockMaker } from '@zkl/consensus/testing';
import type { Block } from '@zkl/consensus';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRecord, encodeRecord, recordOf } from './record.js';

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });

const blocks: fc.Arbitrary<Block> = fc
  .record({
    epoch: uint32,
    leader: fc.integer({ min: 1, max: 65_535 }),
    firstCounter: fc.integer({ min: 1, max: 0x8000_0000 }),
    count: fc.integer({ min: 1, max: 0x7fff_ffff }),
    prevEpoch: uint32,
    prevCounter: uint32,
    committedEpoch: uint32,
    committedCounter: uint32,
    timeMs: fc.double({ min: -8.64e15, max: 8.64e15, noNaN: true }),
    payload: fc.uint8Array({ maxLength: 300 }),
  })
  .map((block) => ({
    ...block,
    count: Math.min(block.count, Math.max(1, block.payload.byteLength)),
    record: undefined,
  }));

describe('a record', () => {
  it('gives back the block, wherever it stands', () => {
    fc.assert(
      fc.property(blocks, fc.nat(70), (block, offset) => {
        const record = encodeRecord(block);
        const bytes = new Uint8Array(offset + record.byteLength + 10);
        bytes.set(record, offset);
        const decoded = decodeRecord(bytes, offset);
        expect(decoded.end).toBe(offset + record.byteLength);
        expect({ ...decoded.block, record: undefined }).toEqual(block);
        expect(decoded.block.record).toEqual(record);
      }),
    );
  });

  it('is made once a block', () => {
    const block = new BlockMaker().next();
    expect(recordOf(block)).toBe(recordOf(block));
    expect(block.record).toBe(recordOf(block));
  });

  it('with any bit flipped, or cut anywhere, is refused', () => {
    const record = encodeRecord(new BlockMaker().next({ payloadBytes: 40 }));
    for (let bit = 0; bit < record.byteLength * 8; bit += 1) {
      const flipped = record.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => decodeRecord(flipped)).toThrow(expect.objectContaining({ code: 'RECORD_INVALID' }));
    }
    for (let length = 0; length < record.byteLength; length += 1) {
      expect(() => decodeRecord(record.slice(0, length))).toThrow(expect.objectContaining({ code: 'RECORD_INVALID' }));
    }
  });

  it('that makes no sense is refused, even with a right checksum', () => {
    const block = new BlockMaker().next();
    for (const wrong of [
      { count: 0 },
      { firstCounter: 0 },
      { leader: 0 },
      { leader: 65_536 },
      { timeMs: Number.NaN },
      { timeMs: 8.65e15 },
      { count: 21 },
      { firstCounter: 0xffff_ffff, count: 2 },
    ]) {
      expect(() => decodeRecord(encodeRecord({ ...block, ...wrong }))).toThrow(
        expect.objectContaining({ code: 'RECORD_INVALID' }),
      );
    }
  });

  it('of random bytes is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(250), (bytes, offset) => {
        expect(() => decodeRecord(bytes, offset)).toThrow(expect.objectContaining({ code: 'RECORD_INVALID' }));
      }),
    );
  });
});
