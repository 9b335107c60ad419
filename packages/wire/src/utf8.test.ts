import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countCodePoints, readUtf8, utf8Length, writeUtf8 } from './utf8.js';

function encode(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Length(text));
  expect(writeUtf8(text, bytes, 0)).toBe(bytes.length);
  return bytes;
}

describe('UTF-8', () => {
  it('is written as TextEncoder writes it, lone surrogates included', () => {
    const units = fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes));
    fc.assert(
      fc.property(fc.oneof(units, fc.string({ unit: 'binary' })), (text) => {
        expect([...encode(text)]).toEqual([...new TextEncoder().encode(text)]);
      }),
    );
  });

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = encode(text);
        expect(readUtf8(bytes, 0, bytes.length)).toBe(text);
        expect(countCodePoints(bytes, 0, bytes.length)).toBe([...text].length);
      }),
    );
  });

  it('is read in one piece when it is long', () => {
    const text = 'aé中😀'.repeat(5000);
    const bytes = encode(text);
    expect(readUtf8(bytes, 0, bytes.length)).toBe(text);
  });

  it('is refused exactly where a strict TextDecoder refuses it', () => {
    const odd = fc.constantFrom(
      0x00,
      0x7f,
      0x80,
      0x8f,
      0x90,
      0x9f,
      0xa0,
      0xbf,
      0xc0,
      0xc2,
      0xdf,
      0xe0,
      0xed,
      0xef,
      0xf0,
      0xf4,
      0xf5,
      0xff,
    );
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    fc.assert(
      fc.property(fc.array(odd, { maxLength: 6 }), (list) => {
        const bytes = new Uint8Array(list);
        let expected = -1;
        try {
          expected = [...decoder.decode(bytes)].length;
        } catch {
          // Malformed.
        }
        expect(countCodePoints(bytes, 0, bytes.length)).toBe(expected);
      }),
      { numRuns: 3000 },
    );
  });
});
