import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { KNOWN_MISTAKES } from './known-mistakes.js';
import { PLANTED_NODE_BUGS } from './node-level/planted-node-bugs.js';
import { PLANTED_BUGS } from './planted-bugs.js';

const stories = new URL('../../consensus/testdata/', import.meta.url);
const testing = readFileSync(new URL('../../../docs/testing.md', import.meta.url), 'utf8');
const invariants = readFileSync(new URL('../../../docs/invariants.md', import.meta.url), 'utf8');
const planted = new Set([...PLANTED_BUGS, ...PLANTED_NODE_BUGS].flatMap(({ switches }) => switches));

/** The rows of the table that zkl was written by: none may get lost. */
const ROWS = [2845, 3911, 4643, 4685, 4394, 4925, 3104, 4712, 2355, 4882, 4846, 1419, 4708].map(
  (number) => `ZOOKEEPER-${number}`,
);

describe('every mistake that was made before', () => {
  it('has a row', () => {
    const first = KNOWN_MISTAKES.map(({ knownAs }) => knownAs[0]);
    expect(first).toEqual(expect.arrayContaining([...ROWS, 'TLA+ issue 1', 'TLA+ issue 2', 'fuzzy snapshots']));
  });

  it.each(KNOWN_MISTAKES)(
    '$knownAs: has a story or a switch that show it, or a reason',
    ({ knownAs, stories: told, switches, noSwitch }) => {
      expect(told.length + switches.length > 0 || noSwitch !== undefined).toBe(true);
      expect(switches.length > 0 || noSwitch !== undefined).toBe(true);
      for (const story of told) expect(existsSync(new URL(`${story}.txt`, stories)), story).toBe(true);
      for (const name of switches) expect(planted, name).toContain(name);
      for (const name of switches) expect(testing, name).toContain(`\`${name}\``);
      const number = /\d+$/.exec(knownAs[0]!)?.[0] ?? knownAs[0]!;
      expect(invariants, knownAs[0]).toContain(number);
    },
  );
});
