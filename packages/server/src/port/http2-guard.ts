import { constants, type Http2Session, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { ControlWindow, ResetBucket } from './flood-limits.js';
import type { ResolvedPortLimits } from './port-limits.js';

/** What the guard keeps about one HTTP/2 connection. */
interface Watched {
  streams: number;
  /** When the last stream closed, or the connection began. */
  idleSinceMs: number;
  /** PING and SETTINGS frames. */
  readonly control: ControlWindow;
  /** Early resets. */
  readonly resets: ResetBucket;
  pinged: boolean;
}

/**
 * Watches HTTP/2 connections for what node:http2 has no option for: connections that open no streams, floods of pings and settings, streams
 * that are opened and reset at once (CVE-2023-44487), connections that died without saying so. One timer for all of them.
 */
export class Http2Guard {
  readonly #limits: ResolvedPortLimits;
  readonly #sessions = new Map<ServerHttp2Session, Watched>();
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(limits: ResolvedPortLimits) {
    this.#limits = limits;
    const { http2IdleTimeoutMs, http2KeepAliveMs } = limits;
    if (http2IdleTimeoutMs > 0) {
      this.#every(Math.max(50, http2IdleTimeoutMs / 4), () => this.#closeIdle());
    }
    if (http2KeepAliveMs > 0) this.#every(http2KeepAliveMs, () => this.#pingAll());
  }

  /** Called for every new session. */
  watch(session: ServerHttp2Session): void {
    const watched: Watched = {
      streams: 0,
      idleSinceMs: performance.now(),
      control: new ControlWindow(this.#limits.http2ControlFramesMax),
      resets: new ResetBucket(this.#limits),
      pinged: false,
    };
    this.#sessions.set(session, watched);
    session.setLocalWindowSize(this.#limits.http2ConnectionWindowBytes);
    const handshake = setTimeout(() => {
      end(session, constants.NGHTTP2_SETTINGS_TIMEOUT, 'no settings came');
    }, this.#limits.http2HandshakeTimeoutMs);
    session.on('remoteSettings', () => {
      clearTimeout(handshake);
      this.#onControlFrame(session, watched);
    });
    session.on('ping', () => this.#onControlFrame(session, watched));
    session.on('stream', (stream: ServerHttp2Stream) => this.#onStream(session, watched, stream));
    // The connection ended badly: its streams have told their handlers.
    session.on('error', () => undefined);
    session.on('close', () => {
      clearTimeout(handshake);
      this.#sessions.delete(session);
    });
  }

  /** GOAWAY to every connection: streams that are open may finish, new ones are refused. */
  closeAll(): void {
    for (const session of this.#sessions.keys()) session.close();
  }

  /** Stops the timers. */
  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  #every(intervalMs: number, run: () => void): void {
    this.#timers.push(setInterval(run, intervalMs).unref());
  }

  #onStream(session: ServerHttp2Session, watched: Watched, stream: ServerHttp2Stream): void {
    watched.streams += 1;
    // Not `once`, which costs a wrapper and an event of its own: it comes once anyway.
    stream.on('close', () => {
      watched.streams -= 1;
      if (watched.streams === 0) watched.idleSinceMs = performance.now();
      // `aborted`: the client ended it before it was answered in full.
      if (stream.aborted) this.#onReset(session, watched);
    });
  }

  #onReset(session: ServerHttp2Session, watched: Watched): void {
    if (!watched.resets.admit()) end(session, constants.NGHTTP2_ENHANCE_YOUR_CALM, 'a flood of resets');
  }

  #onControlFrame(session: ServerHttp2Session, watched: Watched): void {
    if (!watched.control.admit()) end(session, constants.NGHTTP2_ENHANCE_YOUR_CALM, 'a flood of control frames');
  }

  #closeIdle(): void {
    const deadlineMs = performance.now() - this.#limits.http2IdleTimeoutMs;
    for (const [session, watched] of this.#sessions) {
      if (watched.streams === 0 && watched.idleSinceMs < deadlineMs) session.close();
    }
  }

  #pingAll(): void {
    for (const [session, watched] of this.#sessions) {
      if (watched.pinged) {
        end(session, constants.NGHTTP2_NO_ERROR, 'a ping was not answered');
        continue;
      }
      // False: it is closing, or too many pings wait already.
      watched.pinged = session.ping((error) => {
        if (error === null) watched.pinged = false;
      });
    }
  }
}

/**
 * Ends a connection; the code in its GOAWAY tells a well-meaning client why. Without an error node:http2 would send the code 0.
 *
 * In a turn of its own: what the guard sees it sees in the middle of nghttp2's reading. 1. A client resets a thousand streams in one packet. 2. The
 * guard destroys the session at one of them. 3. nghttp2 goes on with the next, over memory that is gone, and Node aborts the process
 * (`CheckAllocatedSize`; nodejs/node 38964).
 */
function end(session: Http2Session, code: number, reason: string): void {
  setImmediate(() => {
    if (!session.destroyed) session.destroy(new Error(reason), code);
  });
}
