import { compareZxid, formatZxid, minZxid, ZXID_ZERO, type ServerId, type Zxid } from '@zkl/consensus';
import type { Checker } from '../checker.js';
import { Violation } from '../violation.js';

/** What a server held durably, and knew to be committed, it finds again when it starts, in its log or a snapshot: unless the disk was lost. */
export function durableNeverShrinks(): Checker {
  const name = 'durable-never-shrinks';
  const kept = new Map<ServerId, Zxid>();
  return {
    name,
    onWiped: ({ id }) => {
      kept.delete(id);
    },
    onTurn: ({ id, core }) => {
      const zxid = minZxid(core!.durable, core!.committed);
      if (compareZxid(zxid, kept.get(id) ?? ZXID_ZERO) > 0) kept.set(id, zxid);
    },
    onStart: ({ id, core }) => {
      const before = kept.get(id) ?? ZXID_ZERO;
      if (compareZxid(core!.last, before) >= 0) return;
      throw new Violation(
        name,
        `server ${id} held ${formatZxid(before)}, committed and durable, and starts at ${formatZxid(core!.last)}`,
      );
    },
  };
}
