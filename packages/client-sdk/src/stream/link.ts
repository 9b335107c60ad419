// over 400 lines: the life of a link's operations, from call to reply, is one state machine.
import type { AttachWelcome, ErrorDetail, WatchBatch } from '@zkl/protocol';
import {
  appendOperation,
  appendWrite,
  ByteWriter,
  compareZxids,
  ERROR_CODES,
  type ErrorResult,
  type RefusedReply,
  type Reply,
  type SessionId,
} from '@zkl/wire';
import type { AbortListeners, Interruptible } from '../calls/abort-listeners.js';
import { refusalError, type CallHistory, type Failure } from '../calls/call-failure.js';
import { GarbledReply } from '../calls/operation.js';
import { makeError, type ZklError } from '../errors/zkl-error.js';
import type { CallOptions } from '../options/call-options.js';
import { requireTimeout } from '../options/resolve-options.js';
import { toBigint } from '../codec/zxid.js';
import { Deadlines } from './deadlines.js';
import { LinkConnection, type LinkConnectionUser, type LinkHost } from './link-connection.js';
import { closedError, deadlineOf, historyOf, overloaded, toRefusal } from './link-failure.js';
import { LinkIdentity } from './link-identity.js';
import { LinkWatches } from './link-watches.js';
import { Operation, OperationList, type OperationBody, type ToResult } from './operation.js';
import type { SeenZxid } from './seen-zxid.js';
import type { LinkWatch } from './wire-watch.js';

/** What goes into one message, in bytes: larger ones gain nothing, and hold back what comes after. One operation may be larger. */
const MESSAGE_BYTES = 131_072;
/** Bytes of writes that are sent and not answered, at most. */
const WRITE_BYTES_IN_FLIGHT_MAX = 16_777_216;
/** Bytes of writes that wait in the client, at most. */
const WRITE_BYTES_QUEUED_MAX = 268_435_456;
/** Refusals of a server that serves, but not this now: another server would say the same. */
const WAIT_CODES: ReadonlySet<string> = new Set(['THROTTLED', 'DISK_FULL', 'TOO_MANY_CLIENTS', 'TOO_MANY_REQUESTS']);
/** Refusals that end a session. */
const SESSION_CODES: ReadonlySet<string> = new Set(['SESSION_EXPIRED', 'SESSION_MOVED']);

/** What the operations of a link reject with when no server knows session streams; never shown to callers. */
export const UNSUPPORTED = Symbol('session streams are not supported');

/** The session that a link is attached to. */
export interface LinkSession {
  readonly id: SessionId;
  readonly secret: Uint8Array;
  /** 1, 2, 3, ...: of each stream that is opened for it. */
  nextAttachment(): bigint;
  /** The stream stands: the cluster counts the session as alive from after the hello was sent. */
  onAttached(timeoutMs: number, helloSentAtMs: number): void;
  onPong(number: number): void;
  onDetached(): void;
  /** The cluster refused for good. True when that is the end of the session. */
  onRefused(code: string): boolean;
  /** No server knows session streams. */
  onUnsupported(): void;
  /** How long a server may be silent before another one is tried, in milliseconds. */
  silenceMs(): number;
  /** Whether a pong is awaited. */
  isWaiting(): boolean;
}

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
  readonly #deadlines = new Deadlines((operation) => this.#onDue(operation));
  /** Not sent on the present stream. Those that were sent on an earlier one stand first, in the order of their numbers. */
  readonly #queue = new OperationList();
  /** Sent on the present stream: replies come in this order. */
  readonly #inFlight = new OperationList();
  readonly #byInterruptible = new Map<Operation, Interruptible>();
  readonly #watches = new LinkWatches({
    send: (operation, onReply) => {
      if (this.isOpen) this.#control(operation, onReply);
    },
    want: () => {
      if (!this.isOpen) this.want();
    },
  });
  readonly #writer = new ByteWriter(16_384);
  #writesInFlight = 0;
  #readsInFlight = 0;
  #bytesInFlight = 0;
  #writesQueued = 0;
  #readsQueued = 0;
  #bytesQueued = 0;
  /** Operations whose callers wait. */
  #live = 0;
  #flushing = false;
  #full = false;
  #moving = false;
  /** What everything rejects with, once the link has ended. */
  #final: ((operation: Operation) => unknown) | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#connection = new LinkConnection(options, this);
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
    for (const list of [this.#inFlight, this.#queue]) {
      for (const operation of list) {
        list.remove(operation);
        if (!operation.settled) this.#reject(operation, error(operation));
      }
    }
    this.#watches.end(error(noOperation()));
    this.#deadlines.close();
  }

  // From call to stream.

  #admit(operation: Operation, signal: AbortSignal | undefined): void {
    const { options, abortListeners } = this.#options;
    if (this.#final !== undefined) return this.#refuse(operation, this.#final(operation));
    if (signal?.aborted === true) return this.#refuse(operation, abortedError(operation, signal));
    if (operation.isWrite) {
      const tooMuch = this.#bytesQueued + operation.bytes > WRITE_BYTES_QUEUED_MAX;
      const waiting = this.#writesQueued + 1 - (options.writesInFlightMax - this.#writesInFlight);
      if (waiting > options.writesQueuedMax || tooMuch) return this.#refuse(operation, overloaded(operation));
    } else if (this.#readsQueued + 1 - (options.readsInFlightMax - this.#readsInFlight) > options.readsQueuedMax) {
      return this.#refuse(operation, overloaded(operation));
    }
    if (signal !== undefined) {
      operation.signal = signal;
      const interruptible = { interrupt: () => this.#leaveOne(operation, () => abortedError(operation, signal)) };
      this.#byInterruptible.set(operation, interruptible);
      abortListeners.add(signal, interruptible);
    }
    this.#deadlines.add(operation, performance.now());
    this.#enqueue(operation);
    this.#live += 1;
    if (this.#live === 1) this.#keepAlive();
    if (this.#connection.open === undefined) this.#connection.want();
    else this.#flushLater();
  }

  #refuse(operation: Operation, error: unknown): void {
    operation.settled = true;
    operation.reject(error);
  }

  #enqueue(operation: Operation): void {
    this.#queue.append(operation);
    this.#countQueued(operation, 1);
  }

  #countQueued(operation: Operation, by: 1 | -1): void {
    if (operation.isWrite) this.#writesQueued += by;
    else this.#readsQueued += by;
    this.#bytesQueued += by * operation.bytes;
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
      for (let next = this.#queue.first; next !== undefined && this.#hasRoomFor(next); next = this.#queue.first) {
        this.#send(next, nowMs);
        if (writer.length >= MESSAGE_BYTES) break;
      }
      if (writer.length === 0) break;
      this.#full = !stream.sendOperations(writer.bytes.subarray(0, writer.length));
      this.#connection.armSilence();
      stream = this.#connection.open;
    }
  };

  #hasRoomFor(operation: Operation): boolean {
    const { writesInFlightMax, readsInFlightMax } = this.#options.options;
    if (!operation.isWrite) return this.#readsInFlight < readsInFlightMax;
    if (this.#writesInFlight === 0) return true;
    return (
      this.#writesInFlight < writesInFlightMax && this.#bytesInFlight + operation.bytes <= WRITE_BYTES_IN_FLIGHT_MAX
    );
  }

  #send(operation: Operation, nowMs: number): void {
    const { body } = operation;
    this.#queue.remove(operation);
    this.#countQueued(operation, -1);
    this.#inFlight.append(operation);
    operation.attempts += 1;
    operation.inFlight = true;
    if (body.kind === 'write') {
      operation.unsettledBefore = operation.unsettled;
      operation.unsettled = true;
      if (operation.requestId === 0) operation.requestId = this.#identity.take(nowMs);
      this.#writesInFlight += 1;
      this.#bytesInFlight += operation.bytes;
      const session = this.#options.session?.id;
      appendWrite(
        body.command,
        { writeId: this.#identity.writeId(operation.requestId), session, ordered: true },
        this.#writer,
      );
      return;
    }
    this.#readsInFlight += 1;
    if (body.kind === 'control') return appendOperation(body.operation, this.#writer);
    const { query, linearizable } = body;
    let { atLeast } = body;
    if (!linearizable && this.#options.options.monotonicReads) {
      const seen = this.#options.seen.zxid;
      if (atLeast === undefined || compareZxids(seen, atLeast) > 0) atLeast = seen;
    }
    appendOperation({ kind: 'read', query, linearizable, atLeast }, this.#writer);
  }

  /** An operation of the stream itself. It is not counted among those that wait, and takes its turn like all others. */
  #control(operation: Parameters<typeof appendOperation>[0], onReply: (reply: Reply) => void = () => undefined): void {
    this.#enqueue(
      new Operation(
        { kind: 'control', operation },
        undefined,
        0,
        onReply,
        () => undefined,
        () => undefined,
      ),
    );
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
    const waiting = new OperationList();
    waiting.prependAll(this.#queue);
    this.#watches.putAll();
    waiting.prependAll(this.#queue);
    this.#queue.prependAll(waiting);
    this.#flushLater();
  }

  onEvents(batches: readonly WatchBatch[]): void {
    this.#watches.tell(batches);
  }

  onReplies(replies: readonly Reply[]): void {
    const { open, origin } = this.#connection;
    const { seen } = this.#options;
    for (const reply of replies) {
      const operation = this.#inFlight.first;
      if (operation === undefined) return this.#connection.garbled('There are more replies than operations');
      seen.note(reply.zxid);
      if (reply.kind === 'refused' || reply.kind === 'error') {
        if (!this.#onFailure(operation, reply)) return;
      } else {
        this.#answered(operation);
        this.#deliver(operation, reply);
      }
      // A caller may have ended the link, and a refusal may have ended the stream.
      if (this.#connection.open !== open) return;
    }
    this.#connection.served();
    if (origin.serverId !== 0) this.#learnEpoch();
    if (this.#moving && this.#inFlight.first === undefined) this.#connection.move();
    else if (this.#queue.first !== undefined) this.#flushLater();
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
    for (const operation of this.#inFlight) operation.unsettled = operation.unsettledBefore;
  }

  onDown(): void {
    for (const operation of this.#inFlight) {
      // Of the stream itself, or a read that nobody waits for any more.
      operation.inFlight = false;
      const isOver = operation.body.kind === 'control' || (operation.settled && !operation.isWrite);
      if (isOver) this.#inFlight.remove(operation);
      else this.#countQueued(operation, 1);
    }
    for (const operation of this.#queue) if (operation.body.kind === 'control') this.#dequeue(operation);
    this.#queue.prependAll(this.#inFlight);
    this.#writesInFlight = 0;
    this.#readsInFlight = 0;
    this.#bytesInFlight = 0;
    this.#forgetGivenUp();
    this.#options.session?.onDetached();
  }

  onRefused(detail: ErrorDetail, address: string): boolean {
    const { session } = this.#options;
    if (session?.onRefused(detail.code) === true) return true;
    for (const operation of this.#queue) {
      if (operation.settled) continue;
      const failure = { kind: 'refused', code: '', message: '', detail } as const;
      const error = refusalError(this.#history(operation), failure, address);
      this.#giveUp(operation, error);
    }
    return false;
  }

  onUnsupported(): void {
    this.end(() => UNSUPPORTED);
    this.#options.session?.onUnsupported();
  }

  onGarbled(failure: Failure & { kind: 'garbled' }, address: string): void {
    for (const operation of this.#queue)
      if (!operation.settled) this.#giveUp(operation, garbledOf(operation, failure, address));
  }

  isWaiting(): boolean {
    return this.#inFlight.first !== undefined || this.#options.session?.isWaiting() === true;
  }

  isWanted(): boolean {
    if (this.#final !== undefined) return false;
    return this.#live > 0 || this.#watches.size > 0 || this.#options.session !== undefined;
  }

  silenceMs(): number {
    const { attemptTimeoutMs } = this.#options.options;
    return Math.min(attemptTimeoutMs, this.#options.session?.silenceMs() ?? attemptTimeoutMs);
  }

  /** The reply that stands for the first operation in flight has come. */
  #answered(operation: Operation): void {
    this.#inFlight.remove(operation);
    operation.inFlight = false;
    if (operation.isWrite) {
      this.#writesInFlight -= 1;
      this.#bytesInFlight -= operation.bytes;
      this.#identity.answered(operation.requestId);
    } else this.#readsInFlight -= 1;
  }

  #deliver(operation: Operation, reply: Reply): void {
    if (operation.settled) return;
    if (operation.body.kind === 'control') {
      operation.toResult(reply, this.#connection.origin);
      return;
    }
    let result: unknown;
    try {
      result = operation.toResult(reply, this.#connection.origin);
    } catch (error) {
      if (!(error instanceof GarbledReply)) return this.#reject(operation, error);
      const failure = { kind: 'garbled', reason: error.message, cause: undefined } as const;
      return this.#reject(operation, garbledOf(operation, failure, String(this.#connection.origin.serverId)));
    }
    this.#settle(operation);
    operation.resolve(result as never);
  }

  /** False when the stream was left, and the operation will be sent again. */
  #onFailure(operation: Operation, reply: ErrorResult | RefusedReply): boolean {
    const { body } = operation;
    const refusal = toRefusal(reply);
    const retryable = reply.kind === 'refused' ? reply.retryable : ERROR_CODES[reply.code].retryable;
    if (body.kind === 'control') {
      this.#answered(operation);
      this.#onControlRefused(body.operation, operation, refusal);
      return true;
    }
    if (retryable && !(operation.settled && body.kind === 'read')) {
      if (refusal.outcome === 'rejected') operation.unsettled = operation.unsettledBefore;
      // Writes behind it are refused too, because they would be out of order: all of them are sent again, from this one on.
      if (WAIT_CODES.has(reply.code) || reply.code === 'OUT_OF_ORDER') this.#connection.pause(refusal.failure);
      else this.#connection.leave(refusal.failure);
      return false;
    }
    this.#answered(operation);
    const error = refusalError(this.#history(operation), refusal.failure, `server ${this.#connection.origin.serverId}`);
    if (!operation.settled) this.#reject(operation, error);
    const { session } = this.#options;
    if (SESSION_CODES.has(reply.code) && session?.onRefused(reply.code) === true) return false;
    // The cluster never saw its number, and so would take none after it.
    if (operation.isWrite && reply.kind === 'refused') {
      this.#renumber();
      return false;
    }
    if (operation.isWrite && reply.code === 'CLIENT_FORGOTTEN') {
      this.#renumber();
      return false;
    }
    return true;
  }

  #onControlRefused(
    { kind, ...operation }: Parameters<typeof appendOperation>[0],
    at: Operation,
    refusal: ReturnType<typeof toRefusal>,
  ): void {
    if (kind !== 'watch' || !('watch' in operation)) return;
    const error = refusalError(this.#history(at), refusal.failure, `server ${this.#connection.origin.serverId}`);
    if (this.#watches.onRefused(operation.watch.id, error)) this.#connection.leave(refusal.failure);
  }

  /** Begins anew as another client: none of the writes that were sent after one that was refused was, or ever will be, applied. */
  #renumber(): void {
    this.#connection.move();
    this.#identity.renew();
    for (const operation of this.#queue) {
      operation.requestId = 0;
      operation.unsettled = operation.unsettledBefore = false;
      if (operation.settled) this.#dequeue(operation);
    }
    this.#connection.want();
  }

  /** Writes that were sent and given up are sent again only for the sake of later ones that were sent: else they end here. */
  #forgetGivenUp(): void {
    let given = 0;
    for (const operation of this.#queue) {
      // Reads stand between them, and have no numbers.
      if (!operation.isWrite) continue;
      if (operation.requestId === 0) break;
      if (!operation.settled) return;
      given += 1;
    }
    if (given === 0) return;
    for (const operation of this.#queue) if (operation.requestId !== 0) this.#dequeue(operation);
    this.#identity.renew();
  }

  #dequeue(operation: Operation): void {
    this.#queue.remove(operation);
    this.#countQueued(operation, -1);
  }

  /** Tells the caller the end of an operation that is not answered. */
  #giveUp(operation: Operation, error: unknown): void {
    if (operation.settled) return;
    this.#reject(operation, error);
    // One that is in flight is answered some time; one that has a number keeps its place for the sake of those after it.
    if (operation.inFlight) {
      // A read that waits for a state which never comes would hold back all behind it; and so would writes that nobody waits for any
      // more, while there is no quorum.
      const isStuck = operation.body.kind === 'read' && operation.body.atLeast !== undefined;
      if (this.#live === 0 || (isStuck && this.#inFlight.first === operation)) this.#connection.move();
      return;
    }
    if (operation.requestId === 0) this.#dequeue(operation);
    else this.#forgetGivenUp();
  }

  /**
   * One caller waits no more, others do. A write that was refused until now may yet be applied, if those after it that have numbers are sent again: it goes before them, and its caller is not
   * told that it was not (world, seed 310007).
   */
  #leaveOne(operation: Operation, errorOf: () => unknown): void {
    if (operation.settled) return;
    if (operation.isWrite && !operation.inFlight && operation.requestId !== 0 && this.#goesBeforeOthers(operation)) {
      operation.unsettled = true;
    }
    this.#giveUp(operation, errorOf());
  }

  /** Whether somebody waits for another write of those that have numbers and are not on their way: as long as one does, all of them are sent again. */
  #goesBeforeOthers(operation: Operation): boolean {
    for (const other of this.#queue) {
      if (!other.isWrite) continue;
      if (other.requestId === 0) return false;
      if (other !== operation && !other.settled) return true;
    }
    return false;
  }

  #reject(operation: Operation, error: unknown): void {
    this.#settle(operation);
    operation.reject(error);
  }

  #history(operation: Operation): CallHistory {
    return { ...historyOf(operation), root: this.#options.options.chroot };
  }

  #settle(operation: Operation): void {
    operation.settled = true;
    this.#deadlines.remove(operation);
    if (operation.signal !== undefined) {
      const interruptible = this.#byInterruptible.get(operation);
      this.#byInterruptible.delete(operation);
      if (interruptible !== undefined) this.#options.abortListeners.remove(operation.signal, interruptible);
    }
    if (operation.body.kind === 'control') return;
    this.#live -= 1;
    if (this.#live === 0) this.#keepAlive();
  }

  #onDue(operation: Operation): void {
    this.afterInput(() => this.#leaveOne(operation, () => deadlineOf(operation, this.#connection.problem)));
  }

  /** An election is learned of by the epoch of what is answered; where the new leader is, by asking. */
  #learnEpoch(): void {
    const { router, seen } = this.#options;
    if (seen.zxid.epoch > router.epoch) this.#connection.learnEpoch(seen.zxid.epoch);
    if (!this.#moving && !this.#connection.isWellPlaced) this.#moving = true;
  }

  #keepAlive(): void {
    const isNeeded = this.#live > 0 || this.#watches.size > 0 || this.#options.session !== undefined;
    this.#connection.open?.keepAlive(isNeeded);
  }
}

/** Stands for what is no operation where an error is made for one. */
function noOperation(): Operation {
  const nothing = (): void => undefined;
  return new Operation({ kind: 'control', operation: { kind: 'sync' } }, undefined, 0, nothing, nothing, nothing);
}

function abortedError(operation: Operation, signal: AbortSignal): ZklError {
  return makeError({
    code: 'ABORTED',
    message: 'The call was aborted',
    outcome: operation.isWrite && operation.unsettled ? 'unknown' : 'rejected',
    path: operation.path,
    attempts: operation.attempts,
    cause: signal.reason as unknown,
  });
}

function garbledOf(operation: Operation, failure: Failure & { kind: 'garbled' }, address: string): ZklError {
  return makeError({
    code: 'PROTOCOL',
    message: `${address} does not answer as a zkl server: ${failure.reason}`,
    outcome: operation.isWrite && operation.unsettled ? 'unknown' : 'rejected',
    path: operation.path,
    attempts: operation.attempts,
    cause: failure.cause,
  });
}
