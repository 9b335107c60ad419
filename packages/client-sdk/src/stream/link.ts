import type { AttachWelcome, ErrorDetail, WatchBatch } from '@zkl/protocol';
import type { ErrorResult, RefusedReply, Reply, StreamOperation } from '@zkl/wire';
import type { AbortListeners } from '../calls/abort-listeners.js';
import { refusalError, type Failure } from '../calls/call-failure.js';
import type { CallOptions } from '../options/call-options.js';
import { requireTimeout } from '../options/resolve-options.js';
import { toBigint } from '../codec/zxid.js';
import { LinkCallers } from './link-callers.js';
import { LinkConnection, type LinkConnectionUser, type LinkHost } from './link-connection.js';
import {
  abortedError,
  closedError,
  deadlineOf,
  garbledOf,
  historyOf,
  isOfAnyServer,
  isOfSession,
  overloaded,
  toRefusal,
  type Refusal,
  UNSUPPORTED,
} from './link-failure.js';
import { LinkIdentity } from './link-identity.js';
import type { LinkSession } from './link-session.js';
import { LinkWatches } from './link-watches.js';
import { controlOperation, noOperation, Operation, type OperationBody, type ToResult } from './operation.js';
import { OperationQueue } from './operation-queue.js';
import { OperationWriter } from './operation-writer.js';
import type { SeenZxid } from './seen-zxid.js';
import type { LinkWatch } from './wire-watch.js';

/** What a link needs beside its connection. */
export interface LinkOptions extends LinkHost {
  readonly seen: SeenZxid;
  readonly abortListeners: AbortListeners;
  readonly session: LinkSession | undefined;
}

/**
 * The operations of one client, or of one of its sessions, on one session stream: pipelined, in order, and sent again in order on
 * another stream, with the numbers they had, when theirs is lost.
 *
 * What is asked for in one turn of the event loop goes out as one message. There is no timer, no abort controller and no closure for an
 * operation; its promise is the caller's.
 */
export class Link implements LinkConnectionUser {
  readonly #options: LinkOptions;
  readonly #connection: LinkConnection;
  readonly #identity = new LinkIdentity();
  readonly #queue: OperationQueue;
  readonly #writer: OperationWriter;
  readonly #callers: LinkCallers;
  readonly #watches = new LinkWatches({
    send: (operation, onReply) => {
      if (this.isOpen) this.#control(operation, onReply);
    },
    want: () => {
      if (!this.isOpen) this.want();
    },
  });
  #flushing = false;
  #full = false;
  #moving = false;
  /** What everything rejects with, once the link has ended. */
  #final: ((operation: Operation) => unknown) | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    const { seen, session, abortListeners } = options;
    this.#connection = new LinkConnection(options, this);
    this.#queue = new OperationQueue(options.options);
    this.#writer = new OperationWriter({
      identity: this.#identity,
      session: session?.id,
      seen: options.options.monotonicReads ? seen : undefined,
    });
    this.#callers = new LinkCallers(abortListeners, {
      onDue: (operation) =>
        this.afterInput(() => this.#leaveOne(operation, () => deadlineOf(operation, this.#connection.problem))),
      onAborted: (operation, signal) => this.#leaveOne(operation, () => abortedError(operation, signal)),
      onNeed: () => this.#keepAlive(),
    });
  }

  /** Whether a stream stands at present. */
  get isOpen(): boolean {
    return this.#connection.open !== undefined;
  }

  /** Sends an operation; resolves with what `toResult` makes of the reply. */
  call<T>(
    body: OperationBody,
    path: string | undefined,
    bytes: number,
    toResult: ToResult,
    options: CallOptions,
  ): Promise<T> {
    const timeoutMs = requireTimeout('timeoutMs', options.timeoutMs, this.#options.options.timeoutMs);
    return new Promise<T>((resolve, reject) => {
      const operation = new Operation(body, path, bytes, toResult, resolve, reject);
      operation.timeoutMs = timeoutMs;
      this.#admit(operation, options.signal);
    });
  }

  /** Puts a watch on the stream, now and after every change of stream, until it is removed. */
  addWatch(watch: LinkWatch): void {
    if (this.#final !== undefined) {
      const error = this.#final(noOperation());
      queueMicrotask(() => watch.onEnd(error));
      return;
    }
    this.#watches.add(watch);
    this.#keepAlive();
  }

  /** Takes a watch off the stream, for good. */
  removeWatch(watch: LinkWatch): void {
    this.#watches.remove(watch);
    this.#keepAlive();
  }

  /** Sends a ping, if a stream stands. */
  ping(number: number): boolean {
    const stream = this.#connection.open;
    stream?.ping(number);
    if (stream !== undefined) this.#connection.armSilence();
    return stream !== undefined;
  }

  /** Runs it once what has arrived meanwhile was looked at, if the process stood still. */
  afterInput(callback: () => void): void {
    const stream = this.#connection.open;
    if (stream === undefined) callback();
    else stream.defer(() => stream.defer(callback));
  }

  /** Makes sure that a stream is being opened. */
  want(): void {
    if (this.#final === undefined) this.#connection.want();
  }

  /** The server to be on has changed. */
  reroute(): void {
    if (this.isOpen && !this.#connection.isWellPlaced) this.#connection.move();
  }

  /** Ends the link: everything that waits, and everything later, rejects. Idempotent. */
  end(error: (operation: Operation) => unknown = closedError): void {
    if (this.#final !== undefined) return;
    this.#final = error;
    this.#connection.close();
    for (const operation of this.#queue.takeAll()) {
      if (!operation.settled) this.#callers.reject(operation, error(operation));
    }
    this.#watches.end(error(noOperation()));
    this.#callers.close();
  }

  // From call to stream.

  #admit(operation: Operation, signal: AbortSignal | undefined): void {
    if (this.#final !== undefined) return this.#callers.refuse(operation, this.#final(operation));
    if (signal?.aborted === true) return this.#callers.refuse(operation, abortedError(operation, signal));
    if (!this.#queue.mayAdd(operation)) return this.#callers.refuse(operation, overloaded(operation));
    this.#queue.add(operation);
    this.#callers.add(operation, signal);
    if (this.#connection.open === undefined) this.#connection.want();
    else this.#flushLater();
  }

  #flushLater(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.#connection.open?.defer(this.#flush);
  }

  /** One message for all that was asked for in this turn, or more when it is much. */
  readonly #flush = (): void => {
    this.#flushing = false;
    const writer = this.#writer;
    let stream = this.#connection.open;
    while (stream !== undefined && !this.#full && !this.#moving) {
      writer.reset();
      const nowMs = performance.now();
      for (let next = this.#queue.nextToSend(); next !== undefined; next = this.#queue.nextToSend()) {
        this.#queue.onSent(next);
        writer.append(next, nowMs);
        if (writer.isFull) break;
      }
      if (writer.isEmpty) break;
      this.#full = !stream.sendOperations(writer.message);
      this.#connection.armSilence();
      stream = this.#connection.open;
    }
  };

  /** An operation of the stream itself. It is not counted among those that wait, and takes its turn like all others. */
  #control(operation: StreamOperation, onReply?: (reply: Reply) => void): void {
    this.#queue.add(controlOperation(operation, onReply));
    this.#flushLater();
  }

  // From the stream to the callers.

  hello() {
    const { session, seen } = this.#options;
    const lastSeenZxid = this.#options.options.monotonicReads ? toBigint(seen.zxid) : 0n;
    if (session === undefined) return { lastSeenZxid };
    const { id, secret } = session;
    return { lastSeenZxid, session: { sessionId: toBigint(id), secret }, attachment: session.nextAttachment() };
  }

  onOpen(welcome: AttachWelcome, helloSentAtMs: number): void {
    this.#full = false;
    this.#moving = false;
    this.#flushing = false;
    this.#keepAlive();
    this.#options.session?.onAttached(welcome.timeoutMs, helloSentAtMs);
    // Watches first: whoever is served on this stream sees no new data before its event. What waits comes after them.
    this.#queue.addFirst(() => this.#watches.putAll());
    this.#flushLater();
  }

  onEvents(batches: readonly WatchBatch[]): void {
    this.#watches.tell(batches);
  }

  onReplies(replies: readonly Reply[]): void {
    const { open, origin } = this.#connection;
    const { seen } = this.#options;
    for (const reply of replies) {
      const operation = this.#queue.inFlight.first;
      if (operation === undefined) return this.#connection.garbled('There are more replies than operations');
      seen.note(reply.zxid);
      if (reply.kind === 'refused' || reply.kind === 'error') {
        if (!this.#onFailure(operation, reply)) return;
      } else {
        this.#answered(operation);
        this.#callers.deliver(operation, reply, origin);
      }
      // A caller may have ended the link, and a refusal may have ended the stream.
      if (this.#connection.open !== open) return;
    }
    this.#connection.served();
    if (origin.serverId !== 0) this.#learnEpoch();
    if (this.#moving && this.#queue.inFlight.first === undefined) this.#connection.move();
    else if (this.#queue.waiting.first !== undefined) this.#flushLater();
  }

  onPong(number: number): void {
    this.#connection.served();
    this.#options.session?.onPong(number);
  }

  onDrain(): void {
    this.#full = false;
    this.#flush();
  }

  onNothingApplied(): void {
    this.#queue.onNothingApplied();
  }

  onDown(): void {
    this.#queue.onDown();
    this.#forgetGivenUp();
    this.#options.session?.onDetached();
  }

  onRefused(detail: ErrorDetail, address: string): boolean {
    if (this.#options.session?.onRefused(detail.code) === true) return true;
    const failure = { kind: 'refused', code: '', message: '', detail } as const;
    this.#giveUpWaiting((operation) => this.#refusalError(operation, failure, address));
    return false;
  }

  onUnsupported(): void {
    this.end(() => UNSUPPORTED);
    this.#options.session?.onUnsupported();
  }

  onGarbled(failure: Failure & { kind: 'garbled' }, address: string): void {
    this.#giveUpWaiting((operation) => garbledOf(operation, failure, address));
  }

  isWaiting(): boolean {
    return this.#queue.inFlight.first !== undefined || this.#options.session?.isWaiting() === true;
  }

  isWanted(): boolean {
    return this.#final === undefined && this.#isNeeded();
  }

  silenceMs(): number {
    const { attemptTimeoutMs } = this.#options.options;
    return Math.min(attemptTimeoutMs, this.#options.session?.silenceMs() ?? attemptTimeoutMs);
  }

  /** The reply that stands for the first operation in flight has come. */
  #answered(operation: Operation): void {
    this.#queue.onAnswered(operation);
    if (operation.isWrite) this.#identity.answered(operation.requestId);
  }

  /** False when the stream was left, and the operation will be sent again. */
  #onFailure(operation: Operation, reply: ErrorResult | RefusedReply): boolean {
    const { body } = operation;
    const refusal = toRefusal(reply);
    if (body.kind === 'control') {
      this.#answered(operation);
      this.#onControlRefused(body.operation, operation, refusal.failure);
      return true;
    }
    if (refusal.retryable && !(operation.settled && body.kind === 'read')) {
      if (refusal.outcome === 'rejected') operation.unsettled = operation.unsettledBefore;
      // Writes behind it are refused too, because they would be out of order: all of them are sent again, from this one on.
      if (isOfAnyServer(reply.code)) this.#connection.pause(refusal.failure);
      else this.#connection.leave(refusal.failure);
      return false;
    }
    this.#answered(operation);
    if (!operation.settled) this.#callers.reject(operation, this.#refusalError(operation, refusal.failure));
    if (isOfSession(reply.code) && this.#options.session?.onRefused(reply.code) === true) return false;
    // The cluster never saw its number, or has forgotten all of them, and so would take none after it.
    if (operation.isWrite && (reply.kind === 'refused' || reply.code === 'CLIENT_FORGOTTEN')) {
      this.#renumber();
      return false;
    }
    return true;
  }

  #onControlRefused(control: StreamOperation, at: Operation, refusal: Refusal): void {
    if (control.kind !== 'watch') return;
    if (this.#watches.onRefused(control.watch.id, this.#refusalError(at, refusal))) this.#connection.leave(refusal);
  }

  /** Begins anew as another client: none of the writes that were sent after one that was refused was, or ever will be, applied. */
  #renumber(): void {
    this.#connection.move();
    this.#identity.renew();
    this.#queue.forgetNumbers();
    this.#connection.want();
  }

  #forgetGivenUp(): void {
    if (this.#queue.removeGivenUp()) this.#identity.renew();
  }

  /** Tells everybody whose operation waits that it is not answered. */
  #giveUpWaiting(errorOf: (operation: Operation) => unknown): void {
    for (const operation of this.#queue.waiting) if (!operation.settled) this.#giveUp(operation, errorOf(operation));
  }

  /** Tells the caller the end of an operation that is not answered. */
  #giveUp(operation: Operation, error: unknown): void {
    if (operation.settled) return;
    this.#callers.reject(operation, error);
    // One that is in flight is answered some time; one that has a number keeps its place for the sake of those after it.
    if (operation.inFlight) {
      // A read that waits for a state which never comes would hold back all behind it; and so would writes that nobody waits for any
      // more, while there is no quorum.
      const isStuck = operation.body.kind === 'read' && operation.body.atLeast !== undefined;
      if (this.#callers.count === 0 || (isStuck && this.#queue.inFlight.first === operation)) this.#connection.move();
      return;
    }
    if (operation.requestId === 0) this.#queue.remove(operation);
    else this.#forgetGivenUp();
  }

  /**
   * One caller waits no more, others do. A write that was refused until now may yet be applied, if those after it that have numbers are sent again: it goes before them, and its caller is not
   * told that it was not (world, seed 310007).
   */
  #leaveOne(operation: Operation, errorOf: () => unknown): void {
    if (operation.settled) return;
    const isNumbered = operation.isWrite && !operation.inFlight && operation.requestId !== 0;
    if (isNumbered && this.#queue.goesBeforeOthers(operation)) operation.unsettled = true;
    this.#giveUp(operation, errorOf());
  }

  #refusalError(operation: Operation, failure: Refusal, address = `server ${this.#connection.origin.serverId}`) {
    return refusalError({ ...historyOf(operation), root: this.#options.options.chroot }, failure, address);
  }

  /** An election is learned of by the epoch of what is answered; where the new leader is, by asking. */
  #learnEpoch(): void {
    const { router, seen } = this.#options;
    if (seen.zxid.epoch > router.epoch) this.#connection.learnEpoch(seen.zxid.epoch);
    if (!this.#moving && !this.#connection.isWellPlaced) this.#moving = true;
  }

  #keepAlive(): void {
    this.#connection.open?.keepAlive(this.#isNeeded());
  }

  #isNeeded(): boolean {
    return this.#callers.count > 0 || this.#watches.size > 0 || this.#options.session !== undefined;
  }
}
