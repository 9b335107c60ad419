import { encodeCommand, nameHash } from '@zkl/wire';
import { describe, expect, it } from 'vitest';
import { ColumnStore } from './column-store.js';
import { DEFAULT_LIMITS } from './limits.js';
import { Lookahead, LOOKAHEAD_WRITES } from './lookahead.js';
import { blockOf, bytesOf } from './testing/blocks.js';

const SEED = 7;
const NAME = bytesOf('abcd');
/** The first word of that node's record. */
const WORD = new Int32Array(NAME.slice().buffer)[0]!;

/** A tree of the root and `/abcd`. */
function setUp(znodesMin: number): { look: (payload: Uint8Array, count: number) => number } {
  const store = ColumnStore.withRoot(SEED);
  const name = { bytes: NAME, start: 0, end: 4, hash: nameHash(NAME, 0, 4, SEED) };
  store.insert(store.root, name, NAME, 0, -1, { epoch: 1, counter: 1, timeLow: 0, timeHigh: 0 });
  const lookahead = new Lookahead(store, DEFAULT_LIMITS, SEED, znodesMin);
  return {
    look: (payload, count) => {
      lookahead.look(payload, 0, count);
      return lookahead.seen;
    },
  };
}

const set = (path: string): Uint8Array => encodeCommand({ kind: 'set', path, data: null, expectedVersion: -1 });
const payloadOf = (paths: readonly string[]): Uint8Array => blockOf(paths.map(set)).payload;

describe('a look ahead', () => {
  it('comes to the records of the nodes that are written, and to nothing of those that are not there', () => {
    const { look } = setUp(1);
    expect(look(payloadOf(['/abcd', '/none', '/none/abcd', '/', '/abcd/x']), 5)).toBe(WORD);
    expect(look(payloadOf(['/none', '/none', '/none', '/none']), 4)).toBe(0);
  });

  it('goes so many writes ahead, and no further than what is well-formed', () => {
    const { look } = setUp(1);
    const many = payloadOf(new Array<string>(LOOKAHEAD_WRITES + 1).fill('/abcd'));
    expect(look(many, LOOKAHEAD_WRITES + 1)).toBe(0);
    expect(look(many, LOOKAHEAD_WRITES - 1)).toBe(WORD);
    const one = 4 + set('/abcd').length;
    expect(look(many.subarray(0, one * 3 + 5), 30)).toBe(WORD);
    const damaged = many.slice();
    damaged[one + 4] = 0xff;
    expect(look(damaged, 8)).toBe(WORD);
    expect(look(new Uint8Array(0), 8)).toBe(0);
  });

  it('is left out for a small tree', () => {
    const { look } = setUp(3);
    expect(look(payloadOf(['/abcd', '/none', '/none', '/none', '/none']), 5)).toBe(0);
  });
});
