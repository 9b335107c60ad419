import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteSlab } from './byte-slab.js';

describe('ByteSlab', () => {
  it('gives copies that neither the original nor later copies change', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 6_000 }), { maxLength: 60 }), (originals) => {
        const slab = new ByteSlab();
        const expected = originals.map((bytes) => Buffer.from(bytes).toString('hex'));
        const copies = originals.map((bytes) => {
          const copy = slab.copy(bytes);
          bytes.fill(0xff);
          return copy;
        });
        expect(copies.map((bytes) => Buffer.from(bytes).toString('hex'))).toEqual(expected);
      }),
    );
  });
});
