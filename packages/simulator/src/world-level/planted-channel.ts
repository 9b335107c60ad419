import type { Random } from '../random.js';
import type { ClientMessage, ServerMessage } from './call-messages.js';
import type { Party } from './world-network.js';

/** What stands between a channel and its messages. */
export interface ChannelHooks {
  readonly onMessage: (server: Party, message: ServerMessage) => ServerMessage;
  readonly onSend: (server: Party, message: ClientMessage) => ClientMessage;
}

const NONE: ChannelHooks = { onMessage: (_, message) => message, onSend: (_, message) => message };

/** For each channel of a client: what planted bugs make of its messages. */
export function plantInChannel(_plantedBugs: ReadonlySet<string>, _random: Random): (server: Party) => ChannelHooks {
  return () => NONE;
}
