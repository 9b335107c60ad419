import { crc32 } from 'node:zlib';
import type { SnapshotReader } from '@zkl/consensus';
import { FRAME } from './frame.js';
import { FrameCursor } from './frame-cursor.js';
import type { FrameSocket } from './frame-socket.js';
import { decodeRefusal } from './handshake-codec.js';
import { PeerError, peerErrorOf } from './peer-error.js';
import type { ResolvedPeerLimits } from './peer-limits.js';
import { decodeSnapshotAlive, encodeSnapshotChunk, encodeSnapshotEnd } from './snapshot-codec.js';
import { StallTimer } from './stall-timer.js';

/**
 * Streams a snapshot over a connection whose handshake is done, at the pace of the slower of reader and network, and resolves when the receiver
 * has installed it. Rejects with a `PeerError`; the connection is closed either way. Does not close the snapshot: who opened it does.
 */
export async function streamSnapshot(
  frames: FrameSocket,
  snapshot: SnapshotReader,
  limits: ResolvedPeerLimits,
  signal: AbortSignal,
): Promise<void> {
  const outcome = watchReceiver(frames);
  const stalled = (): void =>
    frames.close(new PeerError('SNAPSHOT_STALLED', `the snapshot made no progress in ${limits.snapshotStallMs} ms`));
  const stall = new StallTimer(limits.snapshotStallMs, stalled);
  const onAbort = (): void =>
    frames.close(new PeerError('SNAPSHOT_ABORTED', 'the transfer was aborted', { cause: signal.reason }));
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  outcome.onProgress = () => stall.progress();
  try {
    await sendChunks(frames, snapshot, limits.snapshotFrameBytes, outcome.done, () => stall.progress());
    outcome.onConsumed(snapshot.sizeBytes, () => stall.restart(limits.snapshotInstallMs));
    await outcome.done;
  } finally {
    signal.removeEventListener('abort', onAbort);
    stall.stop();
    frames.close(new PeerError('LINK_CLOSED', 'the snapshot is done'));
  }
}

/** What the receiver says: it is alive, it refuses, it has installed. */
interface ReceiverWatch {
  /** Resolves when the snapshot is installed; rejects when it will not be. */
  readonly done: Promise<void>;
  onProgress: () => void;
  /** Calls back once when the receiver has taken in so many bytes. */
  onConsumed(bytes: number, callback: () => void): void;
}

function watchReceiver(frames: FrameSocket): ReceiverWatch {
  let consumedBytes = 0;
  let wanted: { readonly bytes: number; readonly callback: () => void } | undefined;
  const check = (): void => {
    if (wanted === undefined || consumedBytes < wanted.bytes) return;
    wanted.callback();
    wanted = undefined;
  };
  const done = new Promise<void>((resolve, reject) => {
    frames.onClosed(reject);
    frames.read((frame) => {
      try {
        const cursor = new FrameCursor(frame);
        if (cursor.kind === FRAME.snapshotInstalled) {
          resolve();
        } else if (cursor.kind === FRAME.snapshotAlive) {
          const bytes = decodeSnapshotAlive(cursor);
          if (bytes > consumedBytes) watch.onProgress();
          consumedBytes = bytes;
          check();
        } else {
          throw cursor.kind === FRAME.refusal ? decodeRefusal(cursor) : cursor.fault('no place in a snapshot');
        }
      } catch (error) {
        frames.close(peerErrorOf(error, 'MALFORMED_FRAME'));
      }
    });
  });
  // It may fail while nobody waits for it yet.
  done.catch(() => undefined);
  const watch: ReceiverWatch = {
    done,
    onProgress: () => undefined,
    onConsumed: (bytes, callback) => {
      wanted = { bytes, callback };
      check();
    },
  };
  return watch;
}

/** Rejects when the connection ends first. */
async function sendChunks(
  frames: FrameSocket,
  snapshot: SnapshotReader,
  frameBytes: number,
  ended: Promise<void>,
  onProgress: () => void,
): Promise<void> {
  const iterator = snapshot.chunks[Symbol.asyncIterator]();
  let sizeBytes = 0;
  let crc = 0;
  try {
    for (;;) {
      // A reader that hangs must not keep a transfer that was aborted.
      const next = await Promise.race([iterator.next(), ended]);
      if (next === undefined || next.done === true) break;
      onProgress();
      for (let from = 0; from < next.value.byteLength; from += frameBytes) {
        const part = next.value.subarray(from, from + frameBytes);
        encodeSnapshotChunk(frames.writer, part);
        crc = crc32(part, crc);
        sizeBytes += part.byteLength;
        frames.flush();
        await frames.drained();
        if (frames.error !== undefined) throw frames.error;
        onProgress();
      }
    }
  } catch (error) {
    // Not awaited: it would wait for the reader's step under way.
    void Promise.resolve(iterator.return?.()).catch(() => undefined);
    throw peerErrorOf(error, 'SNAPSHOT_BROKEN');
  }
  if (sizeBytes !== snapshot.sizeBytes) {
    throw new PeerError('SNAPSHOT_BROKEN', `the snapshot has ${sizeBytes} bytes, and not ${snapshot.sizeBytes}`);
  }
  encodeSnapshotEnd(frames.writer, { sizeBytes, crc });
  frames.flush();
}
