import { endOf, formatZxid } from '@zkl/consensus';
import type { ZnodeStateMachine } from '@zkl/state-machine';
import type { WorldChecker, WorldView } from '../world-checker.js';
import type { WorldServer } from '../world-server.js';

/** Every server's state, after each block and after each snapshot that it took over, is that of the one history. */
export function equalReplicas(world: WorldView): WorldChecker {
  const compare = (server: WorldServer, state: ZnodeStateMachine): void => {
    const expected = world.chronicle.digestAt(state.appliedZxid);
    if (state.appliedZxid.counter === 0 || expected === state.digest) return;
    const at = formatZxid(state.appliedZxid);
    world.violate(
      'equal-replicas',
      `server ${server.id} has digest ${state.digest} at ${at}, the history ${expected ?? 'none'}`,
    );
  };
  return {
    onApplied: (server, block, state) => {
      if (world.chronicle.digestAt(endOf(block)) === undefined) {
        const at = formatZxid(endOf(block));
        world.violate(
          'equal-replicas',
          `server ${server.id} applies a block to ${at} that does not follow on the history`,
        );
      } else compare(server, state);
    },
    onRestored: compare,
  };
}
