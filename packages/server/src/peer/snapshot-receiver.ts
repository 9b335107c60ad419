import { crc32 } from 'node:zlib';
import { FRAME } from './frame.js';
import { FrameCursor } from './frame-cursor.js';
import type { FrameSocket } from './frame-socket.js';
import { PeerError, peerErrorOf } from './peer-error.js';
import type { ResolvedPeerLimits } from './peer-limits.js';
import {
  decodeSnapshotChunk,
  decodeSnapshotEnd,
  encodeSnapshotAlive,
  encodeSnapshotInstalled,
} from './snapshot-codec.js';

/** The sender hears this often that the receiver lives. */
const ALIVE_INTERVAL_MS = 500;

/**
 * Takes a snapshot from a connection whose handshake is done and hands it to `install`, which reads it at its own pace. When `install` resolves
 * the sender is told so; when it rejects, why. Never rejects: what went wrong is what it resolves with, after the connection is closed.
 */
export async function receiveSnapshot(
  frames: FrameSocket,
  sizeBytes: number,
  limits: ResolvedPeerLimits,
  install: (chunks: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<PeerError | undefined> {
  const sendAlive = (): void => {
    encodeSnapshotAlive(frames.writer, stream.consumedBytes);
    frames.flush();
  };
  const stream = new SnapshotStream(frames, sizeBytes, limits, sendAlive);
  const alive = setInterval(sendAlive, ALIVE_INTERVAL_MS);
  try {
    await install(stream.chunks());
    if (!stream.whole) throw new PeerError('SNAPSHOT_REFUSED', 'the snapshot was not read to its end');
    if (frames.error !== undefined) return frames.error;
    encodeSnapshotInstalled(frames.writer);
    frames.end(new PeerError('LINK_CLOSED', 'the snapshot is installed'));
    return undefined;
  } catch (error) {
    const cause = frames.error ?? error;
    const refused = new PeerError('SNAPSHOT_REFUSED', cause instanceof Error ? cause.message : String(cause), {
      cause,
    });
    const failure = cause instanceof PeerError ? cause : refused;
    frames.refuse(refused);
    return failure;
  } finally {
    clearInterval(alive);
  }
}

/** The chunks as they come, with a bound on what is read ahead. */
class SnapshotStream {
  /** The end marker came, and size and checksum were right. */
  whole = false;
  consumedBytes = 0;
  readonly #frames: FrameSocket;
  readonly #sizeBytes: number;
  readonly #limits: ResolvedPeerLimits;
  readonly #onConsumed: () => void;
  readonly #queue: Buffer[] = [];
  #queuedBytes = 0;
  #receivedBytes = 0;
  #crc = 0;
  #held = false;
  #wake: (() => void) | undefined;

  /** `onConsumed`: called when all of it has been read. */
  constructor(frames: FrameSocket, sizeBytes: number, limits: ResolvedPeerLimits, onConsumed: () => void) {
    this.#frames = frames;
    this.#sizeBytes = sizeBytes;
    this.#limits = limits;
    this.#onConsumed = onConsumed;
    frames.onClosed(() => this.#wakeUp());
    this.#read();
  }

  async *chunks(): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      const chunk = this.#queue.shift();
      if (chunk !== undefined) {
        this.#queuedBytes -= chunk.byteLength;
        yield chunk;
        this.consumedBytes += chunk.byteLength;
        continue;
      }
      if (this.whole) {
        this.#onConsumed();
        return;
      }
      if (this.#frames.error !== undefined) throw brokenBy(this.#frames.error);
      await this.#more();
    }
  }

  #read(): void {
    this.#held = false;
    this.#frames.read((frame) => {
      try {
        this.#onFrame(new FrameCursor(frame));
      } catch (error) {
        this.#frames.refuse(peerErrorOf(error, 'MALFORMED_FRAME'));
      }
      this.#wakeUp();
    });
  }

  #onFrame(cursor: FrameCursor): void {
    if (this.whole) throw cursor.fault('no place after the end of a snapshot');
    if (cursor.kind === FRAME.snapshotEnd) {
      const end = decodeSnapshotEnd(cursor);
      const right = end.sizeBytes === this.#sizeBytes && end.sizeBytes === this.#receivedBytes && end.crc === this.#crc;
      if (!right) throw new PeerError('SNAPSHOT_BROKEN', 'the snapshot differs from what its sender announced');
      this.whole = true;
      return;
    }
    if (cursor.kind !== FRAME.snapshotChunk) throw cursor.fault('no place in a snapshot');
    const chunk = decodeSnapshotChunk(cursor);
    this.#receivedBytes += chunk.byteLength;
    if (this.#receivedBytes > this.#sizeBytes)
      throw new PeerError('SNAPSHOT_BROKEN', 'the snapshot is larger than announced');
    this.#crc = crc32(chunk, this.#crc);
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.byteLength;
    if (this.#queuedBytes < this.#limits.snapshotReadAheadBytes) return;
    this.#held = true;
    this.#frames.hold();
  }

  /** Resolves when there is something new; rejects when that takes too long. */
  async #more(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      const { snapshotStallMs } = this.#limits;
      const stalled = new PeerError('SNAPSHOT_STALLED', `nothing came of the snapshot in ${snapshotStallMs} ms`);
      // What came during a pause of this process is handled first.
      timer = setTimeout(() => setImmediate(reject, stalled), snapshotStallMs);
      this.#wake = resolve;
      if (this.#held) this.#read();
    });
    clearTimeout(timer);
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

function brokenBy(error: PeerError): PeerError {
  return new PeerError('SNAPSHOT_BROKEN', `the snapshot broke off: ${error.message}`, { cause: error });
}
