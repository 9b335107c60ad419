import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { UnaryResult } from '../channel/channel.js';
import type { ZklError } from '../errors/zkl-error.js';
import { backoffMs } from '../routing/backoff.js';
import type { Breaker, Pass } from '../routing/breaker.js';
import type { Endpoint } from '../routing/endpoint.js';
import type { Router } from '../routing/router.js';
import type { CallContext, Ended } from './call-context.js';
import {
  deadlineError,
  failureError,
  garbledError,
  interruptedError,
  leavesOpen,
  refusalError,
  type CallHistory,
  type Failure,
} from './call-failure.js';
import { Liveness, type Health } from './liveness.js';
import { GarbledReply, type Operation, type ReplyView } from './operation.js';

/** Answers without sense that one call bears, from whichever servers, before it rejects with `PROTOCOL`. */
const GARBLED_MAX = 3;
/** An attempt that had less time, in milliseconds, before the deadline cannot be held against the server. */
const FAIR_ATTEMPT_MS = 250;
/**
 * Once it is known what stands in the way, no attempt is begun that would have less than this share of the call's time, or 100 ms if that is
 * less: its answer would hardly come before the deadline, and so leave the outcome of a write open.
 */
const ATTEMPT_SHARE_MIN = 0.1;
const ATTEMPT_MS_MIN = 100;
/** A server that did not answer in time is left alone for this long, in milliseconds, while others are there. */
const SLOW_SERVER_PENALTY_MS = 1_000;
/** Refusals of a server that serves, but not this request now: another server would say the same. */
const WAIT_CODES: ReadonlySet<string> = new Set(['THROTTLED', 'DISK_FULL', 'TOO_MANY_CLIENTS', 'TOO_MANY_REQUESTS']);
/** Connect codes that come without a zkl error when a server is going away or something stands between. */
const PASSING_CODES: ReadonlySet<string> = new Set(['unavailable', 'canceled', 'deadline_exceeded', 'aborted']);

/** What all calls of a client share. */
export interface CallRunOptions {
  readonly router: Router;
  readonly breaker: Breaker;
  readonly attemptTimeoutMs: number;
  /** See `CallHistory.root`. */
  readonly root: string;
  /** A server served the call. */
  readonly onServed: (endpoint: Endpoint) => void;
  /** A reply told of the cluster. */
  readonly onView: (endpoint: Endpoint, view: ReplyView) => void;
  /** A refusal told where in the log it is ordered; 0 when it is not. */
  readonly onOrdered: (zxid: bigint) => void;
  /** Asks another server than a silent one who leads, for the router to know. */
  readonly askAnother: (silent: Endpoint) => void;
}

/**
 * One call: attempts at one server after another until one answers, the caller has enough, or the deadline passes.
 *
 * A *round* tries each server once, those that are well first, without a pause in between. Between rounds the {@link Breaker}
 * makes the call wait.
 */
export class CallRun<I extends DescMessage, O extends DescMessage, T> {
  readonly #operation: Operation<I, O, T>;
  readonly #context: CallContext;
  readonly #options: CallRunOptions;
  readonly #tried = new Set<Endpoint>();
  readonly history: CallHistory;
  #pass: Pass = 'closed';
  #attemptTimeoutMs: number;
  #garbled = 0;
  #throttled = 0;
  #round = 0;
  /** The round in which a server last said why it cannot serve. */
  #refusedInRound = -2;

  constructor(operation: Operation<I, O, T>, context: CallContext, options: CallRunOptions) {
    this.#operation = operation;
    this.#context = context;
    this.#options = options;
    this.#attemptTimeoutMs = options.attemptTimeoutMs;
    const { kind, path } = operation;
    this.history = { kind, path, root: options.root, attempts: 0, unsettled: false, last: undefined };
  }

  /** @throws {@link ZklError} */
  async run(): Promise<T> {
    await this.#turn();
    for (;;) {
      const endpoint = this.#options.router.pick(this.#operation.route, this.#tried);
      if (endpoint === undefined) {
        this.#tried.clear();
        this.#round += 1;
        this.#options.breaker.trip();
        await this.#turn();
        continue;
      }
      if (this.history.last !== undefined && this.#isTooLate()) throw this.#endError('elapsed');
      const result = await this.#attempt(endpoint);
      if (result.kind === 'answer') {
        const answer = this.#accept(endpoint, result.message);
        if (answer.kind === 'accepted') return answer.value;
        await this.#recover(endpoint, answer);
      } else await this.#recover(endpoint, result);
    }
  }

  /** One attempt at one server, without any other. @throws {@link ZklError} */
  async askOnce(endpoint: Endpoint): Promise<T> {
    this.#attemptTimeoutMs = Number.POSITIVE_INFINITY;
    const result = await this.#attempt(endpoint);
    const answer = result.kind === 'answer' ? this.#accept(endpoint, result.message) : result;
    if (answer.kind === 'accepted') return answer.value;
    throw failureError(this.history, answer, endpoint.address);
  }

  /** Waits until the breaker lets the call go. */
  async #turn(): Promise<void> {
    const { breaker } = this.#options;
    let pass = breaker.tryPass();
    if (pass === undefined) {
      const waited = await this.#context.wait<Pass>(Number.POSITIVE_INFINITY, (resolve) => breaker.wait(resolve));
      if (waited.kind !== 'result') throw this.#endError(waited.kind);
      pass = waited.value;
      // That was the pause: a new round begins. (A call that kept what it had tried would use up its turn for nothing, and with it
      // one of the few that there are while nobody is served.)
      this.#tried.clear();
    }
    this.#pass = pass;
  }

  async #attempt(endpoint: Endpoint): Promise<Failure | (UnaryResult<MessageShape<O>> & { kind: 'answer' })> {
    const { history } = this;
    const startedAtMs = performance.now();
    const liveness = new Liveness(endpoint, this.#attemptTimeoutMs);
    let sent = false;
    history.attempts += 1;
    const waited = await this.#context.wait<UnaryResult<MessageShape<O>>>(
      liveness.lookEveryMs,
      (resolve) => {
        const { method, request } = this.#operation;
        const cancel = endpoint.channel.unary(method, request(), toldTimeoutMs(this.#context.remainingMs), resolve);
        return () => (sent = cancel());
      },
      () => this.#mayGoOn(endpoint, liveness.look()),
    );
    if (waited.kind === 'result' && waited.value.kind !== 'lost') endpoint.answered();
    if (waited.kind === 'result') return explained(waited.value);
    if (waited.kind === 'elapsed' && this.#context.remainingMs > 0) {
      return { kind: 'slow', sent };
    }
    const failure: Failure = { kind: 'slow', sent };
    // An attempt that had no time says nothing: what was met before does.
    if (history.last === undefined || performance.now() - startedAtMs >= FAIR_ATTEMPT_MS) this.#note(endpoint, failure);
    else history.unsettled ||= sent;
    throw this.#endError(waited.kind);
  }

  /** A server that may be frozen is left when the others have another leader. */
  #mayGoOn(endpoint: Endpoint, health: Health): boolean {
    if (health !== 'suspect' || this.#operation.route.kind !== 'leader') return health !== 'dead';
    if (this.#options.router.isLedByOtherThan(endpoint)) return false;
    this.#options.askAnother(endpoint);
    return true;
  }

  #accept(
    endpoint: Endpoint,
    message: MessageShape<O>,
  ): { kind: 'accepted'; value: T } | (Failure & { kind: 'garbled' }) {
    try {
      const view = this.#operation.view(message);
      const value = this.#operation.result(message, endpoint.address);
      this.#options.onView(endpoint, view);
      this.#served(endpoint);
      return { kind: 'accepted', value };
    } catch (error) {
      if (!(error instanceof GarbledReply)) throw error;
      return { kind: 'garbled', reason: error.message, cause: undefined };
    }
  }

  /** Prepares the next attempt after a failed one. @throws {@link ZklError} when there must be none. */
  async #recover(endpoint: Endpoint, failure: Failure): Promise<void> {
    if (failure.kind === 'refused') return this.#onRefused(endpoint, failure);
    this.#note(endpoint, failure);
    this.#options.router.failed(endpoint, failure.kind === 'slow' ? SLOW_SERVER_PENALTY_MS : undefined);
    if (failure.kind === 'slow') this.#attemptTimeoutMs *= 2;
    if (failure.kind === 'garbled') {
      this.#garbled += 1;
      if (this.#garbled >= GARBLED_MAX) throw garbledError(this.history, failure, endpoint.address);
    }
    await this.#elsewhere(endpoint);
  }

  async #onRefused(endpoint: Endpoint, refusal: Failure & { kind: 'refused' }): Promise<void> {
    const code = refusal.detail?.code ?? '';
    if (!this.history.unsettled && this.#operation.repair?.(code) === true) return;
    if (refusal.detail?.retryable !== true) {
      this.#served(endpoint);
      this.#options.onOrdered(refusal.detail?.zxid ?? 0n);
      throw refusalError(this.history, refusal, endpoint.address);
    }
    this.#note(endpoint, refusal);
    if (WAIT_CODES.has(code)) {
      this.#served(endpoint);
      this.#throttled += 1;
      const ended = await this.#context.pause(backoffMs(this.#throttled));
      if (ended !== 'elapsed' || this.#context.remainingMs === 0) throw this.#endError(ended);
      this.#tried.clear();
      return;
    }
    const redirected = this.#options.router.refused(endpoint, refusal.detail.leaderId);
    this.#tried.add(endpoint);
    if (!redirected) await this.#elsewhere(endpoint);
  }

  /** Goes on to the next server: at once, unless another call of this client is already finding out who serves. */
  async #elsewhere(endpoint: Endpoint): Promise<void> {
    this.#tried.add(endpoint);
    this.#options.breaker.trip();
    if (this.#pass === 'closed') await this.#turn();
  }

  #isTooLate(): boolean {
    const { remainingMs, timeoutMs } = this.#context;
    return remainingMs < Math.min(ATTEMPT_MS_MIN, timeoutMs * ATTEMPT_SHARE_MIN);
  }

  #served(endpoint: Endpoint): void {
    this.#options.router.succeeded(endpoint);
    this.#options.onServed(endpoint);
  }

  #note(endpoint: Endpoint, failure: Failure): void {
    this.history.unsettled ||= leavesOpen(failure);
    if (failure.kind === 'refused') this.#refusedInRound = this.#round;
    // What a server says of the cluster (NO_QUORUM) tells more than that another one is not there.
    else if (failure.kind === 'lost' && this.#refusedInRound >= this.#round - 1) return;
    this.history.last = { failure, address: endpoint.address };
    this.#options.breaker.problem = this.history.last;
  }

  #endError(ended: Ended): ZklError {
    if (ended === 'elapsed') {
      return deadlineError(this.history, this.#context, this.history.last ?? this.#options.breaker.problem);
    }
    return interruptedError(this.history, this.#context, ended);
  }
}

/**
 * What a server is told of the deadline: rounded down, so that it answers before, and so that the header is mostly the same and
 * compressed to a byte or two.
 */
function toldTimeoutMs(remainingMs: number): number {
  const stepMs = remainingMs > 1_000 ? 100 : 1;
  return Math.max(1, Math.floor(remainingMs / stepMs) * stepMs);
}

/** A refusal that zkl did not write is a sign of something else. */
function explained<T>(result: UnaryResult<T>): UnaryResult<T> {
  if (result.kind !== 'refused' || (result.detail !== undefined && result.detail.code !== '')) return result;
  const reason = `The server answered ${result.code}: ${result.message}`;
  if (PASSING_CODES.has(result.code)) return { kind: 'lost', sent: true, reason, cause: undefined };
  return { kind: 'garbled', reason, cause: undefined };
}
