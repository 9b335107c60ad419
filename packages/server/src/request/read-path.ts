import type { RefusalReason, Zxid } from '@zkl/consensus';
import type { ClusterView } from './cluster-view.js';
import type { GiveUp } from './deadline.js';
import { readTimedOut, rejected, type Failure } from './failure.js';
import { LeaderWait, type QuorumCheck } from './leader-wait.js';

/** What the read path needs of the rest of the server. */
export interface ReadPathDependencies {
  readonly view: ClusterView;
  readonly readBarrier: (done: (refusal: RefusalReason | undefined) => void) => void;
  readonly whenApplied: (zxid: Zxid, done: () => void) => () => void;
  readonly quorumReachable: QuorumCheck;
  readonly leaderGraceMs: number;
}

/** What a read must see before it is served. */
export interface ReadRequest {
  /** Every write acknowledged before this call: checked with a quorum. Otherwise what this server has applied. */
  readonly linearizable: boolean;
  /** And this write, whatever else. */
  readonly atLeast: Zxid | undefined;
  /** When it must have been answered, on the clock of `performance.now()`. */
  readonly deadlineMs: number;
}

/**
 * Waits until this server may serve the read: then `done(undefined)` is called, once, and the state is to be read in that very call. Or
 * `done(failure)`, before the deadline. The returned function gives up the wait: cancelled, `done` is not called any more.
 */
export function awaitRead(
  dependencies: ReadPathDependencies,
  request: ReadRequest,
  done: (failure: Failure | undefined) => void,
): GiveUp {
  const read = new PendingRead(dependencies, request, done);
  read.start();
  return (why) => (why === 'deadline' ? read.expire() : read.cancel());
}

class PendingRead {
  readonly #dependencies: ReadPathDependencies;
  readonly #request: ReadRequest;
  readonly #done: (failure: Failure | undefined) => void;
  readonly #leaderWait: LeaderWait;
  #deadline: NodeJS.Timeout | undefined;
  #stopWaitingForApply: (() => void) | undefined;
  #settled = false;
  #phase: 'leader' | 'barrier' | 'apply' = 'leader';

  constructor(dependencies: ReadPathDependencies, request: ReadRequest, done: (failure: Failure | undefined) => void) {
    this.#dependencies = dependencies;
    this.#request = request;
    this.#done = done;
    this.#leaderWait = new LeaderWait(dependencies.view, dependencies.leaderGraceMs);
  }

  start(): void {
    this.#deadline = setTimeout(() => this.#onDeadline(), Math.max(0, this.#request.deadlineMs - performance.now()));
    if (this.#request.linearizable) this.#barrier();
    else this.#awaitApplied();
  }

  cancel(): void {
    this.#finish();
  }

  expire(): void {
    this.#onDeadline();
  }

  #barrier(): void {
    if (this.#settled) return;
    if (this.#dependencies.view.stopping) return this.#settle(rejected('SHUTTING_DOWN'));
    this.#phase = 'barrier';
    return this.#dependencies.readBarrier((refusal) => {
      if (this.#settled) return;
      if (refusal === undefined) this.#awaitApplied();
      else this.#onRefused(refusal);
    });
  }

  #onRefused(refusal: RefusalReason): void {
    if (refusal === 'overloaded') return this.#settle(rejected('THROTTLED'));
    this.#phase = 'leader';
    return this.#leaderWait.begin(
      () => this.#barrier(),
      () => this.#settle(this.#noLeader()),
    );
  }

  #awaitApplied(): void {
    const { atLeast } = this.#request;
    if (atLeast === undefined) return this.#settle(undefined);
    this.#phase = 'apply';
    this.#stopWaitingForApply = this.#dependencies.whenApplied(atLeast, () => this.#settle(undefined));
    return undefined;
  }

  #onDeadline(): void {
    if (this.#phase === 'apply') {
      return this.#settle(
        rejected('NOT_SYNCED', { message: 'This server has not applied the zxid that the read must see.' }),
      );
    }
    // While there is no leader the barrier is asked again and again: that it is under way just now tells nothing.
    if (this.#phase === 'leader' || !this.#dependencies.view.serving) return this.#settle(this.#noLeader());
    return this.#settle(readTimedOut('REQUEST_TIMEOUT', 'No quorum confirmed in time that this server is up to date.'));
  }

  #noLeader(): Failure {
    return rejected(this.#dependencies.quorumReachable() ? 'NO_LEADER' : 'NO_QUORUM');
  }

  #settle(failure: Failure | undefined): void {
    if (this.#settled) return;
    this.#finish();
    this.#done(failure);
  }

  #finish(): void {
    this.#settled = true;
    clearTimeout(this.#deadline);
    this.#leaderWait.cancel();
    this.#stopWaitingForApply?.();
  }
}
