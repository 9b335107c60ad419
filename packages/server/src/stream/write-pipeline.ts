import type { RefusalReason, ServerId, Zxid } from '@zkl/consensus';
import { decodeResult, zxidOfSetResult, type ErrorCode, type Result } from '@zkl/wire';
import type { ForwardReply } from '../peer/forward-reply.js';
import type { ClusterView } from '../request/cluster-view.js';
import type { ProposalReply } from '../request/write-path.js';
import type { OperationsTicket } from './stream-operation.js';

/** What the writes of a stream need of the rest of the server. */
export interface WritePipelineDependencies {
  readonly view: ClusterView;
  readonly propose: (operation: Uint8Array, done: (reply: ProposalReply) => void) => void;
  readonly forward: (to: ServerId, operation: Uint8Array, done: (reply: ForwardReply) => void) => void;
}

/** How soon writes that were refused for want of room are sent again, in milliseconds. */
const RETRY_MS = 10;

/** One write of a stream, on its way: one of its operations. */
export class StreamWrite {
  readonly kind = 'write';
  /** As it goes to the log. */
  readonly operation: Uint8Array;
  readonly hasWriteId: boolean;
  readonly ordered: boolean;
  readonly ticket: OperationsTicket;
  state: 'waiting' | 'underWay' | 'done' = 'waiting';
  /** Once done: its result, as bytes when it came from another server, and where it was ordered; or why there is none. */
  result: Result | Uint8Array | undefined;
  zxid: Zxid | undefined;
  failure: ErrorCode | undefined;
  /** It may have been applied, though there is no result. */
  mayBeApplied = false;

  constructor(operation: Uint8Array, hasWriteId: boolean, ordered: boolean, ticket: OperationsTicket) {
    this.operation = operation;
    this.hasWriteId = hasWriteId;
    this.ordered = ordered;
    this.ticket = ticket;
  }
}

/**
 * The writes of one stream on their way to the leader: sent at once, in order, and in order again when the leader was lost. 1. Writes 1, 2 and 3 are
 * on their way. 2. The leader is lost: 1 may be applied, 2 was never sent, 3 reached the next leader before 2. 3. The exactly-once table refuses 3
 * (OUT_OF_ORDER), since 2 comes before it. 4. When all attempts have ended, those without an answer are sent again, from the first on: 1 gets its first
 * answer, 2 and 3 are applied after it. While that is so, nothing new is sent ahead of them.
 */
export class WritePipeline {
  readonly #dependencies: WritePipelineDependencies;
  readonly #onDone: () => void;
  /** In order. The first of them is not done. */
  #writes: StreamWrite[] = [];
  #underWay = 0;
  /** Some wait: what comes now waits behind them. */
  #holding = false;
  /** Attempts of before a change of leader are not heard any more. */
  #round = 0;
  #leader = 0;
  #epoch = 0;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(dependencies: WritePipelineDependencies, onDone: () => void) {
    this.#dependencies = dependencies;
    this.#onDone = onDone;
  }

  /** True while writes wait for a leader. */
  get stalled(): boolean {
    return this.#holding && this.#target() === undefined;
  }

  submit(write: StreamWrite): void {
    this.#writes.push(write);
    if (this.#holding) return;
    if (this.#underWay === 0) this.#takeLeader();
    this.#send(write);
  }

  /** The view of the cluster has changed: attempts with a leader that leads no more have ended, whatever becomes of them. */
  onView(): void {
    const { leaderId, epoch } = this.#dependencies.view;
    if (this.#underWay > 0 && (leaderId !== this.#leader || epoch !== this.#epoch)) {
      this.#round += 1;
      this.#underWay = 0;
      for (const write of this.#writes) if (write.state === 'underWay') this.#onUnknown(write);
      this.#dropDone();
      this.#onDone();
    }
    this.#resend();
  }

  /** Nothing more is sent, and nobody is told. */
  end(): void {
    this.#ended = true;
    this.#round += 1;
    clearTimeout(this.#timer);
    this.#writes = [];
  }

  #takeLeader(): void {
    this.#leader = this.#dependencies.view.leaderId;
    this.#epoch = this.#dependencies.view.epoch;
  }

  /** Where writes go: 0 for this server itself. */
  #target(): ServerId | undefined {
    const { view } = this.#dependencies;
    if (view.stopping) return undefined;
    if (view.role === 'leading') return 0;
    return view.role === 'following' && view.serving && view.leaderId !== 0 ? view.leaderId : undefined;
  }

  #send(write: StreamWrite): void {
    const target = this.#target();
    if (target === undefined) {
      this.#holding = true;
      return;
    }
    write.state = 'underWay';
    this.#underWay += 1;
    const round = this.#round;
    if (target === 0) {
      this.#dependencies.propose(write.operation, (reply) => {
        if (round !== this.#round) return;
        if (reply.kind === 'applied') this.#onResult(write, reply.result, reply.result);
        else this.#onNoResult(write, reply);
      });
    } else {
      this.#dependencies.forward(target, write.operation, (reply) => {
        if (round !== this.#round) return;
        if (reply.kind === 'result') this.#onForwarded(write, reply.result);
        else this.#onNoResult(write, reply);
      });
    }
  }

  /** The usual one is passed on as it is; the client reads the rest of it. */
  #onForwarded(write: StreamWrite, answer: Uint8Array): void {
    const zxid = zxidOfSetResult(answer);
    if (zxid !== undefined) {
      this.#underWay -= 1;
      this.#succeed(write, answer, zxid);
      this.#settle();
      return;
    }
    const result = decodeResult(answer);
    if (result === undefined) this.#onUnreadable(write);
    else this.#onResult(write, result, answer);
  }

  #onResult(write: StreamWrite, result: Result, answer: Result | Uint8Array): void {
    this.#underWay -= 1;
    // What comes before it has no answer yet: it is sent again after that. Else the client has left something out, and is to hear of it.
    const tooEarly = write.ordered && result.kind === 'error' && result.code === 'OUT_OF_ORDER';
    if (tooEarly && this.#followsUnanswered(write)) {
      write.state = 'waiting';
      this.#holding = true;
    } else this.#succeed(write, answer, result.zxid);
    this.#settle();
  }

  #succeed(write: StreamWrite, answer: Result | Uint8Array, zxid: Zxid): void {
    write.result = answer;
    write.zxid = zxid;
    write.state = 'done';
  }

  #onUnreadable(write: StreamWrite): void {
    this.#underWay -= 1;
    this.#fail(write, 'SYSTEM_ERROR', true);
    this.#settle();
  }

  #onNoResult(write: StreamWrite, reply: { kind: 'refused'; reason: RefusalReason } | { kind: 'unknown' }): void {
    this.#underWay -= 1;
    if (reply.kind === 'unknown') this.#onUnknown(write);
    else if (reply.reason === 'diskFull' && !write.mayBeApplied) this.#fail(write, 'DISK_FULL', false);
    else {
      write.state = 'waiting';
      this.#holding = true;
      this.#retryLater();
    }
    this.#settle();
  }

  #onUnknown(write: StreamWrite): void {
    write.mayBeApplied = true;
    if (write.hasWriteId) {
      write.state = 'waiting';
      this.#holding = true;
    } else this.#fail(write, 'OUTCOME_UNKNOWN', true);
  }

  #fail(write: StreamWrite, code: ErrorCode, mayBeApplied: boolean): void {
    write.failure = code;
    write.mayBeApplied ||= mayBeApplied;
    write.state = 'done';
  }

  #followsUnanswered(write: StreamWrite): boolean {
    for (const before of this.#writes) {
      if (before === write) return false;
      if (before.state !== 'done') return true;
    }
    return false;
  }

  #settle(): void {
    this.#dropDone();
    this.#onDone();
    this.#resend();
  }

  /** One by one, as they are done: what is held here longer than it is needed outlives its youth, and costs a collection of the old. */
  #dropDone(): void {
    while (this.#writes[0]?.state === 'done') this.#writes.shift();
  }

  /** Once all attempts have ended: those without an answer, in order. */
  #resend(): void {
    if (!this.#holding || this.#underWay > 0 || this.#timer !== undefined || this.#ended) return;
    if (this.#target() === undefined) return;
    this.#holding = false;
    this.#takeLeader();
    for (const write of [...this.#writes]) {
      if (this.#holding) return;
      if (write.state === 'waiting') this.#send(write);
    }
  }

  #retryLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#resend();
    }, RETRY_MS);
  }
}
