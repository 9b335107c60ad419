import type { RefusalReason, ServerId, Zxid } from '@zkl/consensus';
import { decodeResult, type Result } from '@zkl/state-machine';
import type { ForwardReply } from '../peer/forward-reply.js';
import type { ClusterView } from './cluster-view.js';
import type { GiveUp } from './deadline.js';
import { outcomeUnknown, rejected, type Failure } from './failure.js';
import { LeaderWait, type QuorumCheck } from './leader-wait.js';

/** What became of a proposal: see ConsensusNode.propose. */
export type ProposalReply =
  | { readonly kind: 'applied'; readonly result: Result }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
  | { readonly kind: 'unknown' };

/** What the write path needs of the rest of the server. */
export interface WritePathDependencies {
  readonly view: ClusterView;
  readonly propose: (operation: Uint8Array, done: (reply: ProposalReply) => void) => void;
  readonly forward: (to: ServerId, operation: Uint8Array, done: (reply: ForwardReply) => void) => void;
  readonly whenApplied: (zxid: Zxid, done: () => void) => () => void;
  readonly quorumReachable: QuorumCheck;
  readonly leaderGraceMs: number;
}

/** A write, encoded once by the caller. */
export interface WriteRequest {
  readonly operation: Uint8Array;
  /** It carries a write id: sending it again can do no harm. */
  readonly hasWriteId: boolean;
  /** When it must have been answered, on the clock of `performance.now()`. */
  readonly deadlineMs: number;
}

export type WriteReply =
  { readonly kind: 'result'; readonly result: Result } | { readonly kind: 'failure'; readonly failure: Failure };

/**
 * Carries a write to the leader, wherever that is, and its result back. `done` is called once, before the deadline; the returned
 * function gives up the wait: cancelled, `done` is not called any more, and the write may be applied all the same.
 *
 * The result comes when the write is durable on a quorum and applied on the leader **and on this server**, so that whoever reads here after
 * it sees it. (When this server cannot catch up before the deadline the result is given without that: it is certain, and the client
 * that needs it asks for `at_least_zxid`.)
 */
export function submitWrite(
  dependencies: WritePathDependencies,
  request: WriteRequest,
  done: (reply: WriteReply) => void,
): GiveUp {
  const write = new PendingWrite(dependencies, request, done);
  write.start();
  return (why) => (why === 'deadline' ? write.expire() : write.cancel());
}

class PendingWrite {
  readonly #dependencies: WritePathDependencies;
  readonly #request: WriteRequest;
  readonly #done: (reply: WriteReply) => void;
  readonly #leaderWait: LeaderWait;
  #deadline: NodeJS.Timeout | undefined;
  #stopWaitingForApply: (() => void) | undefined;
  #settled = false;
  /** An attempt is with a leader, and its answer has not come. */
  #underWay = false;
  /** An attempt ended without an answer: from here on the write may have been applied, whatever later attempts say. */
  #mayBeApplied = false;
  #result: Result | undefined;

  constructor(dependencies: WritePathDependencies, request: WriteRequest, done: (reply: WriteReply) => void) {
    this.#dependencies = dependencies;
    this.#request = request;
    this.#done = done;
    this.#leaderWait = new LeaderWait(dependencies.view, dependencies.leaderGraceMs);
  }

  start(): void {
    this.#deadline = setTimeout(() => this.#onDeadline(), Math.max(0, this.#request.deadlineMs - performance.now()));
    this.#attempt();
  }

  cancel(): void {
    this.#finish();
  }

  expire(): void {
    this.#onDeadline();
  }

  #attempt(): void {
    if (this.#settled) return;
    const { view } = this.#dependencies;
    if (view.stopping) return this.#fail('SHUTTING_DOWN');
    if (view.role === 'leading') return this.#propose();
    if (view.role === 'following' && view.serving && view.leaderId !== 0) return this.#forward(view.leaderId);
    return this.#awaitLeader();
  }

  #propose(): void {
    this.#underWay = true;
    this.#dependencies.propose(this.#request.operation, (reply) => {
      this.#underWay = false;
      if (reply.kind === 'applied') this.#settle({ kind: 'result', result: reply.result });
      else this.#onNoResult(reply);
    });
  }

  #forward(leader: ServerId): void {
    this.#underWay = true;
    this.#dependencies.forward(leader, this.#request.operation, (reply) => {
      this.#underWay = false;
      if (reply.kind === 'result') this.#onForwarded(reply.result);
      else this.#onNoResult(reply);
    });
  }

  #onForwarded(bytes: Uint8Array): void {
    if (this.#settled) return;
    const result = decodeResult(bytes);
    if (result === undefined) {
      this.#mayBeApplied = true;
      return this.#fail(
        'SYSTEM_ERROR',
        'The leader sent an answer that this server cannot read: their versions differ.',
      );
    }
    this.#result = result;
    this.#stopWaitingForApply = this.#dependencies.whenApplied(result.zxid, () =>
      this.#settle({ kind: 'result', result }),
    );
  }

  #onNoResult(reply: { kind: 'refused'; reason: RefusalReason } | { kind: 'unknown' }): void {
    if (this.#settled) return;
    if (reply.kind === 'unknown') {
      this.#mayBeApplied = true;
      // The exactly-once table makes a second attempt safe, and only that.
      if (this.#request.hasWriteId) this.#awaitLeader();
      else this.#fail('OUTCOME_UNKNOWN', 'The leader was lost before the answer, and the write had no write id.');
      return;
    }
    if (reply.reason === 'overloaded') this.#fail('THROTTLED');
    else if (reply.reason === 'diskFull') this.#fail('DISK_FULL');
    else this.#awaitLeader();
  }

  #awaitLeader(): void {
    if (this.#dependencies.view.stopping) return this.#fail('SHUTTING_DOWN');
    this.#leaderWait.begin(
      () => this.#attempt(),
      () => this.#fail(this.#dependencies.quorumReachable() ? 'NO_LEADER' : 'NO_QUORUM'),
    );
  }

  #onDeadline(): void {
    if (this.#result !== undefined) return this.#settle({ kind: 'result', result: this.#result });
    if (this.#underWay) {
      this.#mayBeApplied = true;
      return this.#fail('REQUEST_TIMEOUT', 'The write was proposed, and no quorum confirmed it in time.');
    }
    return this.#fail(this.#dependencies.quorumReachable() ? 'NO_LEADER' : 'NO_QUORUM');
  }

  #fail(code: Failure['code'], message?: string): void {
    const { hasWriteId } = this.#request;
    if (!this.#mayBeApplied)
      return this.#settle({ kind: 'failure', failure: rejected(code, message === undefined ? {} : { message }) });
    const known = code === 'REQUEST_TIMEOUT' || code === 'SYSTEM_ERROR';
    const words = message ?? 'The leader was lost before the answer, and no other could be asked in time.';
    this.#settle({ kind: 'failure', failure: outcomeUnknown(known ? code : 'OUTCOME_UNKNOWN', hasWriteId, words) });
  }

  #settle(reply: WriteReply): void {
    if (this.#settled) return;
    this.#finish();
    this.#done(reply);
  }

  #finish(): void {
    this.#settled = true;
    clearTimeout(this.#deadline);
    this.#leaderWait.cancel();
    this.#stopWaitingForApply?.();
  }
}
