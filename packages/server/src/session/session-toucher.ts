import type { ServerId } from '@zkl/consensus';
import { TOUCHES_MAX, type TouchAnswer, type TouchRefusal } from '../peer/touch-codec.js';
import type { TouchReply } from '../peer/touching.js';
import type { ClusterView } from '../request/cluster-view.js';
import type { SessionTouch } from './session-keeper.js';

/** What the leader says of a session: it was counted as alive, or why not. */
export type TouchOutcome = 'alive' | TouchRefusal | 'overloaded';

/** What the toucher needs of the rest of the server. */
export interface SessionToucherDependencies {
  readonly view: ClusterView;
  readonly send: (to: ServerId, touches: readonly SessionTouch[], done: (reply: TouchReply) => void) => void;
  /** The leader's part, when this server leads. */
  readonly local: (touches: readonly SessionTouch[], reply: (answer: TouchAnswer) => void) => void;
}

/** Touches that wait, at most: more than a server has streams and requests. */
const WAITING_MAX = 1_000_000;
/** The longest that a touch waits for others to share its batch, in milliseconds; and the share of a session's timeout that it waits at most. */
const PATIENCE_MAX_MS = 100;
const PATIENCE_SHARE = 0.02;
/** How soon a batch that found no leader is tried again when nothing has changed. */
const RETRY_MS = 20;

interface Waiting {
  readonly touch: SessionTouch;
  readonly done: (outcome: TouchOutcome) => void;
  cancelled: boolean;
}

/** How long a touch of a session with this timeout may wait for company. */
export function touchPatienceMs(timeoutMs: number): number {
  return Math.min(PATIENCE_MAX_MS, timeoutMs * PATIENCE_SHARE);
}

/**
 * Collects the signs of life that clients give to this server, and brings them to the leader in batches, one under way at a time. A touch that was not
 * answered, because the leader was lost or leads no more, is brought to the next one: late, which only lets a session live longer than it need.
 */
export class SessionToucher {
  readonly #dependencies: SessionToucherDependencies;
  #waiting: Waiting[] = [];
  #underWay: readonly Waiting[] | undefined;
  /** Counts the batches sent: the answer to one that was given up is not heard. */
  #attempt = 0;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Infinity;
  /** The timer came while a batch was under way. */
  #overdue = false;
  #stopListening: () => void = () => undefined;
  #stopped = false;

  constructor(dependencies: SessionToucherDependencies) {
    this.#dependencies = dependencies;
  }

  /** Touches that wait, or are with the leader. */
  get size(): number {
    return this.#waiting.length + (this.#underWay?.length ?? 0);
  }

  /**
   * Tells the leader that this session was heard of. `done` is called when the leader has answered, however long that takes, and never from within this
   * call; the returned function takes it back. `patienceMs`: how long it may wait for company.
   */
  touch(touch: SessionTouch, patienceMs: number, done: (outcome: TouchOutcome) => void): () => void {
    const waiting: Waiting = { touch, done, cancelled: false };
    if (this.#stopped || this.size >= WAITING_MAX) queueMicrotask(() => done('overloaded'));
    else {
      this.#waiting.push(waiting);
      this.#schedule(patienceMs);
    }
    return () => {
      waiting.cancelled = true;
    };
  }

  /** The server stops: nobody is called back any more. */
  stop(): void {
    this.#stopped = true;
    this.#stopListening();
    clearTimeout(this.#timer);
    this.#waiting = [];
    this.#underWay = undefined;
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    const dueMs = performance.now() + delayMs;
    if (dueMs >= this.#dueMs) return;
    this.#dueMs = dueMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#flush(), delayMs);
  }

  #flush(): void {
    this.#dueMs = Infinity;
    this.#overdue = this.#underWay !== undefined;
    if (this.#overdue || this.#stopped) return;
    const batch = this.#take();
    if (batch.length === 0) return;
    this.#underWay = batch;
    const attempt = ++this.#attempt;
    const touches = batch.map(({ touch }) => touch);
    const { view, local, send } = this.#dependencies;
    const done = (reply: TouchReply): void => {
      if (attempt === this.#attempt) this.#onReply(batch, reply);
    };
    // A batch that is with a leader who leads no more is not waited for: its connection may take seconds to be found dead.
    this.#stopListening();
    this.#stopListening = view.onChange(() => this.#retry(batch, 0));
    if (view.role === 'leading' && view.serving) local(touches, done);
    else if (view.role === 'following' && view.serving && view.leaderId !== 0) send(view.leaderId, touches, done);
    else this.#retry(batch, RETRY_MS);
  }

  #take(): Waiting[] {
    const alive = this.#waiting.filter(({ cancelled }) => !cancelled);
    this.#waiting = alive.splice(TOUCHES_MAX);
    return alive;
  }

  #onReply(batch: readonly Waiting[], reply: TouchReply): void {
    if (this.#stopped) return;
    if (reply.kind !== 'noted') return this.#retry(batch, RETRY_MS);
    this.#endAttempt();
    const refused = new Map(reply.refused.map(({ index, why }) => [index, why]));
    batch.forEach((waiting, index) => {
      if (!waiting.cancelled) waiting.done(refused.get(index) ?? 'alive');
    });
    if (this.#overdue || this.#waiting.length >= TOUCHES_MAX) this.#schedule(0);
  }

  #retry(batch: readonly Waiting[], delayMs: number): void {
    this.#endAttempt();
    if (this.#stopped) return;
    this.#waiting = [...batch, ...this.#waiting];
    this.#stopListening = this.#dependencies.view.onChange(() => this.#schedule(0));
    this.#schedule(delayMs);
  }

  #endAttempt(): void {
    this.#attempt += 1;
    this.#stopListening();
    this.#underWay = undefined;
  }
}
