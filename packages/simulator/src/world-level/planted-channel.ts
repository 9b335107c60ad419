import { fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  AttachRequestSchema,
  AttachResponseSchema,
  type AttachResponse,
  type SnapshotPart,
  type WatchBatch,
} from '@zkl/protocol';
import type { Random } from '../random.js';
import type { ClientMessage, ServerMessage } from './call-messages.js';
import type { Party } from './world-network.js';

/** What stands between a channel and its messages. */
export interface ChannelHooks {
  readonly onMessage: (server: Party, message: ServerMessage) => ServerMessage;
  readonly onSend: (server: Party, message: ClientMessage) => ClientMessage;
}

const NONE: ChannelHooks = { onMessage: (_, message) => message, onSend: (_, message) => message };

const SWITCHES = [
  'watch-resume-skips',
  'watch-tells-after-the-reply',
  'watch-splits-a-transaction',
  'mirror-applies-half-a-batch',
  'watch-tells-another-previous-value',
  'watch-resets-without-snapshot',
  'slow-reader-loses-events',
  'session-confirmed-by-nobody',
];

/** For each channel of a client: what bugs of watches and signs of life, planted in the messages of its streams, make of them. */
export function plantInChannel(bugs: ReadonlySet<string>, random: Random): (server: Party) => ChannelHooks {
  if (!SWITCHES.some((name) => bugs.has(name))) return () => NONE;
  const planted = new PlantedStreams(bugs, random);
  return () => ({
    onMessage: (server, message) => planted.onMessage(server, message),
    onSend: (server, message) => planted.onSend(server, message),
  });
}

/** What is known of one stream. */
interface StreamState {
  readonly isFirst: boolean;
  hasSkipped: boolean;
  late: WatchBatch[];
  overdue: WatchBatch[];
  ping: bigint;
}

class PlantedStreams {
  readonly #bugs: ReadonlySet<string>;
  readonly #random: Random;
  readonly #streams = new Map<string, StreamState>();

  constructor(bugs: ReadonlySet<string>, random: Random) {
    this.#bugs = bugs;
    this.#random = random;
  }

  onSend(server: Party, message: ClientMessage): ClientMessage {
    if (message.kind === 'open') {
      const isFirst = this.#streams.size === 0;
      this.#streams.set(`${server}/${message.id}`, { isFirst, hasSkipped: false, late: [], overdue: [], ping: 0n });
    }
    const state = 'id' in message ? this.#streams.get(`${server}/${message.id}`) : undefined;
    if (message.kind === 'message' && state !== undefined) {
      const { ping } = fromBinary(AttachRequestSchema, message.bytes);
      if (ping > state.ping) state.ping = ping;
    }
    return message;
  }

  onMessage(server: Party, message: ServerMessage): ServerMessage {
    const state = 'id' in message ? this.#streams.get(`${server}/${message.id}`) : undefined;
    if (message.kind !== 'message' || state === undefined) return message;
    const response = fromBinary(AttachResponseSchema, message.bytes);
    this.#spoil(response, state);
    return { ...message, bytes: toBinary(AttachResponseSchema, response) };
  }

  #spoil(response: AttachResponse, state: StreamState): void {
    const bugs = this.#bugs;
    const told = response.events.findIndex(({ events }) => events.length > 0);
    if (bugs.has('watch-resume-skips') && !state.isFirst && !state.hasSkipped && told >= 0) {
      state.hasSkipped = true;
      response.events.splice(told, 1);
    }
    if (bugs.has('slow-reader-loses-events') && told >= 0 && this.#random.chance(0.05)) response.events.splice(told, 1);
    if (bugs.has('watch-tells-after-the-reply')) {
      // Replies overtake the events that stand before and beside them: those come with the next message.
      const waiting = [...state.late, ...response.events];
      const isReply = response.replies.byteLength > 0;
      response.events = isReply ? [] : state.overdue;
      state.overdue = isReply ? [...state.overdue, ...waiting] : [];
      state.late = isReply ? [] : waiting;
    }
    for (const batch of response.events) this.#spoilBatch(batch);
    // Every message is a sign that the server lives, and is taken for one that the leader has counted.
    if (bugs.has('session-confirmed-by-nobody')) response.pong = state.ping;
  }

  #spoilBatch(batch: WatchBatch): void {
    const bugs = this.#bugs;
    const splits = bugs.has('watch-splits-a-transaction') || bugs.has('mirror-applies-half-a-batch');
    if (splits && batch.events.length > 1) batch.events = batch.events.slice(0, Math.floor(batch.events.length / 2));
    if (bugs.has('watch-tells-another-previous-value')) {
      for (const event of batch.events) {
        if (event.previousData !== undefined && event.data !== undefined) event.previousData = event.data;
      }
    }
    if (bugs.has('watch-resets-without-snapshot') && batch.snapshot !== undefined) emptied(batch.snapshot);
  }
}

function emptied(part: SnapshotPart): void {
  part.nodes = part.nodes.slice(0, 1);
}
