import { Outcome, type AttachHelloSchema, type AttachWelcome, type ErrorDetail, type WatchBatch } from '@zkl/protocol';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Reply } from '@zkl/wire';
import type { Failure, Problem } from '../calls/call-failure.js';
import { Liveness } from '../calls/liveness.js';
import { canStream } from '../channel/channel.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { backoffMs } from '../routing/backoff.js';
import type { Endpoint } from '../routing/endpoint.js';
import type { ClusterView, Route, Router } from '../routing/router.js';
import { AttachedStream, type AttachEnd } from './attached-stream.js';
import type { Origin } from './operation.js';

/** Answers without sense in a row, from whichever servers, before waiting operations reject with `PROTOCOL`. */
const GARBLED_MAX = 3;
/** After a move to the leader the next one comes no sooner than this, in milliseconds: servers may disagree about who leads. */
const MOVE_PAUSE_MS = 1_000;
/** A server that fell silent is left alone for this long, in milliseconds, while others are there. */
const SLOW_SERVER_PENALTY_MS = 1_000;

/** What a link shares with its client. */
export interface LinkHost {
  readonly options: ResolvedOptions;
  readonly router: Router;
  /** Where to go: to the leader, or to the one server that the client is pinned to. */
  readonly route: () => Route;
  /** A server told of the cluster. */
  readonly onView: (endpoint: Endpoint, view: ClusterView) => void;
  /** Learns where the servers are; rejects when nobody tells. */
  readonly learnMembers: () => Promise<void>;
  /** Asks another server who leads; `onTold` comes when the router knows what it said, and not at all when it said nothing. */
  readonly askAnother: (silent: Endpoint, onTold: () => void) => void;
}

/** What a connection is told to do, and tells. */
export interface LinkConnectionUser {
  hello(): Omit<MessageInitShape<typeof AttachHelloSchema>, 'layout' | '$typeName'>;
  /** The stream stands. */
  onOpen(welcome: AttachWelcome, helloSentAtMs: number): void;
  onEvents(batches: readonly WatchBatch[]): void;
  onReplies(replies: readonly Reply[]): void;
  onPong(number: number): void;
  onDrain(): void;
  /** The stream is gone, whether it stood or not. Another one will be opened while somebody wants one. */
  onDown(): void;
  /** Of what was sent on the stream and has no answer, nothing took effect, or will: the server never passed it on. Comes before `onDown`. */
  onNothingApplied(): void;
  /** A server refused for good: whatever waits cannot be served. True when the user has dealt with it; else it is tried elsewhere. */
  onRefused(detail: ErrorDetail, address: string): boolean;
  /** Nobody knows the method. Called at most once, and only while no stream ever stood. */
  onUnsupported(): void;
  /** Too many answers made no sense. */
  onGarbled(failure: Failure & { kind: 'garbled' }, address: string): void;
  /** Whether an answer is waited for at present. */
  isWaiting(): boolean;
  /** Whether a stream is needed. */
  isWanted(): boolean;
  /** How long silence is borne while an answer is waited for, in milliseconds. */
  silenceMs(): number;
}

/**
 * Keeps one session stream to one server, as long as it is wanted: chooses the server, leaves one that is lost, silent or refuses, and comes
 * back at growing intervals when nobody serves.
 */
export class LinkConnection {
  readonly #host: LinkHost;
  readonly #user: LinkConnectionUser;
  readonly #tried = new Set<Endpoint>();
  #state: 'idle' | 'finding' | 'opening' | 'open' | 'pausing' | 'closed' = 'idle';
  #stream: AttachedStream | undefined;
  #endpoint: Endpoint | undefined;
  #problem: Problem | undefined;
  /** The round, counted by pauses, in which a server last said why it cannot serve. */
  #refusedInRound = -2;
  #everOpen = false;
  #failures = 0;
  #garbled = 0;
  #movedAtMs = Number.NEGATIVE_INFINITY;
  #pauseTimer: ReturnType<typeof setTimeout> | undefined;
  #silenceTimer: ReturnType<typeof setTimeout> | undefined;
  /** Of the stream, and of the moment: an election that the stream outlives changes it. */
  origin: Origin = { serverId: 0, leaderId: 0 };

  constructor(host: LinkHost, user: LinkConnectionUser) {
    this.#host = host;
    this.#user = user;
  }

  /** The stream, once it stands. */
  get open(): AttachedStream | undefined {
    return this.#state === 'open' ? this.#stream : undefined;
  }

  /** What stood in the way last, or, while a server is waited for, that. */
  get problem(): Problem | undefined {
    if (this.#problem !== undefined || this.#endpoint === undefined) return this.#problem;
    return { failure: { kind: 'slow', sent: this.#state === 'open' }, address: this.#endpoint.address };
  }

  /** Whether the server leads, or nobody better is known. */
  get isWellPlaced(): boolean {
    const { router } = this.#host;
    const { leaderId } = router;
    if (this.#host.route().kind === 'server') return this.#endpoint?.serverId === this.#pinned();
    if (leaderId === 0 || leaderId === this.origin.serverId) return true;
    if (performance.now() - this.#movedAtMs < MOVE_PAUSE_MS) return true;
    return router.byServerId(leaderId)?.healthyAt(performance.now()) !== true;
  }

  /** A reply is of a later epoch: there was an election. */
  learnEpoch(epoch: number): void {
    if (this.#endpoint !== undefined)
      this.#host.onView(this.#endpoint, { serverId: this.origin.serverId, leaderId: 0, epoch });
  }

  /** Opens a stream unless there is one, or one is under way. */
  want(): void {
    if (this.#state === 'idle') this.#connect();
    this.armSilence();
  }

  /** An operation was served: nothing is wrong. */
  served(): void {
    if (this.#failures === 0 && this.#problem === undefined) return;
    this.#failures = 0;
    this.#garbled = 0;
    this.#problem = undefined;
    this.#refusedInRound = -2;
    this.#tried.clear();
    if (this.#endpoint !== undefined) this.#host.router.succeeded(this.#endpoint);
  }

  /** Goes to the leader, or to where the client is pinned. */
  move(): void {
    if (this.#state !== 'open' && this.#state !== 'opening') return;
    this.#movedAtMs = performance.now();
    this.#drop();
    this.#connectIfWanted();
  }

  /** The server cannot serve at present, and may know who can. */
  leave(refusal: Failure & { kind: 'refused' }): void {
    const endpoint = this.#endpoint;
    if (endpoint === undefined) return;
    this.#drop();
    this.#onServerRefused(endpoint, refusal);
  }

  /** The server serves, but not this now: comes back to it after a pause. */
  pause(refusal: Failure & { kind: 'refused' }): void {
    const address = this.#endpoint?.address ?? '';
    this.#drop();
    this.#note(refusal, address);
    this.#pause();
  }

  /** What the server sends cannot be. */
  garbled(reason: string): void {
    this.#onEnd(this.#endpoint, { kind: 'garbled', reason, cause: undefined });
  }

  /** Looks, while an answer is waited for, whether the server shows any sign of life. */
  armSilence(): void {
    const endpoint = this.#endpoint;
    if (this.#silenceTimer !== undefined || endpoint === undefined || !this.#isWaiting()) return;
    const liveness = new Liveness(endpoint, this.#user.silenceMs());
    const look = (): void => {
      this.#silenceTimer = undefined;
      if (this.#endpoint !== endpoint || !this.#isWaiting()) return;
      const health = liveness.look();
      if (health === 'dead') return this.#onSilent(endpoint);
      arm();
      if (health === 'suspect') this.#onSuspect(endpoint);
    };
    const arm = (): void => {
      this.#silenceTimer = setTimeout(look, liveness.lookEveryMs);
      // The stream keeps the process alive while it is needed.
      (this.#silenceTimer as { unref?: () => void }).unref?.();
    };
    arm();
  }

  close(): void {
    this.#drop();
    clearTimeout(this.#pauseTimer);
    this.#state = 'closed';
  }

  #isWaiting(): boolean {
    return this.#state === 'opening' || (this.#state === 'open' && this.#user.isWaiting());
  }

  #pinned(): number | undefined {
    const route = this.#host.route();
    return route.kind === 'server' ? route.serverId : undefined;
  }

  #connectIfWanted(): void {
    if (this.#state === 'idle' && this.#user.isWanted()) this.#connect();
  }

  #connect(): void {
    const { router } = this.#host;
    const pinned = this.#pinned();
    if (pinned !== undefined && router.byServerId(pinned) === undefined) return this.#find();
    const endpoint = router.pick(this.#host.route(), this.#tried);
    if (endpoint === undefined) {
      this.#tried.clear();
      this.#pause();
    } else this.#openAt(endpoint);
  }

  #find(): void {
    this.#state = 'finding';
    const goOn = (): void => {
      if (this.#state !== 'finding') return;
      this.#state = 'idle';
      const pinned = this.#pinned();
      if (pinned === undefined || this.#host.router.byServerId(pinned) !== undefined) this.#connectIfWanted();
      else this.#pause();
    };
    this.#host.learnMembers().then(goOn, goOn);
  }

  #openAt(endpoint: Endpoint): void {
    const { channel } = endpoint;
    if (!canStream(channel)) return this.#user.onUnsupported();
    this.#state = 'opening';
    this.#endpoint = endpoint;
    const sentAtMs = performance.now();
    this.#stream = new AttachedStream(channel, this.#user.hello(), {
      onWelcome: (welcome) => {
        endpoint.answered();
        this.#onWelcome(endpoint, welcome, sentAtMs);
      },
      onLeader: ({ leaderId, epoch }) => {
        const { serverId } = this.origin;
        this.origin = { serverId, leaderId };
        this.#host.onView(endpoint, { serverId, leaderId, epoch });
      },
      onEvents: (batches) => {
        endpoint.answered();
        this.#user.onEvents(batches);
      },
      onReplies: (replies) => {
        endpoint.answered();
        this.#user.onReplies(replies);
      },
      onPong: (number) => {
        endpoint.answered();
        this.#user.onPong(number);
      },
      onDrain: () => this.#user.onDrain(),
      onEnd: (end) => this.#onEnd(endpoint, end),
    });
    this.armSilence();
  }

  #onWelcome(endpoint: Endpoint, welcome: AttachWelcome, sentAtMs: number): void {
    const { header } = welcome;
    if (header === undefined) return this.garbled('The welcome has no header');
    const { serverId, leaderId } = header;
    this.origin = { serverId, leaderId };
    this.#state = 'open';
    this.#everOpen = true;
    this.#host.onView(endpoint, header);
    if (this.#host.route().kind === 'leader' && !this.isWellPlaced) return this.move();
    this.#user.onOpen(welcome, sentAtMs);
  }

  /**
   * It may be frozen, or only slow. Those that elect know before a client can: it is left at once when they have another leader, and
   * waited for while they have not.
   */
  #onSuspect(endpoint: Endpoint): void {
    if (this.#host.route().kind !== 'leader') return;
    const askedAtMs = performance.now();
    this.#host.askAnother(endpoint, () => {
      if (this.#endpoint !== endpoint || !this.#isWaiting() || endpoint.answeredSince(askedAtMs)) return;
      if (this.#host.router.isLedByOtherThan(endpoint)) this.#onSilent(endpoint);
    });
  }

  #onSilent(endpoint: Endpoint): void {
    this.#drop();
    this.#note({ kind: 'slow', sent: true }, endpoint.address);
    this.#host.router.failed(endpoint, SLOW_SERVER_PENALTY_MS);
    this.#elsewhere(endpoint);
  }

  #onEnd(endpoint: Endpoint | undefined, end: AttachEnd): void {
    if (endpoint === undefined || this.#endpoint !== endpoint) return;
    if (end.kind === 'goodbye' && end.detail.outcome === Outcome.REJECTED) this.#user.onNothingApplied();
    this.#drop();
    if (end.kind === 'goodbye') {
      const { detail } = end;
      return this.#onServerRefused(endpoint, { kind: 'refused', code: '', message: '', detail });
    }
    if (end.kind === 'unimplemented' && !this.#everOpen) return this.#user.onUnsupported();
    if (end.kind === 'refused' && end.detail !== undefined && end.detail.code !== '') {
      return this.#onServerRefused(endpoint, end);
    }
    this.#host.router.failed(endpoint);
    const failure = toFailure(end);
    this.#note(failure, endpoint.address);
    if (failure.kind === 'garbled') {
      this.#garbled += 1;
      if (this.#garbled >= GARBLED_MAX) {
        this.#garbled = 0;
        this.#user.onGarbled(failure, endpoint.address);
      }
    }
    this.#elsewhere(endpoint);
  }

  #onServerRefused(endpoint: Endpoint, refusal: Failure & { kind: 'refused' }): void {
    const { detail } = refusal;
    if (detail !== undefined && !detail.retryable && this.#user.onRefused(detail, endpoint.address)) return;
    this.#note(refusal, endpoint.address);
    const redirected = this.#host.router.refused(endpoint, detail?.leaderId ?? 0);
    this.#tried.add(endpoint);
    if (redirected) this.#connectIfWanted();
    else this.#elsewhere(endpoint);
  }

  /** Goes on to the next server: at once for the first time, after a pause when nobody is left. */
  #elsewhere(endpoint: Endpoint): void {
    this.#tried.add(endpoint);
    this.#connectIfWanted();
  }

  #note(failure: Failure, address: string): void {
    if (failure.kind === 'refused') this.#refusedInRound = this.#failures;
    // What a server says of the cluster (NO_QUORUM) tells more than that another one is not there.
    else if (failure.kind === 'lost' && this.#refusedInRound >= this.#failures - 1) return;
    this.#problem = { failure, address };
  }

  #pause(): void {
    this.#failures += 1;
    this.#state = 'pausing';
    this.#pauseTimer = setTimeout(() => {
      this.#state = 'idle';
      this.#connectIfWanted();
    }, backoffMs(this.#failures));
  }

  #drop(): void {
    if (this.#state !== 'open' && this.#state !== 'opening') return;
    this.#stream?.close();
    this.#stream = undefined;
    this.#endpoint = undefined;
    this.#state = 'idle';
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = undefined;
    this.#user.onDown();
  }
}

function toFailure(end: Exclude<AttachEnd, { kind: 'goodbye' }>): Failure {
  switch (end.kind) {
    case 'lost':
    case 'garbled':
      return end;
    case 'unimplemented':
      return { kind: 'garbled', reason: 'The server does not know session streams', cause: undefined };
    case 'refused':
      return { kind: 'lost', sent: true, reason: `The server answered ${end.code}: ${end.message}`, cause: undefined };
  }
}
