import type { Zxid } from '@zkl/consensus';
import type { AttachResponse } from '@zkl/protocol';
import type { Failure } from '../request/failure.js';
import { goodbyeMessage, stepMessage, welcomeMessage, type OutboxContext } from './attach-messages.js';
import type { StreamPort, StreamStep } from './stream-output.js';

/** Steps that wait for the transport, at most: beyond it the stream makes no more. */
const STEPS_MAX = 64;
const REPLY_BYTES_MAX = 1024 * 1024;

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
    this.#push(welcomeMessage(this.#context, zxid, timeoutMs));
  }

  step(step: StreamStep): void {
    this.#replyBytes += step.replies.byteLength;
    // It is a view that holds for this call only, and the message waits.
    this.#push(stepMessage({ ...step, replies: step.replies.slice() }));
  }

  goodbye(failure: Failure | undefined): void {
    this.#ended = true;
    if (failure === undefined) return this.#wake();
    return this.#push(goodbyeMessage(this.#context, failure));
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
