import { create } from '@bufbuild/protobuf';
import type { Zxid } from '@zkl/consensus';
import { AttachResponseSchema, type AttachResponse, type ResponseHeader } from '@zkl/protocol';
import { errorDetail } from '../errors/connect-error.js';
import { ERROR_CODES } from '@zkl/wire';
import type { Failure } from '../request/failure.js';
import { STREAM_LAYOUT } from './stream-attachment.js';
import type { StreamPort, StreamStep } from './stream-output.js';

/** Steps that wait for the transport, at most: beyond it the stream makes no more. */
const STEPS_MAX = 64;
const REPLY_BYTES_MAX = 1024 * 1024;

/** What the messages say of the server. */
export interface OutboxContext {
  readonly header: (zxid: Zxid) => ResponseHeader;
  readonly leaderId: () => number;
  readonly valueBytesMax: number;
}

/** The port of a stream over Connect: messages that wait until the transport takes them. */
export class AttachOutbox implements StreamPort {
  readonly #context: OutboxContext;
  #messages: AttachResponse[] = [];
  #replyBytes = 0;
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(context: OutboxContext) {
    this.#context = context;
  }

  get writable(): boolean {
    return this.#messages.length < STEPS_MAX && this.#replyBytes < REPLY_BYTES_MAX;
  }

  /** True when the last message was taken. */
  get done(): boolean {
    return this.#ended && this.#messages.length === 0;
  }

  welcome(zxid: Zxid, timeoutMs: number): void {
    const { header, valueBytesMax } = this.#context;
    const welcome = { header: header(zxid), timeoutMs, layout: STREAM_LAYOUT, valueBytesMax };
    this.#push(create(AttachResponseSchema, { welcome }));
  }

  step({ events, replies, pong }: StreamStep): void {
    this.#replyBytes += replies.byteLength;
    const message = create(AttachResponseSchema, { replies, pong: BigInt(pong) });
    message.events = events as AttachResponse['events'];
    this.#push(message);
  }

  goodbye(failure: Failure | undefined): void {
    this.#ended = true;
    if (failure === undefined) return this.#wake();
    const goodbye = errorDetail(failure, this.#context.leaderId());
    // What is special about this case says more than the code's own words.
    goodbye.hint = failure.message ?? ERROR_CODES[failure.code].hint;
    return this.#push(create(AttachResponseSchema, { goodbye }));
  }

  /** All that waits. */
  take(): AttachResponse[] {
    const messages = this.#messages;
    this.#messages = [];
    this.#replyBytes = 0;
    return messages;
  }

  /** Resolves when something waits, or the stream has ended. */
  async whenFilled(): Promise<void> {
    if (this.#messages.length > 0 || this.#ended) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  #push(message: AttachResponse): void {
    this.#messages.push(message);
    this.#wake();
  }
}
