import type { DescMessage, DescMethodServerStreaming, MessageShape } from '@bufbuild/protobuf';
import { Code, ConnectError, type Transport } from '@connectrpc/connect';
import { codeToString } from '@connectrpc/connect/protocol-connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import { ErrorDetailSchema } from '@zkl/protocol';
import type { CancelCall, Channel, ChannelTarget, StreamEnd, UnaryMethod, UnaryResult } from '../channel.js';
import { boundedFetch, FetchFailed, ReplyTooLarge } from './bounded-fetch.js';

/** Codes that a proxy gives when the server behind it is away, or the way to it broke. */
const PASSING_CODES = new Set([Code.Unavailable, Code.DeadlineExceeded, Code.Canceled]);

/** A {@link Channel} over `fetch`, by Connect-Web. The browser keeps the connections, and never tells whether a request left. */
class WebChannel implements Channel {
  readonly #transport: Transport;
  readonly #streams: Transport;
  readonly #controllers = new Set<AbortController>();
  #closed = false;

  constructor(target: ChannelTarget) {
    this.#transport = createConnectTransport({
      baseUrl: target.url,
      useBinaryFormat: true,
      fetch: boundedFetch(target.messageBytesMax),
    });
    // A stream goes on for ever, and so has no bound in all.
    this.#streams = createConnectTransport({ baseUrl: target.url, useBinaryFormat: true });
  }

  unary<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    request: MessageShape<I>,
    timeoutMs: number | undefined,
    onResult: (result: UnaryResult<MessageShape<O>>) => void,
  ): CancelCall {
    const controller = new AbortController();
    this.#controllers.add(controller);
    if (this.#closed) controller.abort();
    const settle = (result: UnaryResult<MessageShape<O>>): void => {
      if (this.#controllers.delete(controller)) onResult(result);
    };
    // As a header only: Connect's own timer would be a second one.
    const header = timeoutMs === undefined ? undefined : { 'connect-timeout-ms': String(Math.ceil(timeoutMs)) };
    // The message is a valid one of its type; Connect's parameter is its initialiser, which the generic cannot show.
    this.#transport
      .unary(method, controller.signal, undefined, header, request as Parameters<Transport['unary']>[4] as never)
      .then((response) => settle({ kind: 'answer', message: response.message }))
      .catch((error: unknown) => settle(toResult(error)));
    return () => {
      if (!this.#controllers.delete(controller)) return false;
      controller.abort();
      return true;
    };
  }

  serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageShape<I>,
    onMessage: (message: MessageShape<O>) => Promise<void> | void,
    onEnd: (end: StreamEnd) => void,
  ): () => void {
    const controller = new AbortController();
    this.#controllers.add(controller);
    const { signal } = controller;
    const end = (ended: StreamEnd): void => {
      if (this.#controllers.delete(controller)) onEnd(ended);
    };
    const read = async (): Promise<void> => {
      const requests = (async function* () {
        yield request as never;
      })();
      const { message } = await this.#streams.stream(method, signal, undefined, undefined, requests);
      for await (const response of message) {
        if (signal.aborted) return;
        await onMessage(response);
      }
    };
    if (this.#closed) controller.abort();
    read().then(
      () => end({ kind: 'lost', sent: true, reason: 'The server ended the stream', cause: undefined }),
      (error: unknown) => end(toStreamEnd(error)),
    );
    return () => {
      if (this.#controllers.delete(controller)) controller.abort();
    };
  }

  readonly aliveAtMs = 0;

  /** Does nothing: connections are the browser's. */
  probe(): void {}

  close(): void {
    this.#closed = true;
    for (const controller of this.#controllers) controller.abort();
  }
}

function toStreamEnd(thrown: unknown): StreamEnd {
  const result = toResult(thrown);
  if (result.kind === 'answer') return { kind: 'garbled', reason: 'The stream is none', cause: undefined };
  const isUnknown = ConnectError.from(thrown).code === Code.Unimplemented && result.kind !== 'refused';
  return isUnknown ? { kind: 'unimplemented' } : result;
}

function toResult(thrown: unknown): UnaryResult<never> {
  const error = ConnectError.from(thrown);
  const reason = error.rawMessage === '' ? 'The request failed' : error.rawMessage;
  if (error.cause instanceof ReplyTooLarge) return { kind: 'garbled', reason, cause: error.cause };
  if (error.cause instanceof FetchFailed) return { kind: 'lost', sent: true, reason, cause: error.cause };
  const [detail] = error.findDetails(ErrorDetailSchema);
  if (detail !== undefined)
    return { kind: 'refused', code: codeToString(error.code), message: error.rawMessage, detail };
  if (PASSING_CODES.has(error.code)) return { kind: 'lost', sent: true, reason, cause: thrown };
  return { kind: 'garbled', reason, cause: thrown };
}

/** Makes a channel for browsers. */
export function openWebChannel(target: ChannelTarget): Channel {
  return new WebChannel(target);
}
