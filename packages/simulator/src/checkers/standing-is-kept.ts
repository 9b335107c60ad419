import type { ServerId } from '@zkl/consensus';
import type { Checker } from '../checker.js';
import { Violation } from '../violation.js';

/**
 * A server whose disk was lost, or is damaged, does not lead and does not count until it holds a whole history again: its standing tells
 * the others, and it never serves as a leader.
 */
export function standingIsKept(): Checker {
  const name = 'standing-is-kept';
  const impaired = new Set<ServerId>();
  return {
    name,
    onWiped: (server) => {
      impaired.add(server.id);
    },
    onTurn: (server) => {
      if (!impaired.has(server.id)) return;
      if (server.core!.standing === 'voter') impaired.delete(server.id);
      else if (server.core!.status.role === 'leading')
        throw new Violation(name, `server ${server.id} leads without a history`);
    },
  };
}
