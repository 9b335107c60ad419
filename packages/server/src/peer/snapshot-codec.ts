import { FRAME } from './frame.js';
import type { FrameCursor } from './frame-cursor.js';
import type { FrameWriter } from './frame-writer.js';

/** The end of a snapshot, from the sender: how much there was, and one CRC-32 over all of it. */
export interface SnapshotEnd {
  readonly sizeBytes: number;
  readonly crc: number;
}

/** Part of a snapshot. Copied: the bytes may change afterwards. */
export function encodeSnapshotChunk(writer: FrameWriter, bytes: Uint8Array): void {
  writer.open(FRAME.snapshotChunk, bytes.byteLength);
  writer.bytes(bytes);
  writer.seal(0);
}

/** The rest of the frame; a view. */
export function decodeSnapshotChunk(cursor: FrameCursor): Buffer {
  return cursor.bytes(cursor.remaining);
}

export function encodeSnapshotEnd(writer: FrameWriter, { sizeBytes, crc }: SnapshotEnd): void {
  writer.open(FRAME.snapshotEnd, 12);
  writer.u53(sizeBytes);
  writer.u32(crc);
  writer.seal(0);
}

export function decodeSnapshotEnd(cursor: FrameCursor): SnapshotEnd {
  const end = { sizeBytes: cursor.u53(), crc: cursor.u32() };
  cursor.end();
  return end;
}

/** From the receiver: so many bytes are consumed; sent now and then. */
export function encodeSnapshotAlive(writer: FrameWriter, consumedBytes: number): void {
  writer.open(FRAME.snapshotAlive, 8);
  writer.u53(consumedBytes);
  writer.seal(0);
}

export function decodeSnapshotAlive(cursor: FrameCursor): number {
  const consumedBytes = cursor.u53();
  cursor.end();
  return consumedBytes;
}

/** From the receiver: it is installed. */
export function encodeSnapshotInstalled(writer: FrameWriter): void {
  writer.open(FRAME.snapshotInstalled, 0);
  writer.seal(0);
}
