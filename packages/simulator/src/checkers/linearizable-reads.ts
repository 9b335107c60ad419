import { compareZxid, formatZxid } from '@zkl/consensus';
import type { Checker } from '../checker.js';
import { Violation } from '../violation.js';

/**
 * A read is answered from a state that holds every write that was committed anywhere, and everything that another read had seen, before it
 * was asked for; also when the server that answers was paused, or deposed without knowing it.
 */
export function linearizableReads(): Checker {
  const name = 'linearizable-reads';
  return {
    name,
    onReadServed: ({ server, floor }, zxid) => {
      if (compareZxid(zxid, floor) >= 0) return;
      throw new Violation(
        name,
        `server ${server} answers at ${formatZxid(zxid)} a read that was asked for after ${formatZxid(floor)}`,
      );
    },
  };
}
