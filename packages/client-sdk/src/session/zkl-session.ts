import { create } from '@bufbuild/protobuf';
import { CloseRequestSchema, KeepAliveRequestSchema, SessionService } from '@zkl/protocol';
import type { SessionId } from '@zkl/wire';
import { requireHeader } from '../calls/operation.js';
import { Caller, type OpenLink } from '../client/caller.js';
import type { Dispatcher } from '../client/dispatcher.js';
import { ZklCalls } from '../client/zkl-calls.js';
import { toBigint } from '../codec/zxid.js';
import { isZklError, makeError, type ZklError } from '../errors/zkl-error.js';
import type { CallOptions } from '../options/call-options.js';
import type { LinkSession } from '../stream/link-session.js';
import { ExpiryClock } from './expiry-clock.js';
import type { Session, SessionState } from './session.js';
import { StateFeed } from './state-feed.js';

/** Signs of life in one timeout. */
const PINGS_A_TIMEOUT = 4;
/** Refusals that say that there is no such session for this client. */
const FINAL_CODES: ReadonlySet<string> = new Set(['SESSION_EXPIRED', 'SESSION_MOVED', 'AUTH_FAILED', 'NO_AUTH']);

/** What a session is made of. */
export interface ZklSessionInit {
  readonly id: SessionId;
  readonly secret: Uint8Array;
  readonly timeoutMs: number;
  /** When the request was sent that opened it. */
  readonly sentAtMs: number;
  readonly onEnd: () => void;
}

/** {@link Session} */
export class ZklSession extends ZklCalls implements Session {
  readonly id: bigint;
  readonly timeoutMs: number;
  protected readonly caller: Caller;
  readonly #dispatcher: Dispatcher;
  readonly #clock: ExpiryClock;
  readonly #feed = new StateFeed<SessionState>('suspended');
  readonly #controller = new AbortController();
  readonly #onEnd: () => void;
  #attachment = 0n;
  readonly #pingTimer: ReturnType<typeof setInterval> | undefined;
  #expiryTimer: ReturnType<typeof setTimeout> | undefined;
  #keptAlive: 'asked' | 'no' = 'no';

  constructor(dispatcher: Dispatcher, openLink: OpenLink, init: ZklSessionInit) {
    super();
    this.#dispatcher = dispatcher;
    this.id = toBigint(init.id);
    this.timeoutMs = init.timeoutMs;
    this.#onEnd = init.onEnd;
    this.#clock = new ExpiryClock(init.timeoutMs, init.sentAtMs);
    this.caller = new Caller(dispatcher, openLink, this.#linkSession(init));
    this.#armExpiry();
    this.#pingTimer = setInterval(() => this.#onPingTimer(), init.timeoutMs / PINGS_A_TIMEOUT);
    if (this.caller.link === undefined) this.#keepAlive();
    else this.caller.link.want();
  }

  get state(): SessionState {
    this.#checkClock();
    return this.#feed.state;
  }

  get signal(): AbortSignal {
    this.#checkClock();
    return this.#controller.signal;
  }

  get remainingMs(): number {
    return this.#isOver ? 0 : Math.max(0, this.#clock.expiresAtMs - performance.now());
  }

  states(): AsyncIterable<SessionState> {
    return this.#feed;
  }

  onState(callback: (state: SessionState) => void): () => void {
    return this.#feed.subscribe(callback);
  }

  async close(options: CallOptions = {}): Promise<void> {
    if (this.#isOver) return;
    const timeoutMs = Math.max(1, Math.floor(Math.min(this.remainingMs, this.#dispatcher.options.timeoutMs)));
    // First here: once it is closed there, what it owned may be somebody else's.
    this.#finish('closed', sessionError('SESSION_EXPIRED', 'The session was closed'));
    try {
      await this.#close({ timeoutMs, ...options });
    } catch (error) {
      if (!isZklError(error)) throw error;
      // It expires by itself.
    } finally {
      this.#release();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The client is closed: nothing more can be sent. The session expires by itself. */
  abandon(): void {
    this.#finish('closed', sessionError('SESSION_EXPIRED', 'The client was closed'));
    this.#release();
  }

  /** The server to be on has changed. */
  reroute(): void {
    this.caller.link?.reroute();
  }

  get #isOver(): boolean {
    return this.#feed.state === 'expired' || this.#feed.state === 'closed';
  }

  #linkSession({ id, secret }: ZklSessionInit): LinkSession {
    return {
      id,
      secret,
      nextAttachment: () => (this.#attachment += 1n),
      onAttached: (_, helloSentAtMs) => {
        this.#clock.attached(helloSentAtMs);
        this.#setState('connected');
      },
      onPong: (number) => this.#clock.confirmed(number),
      onDetached: () => {
        this.#clock.detached();
        this.#setState('suspended');
      },
      onRefused: (code) => {
        if (!FINAL_CODES.has(code)) return false;
        // It was closed, and only the reply to that was lost: nothing is left to wait for.
        if (this.#isOver) this.#release();
        else this.#expire(code, 'The cluster says that the session is over');
        return true;
      },
      onUnsupported: () => {
        this.caller.link = undefined;
        this.#keepAlive();
      },
      silenceMs: () => this.timeoutMs / 3,
      isWaiting: () => this.#clock.isWaiting,
    };
  }

  #setState(state: 'connected' | 'suspended'): void {
    this.#checkClock();
    if (!this.#isOver) this.#feed.set(state);
  }

  #onPingTimer(): void {
    this.#checkClock();
    const { link } = this.caller;
    if (this.#isOver) return;
    if (link === undefined) this.#keepAlive();
    else if (link.isOpen) link.ping(this.#clock.sent(performance.now()));
    else link.want();
  }

  /** A sign of life by a call of its own, where there are no streams. */
  #keepAlive(): void {
    if (this.#keptAlive === 'asked' || this.#isOver) return;
    this.#keptAlive = 'asked';
    const sentAtMs = performance.now();
    const timeoutMs = Math.max(1, Math.floor(this.timeoutMs / 2));
    this.#askKeepAlive(timeoutMs)
      .then(
        () => {
          this.#clock.attached(sentAtMs);
          this.#setState('connected');
        },
        (error: unknown) => {
          if (isZklError(error) && FINAL_CODES.has(error.code)) this.#expire(error.code, error.message);
          else this.#setState('suspended');
        },
      )
      .finally(() => {
        this.#keptAlive = 'no';
      });
  }

  #askKeepAlive(timeoutMs: number): Promise<void> {
    const session = this.caller.sessionRef!;
    return this.#dispatcher.read(
      {
        method: SessionService.method.keepAlive,
        route: { kind: 'leader' },
        request: () => create(KeepAliveRequestSchema, { session }),
        view: (reply) => requireHeader(reply.header),
        result: () => undefined,
      },
      { timeoutMs },
    );
  }

  async #close(options: CallOptions): Promise<void> {
    const { link } = this.caller;
    if (link !== undefined) {
      const command = { kind: 'sessionClose' } as const;
      return link.call({ kind: 'write', command }, undefined, 0, () => undefined, options);
    }
    const session = this.caller.sessionRef!;
    await this.#dispatcher.write(
      {
        method: SessionService.method.close,
        bytes: 0,
        request: (writeId) => create(CloseRequestSchema, { writeId, session }),
        view: (reply) => requireHeader(reply.header),
        result: () => undefined,
      },
      options,
    );
  }

  #checkClock(): void {
    if (!this.#isOver && performance.now() >= this.#clock.expiresAtMs) {
      this.#expire('SESSION_EXPIRED', `Nothing was confirmed for ${this.timeoutMs} ms`);
    }
  }

  #armExpiry(): void {
    clearTimeout(this.#expiryTimer);
    if (this.#isOver) return;
    this.#expiryTimer = setTimeout(
      () => this.#onExpiryTimer(),
      Math.max(1, Math.ceil(this.#clock.expiresAtMs - performance.now())),
    );
  }

  #onExpiryTimer(): void {
    const look = (): void => {
      this.#checkClock();
      this.#armExpiry();
    };
    // If this process stood still, a confirmation may wait in the socket. Whoever looks meanwhile looks at the clock.
    if (performance.now() < this.#clock.expiresAtMs || this.caller.link === undefined) look();
    else this.caller.link.afterInput(look);
  }

  #expire(code: string, message: string): void {
    if (this.#isOver) return;
    this.#finish('expired', sessionError(code, message));
    this.#release();
  }

  #finish(state: 'expired' | 'closed', error: ZklError): void {
    if (this.#isOver) return;
    clearInterval(this.#pingTimer);
    clearTimeout(this.#expiryTimer);
    this.#feed.end(state);
    this.#controller.abort(error);
  }

  #release(): void {
    const reason = this.#controller.signal.reason as ZklError;
    this.caller.end(reason);
    this.#onEnd();
  }
}

function sessionError(code: string, message: string): ZklError {
  const hint = 'Its ephemeral znodes are gone, or will be: begin a new one';
  return makeError({ code, message, outcome: 'rejected', hint });
}
