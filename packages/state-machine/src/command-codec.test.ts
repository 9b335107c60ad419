import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCommand, encodeCommand, isValidWriteId } from './command-codec.js';
import type { Command } from './commands.js';
import { blockOf, bytesOf } from './testing/blocks.js';
import { ZnodeStateMachine } from './znode-state-machine.js';

const path = fc.string({ unit: 'grapheme', maxLength: 50 });
const data = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null });
const version = fc.oneof(
  fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
  fc.constantFrom(-1, 0, 0x7fff_ffff, -0x8000_0000),
);
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constant('create' as const), path, data, sequential: fc.boolean() }),
  fc.record({ kind: fc.constant('set' as const), path, data, expectedVersion: version }),
  fc.record({ kind: fc.constant('delete' as const), path, expectedVersion: version }),
  fc.record({ kind: fc.constantFrom('registerWrite' as const, 'registerGuess' as const), value: fc.uint8Array() }),
);
const number = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.maxSafeInteger().map((n) => Math.max(1, Math.abs(n))),
);
const writeId = fc.record({
  clientId: fc.string({ unit: 'grapheme-composite', minLength: 1, maxLength: 20 }),
  requestId: number,
  answeredThrough: number,
});

describe('the command codec', () => {
  it('reads back what it wrote, from any place in a buffer', () => {
    fc.assert(
      fc.property(command, fc.option(writeId, { nil: undefined }), fc.nat(9), (written, id, offset) => {
        fc.pre(id === undefined || isValidWriteId(id));
        const bytes = encodeCommand(written, id);
        const buffer = new Uint8Array(bytes.length + offset + 3).fill(0xaa);
        buffer.set(bytes, offset);
        expect(decodeCommand(buffer, offset, bytes.length)).toEqual({ command: written, writeId: id });
      }),
      { numRuns: 500 },
    );
  });

  it('has one form for each command: what decodes is what would be encoded', () => {
    fc.assert(
      fc.property(command, fc.option(writeId, { nil: undefined }), fc.nat(), fc.nat(255), (written, id, at, byte) => {
        fc.pre(id === undefined || isValidWriteId(id));
        const bytes = encodeCommand(written, id);
        bytes[at % bytes.length] = byte;
        const decoded = decodeCommand(bytes);
        if (decoded !== undefined) expect([...encodeCommand(decoded.command, decoded.writeId)]).toEqual([...bytes]);
      }),
      { numRuns: 1000 },
    );
  });

  it('never throws on random bytes, and neither does apply', () => {
    const machine = new ZnodeStateMachine();
    let counter = 1;
    const bytes = fc.uint8Array({ maxLength: 60 }).map((tail) => new Uint8Array(tail));
    const tagged = fc.tuple(fc.constantFrom(1, 2, 3, 16, 17, 0x81, 0x82, 0x83, 0x90), fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(
        fc.oneof(
          bytes,
          tagged.map(([tag, tail]) => new Uint8Array([tag, ...tail])),
        ),
        (input) => {
          const decoded = decodeCommand(input);
          const results = machine.apply(blockOf([input], { firstCounter: counter++ }));
          expect(results.length).toBe(1);
          if (decoded === undefined) expect(results[0]).toMatchObject({ kind: 'error', code: 'MARSHALLING_ERROR' });
          else expect(results[0]).not.toMatchObject({ code: 'MARSHALLING_ERROR' });
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('refuses every command that is cut off or has a byte too many, except where data run to the end', () => {
    const bytes = encodeCommand(
      { kind: 'delete', path: '/some/path', expectedVersion: 300 },
      { clientId: 'client', requestId: 1000, answeredThrough: 200 },
    );
    for (let length = 0; length < bytes.length; length++) expect(decodeCommand(bytes, 0, length)).toBeUndefined();
    expect(decodeCommand(new Uint8Array([...bytes, 0]))).toBeUndefined();
    expect(
      decodeCommand(encodeCommand({ kind: 'create', path: '/a', data: null, sequential: false }).slice(0, -1)),
    ).toBeUndefined();
  });

  it('refuses offsets outside the buffer', () => {
    expect(decodeCommand(new Uint8Array(4), 3, 5)).toBeUndefined();
    expect(decodeCommand(new Uint8Array(4), -1, 2)).toBeUndefined();
  });

  it('keeps null and empty data apart', () => {
    const withNull = encodeCommand({ kind: 'create', path: '/a', data: null, sequential: false });
    const withEmpty = encodeCommand({ kind: 'create', path: '/a', data: bytesOf(''), sequential: false });
    expect(decodeCommand(withNull)?.command).toMatchObject({ data: null });
    expect(decodeCommand(withEmpty)?.command).toMatchObject({ data: new Uint8Array(0) });
  });

  it('refuses write ids that the log cannot carry', () => {
    const id = { clientId: 'c', requestId: 1, answeredThrough: 0 };
    const refused = [
      { ...id, clientId: '' },
      { ...id, clientId: 'x'.repeat(65) },
      { ...id, clientId: '😀'.repeat(65) },
      { ...id, requestId: 0 },
      { ...id, requestId: 1.5 },
      { ...id, requestId: 2 ** 53 },
      { ...id, answeredThrough: -1 },
      { ...id, answeredThrough: Number.NaN },
    ];
    for (const writeId of refused) {
      expect(isValidWriteId(writeId)).toBe(false);
      expect(() => encodeCommand({ kind: 'registerWrite', value: bytesOf('') }, writeId)).toThrow(RangeError);
    }
    expect(isValidWriteId({ ...id, clientId: '😀'.repeat(64) })).toBe(true);
    expect(() => encodeCommand({ kind: 'set', path: '/a', data: null, expectedVersion: 2 ** 31 })).toThrow(RangeError);
  });
});
