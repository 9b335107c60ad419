import { encodeForwardReplies, encodeForwards, type ForwardAnswer, type ForwardRequest } from './forward-codec.js';
import type { ForwardReply } from './forward-reply.js';
import type { FrameSocket } from './frame-socket.js';
import type { ResolvedPeerLimits } from './peer-limits.js';

interface Waiting {
  readonly done: (reply: ForwardReply) => void;
  readonly bytes: number;
  readonly sinceMs: number;
}

/** The writes forwarded to one peer while a pair of links lasts, and those that the peer forwarded to here. */
export class Forwarding {
  readonly #frames: FrameSocket;
  readonly #limits: ResolvedPeerLimits;
  /** Sent, in the order they were. */
  readonly #waiting = new Map<number, Waiting>();
  #queued: (ForwardRequest & Waiting)[] = [];
  #bytes = 0;
  #nextRequest = 1;
  #flushQueued = false;
  #ended = false;
  /** Writes of the peer that are under way here. */
  #serving = 0;
  #servingBytes = 0;
  #answers: ForwardAnswer[] = [];

  /** `frames`: the outgoing link, for requests and answers alike. */
  constructor(frames: FrameSocket, limits: ResolvedPeerLimits) {
    this.#frames = frames;
    this.#limits = limits;
  }

  /** Queues a write; all that are queued in one turn of the event loop leave together. */
  forward(operation: Uint8Array, done: (reply: ForwardReply) => void): void {
    const bytes = operation.byteLength;
    const under = this.#waiting.size + this.#queued.length;
    if (under >= this.#limits.forwardsMax || this.#bytes + bytes > this.#limits.forwardBytesMax) {
      answerSoon(done, { kind: 'refused', reason: 'overloaded' });
      return;
    }
    this.#bytes += bytes;
    this.#queued.push({ request: this.#nextRequest, operation, done, bytes, sinceMs: performance.now() });
    this.#nextRequest = this.#nextRequest === 0xffff_ffff ? 1 : this.#nextRequest + 1;
    if (this.#flushQueued) return;
    this.#flushQueued = true;
    // Not a microtask: requests of many clients come in callbacks of their own, and are to share a frame.
    setImmediate(() => this.#flush());
  }

  /** The peer's answers. One to a request that is not known (any more) is ignored. */
  onAnswers(answers: readonly ForwardAnswer[]): void {
    for (const { request, reply } of answers) {
      const waiting = this.#waiting.get(request);
      if (waiting === undefined) continue;
      this.#waiting.delete(request);
      this.#bytes -= waiting.bytes;
      waiting.done(reply);
    }
  }

  /** The peer's requests. Each is answered once, while the links last. */
  onRequests(
    requests: readonly ForwardRequest[],
    serve: (operation: Uint8Array, reply: (reply: ForwardReply) => void) => void,
  ): void {
    for (const { request, operation } of requests) {
      const bytes = operation.byteLength;
      if (this.#serving >= this.#limits.forwardsMax || this.#servingBytes + bytes > this.#limits.forwardBytesMax) {
        this.#answer({ request, reply: { kind: 'refused', reason: 'overloaded' } });
        continue;
      }
      this.#serving += 1;
      this.#servingBytes += bytes;
      let answered = false;
      serve(operation, (reply) => {
        if (answered) return;
        answered = true;
        this.#serving -= 1;
        this.#servingBytes -= bytes;
        this.#answer({ request, reply });
      });
    }
  }

  /** Gives up what has waited too long. */
  expire(): void {
    const deadlineMs = performance.now() - this.#limits.forwardTimeoutMs;
    for (const [request, waiting] of this.#waiting) {
      if (waiting.sinceMs > deadlineMs) return;
      this.#waiting.delete(request);
      this.#bytes -= waiting.bytes;
      waiting.done({ kind: 'unknown' });
    }
  }

  /** A link was lost. */
  end(): void {
    this.#ended = true;
    this.#answers = [];
    this.abandon();
  }

  /** The peer's answers are not waited for any more: what was handed to the socket may have arrived, what was not has certainly not. */
  abandon(): void {
    const sent = [...this.#waiting.values()];
    const queued = this.#queued;
    this.#waiting.clear();
    this.#queued = [];
    this.#bytes = 0;
    for (const { done } of sent) done({ kind: 'unknown' });
    for (const { done } of queued) done({ kind: 'refused', reason: 'noQuorum' });
  }

  #flush(): void {
    this.#flushQueued = false;
    const queued = this.#queued;
    if (queued.length === 0) return;
    this.#queued = [];
    for (const request of queued) this.#waiting.set(request.request, request);
    encodeForwards(this.#frames.writer, queued);
    this.#frames.flushSoon();
  }

  #answer(answer: ForwardAnswer): void {
    if (this.#ended) return;
    this.#answers.push(answer);
    if (this.#answers.length > 1) return;
    // All answers of one applied batch are given in one go: a microtask is enough to gather them.
    queueMicrotask(() => {
      const answers = this.#answers;
      this.#answers = [];
      if (this.#ended || answers.length === 0) return;
      encodeForwardReplies(this.#frames.writer, answers);
      this.#frames.flushSoon();
    });
  }
}

/** Answers after the caller's present code has run: `done` is never called from within the call that it was given to. */
export function answerSoon(done: (reply: ForwardReply) => void, reply: ForwardReply): void {
  queueMicrotask(() => done(reply));
}
