import type { Socket } from 'node:net';
import type { Logger } from '../observability/logger.js';
import { HANDSHAKE_FRAME_BYTES_MAX } from './frame.js';
import { FrameSocket } from './frame-socket.js';
import { acceptHandshake, afterMagic, type LocalIdentity, type Newcomer } from './handshake.js';
import { isMisconfiguration, PeerError, peerErrorOf } from './peer-error.js';
import type { ResolvedPeerLimits } from './peer-limits.js';

/** Refusals from one address and for one reason are logged once in this time. */
const LOG_INTERVAL_MS = 10_000;
const LOG_MEMORY_MAX = 1_024;

/** Takes incoming connections through their handshake, so many at a time and within a time limit. */
export class Acceptor {
  readonly #local: LocalIdentity;
  readonly #limits: ResolvedPeerLimits;
  readonly #logger: Logger;
  readonly #admit: (frames: FrameSocket, newcomer: Newcomer) => Promise<PeerError | undefined>;
  readonly #pending = new Set<FrameSocket>();
  readonly #logged = new Map<string, number>();
  #stopped = false;

  /** `admit`: lets a newcomer in, or says why not. It is called with reading held. */
  constructor(options: {
    readonly local: LocalIdentity;
    readonly limits: ResolvedPeerLimits;
    readonly logger: Logger;
    readonly admit: (frames: FrameSocket, newcomer: Newcomer) => Promise<PeerError | undefined>;
  }) {
    this.#local = options.local;
    this.#limits = options.limits;
    this.#logger = options.logger;
    this.#admit = options.admit;
  }

  /** Takes over a connection; `head` is what was read of it, the magic included. */
  accept(socket: Socket, head: Buffer): void {
    let first: Buffer;
    try {
      first = afterMagic(head);
    } catch {
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    const sizes = { frameBytesMax: HANDSHAKE_FRAME_BYTES_MAX, bufferedBytesMax: this.#limits.bufferedBytesMax };
    const frames = new FrameSocket(socket, sizes, first);
    if (this.#stopped) {
      frames.refuse(new PeerError('STOPPING', 'this server stops'));
      return;
    }
    this.#makeRoom();
    this.#pending.add(frames);
    void this.#handshake(frames);
  }

  /** Ends the handshakes under way and takes no more. */
  stop(): void {
    this.#stopped = true;
    for (const frames of this.#pending) frames.close(new PeerError('STOPPING', 'this server stops'));
  }

  /** The oldest gives way: honest ones take milliseconds. */
  #makeRoom(): void {
    if (this.#pending.size < this.#limits.handshakesMax) return;
    for (const oldest of this.#pending) {
      oldest.refuse(new PeerError('OVERLOADED', 'too many handshakes at once'));
      this.#pending.delete(oldest);
      return;
    }
  }

  async #handshake(frames: FrameSocket): Promise<void> {
    const { handshakeTimeoutMs } = this.#limits;
    const timer = setTimeout(() => {
      frames.close(new PeerError('HANDSHAKE_TIMEOUT', `no handshake in ${handshakeTimeoutMs} ms`));
    }, handshakeTimeoutMs);
    let newcomer: Newcomer;
    try {
      newcomer = await acceptHandshake(frames, this.#local);
      frames.frameBytesMax = this.#limits.frameBytesMax;
    } catch (error) {
      this.#refuse(frames, peerErrorOf(error, 'MALFORMED_FRAME'));
      return;
    } finally {
      this.#pending.delete(frames);
      clearTimeout(timer);
    }
    // Not in the try: what the owner throws is no fault of the newcomer.
    const refusal = await this.#admit(frames, newcomer);
    if (refusal !== undefined) this.#refuse(frames, refusal);
  }

  #refuse(frames: FrameSocket, error: PeerError): void {
    frames.refuse(error);
    const nowMs = performance.now();
    const key = `${frames.remote.slice(0, frames.remote.lastIndexOf(':'))} ${error.code}`;
    const loggedMs = this.#logged.get(key);
    const fields = { event: 'peer_refused', address: frames.remote, code: error.code };
    if (loggedMs !== undefined && nowMs - loggedMs < LOG_INTERVAL_MS) {
      this.#logger.debug(fields, error.message);
      return;
    }
    if (this.#logged.size >= LOG_MEMORY_MAX) this.#logged.clear();
    this.#logged.set(key, nowMs);
    if (isMisconfiguration(error.code)) this.#logger.error(fields, error.message);
    else this.#logger.warn(fields, error.message);
  }
}
