import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCommand, isValidWriteId, type CommandTags } from './command-codec.js';
import { decodeCommand } from './command-decoder.js';
import { CommandReader } from './command-reader.js';
import type { Command } from './commands.js';
import { command, session } from './testing/arbitraries.js';

const number = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.maxSafeInteger().map((n) => Math.max(1, Math.abs(n))),
);
const writeId = fc
  .record({
    clientId: fc.string({ unit: 'grapheme-composite', minLength: 1, maxLength: 20 }),
    requestId: number,
    answeredThrough: number,
  })
  .filter(isValidWriteId);

/** A command with what may stand beside it. */
const tagged: fc.Arbitrary<{ command: Command; tags: Required<CommandTags> }> = fc
  .tuple(command, fc.option(writeId, { nil: undefined }), session, fc.boolean(), fc.boolean())
  .map(([written, id, owner, hasSession, ordered]) => ({
    command: written,
    tags: {
      writeId: id,
      session: hasSession || written.kind === 'sessionClose' ? owner : undefined,
      ordered: ordered && id !== undefined,
    },
  }));

describe('the command codec', () => {
  it('reads back what it wrote, from any place in a buffer', () => {
    fc.assert(
      fc.property(tagged, fc.nat(9), ({ command: written, tags }, offset) => {
        const bytes = encodeCommand(written, tags);
        const buffer = new Uint8Array(bytes.length + offset + 3).fill(0xaa);
        buffer.set(bytes, offset);
        expect(decodeCommand(buffer, offset, bytes.length)).toEqual({ command: written, ...tags });
      }),
      { numRuns: 1000 },
    );
  });

  it('has one form for each command: what decodes is what would be encoded', () => {
    fc.assert(
      fc.property(tagged, fc.nat(), fc.nat(255), ({ command: written, tags }, at, byte) => {
        const bytes = encodeCommand(written, tags);
        bytes[at % bytes.length] = byte;
        const decoded = decodeCommand(bytes);
        if (decoded !== undefined) expect([...encodeCommand(decoded.command, decoded)]).toEqual([...bytes]);
      }),
      { numRuns: 2000 },
    );
  });

  it('never throws on random bytes, nor makes anything of a size that is not there', () => {
    const random = fc
      .tuple(fc.nat(255), fc.uint8Array({ maxLength: 60 }))
      .map(([tag, tail]) => new Uint8Array([tag, ...tail]));
    const reader = new CommandReader();
    fc.assert(
      fc.property(random, (input) => {
        const isCommand = reader.read(input, 0, input.length);
        const decoded = decodeCommand(input);
        if (decoded !== undefined) expect(isCommand).toBe(true);
        expect(reader.listCount).toBeLessThanOrEqual(60);
      }),
      { numRuns: 5000 },
    );
  });

  it('refuses lists of more than could be there before it makes anything', () => {
    // 2^40 nodes to reap, sessions to expire, comparisons of a transaction.
    for (const tag of [5, 7, 22]) {
      const bytes = new Uint8Array([tag, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 1, 1, 1, 1]);
      expect(decodeCommand(bytes)).toBeUndefined();
    }
  });

  it('refuses every command that is cut off, except where data run to the end', () => {
    fc.assert(
      fc.property(tagged, ({ command: written, tags }) => {
        const runsOn =
          written.kind === 'registerWrite' ||
          written.kind === 'registerGuess' ||
          ((written.kind === 'create' || written.kind === 'set') && written.data !== null);
        fc.pre(!runsOn);
        const bytes = encodeCommand(written, tags);
        for (let length = 0; length < bytes.length; length++) expect(decodeCommand(bytes, 0, length)).toBeUndefined();
        expect(decodeCommand(new Uint8Array([...bytes, 0]))).toBeUndefined();
      }),
    );
  });

  it('carries old commands in the bytes they always had', () => {
    const bytes = encodeCommand(
      { kind: 'create', path: '/a', data: new Uint8Array([7]), mode: 'persistentSequential' },
      { writeId: { clientId: 'c', requestId: 300, answeredThrough: 2 } },
    );
    expect([...bytes]).toEqual([0x81, 1, 0x63, 0xac, 0x02, 2, 2, 2, 0x2f, 0x61, 1, 7]);
  });

  it('refuses an ordered write without a write id, a close without a session, and the session zero', () => {
    const close = { kind: 'sessionClose' } as const;
    expect(() => encodeCommand(close)).toThrow(RangeError);
    expect(() => encodeCommand(close, { session: { epoch: 0, counter: 0 } })).toThrow(RangeError);
    expect(() => encodeCommand(close, { session: { epoch: 1, counter: 1 }, ordered: true })).toThrow(RangeError);
    expect(decodeCommand(new Uint8Array([0x15]))).toBeUndefined();
    expect(decodeCommand(new Uint8Array([0x55, 0, 0]))).toBeUndefined();
    expect(decodeCommand(new Uint8Array([0x75, 1, 1]))).toBeUndefined();
    expect(decodeCommand(new Uint8Array([0x55, 1, 1]))).toMatchObject({ session: { epoch: 1, counter: 1 } });
  });

  it('a `check` outside a transaction is refused, never replicated', () => {
    for (const tag of [8, 9, 10, 11]) {
      expect(decodeCommand(new Uint8Array([tag, 2, 0x2f, 0x61]))).toBeUndefined();
      expect(decodeCommand(new Uint8Array([tag, 0, 2, 0x2f, 0x61]))).toBeUndefined();
    }
  });

  it('refuses offsets outside the buffer', () => {
    expect(decodeCommand(new Uint8Array(4), 3, 5)).toBeUndefined();
    expect(decodeCommand(new Uint8Array(4), -1, 2)).toBeUndefined();
  });

  it('keeps null and empty data apart', () => {
    const withNull = encodeCommand({ kind: 'create', path: '/a', data: null, mode: 'persistent' });
    const withEmpty = encodeCommand({ kind: 'create', path: '/a', data: new Uint8Array(0), mode: 'persistent' });
    expect(decodeCommand(withNull)?.command).toMatchObject({ data: null });
    expect(decodeCommand(withEmpty)?.command).toMatchObject({ data: new Uint8Array(0) });
    expect(decodeCommand(withNull.slice(0, -1))).toBeUndefined();
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
    for (const bad of refused) {
      expect(isValidWriteId(bad)).toBe(false);
      expect(() => encodeCommand({ kind: 'registerWrite', value: new Uint8Array(0) }, { writeId: bad })).toThrow(
        RangeError,
      );
    }
    expect(isValidWriteId({ ...id, clientId: '😀'.repeat(64) })).toBe(true);
  });

  it('refuses numbers and modes that the layout cannot carry', () => {
    const create = { kind: 'create', path: '/a', data: null } as const;
    const refused: Command[] = [
      { kind: 'set', path: '/a', data: null, expectedVersion: 2 ** 31 },
      { ...create, mode: 'ttl', ttlMs: -1 },
      { ...create, mode: 'ttl', ttlMs: 0.5 },
      { ...create, mode: 'persistent', ttlMs: 5 },
      { ...create, mode: 'other' as 'ttl' },
      { kind: 'sessionOpen', timeoutMs: 1000, secretHash: new Uint8Array(31) },
      { kind: 'sessionsExpire', sessions: [{ epoch: 1, counter: 2 ** 32 }] },
      { kind: 'setQuota', path: '/a', quota: { countHard: -1 } },
    ];
    for (const bad of refused) expect(() => encodeCommand(bad), JSON.stringify(bad)).toThrow(RangeError);
  });
});
