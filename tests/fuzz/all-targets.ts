import type { FuzzTarget } from './engine/target.js';
import { clientTargets } from './targets/client.js';
import { directDoorTargets } from './targets/direct-door.js';
import { doorTargets } from './targets/doors.js';
import { hostileServerTargets } from './targets/hostile-server.js';
import { logStoreTargets } from './targets/log-store.js';
import { peerTargets } from './targets/peer.js';
import { stateMachineTargets } from './targets/state-machine.js';
import { textTargets } from './targets/text.js';
import { wireTargets } from './targets/wire.js';

/** Every target there is. */
export const allTargets: readonly FuzzTarget[] = [
  ...wireTargets,
  ...peerTargets,
  ...logStoreTargets,
  ...stateMachineTargets,
  ...textTargets,
  ...clientTargets,
  ...hostileServerTargets,
  ...doorTargets,
  ...directDoorTargets,
];
