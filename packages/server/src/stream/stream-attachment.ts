import { compareZxid, ZXID_ZERO, type Zxid } from '@zkl/consensus';
import { rejected, type Failure } from '../request/failure.js';
import type { AccessVerdict, SessionAccess, SessionClaim } from '../session/session-access.js';
import { touchPatienceMs, type SessionToucher, type TouchOutcome } from '../session/session-toucher.js';

/** The layout of operations and replies that this server speaks. */
export const STREAM_LAYOUT = 1;

/** How long a new stream waits until this server has applied what its client has seen, and until the leader has counted its session. */
const APPLY_WAIT_MS = 1_000;
const TOUCH_WAIT_MS = 5_000;

/** What a client says first. */
export interface StreamHello {
  /** Undefined: a stream without a session. */
  readonly claim: SessionClaim | undefined;
  readonly attachment: number;
  readonly lastSeen: Zxid;
  readonly layout: number;
}

/** What attaching needs of the rest of the server. */
export interface AttachmentDependencies {
  readonly access: SessionAccess;
  readonly toucher: SessionToucher;
  readonly whenApplied: (zxid: Zxid, done: () => void) => () => void;
  /** Whether so many servers can be reached that there could be a leader. */
  readonly quorumReachable: () => boolean;
}

/** What an attachment tells its stream. */
export interface AttachmentEvents {
  /** The stream may begin: its session was proved, and the leader has counted it as alive. */
  onAttached(timeoutMs: number): void;
  /** The leader has counted everything up to this ping. */
  onPong(number: number): void;
  /** The stream ends. */
  onFailed(failure: Failure): void;
}

const TOUCH_FAILURES: Readonly<Record<Exclude<TouchOutcome, 'alive'>, Failure>> = {
  expired: rejected('SESSION_EXPIRED'),
  moved: rejected('SESSION_MOVED'),
  overloaded: rejected('THROTTLED'),
};

/**
 * The session of a stream: proved when it begins, kept alive by its pings. A ping is answered only when the leader has counted it: that is what the client's own
 * clock builds on.
 */
export class StreamAttachment {
  readonly #dependencies: AttachmentDependencies;
  readonly #events: AttachmentEvents;
  #hello: StreamHello | undefined;
  #timeoutMs = 0;
  #cancel: () => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;
  #state: 'new' | 'attaching' | 'attached' | 'ended' = 'new';
  /** The newest ping; and whether a touch is under way that covers an older one. */
  #ping = 0;
  #touching = false;

  constructor(dependencies: AttachmentDependencies, events: AttachmentEvents) {
    this.#dependencies = dependencies;
    this.#events = events;
  }

  /** Undefined for a stream without one. */
  get session(): Zxid | undefined {
    return this.#hello?.claim?.session;
  }

  get attachment(): number {
    return this.#hello?.attachment ?? 0;
  }

  get attached(): boolean {
    return this.#state === 'attached';
  }

  begin(hello: StreamHello): void {
    const failure = helloFailure(hello);
    if (failure !== undefined) return this.#fail(failure);
    this.#hello = hello;
    this.#state = 'attaching';
    // Nobody goes back in time: what this client saw elsewhere it finds here too.
    // A server without a quorum is told of no commit, also of what its disk holds: then that is what is wrong.
    const { quorumReachable, whenApplied } = this.#dependencies;
    this.#within(APPLY_WAIT_MS, () => rejected(quorumReachable() ? 'NOT_SYNCED' : 'NO_QUORUM'));
    this.#cancel = whenApplied(hello.lastSeen, () => this.#onSynced());
    return undefined;
  }

  ping(number: number): void {
    this.#ping = Math.max(this.#ping, number);
    if (this.#state === 'attached') this.#keepAlive();
  }

  end(): void {
    this.#state = 'ended';
    clearTimeout(this.#timer);
    this.#cancel();
  }

  #onSynced(): void {
    const claim = this.#hello?.claim;
    if (claim === undefined) return this.#attached(0);
    clearTimeout(this.#timer);
    const giveUp = this.#dependencies.access.check(claim, performance.now() + APPLY_WAIT_MS, (verdict) =>
      this.#onVerdict(claim, verdict),
    );
    // It may have been answered within the call.
    if (this.#timeoutMs === 0) this.#cancel = () => giveUp('cancelled');
    return undefined;
  }

  #onVerdict({ session }: SessionClaim, verdict: AccessVerdict): void {
    if (this.#state !== 'attaching') return;
    if (verdict.kind === 'refused') return this.#fail(verdict.failure);
    if (verdict.kind === 'gone') return this.#fail(rejected('SESSION_EXPIRED'));
    this.#timeoutMs = verdict.timeoutMs;
    this.#within(TOUCH_WAIT_MS, () => rejected('NO_LEADER'));
    this.#cancel = this.#dependencies.toucher.touch({ session, attachment: this.attachment }, 0, (outcome) => {
      if (this.#state !== 'attaching') return;
      if (outcome === 'alive') this.#attached(verdict.timeoutMs);
      else this.#fail(TOUCH_FAILURES[outcome]);
    });
    return undefined;
  }

  #attached(timeoutMs: number): void {
    clearTimeout(this.#timer);
    this.#state = 'attached';
    this.#events.onAttached(timeoutMs);
    if (this.#ping > 0) this.#keepAlive();
  }

  #keepAlive(): void {
    const { session } = this;
    if (session === undefined) return this.#events.onPong(this.#ping);
    if (this.#touching) return undefined;
    this.#touching = true;
    const covered = this.#ping;
    const touch = { session, attachment: this.attachment };
    this.#cancel = this.#dependencies.toucher.touch(touch, touchPatienceMs(this.#timeoutMs), (outcome) => {
      this.#touching = false;
      if (this.#state !== 'attached') return;
      if (outcome !== 'alive') return this.#fail(TOUCH_FAILURES[outcome]);
      this.#events.onPong(covered);
      if (this.#ping > covered) this.#keepAlive();
    });
    return undefined;
  }

  #within(ms: number, failure: () => Failure): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail(failure()), ms);
  }

  #fail(failure: Failure): void {
    if (this.#state === 'ended') return;
    this.end();
    this.#events.onFailed(failure);
  }
}

function helloFailure({ claim, attachment, layout }: StreamHello): Failure | undefined {
  if (layout !== STREAM_LAYOUT) {
    return rejected('UNIMPLEMENTED', { message: `This server speaks layout ${STREAM_LAYOUT} of the stream.` });
  }
  if (claim === undefined) return undefined;
  const isSession = compareZxid(claim.session, ZXID_ZERO) > 0 && claim.session.counter > 0;
  if (isSession && Number.isSafeInteger(attachment) && attachment >= 1) return undefined;
  return rejected('BAD_ARGUMENTS', { message: 'A session has an id above 0, and an attachment is 1, 2, 3, ...' });
}
