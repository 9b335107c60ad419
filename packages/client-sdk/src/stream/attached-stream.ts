import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  AttachHelloSchema,
  AttachRequestSchema,
  AttachResponseSchema,
  SessionService,
  type AttachHello,
  type AttachLeader,
  type AttachResponse,
  type AttachWelcome,
  type ErrorDetail,
  type WatchBatch,
} from '@zkl/protocol';
import { decodeReplies, encodeBytesField, onlyBytesField, type Reply } from '@zkl/wire';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ChannelStream, StreamEnd, StreamingChannel } from '../channel/channel.js';

/** The layout of operations and replies that this client speaks. */
const LAYOUT = 1;
/** `AttachRequest.operations` and `AttachResponse.replies`: what nearly every message is, and nothing else. */
const OPERATIONS_FIELD = 2;
const REPLIES_FIELD = 3;

/** Why a session stream ended. */
export type AttachEnd = StreamEnd | { readonly kind: 'goodbye'; readonly detail: ErrorDetail };

/** Whom a session stream tells what came. */
export interface AttachListener {
  onWelcome(welcome: AttachWelcome): void;
  /** Another server leads than was told before, or nobody: comes before the replies of which it is true. */
  onLeader(leader: AttachLeader): void;
  onEvents(batches: readonly WatchBatch[]): void;
  onReplies(replies: readonly Reply[]): void;
  onPong(number: number): void;
  onDrain(): void;
  /** Called once, but not after `close`. */
  onEnd(end: AttachEnd): void;
}

/** One `SessionService.Attach`: its messages, on one stream of one channel. Knows no operation, and sends nothing again. */
export class AttachedStream {
  readonly #listener: AttachListener;
  readonly #stream: ChannelStream;
  #welcomed = false;
  #ended = false;

  constructor(
    channel: StreamingChannel,
    hello: Omit<MessageInitShape<typeof AttachHelloSchema>, 'layout' | '$typeName'>,
    listener: AttachListener,
  ) {
    this.#listener = listener;
    this.#stream = channel.openStream(SessionService.method.attach, {
      onMessage: (message) => this.#onMessage(message),
      onDrain: () => listener.onDrain(),
      onEnd: (end) => this.#end(end),
    });
    const first: AttachHello = create(AttachHelloSchema, { ...hello, layout: LAYOUT });
    this.#stream.send(toBinary(AttachRequestSchema, create(AttachRequestSchema, { hello: first })));
  }

  /** Sends operations in the compact layout, at least one. False: enough is under way, wait for `onDrain`. */
  sendOperations(operations: Uint8Array): boolean {
    return this.#stream.send(encodeBytesField(OPERATIONS_FIELD, operations));
  }

  ping(number: number): void {
    this.#stream.send(toBinary(AttachRequestSchema, create(AttachRequestSchema, { ping: BigInt(number) })));
  }

  /** See {@link ChannelStream.defer}. */
  defer(callback: () => void): void {
    this.#stream.defer(callback);
  }

  /** See {@link ChannelStream.keepAlive}. */
  keepAlive(on: boolean): void {
    this.#stream.keepAlive(on);
  }

  /** Ends the stream; nothing is told any more. Idempotent. */
  close(): void {
    this.#ended = true;
    this.#stream.close();
  }

  #onMessage(message: Uint8Array): void {
    if (this.#ended) return;
    const onlyReplies = this.#welcomed ? onlyBytesField(REPLIES_FIELD, message) : undefined;
    if (onlyReplies !== undefined) return this.#onReplies(onlyReplies);
    let response: AttachResponse;
    try {
      response = fromBinary(AttachResponseSchema, message, { readUnknownFields: false });
    } catch (error) {
      this.#garbled('A message of the session stream cannot be decoded', error);
      return;
    }
    const { welcome, leader, events, replies, pong, goodbye } = response;
    if (!this.#welcomed && goodbye === undefined) {
      if (welcome?.layout !== LAYOUT) return this.#garbled('The server does not begin with a welcome in layout 1');
      this.#welcomed = true;
      this.#listener.onWelcome(welcome);
    }
    if (leader !== undefined && !this.#ended) this.#listener.onLeader(leader);
    if (events.length > 0 && !this.#ended) this.#listener.onEvents(events);
    if (replies.length > 0 && !this.#ended) this.#onReplies(replies);
    if (pong > 0n && !this.#ended) this.#listener.onPong(Number(pong));
    if (goodbye !== undefined) {
      this.#stream.close();
      this.#end({ kind: 'goodbye', detail: goodbye });
    }
  }

  #onReplies(replies: Uint8Array): void {
    const decoded = decodeReplies(replies);
    if (decoded === undefined) return this.#garbled('A reply of the session stream cannot be decoded');
    return this.#listener.onReplies(decoded);
  }

  #garbled(reason: string, cause?: unknown): void {
    this.#stream.close();
    this.#end({ kind: 'garbled', reason, cause });
  }

  #end(end: AttachEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#listener.onEnd(end);
  }
}
