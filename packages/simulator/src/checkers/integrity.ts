import { endOf, formatZxid, type Block } from '@zkl/consensus';
import type { Checker } from '../checker.js';
import { Violation } from '../violation.js';

/** Only what a leader proposed is applied, and no server applies it twice in one run. */
export function integrity(): Checker {
  const name = 'integrity';
  const proposed = new Set<Block>();
  return {
    name,
    onProposed: (_, block) => {
      proposed.add(block);
    },
    onApply: (server, block) => {
      if (!proposed.has(block))
        throw new Violation(name, `server ${server.id} applies ${formatZxid(endOf(block))}, which nobody proposed`);
    },
  };
}
