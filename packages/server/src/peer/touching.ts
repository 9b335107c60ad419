import type { SessionTouch } from '../session/session-keeper.js';
import type { FrameSocket } from './frame-socket.js';
import {
  encodeMoved,
  encodeTouch,
  encodeTouchAck,
  type TouchAck,
  type TouchAnswer,
  type TouchBatch,
} from './touch-codec.js';

/** What became of a batch of touches: the leader's answer, or nothing, because the links were lost before it came. */
export type TouchReply = TouchAnswer | { readonly kind: 'lost' };

/** The touches that are under way with one peer while a pair of links lasts. */
export class Touching {
  readonly #frames: FrameSocket;
  readonly #waiting = new Map<number, (reply: TouchReply) => void>();
  #nextBatch = 1;
  #ended = false;

  /** `frames`: the outgoing link, for batches and answers alike. */
  constructor(frames: FrameSocket) {
    this.#frames = frames;
  }

  /** Sends a batch, at most `TOUCHES_MAX`. `done` is called once, and never from within this call. */
  touch(touches: readonly SessionTouch[], done: (reply: TouchReply) => void): void {
    const batch = this.#nextBatch;
    this.#nextBatch = batch === 0xffff_ffff ? 1 : batch + 1;
    this.#waiting.set(batch, done);
    encodeTouch(this.#frames.writer, { batch, touches });
    this.#frames.flushSoon();
  }

  onAck({ batch, answer }: TouchAck): void {
    const done = this.#waiting.get(batch);
    this.#waiting.delete(batch);
    done?.(answer);
  }

  /** A batch of the peer. */
  onTouch(
    { batch, touches }: TouchBatch,
    serve: (touches: readonly SessionTouch[], reply: (answer: TouchAnswer) => void) => void,
  ): void {
    serve(touches, (answer) => {
      if (this.#ended) return;
      encodeTouchAck(this.#frames.writer, { batch, answer });
      this.#frames.flushSoon();
    });
  }

  tellMoved(moved: readonly SessionTouch[]): void {
    encodeMoved(this.#frames.writer, moved);
    this.#frames.flushSoon();
  }

  end(): void {
    this.#ended = true;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const done of waiting) done({ kind: 'lost' });
  }
}
