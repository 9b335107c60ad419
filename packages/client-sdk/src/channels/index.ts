/**
 * Clients over a way of your own to carry messages, in place of HTTP/2: what simulations and tests are built on. It promises less than the rest of the
 * package: its shape may change with any version.
 */
export type {
  CancelCall,
  Channel,
  ChannelStream,
  ChannelTarget,
  OpenChannel,
  StreamEnd,
  StreamListener,
  UnaryMethod,
  UnaryResult,
} from '../channel/channel.js';
export { createClientOver } from '../client/create-client-over.js';
