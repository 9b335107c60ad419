import type { Zxid } from '@zkl/consensus';
import { rejected, type Failure } from '../request/failure.js';
import type { SessionTouch } from '../session/session-keeper.js';
import { SessionMap } from '../session/session-map.js';

/** A stream that serves a session. */
export interface AttachedStream {
  readonly attachment: number;
  end(failure: Failure): void;
}

/** How often streams are looked for whose session has ended without a word of theirs. */
const SWEEP_MS = 1_000;

/** The streams of this server that serve sessions: one for each session. */
export class Attachments {
  readonly #streams = new SessionMap<{ readonly session: Zxid; readonly stream: AttachedStream }>();
  readonly #exists: (session: Zxid) => boolean;
  #timer: NodeJS.Timeout | undefined;

  constructor(exists: (session: Zxid) => boolean) {
    this.#exists = exists;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** The stream serves the session from now on; the one before it, if it is here, ends. */
  add(session: Zxid, stream: AttachedStream): void {
    const before = this.#streams.get(session)?.stream;
    this.#streams.set(session, { session, stream });
    before?.end(rejected('SESSION_MOVED'));
    this.#timer ??= setInterval(() => this.#sweep(), SWEEP_MS);
  }

  remove(session: Zxid, stream: AttachedStream): void {
    if (this.#streams.get(session)?.stream === stream) this.#streams.delete(session);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The leader says that these attachments, and those before them, are served elsewhere. */
  onMoved(moved: readonly SessionTouch[]): void {
    for (const { session, attachment } of moved) {
      const stream = this.#streams.get(session)?.stream;
      if (stream !== undefined && stream.attachment <= attachment) stream.end(rejected('SESSION_MOVED'));
    }
  }

  #sweep(): void {
    for (const { session, stream } of [...this.#streams.values()]) {
      if (!this.#exists(session)) stream.end(rejected('SESSION_EXPIRED'));
    }
  }
}
