import type { ServerId } from '@zkl/consensus';
import type { Logger } from '../observability/logger.js';
import { dialPeer, type Dialled, type PeerAddress } from './dial.js';
import type { LocalIdentity } from './handshake.js';
import { isMisconfiguration, peerErrorOf, type PeerError } from './peer-error.js';
import type { ResolvedPeerLimits } from './peer-limits.js';

/** The first dial after a loss comes almost at once: a process that restarts closes and opens its port in one breath. */
const FIRST_REDIAL_MS = 5;
/** A link must have lasted this long for the next loss to be a first one again. */
const STABLE_MS = 1_000;

/**
 * Keeps one outgoing link to a peer: dials, and dials again after a loss, waiting a little longer each time. One dial at a time, none while a link
 * stands.
 */
export class Dialer {
  /** Why there is no link now; undefined while there is one, or none was tried. */
  lastError: PeerError | undefined;
  readonly #peer: ServerId;
  readonly #address: PeerAddress;
  readonly #local: LocalIdentity;
  readonly #limits: ResolvedPeerLimits;
  readonly #logger: Logger;
  readonly #onLink: (link: Dialled) => void;
  readonly #stopping = new AbortController();
  #state: 'idle' | 'waiting' | 'dialling' | 'linked' | 'stopped' = 'idle';
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #linkedAtMs = 0;
  #logged: string | undefined;
  #dial: Promise<void> = Promise.resolve();

  constructor(options: {
    readonly peer: ServerId;
    readonly address: PeerAddress;
    readonly local: LocalIdentity;
    readonly limits: ResolvedPeerLimits;
    readonly logger: Logger;
    /** A link stands; it is the caller's from here on. It calls `lost` when it ends. */
    readonly onLink: (link: Dialled) => void;
  }) {
    this.#peer = options.peer;
    this.#address = options.address;
    this.#local = options.local;
    this.#limits = options.limits;
    this.#logger = options.logger;
    this.#onLink = options.onLink;
  }

  start(): void {
    if (this.#state === 'idle') this.#dialNow();
  }

  /** The peer was heard of: a dial that waits for its time is made now. */
  hint(): void {
    if (this.#state !== 'waiting') return;
    clearTimeout(this.#timer);
    this.#dialNow();
  }

  /** The link that `onLink` handed out has ended. */
  lost(error: PeerError): void {
    if (this.#state !== 'linked') return;
    this.lastError = error;
    if (performance.now() - this.#linkedAtMs >= STABLE_MS) this.#failures = 0;
    this.#dialLater();
  }

  /** Dials no more; resolves when a dial under way has ended. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    clearTimeout(this.#timer);
    this.#stopping.abort();
    await this.#dial;
  }

  #dialLater(): void {
    const { redialMinMs, redialMaxMs } = this.#limits;
    const growing = Math.min(redialMaxMs, redialMinMs * 2 ** Math.min(30, this.#failures - 1));
    const delayMs = this.#failures === 0 ? FIRST_REDIAL_MS : growing;
    this.#failures += 1;
    this.#state = 'waiting';
    this.#timer = setTimeout(() => this.#dialNow(), delayMs * (0.5 + Math.random() / 2));
  }

  #dialNow(): void {
    this.#state = 'dialling';
    this.#dial = this.#dialOnce();
  }

  async #dialOnce(): Promise<void> {
    let link: Dialled;
    try {
      link = await dialPeer(
        this.#peer,
        this.#address,
        { kind: 'messages' },
        this.#local,
        this.#limits,
        this.#stopping.signal,
      );
    } catch (error) {
      this.#onFailed(peerErrorOf(error, 'CONNECT_FAILED'));
      return;
    }
    // Not in the try: what the owner of the link throws is no failure to dial.
    this.#onDialled(link);
  }

  #onDialled(link: Dialled): void {
    if (this.#state === 'stopped') {
      link.frames.close(peerErrorOf(new Error('the transport has stopped'), 'LINK_CLOSED'));
      return;
    }
    this.#state = 'linked';
    this.#linkedAtMs = performance.now();
    this.#logged = undefined;
    this.lastError = undefined;
    this.#onLink(link);
  }

  #onFailed(error: PeerError): void {
    if (this.#state === 'stopped') return;
    this.lastError = error;
    this.#log(error);
    this.#dialLater();
  }

  /** The same failure again is not news. */
  #log(error: PeerError): void {
    const fields = {
      event: 'peer_dial_failed',
      peer: this.#peer,
      address: `${this.#address.host}:${this.#address.port}`,
      code: error.code,
    };
    if (this.#logged === error.code) this.#logger.debug(fields, error.message);
    else if (isMisconfiguration(error.code)) this.#logger.error(fields, error.message);
    else this.#logger.warn(fields, error.message);
    this.#logged = error.code;
  }
}
