import type { Socket } from 'node:net';
import type { Path } from './path.js';

/** Bytes that a direction holds before it lets the sender feel it, as a window that is full does. */
const HELD_BYTES_MAX = 4 * 1024 * 1024;

interface Held {
  /** Undefined: the sender's end of the stream. */
  readonly bytes: Buffer | undefined;
  /** Not passed on before this, on the monotonic clock. */
  readonly dueMs: number;
}

/**
 * One direction of one connection through a proxy: passes bytes on in their order, as late as its path says, and holds them while the path is
 * blocked. Bytes are never dropped from the middle: TCP sends again what is lost, so loss shows as a stall, and nothing else.
 */
export class Direction {
  readonly #from: Socket;
  readonly #to: () => Socket;
  readonly #path: Path;
  readonly #held: Held[] = [];
  #heldBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #lastDueMs = 0;
  #isDraining = false;

  /** @param to - Makes the connection to the receiver when there is the first thing to pass on. */
  constructor(from: Socket, to: () => Socket, path: Path) {
    this.#from = from;
    this.#to = to;
    this.#path = path;
    from.on('data', (bytes) => this.#hold(bytes));
    from.on('end', () => this.#hold(undefined));
    path.directions.add(this);
  }

  /** The path has changed. */
  pump(): void {
    clearTimeout(this.#timer);
    const nowMs = performance.now();
    while (this.#held.length > 0 && !this.#path.isBlocked && !this.#isDraining) {
      const next = this.#held[0] as Held;
      if (next.dueMs > nowMs) {
        this.#timer = setTimeout(() => this.pump(), next.dueMs - nowMs);
        return;
      }
      this.#held.shift();
      this.#pass(next.bytes);
    }
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#held.length = 0;
    this.#path.directions.delete(this);
  }

  #hold(bytes: Buffer | undefined): void {
    // What comes later is never passed on earlier, whatever the delay was meanwhile.
    this.#lastDueMs = Math.max(this.#lastDueMs, performance.now() + this.#path.drawDelayMs());
    this.#held.push({ bytes, dueMs: this.#lastDueMs });
    this.#heldBytes += bytes?.length ?? 0;
    if (this.#heldBytes > HELD_BYTES_MAX) this.#from.pause();
    if (this.#held.length === 1) this.pump();
  }

  #pass(bytes: Buffer | undefined): void {
    const to = this.#to();
    if (to.destroyed) return;
    if (bytes === undefined) {
      to.end();
      return;
    }
    this.#heldBytes -= bytes.length;
    if (this.#heldBytes <= HELD_BYTES_MAX && this.#from.isPaused()) this.#from.resume();
    if (to.write(bytes)) return;
    this.#isDraining = true;
    to.once('drain', () => {
      this.#isDraining = false;
      this.pump();
    });
  }
}
