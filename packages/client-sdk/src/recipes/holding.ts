import type { Session } from '../session/session.js';

/** How long to wait for something to be acquired. */
export interface AcquireOptions {
  /** Gives up; what was acquired meanwhile is given back. Rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Gives up after this, in milliseconds, with a `TimeoutError` of the platform. Default: never. */
  readonly timeoutMs?: number | undefined;
}

/** What is held: a lock, a lease, a leadership. */
export interface Holding extends AsyncDisposable {
  /** Grows from each holder to the next, for ever: what is guarded refuses a token below the highest that it has seen (see `fencing`). */
  readonly token: bigint;
  /**
   * Aborted when it is not held any more, or may not be: released, the session expired here, or somebody deleted the znode. Before anybody
   * else can hold it, but in the last case, when it is as soon as that is told. Look at it again after every pause: the getter asks the clock.
   */
  readonly signal: AbortSignal;
  /** Gives it back. Resolves when others can have it. Idempotent. */
  release(): Promise<void>;
}

/** {@link Holding} of one session. */
export class SessionHolding implements Holding {
  readonly token: bigint;
  readonly #session: Session;
  readonly #controller = new AbortController();
  readonly #giveBack: () => Promise<void>;
  readonly #stopFollowing: (() => void) | undefined;
  #released: Promise<void> | undefined;

  /** @param follow - Calls back when it is taken away by somebody else; returns how to stop that. */
  constructor(
    session: Session,
    token: bigint,
    giveBack: () => Promise<void>,
    follow?: (callback: () => void) => () => void,
  ) {
    this.token = token;
    this.#session = session;
    this.#giveBack = giveBack;
    session.signal.addEventListener('abort', this.#onSessionEnd);
    if (session.signal.aborted) this.#onSessionEnd();
    this.#stopFollowing = follow?.(() => this.#end(new Error('It was taken away: its znode was deleted')));
  }

  get signal(): AbortSignal {
    // Asks the session's clock, which a timer that is late does not.
    if (this.#session.signal.aborted) this.#onSessionEnd();
    return this.#controller.signal;
  }

  release(): Promise<void> {
    this.#released ??= this.#release();
    return this.#released;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  readonly #onSessionEnd = (): void => this.#end(this.#session.signal.reason);

  async #release(): Promise<void> {
    // First here, then there.
    this.#end(new Error('It was released'));
    if (!this.#session.signal.aborted) await this.#giveBack();
  }

  #end(reason: unknown): void {
    this.#session.signal.removeEventListener('abort', this.#onSessionEnd);
    this.#stopFollowing?.();
    this.#controller.abort(reason);
  }
}
