import type { ServerId } from '@zkl/consensus';
import type { Checker } from '../checker.js';
import { Violation } from '../violation.js';

/** acceptedEpoch and currentEpoch only grow, on disk and in memory, and no epoch is adopted that was not promised. */
export function epochsOnlyGrow(): Checker {
  const name = 'epochs-only-grow';
  const inMemory = new Map<ServerId, { accepted: number; current: number }>();
  return {
    name,
    onStart: (server) => {
      inMemory.set(server.id, { accepted: server.disk.accepted, current: server.disk.current });
    },
    onTurn: (server) => {
      const before = inMemory.get(server.id)!;
      const { acceptedEpoch: accepted, currentEpoch: current } = server.core!;
      if (accepted < before.accepted || current < before.current || current > accepted) {
        throw new Violation(
          name,
          `server ${server.id}: (${before.accepted}, ${before.current}) became (${accepted}, ${current})`,
        );
      }
      before.accepted = accepted;
      before.current = current;
    },
    onHardState: ({ id, disk }, accepted, current) => {
      if (accepted >= disk.accepted && current >= disk.current && current <= accepted) return;
      throw new Violation(
        name,
        `the disk of ${id}: (${disk.accepted}, ${disk.current}) becomes (${accepted}, ${current})`,
      );
    },
  };
}
