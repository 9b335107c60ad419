// over 400 lines: one stream is one state; what could stand alone (writes, attachment, output, queries) does.
import { compareZxid, type RefusalReason, type Zxid } from '@zkl/consensus';
import type { ZnodeStateMachine } from '@zkl/state-machine';
import {
  appendEncodedResult,
  appendReply,
  CLASS_CANCEL_WATCH,
  CLASS_PROGRESS,
  CLASS_READ,
  CLASS_SYNC,
  CLASS_WATCH,
  CLASS_WRITE,
  CommandReader,
  OperationReader,
  type Reply,
} from '@zkl/wire';
import type { Admission } from '../request/admission.js';
import { rejected, type Failure } from '../request/failure.js';
import type { WatchHub } from '../watch/watch-hub.js';
import type { Watcher } from '../watch/watcher.js';
import { answerQuery, refusedReply } from './answer-query.js';
import type { Attachments } from './attachments.js';
import { commandFailure, type TimeoutBounds } from './check-write.js';
import { StreamAttachment, type AttachmentDependencies, type StreamHello } from './stream-attachment.js';
import type { OperationsTicket, StreamOperation } from './stream-operation.js';
import { StreamOutput, type StreamPort } from './stream-output.js';
import { StreamWrite, WritePipeline, type WritePipelineDependencies } from './write-pipeline.js';
import { watchStartOf } from './watch-operation.js';

/** What every stream needs of the server; shared by all of them. */
export interface SessionStreamDependencies extends AttachmentDependencies, WritePipelineDependencies {
  readonly state: ZnodeStateMachine;
  readonly hub: WatchHub;
  readonly attachments: Attachments;
  readonly admission: Admission;
  readonly readBarrier: (done: (refusal: RefusalReason | undefined) => void) => void;
  readonly quorumReachable: () => boolean;
  readonly leaderGraceMs: number;
  readonly limits: TimeoutBounds & { readonly watchesPerStreamMax: number };
  readonly counts: StreamCounts;
}

/** Counts since the server started, and of now. */
export interface StreamCounts {
  streams: number;
  operations: number;
}

/** Operations and bytes of one stream that are under way, at most: beyond it the stream is not read. One message is always taken. */
const OPERATIONS_MAX = 8_192;
const OPERATION_BYTES_MAX = 4 * 1024 * 1024;
/** Replies that wait for the client, at most: beyond it none is made. */
const REPLY_BYTES_MAX = 1024 * 1024;
/** How long a stream may say nothing before its hello. */
const HELLO_WAIT_MS = 10_000;
/** How soon what was refused for want of a leader is asked again when nothing has changed. */
const RETRY_MS = 20;
/** How soon a message that was not admitted is tried again. */
const ADMISSION_RETRY_MS = 5;

/** What they read is used up within the call that has them read it: one is enough for all streams. */
const operationReader = new OperationReader();
const commandReader = new CommandReader();

/**
 * One stream of one client: its operations in order, their replies in the same order, the events of its watches before the replies that could show what they tell
 * of, and the signs of life of its session. It knows nothing of the transport: that gives it messages, and takes steps through a `StreamPort`.
 *
 * Writes go to the leader as they come; reads, and all else, are done when everything before them is done. So a client sees its own writes, and its writes
 * take effect in the order in which it sent them. A read may also see what the client wrote after it, if that was not held back until the reply.
 */
export class SessionStream {
  /** Called when `wantsMore` becomes true again, and when the stream has ended. */
  onWantsMore: () => void = () => undefined;
  readonly #dependencies: SessionStreamDependencies;
  readonly #port: StreamPort;
  readonly #attachment: StreamAttachment;
  readonly #output: StreamOutput;
  readonly #pipeline: WritePipeline;
  readonly #watchers = new Map<number, Watcher>();
  /** Those before `#head` are answered, and gone. */
  #operations: (StreamOperation | undefined)[] = [];
  #head = 0;
  #bytes = 0;
  /** A message that waits for the server to have room. */
  #held: Uint8Array | undefined;
  #barrierAsked = 0;
  #barrierPassed = 0;
  #barrierRefused = false;
  #advanceDue = false;
  /** In this run every watch is known to have been told of all that a reply could show. */
  #allTold = false;
  #stopWaiting: (() => void) | undefined;
  #stopListening: () => void;
  #graceTimer: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  #state: 'new' | 'attaching' | 'open' | 'ended' = 'new';
  #inputEnded = false;
  /** What the client holds, or will with the next step, for the leader and the epoch. */
  #toldLeaderId = 0;
  #toldEpoch = 0;

  constructor(dependencies: SessionStreamDependencies, port: StreamPort) {
    this.#dependencies = dependencies;
    this.#port = port;
    this.#output = new StreamOutput(port, () => this.#advanceSoon());
    this.#pipeline = new WritePipeline(dependencies, () => this.#advanceSoon());
    this.#attachment = new StreamAttachment(dependencies, {
      onAttached: (timeoutMs) => this.#onAttached(timeoutMs),
      onPong: (number) => this.#output.pong(number),
      onFailed: (failure) => this.end(failure),
    });
    dependencies.counts.streams += 1;
    this.#timer = setTimeout(() => this.end(rejected('REQUEST_TIMEOUT')), HELLO_WAIT_MS);
    this.#stopListening = dependencies.view.onChange(() => this.#onView());
  }

  /** False while the transport is to give no more operations. Pings and the end may be told at any time. */
  get wantsMore(): boolean {
    if (this.#state !== 'open' || this.#held !== undefined) return false;
    return this.#operations.length - this.#head < OPERATIONS_MAX && this.#bytes < OPERATION_BYTES_MAX;
  }

  /** True once the hello was told. */
  get greeted(): boolean {
    return this.#state !== 'new';
  }

  get ended(): boolean {
    return this.#state === 'ended';
  }

  get attachment(): number {
    return this.#attachment.attachment;
  }

  /** The first thing that the client says. */
  onHello(hello: StreamHello): void {
    if (this.#state !== 'new') return this.end(rejected('BAD_ARGUMENTS', { message: 'A stream has one hello.' }));
    this.#state = 'attaching';
    clearTimeout(this.#timer);
    return this.#attachment.begin(hello);
  }

  /** The bytes must not change afterwards. Only while `wantsMore`. */
  onOperations(bytes: Uint8Array): void {
    if (this.#state === 'ended') return undefined;
    if (this.#state !== 'open')
      return this.end(rejected('BAD_ARGUMENTS', { message: 'A stream begins with a hello.' }));
    if (this.#dependencies.admission.tryEnter(bytes.byteLength)) return this.#take(bytes);
    this.#held = bytes;
    this.#timer = setTimeout(() => this.#takeHeld(), ADMISSION_RETRY_MS);
    return undefined;
  }

  onPing(number: number): void {
    if (this.#state !== 'ended') this.#attachment.ping(number);
  }

  /** The client says no more: the stream ends when all is answered. */
  onInputEnd(): void {
    this.#inputEnded = true;
    this.#advanceSoon();
  }

  /** The transport takes steps again. */
  onWritable(): void {
    for (const watcher of this.#watchers.values()) this.#dependencies.hub.onWritable(watcher);
    this.#advanceSoon();
  }

  /** Ends the stream, and tells the client why. Undefined: it was the client who ended it. */
  end(failure?: Failure): void {
    if (this.#state === 'ended') return;
    const { hub, attachments, admission, counts } = this.#dependencies;
    this.#state = 'ended';
    this.#output.end();
    counts.streams -= 1;
    for (const watcher of this.#watchers.values()) hub.remove(watcher);
    const { session } = this.#attachment;
    if (session !== undefined) attachments.remove(session, this);
    this.#attachment.end();
    this.#pipeline.end();
    this.#stopListening();
    this.#stopWaiting?.();
    clearTimeout(this.#timer);
    clearTimeout(this.#graceTimer);
    const unanswered = this.#operations.slice(this.#head) as StreamOperation[];
    for (const { ticket } of unanswered) leave(admission, ticket);
    this.#operations = [];
    this.#head = 0;
    this.#port.goodbye(failure && ofUnanswered(failure, unanswered));
    this.onWantsMore();
  }

  #onAttached(timeoutMs: number): void {
    const { state, attachments, view } = this.#dependencies;
    this.#state = 'open';
    const { session } = this.#attachment;
    if (session !== undefined) attachments.add(session, this);
    this.#port.welcome(state.appliedZxid, timeoutMs);
    this.#toldLeaderId = view.leaderId;
    this.#toldEpoch = view.epoch;
    this.onWantsMore();
  }

  #takeHeld(): void {
    const bytes = this.#held;
    this.#held = undefined;
    if (bytes === undefined || this.#state !== 'open') return;
    this.onOperations(bytes);
    if (this.wantsMore) this.onWantsMore();
  }

  #take(bytes: Uint8Array): void {
    const reader = operationReader;
    const ticket: OperationsTicket = { bytes: bytes.byteLength, left: 1 };
    this.#bytes += bytes.byteLength;
    let asked = false;
    reader.reset(bytes);
    for (let start = 0; reader.next(); start = reader.bodyEnd) {
      ticket.left += 1;
      if (reader.operationClass === CLASS_WRITE) {
        this.#operations.push(this.#write(reader, ticket));
        continue;
      }
      const { operationClass } = reader;
      const linearizable = operationClass === CLASS_SYNC || (operationClass === CLASS_READ && reader.linearizable);
      if (linearizable && !asked) {
        asked = true;
        this.#askBarrier();
      }
      const barrier = linearizable ? this.#barrierAsked : 0;
      this.#operations.push({ kind: 'other', bytes: bytes.subarray(start, reader.bodyEnd), barrier, ticket });
    }
    this.#dependencies.counts.operations += ticket.left - 1;
    this.#answered(ticket);
    if (reader.failed) this.end(rejected('MARSHALLING_ERROR'));
    else this.#advanceSoon();
  }

  #write({ bytes, bodyStart, bodyEnd }: OperationReader, ticket: OperationsTicket): StreamOperation {
    const command = commandReader;
    const code = command.read(bytes, bodyStart, bodyEnd)
      ? commandFailure(command, this.#attachment.session, this.#dependencies.limits)
      : 'MARSHALLING_ERROR';
    if (code !== undefined) return { kind: 'refused', code, ticket };
    const write = new StreamWrite(bytes.subarray(bodyStart, bodyEnd), command.hasWriteId, command.ordered, ticket);
    this.#pipeline.submit(write);
    return write;
  }

  /** One question to the quorum covers all reads of a message, and those before it. */
  #askBarrier(): void {
    this.#barrierAsked += 1;
    const number = this.#barrierAsked;
    this.#dependencies.readBarrier((refusal) => {
      if (this.#state === 'ended') return;
      if (refusal === undefined) {
        this.#barrierPassed = Math.max(this.#barrierPassed, number);
        this.#advanceSoon();
      } else if (number === this.#barrierAsked) {
        this.#barrierRefused = true;
        this.#timer = setTimeout(() => this.#askAgain(), RETRY_MS);
        this.#watchGrace();
      }
    });
  }

  #askAgain(): void {
    if (!this.#barrierRefused || this.#state !== 'open') return;
    this.#barrierRefused = false;
    if (this.#barrierPassed < this.#barrierAsked) this.#askBarrier();
  }

  #onView(): void {
    const { view } = this.#dependencies;
    if (this.#state === 'ended') return;
    this.#stopListening = view.onChange(() => this.#onView());
    if (view.stopping) return this.end(rejected('SHUTTING_DOWN'));
    this.#tellLeader();
    this.#pipeline.onView();
    this.#askAgain();
    return this.#watchGrace();
  }

  #tellLeader(): void {
    if (this.#state !== 'open') return;
    const { leaderId, epoch } = this.#dependencies.view;
    if (leaderId === this.#toldLeaderId && epoch === this.#toldEpoch) return;
    this.#toldLeaderId = leaderId;
    this.#toldEpoch = epoch;
    this.#output.leader({ leaderId, epoch });
  }

  /** A stream that finds no leader for too long ends: its client goes elsewhere, and sends again what has no answer. */
  #watchGrace(): void {
    const stalled = this.#pipeline.stalled || this.#barrierRefused;
    if (!stalled) {
      clearTimeout(this.#graceTimer);
      this.#graceTimer = undefined;
      return;
    }
    const { leaderGraceMs, quorumReachable } = this.#dependencies;
    this.#graceTimer ??= setTimeout(
      () => this.end(rejected(quorumReachable() ? 'NO_LEADER' : 'NO_QUORUM')),
      Math.max(1, this.#dependencies.view.graceLeftMs(leaderGraceMs)),
    );
  }

  #advanceSoon(): void {
    if (this.#advanceDue) return;
    this.#advanceDue = true;
    queueMicrotask(() => {
      this.#advanceDue = false;
      this.#advance();
    });
  }

  /** Answers, in order, all that can be answered now. */
  #advance(): void {
    if (this.#state !== 'open') return;
    const { hub } = this.#dependencies;
    const before = this.wantsMore;
    // What was applied is told before anything that shows it is answered.
    hub.pump();
    let operation = this.#operations[this.#head];
    this.#allTold = false;
    while (operation !== undefined && this.#mayAnswer() && this.#answer(operation)) {
      this.#operations[this.#head++] = undefined;
      this.#answered(operation.ticket);
      operation = this.#operations[this.#head];
    }
    this.#dropAnswered();
    this.#output.flushSoon();
    this.#watchGrace();
    if (!before && this.wantsMore) this.onWantsMore();
    if (this.#inputEnded && this.#operations.length === 0 && this.#held === undefined) this.end();
  }

  #mayAnswer(): boolean {
    const { replyBytes, writable } = this.#output;
    if (!writable || replyBytes > REPLY_BYTES_MAX) return false;
    if (this.#allTold) return true;
    for (const watcher of this.#watchers.values()) if (!watcher.upToDate) return false;
    this.#allTold = true;
    return true;
  }

  #answer(operation: StreamOperation): boolean {
    const { state, view } = this.#dependencies;
    if (operation.kind === 'refused') {
      this.#reply(refusedReply(operation.code, state.appliedZxid, view.leaderId));
      return true;
    }
    if (operation.kind === 'other') return this.#do(operation.bytes, operation.barrier);
    if (operation.state !== 'done') return false;
    const { result } = operation;
    if (result === undefined) {
      this.#reply(refusedReply(operation.failure!, state.appliedZxid, view.leaderId, undefined, operation));
      return true;
    }
    if (!this.#hasApplied(operation.zxid!)) return false;
    if (result instanceof Uint8Array) appendEncodedResult(result, this.#output.replies);
    else appendReply(result, this.#output.replies);
    return true;
  }

  #do(bytes: Uint8Array, barrier: number): boolean {
    if (barrier > this.#barrierPassed) return false;
    const { state, view, hub } = this.#dependencies;
    const reader = operationReader;
    reader.reset(bytes);
    reader.next();
    switch (reader.operationClass) {
      case CLASS_READ: {
        if (
          reader.atLeastCounter > 0 &&
          !this.#hasApplied({ epoch: reader.atLeastEpoch, counter: reader.atLeastCounter })
        ) {
          return false;
        }
        this.#reply(answerQuery(state, reader, view.leaderId));
        return true;
      }
      case CLASS_WATCH:
        this.#reply(this.#watch(reader));
        return true;
      case CLASS_CANCEL_WATCH:
      case CLASS_PROGRESS: {
        const watcher = this.#watchers.get(reader.watchId);
        if (watcher === undefined) this.#reply(refusedReply('NO_WATCHER', state.appliedZxid, view.leaderId));
        else {
          if (reader.operationClass === CLASS_PROGRESS) hub.markProgress(watcher);
          else this.#cancel(watcher);
          this.#reply({ kind: 'done', zxid: state.appliedZxid });
        }
        return true;
      }
      case CLASS_SYNC:
      default:
        this.#reply({ kind: 'done', zxid: state.appliedZxid });
        return true;
    }
  }

  #watch(reader: OperationReader): Reply {
    const { hub, state, view, limits } = this.#dependencies;
    const refuse = (code: 'TOO_MANY_WATCHES' | 'BAD_ARGUMENTS'): Reply =>
      refusedReply(code, state.appliedZxid, view.leaderId);
    const start = watchStartOf(reader);
    const known = this.#watchers.get(reader.watchId);
    if (known?.state === 'ended') this.#watchers.delete(reader.watchId);
    if (start === undefined || this.#watchers.has(reader.watchId)) return refuse('BAD_ARGUMENTS');
    if (this.#watchers.size >= limits.watchesPerStreamMax) return refuse('TOO_MANY_WATCHES');
    const watcher = hub.add({ ...start, sink: this.#output });
    if (watcher === undefined) return refuse('TOO_MANY_WATCHES');
    this.#watchers.set(watcher.id, watcher);
    this.#allTold = false;
    return { kind: 'watching', zxid: state.appliedZxid };
  }

  #cancel(watcher: Watcher): void {
    this.#dependencies.hub.remove(watcher);
    this.#watchers.delete(watcher.id);
  }

  #reply(reply: Reply): void {
    appendReply(reply, this.#output.replies);
  }

  /** True when it is applied here; else the stream goes on when it is. */
  #hasApplied(zxid: Zxid): boolean {
    const { state, whenApplied } = this.#dependencies;
    if (compareZxid(zxid, state.appliedZxid) <= 0) return true;
    this.#stopWaiting?.();
    this.#stopWaiting = whenApplied(zxid, () => this.#advanceSoon());
    return false;
  }

  #answered(ticket: OperationsTicket): void {
    ticket.left -= 1;
    if (ticket.left > 0) return;
    this.#bytes -= ticket.bytes;
    this.#dependencies.admission.leave(ticket.bytes);
  }

  #dropAnswered(): void {
    if (this.#head === this.#operations.length) {
      this.#operations = [];
      this.#head = 0;
    } else if (this.#head > 1_024) {
      this.#operations = this.#operations.slice(this.#head);
      this.#head = 0;
    }
  }
}

/** What a goodbye says of the operations that have no answer: that none of them took effect, or will, only when no write of theirs ever left. */
function ofUnanswered(failure: Failure, unanswered: readonly StreamOperation[]): Failure {
  const open = unanswered.some(
    (operation) => operation.kind === 'write' && (operation.state !== 'waiting' || operation.mayBeApplied),
  );
  return open ? { ...failure, outcome: 'unknown' } : failure;
}

function leave(admission: Admission, ticket: OperationsTicket): void {
  ticket.left -= 1;
  if (ticket.left === 0) admission.leave(ticket.bytes);
}
