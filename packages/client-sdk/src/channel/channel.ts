import type {
  DescMessage,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageShape,
} from '@bufbuild/protobuf';
import type { ErrorDetail } from '@zkl/protocol';

/** A unary method of a generated service. */
export type UnaryMethod<I extends DescMessage, O extends DescMessage> = DescMethodUnary<I, O>;

/** What became of one request on one connection. */
export type UnaryResult<T> =
  | { readonly kind: 'answer'; readonly message: T }
  /** The server said no. Without `detail` it was not zkl's own code that said it. */
  | {
      readonly kind: 'refused';
      /** Connect's name of the code: `not_found`, `unavailable`. */
      readonly code: string;
      readonly message: string;
      readonly detail: ErrorDetail | undefined;
    }
  /** No answer will come. `sent` is false only when the server certainly did not act on the request. */
  | { readonly kind: 'lost'; readonly sent: boolean; readonly reason: string; readonly cause: unknown }
  /** An answer came that makes no sense: not zkl, damaged, or larger than allowed. */
  | { readonly kind: 'garbled'; readonly reason: string; readonly cause: unknown };

/** How a stream ended: as a request does, or the server does not know it. `lost` without a reason of its own is an ordinary end. */
export type StreamEnd = Exclude<UnaryResult<never>, { kind: 'answer' }> | { readonly kind: 'unimplemented' };

/** Whom a stream tells what happens. Nothing is told before `openStream` has returned, and nothing after `onEnd`. */
export interface StreamListener {
  /** One whole message. The bytes are the listener's. */
  onMessage(message: Uint8Array): void;
  /** There is room again after `send` answered false. */
  onDrain(): void;
  /** Called once, but not after `close`. */
  onEnd(end: StreamEnd): void;
}

/** A stream of messages in both directions. */
export interface ChannelStream {
  /** Sends a message, whose bytes must not be changed after. False: enough is under way, wait for `onDrain`. Never refuses. */
  send(message: Uint8Array): boolean;
  /** Runs it after everything that this turn of the event loop brings, once what arrived has been looked at. */
  defer(callback: () => void): void;
  /** Whether the stream keeps the process alive. Initially: yes. */
  keepAlive(on: boolean): void;
  /** Ends the stream; nothing is told any more. Idempotent. */
  close(): void;
}

/**
 * Gives up a request: its result is not reported any more, and the server is told, where the protocol can. True when the
 * request may have reached the server. Does nothing, and returns false, after the result was reported.
 */
export type CancelCall = () => boolean;

/**
 * One connection to one server. Knows neither other servers nor retries. It connects when first used, and again when used
 * after the connection broke; it never fails by an exception, and reports every result exactly once.
 */
export interface Channel {
  /**
   * Sends a request. Results of different requests come in any order.
   *
   * @param timeoutMs - Told to the server, so that it answers before rather than after: what stood in the way, say. Nothing happens
   *   here when it has passed. Undefined: it is not told.
   * @param onResult - Called once, never before `unary` has returned.
   */
  unary<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    request: MessageShape<I>,
    timeoutMs: number | undefined,
    onResult: (result: UnaryResult<MessageShape<O>>) => void,
  ): CancelCall;
  /** Opens a stream in both directions. Absent where there is none: browsers cannot stream requests. */
  openStream?(method: DescMethodBiDiStreaming, listener: StreamListener): ChannelStream;
  /**
   * Sends one request that is answered by a stream of messages. Where it is absent, streams in both directions do what it would.
   *
   * @param onMessage - The next message is read when what it returns has resolved: that is the back-pressure.
   * @param onEnd - Called once, unless the call was given up before.
   * @returns How to give it up.
   */
  serverStream?<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageShape<I>,
    onMessage: (message: MessageShape<O>) => Promise<void> | void,
    onEnd: (end: StreamEnd) => void,
  ): () => void;
  /**
   * Asks the connection itself for a sign of life. If none comes in time the connection is dead, and all its requests are lost.
   * Does nothing while one is awaited, and where connections cannot be asked.
   */
  probe(timeoutMs: number): void;
  /** When the last sign of life that was asked for came, on the clock of `performance.now()`; 0 for never. */
  readonly aliveAtMs: number;
  /** Ends the connection; requests under way are lost. Idempotent. */
  close(): void;
}

/** A channel that opens streams in both directions. */
export type StreamingChannel = Channel & Required<Pick<Channel, 'openStream'>>;

/** Whether a channel opens streams in both directions. */
export function canStream(channel: Channel): channel is StreamingChannel {
  return channel.openStream !== undefined;
}

/** What a channel is made for. */
export interface ChannelTarget {
  /** `http://host:port` or `https://host:port`, for browsers also with a path; without a slash at the end. */
  readonly url: string;
  /** The largest reply that is read, in bytes. */
  readonly messageBytesMax: number;
}

/** Makes channels: HTTP/2 in Node.js, fetch in browsers. Does not connect yet. */
export type OpenChannel = (target: ChannelTarget) => Channel;
