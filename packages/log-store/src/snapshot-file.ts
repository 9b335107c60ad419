import type { SnapshotReader, Zxid } from '@zkl/consensus';
import type { Disk, DiskFile } from './disk.js';
import { LogStoreError, systemCodeOf } from './errors.js';
import {
  SNAPSHOT_BLOCK_BYTES,
  SNAPSHOT_BLOCK_HEADER_BYTES,
  SNAPSHOT_FOOTER_BYTES,
  SNAPSHOT_HEADER_BYTES,
} from './format.js';
import {
  decodeSnapshotFooter,
  decodeSnapshotHeader,
  isSnapshotBlock,
  snapshotBlockBytes,
  snapshotFileBytes,
  type SnapshotFooter,
  type SnapshotHeader,
} from './snapshot-format.js';
import { sameZxid } from './zxid.js';

/** A snapshot on disk whose header and footer are whole. */
export interface SnapshotInfo extends SnapshotFooter {
  readonly header: SnapshotHeader;
  readonly zxid: Zxid;
  readonly path: string;
  readonly fileBytes: number;
}

/** What is read at a time. */
const WINDOW_BYTES = 16 * (SNAPSHOT_BLOCK_BYTES + SNAPSHOT_BLOCK_HEADER_BYTES);

/**
 * Reads header and footer of a snapshot whose name says `zxid`.
 * @throws LogStoreError SNAPSHOT_DAMAGED when they are not whole or do not belong together.
 */
export async function readSnapshotInfo(disk: Disk, path: string, zxid: Zxid): Promise<SnapshotInfo> {
  const file = await disk.open(path, 'read');
  try {
    const fileBytes = await file.size();
    const header = decodeSnapshotHeader(await readExactly(file, 0, SNAPSHOT_HEADER_BYTES, path));
    if (header === undefined || !sameZxid(header.zxid, zxid)) throw damaged(path, 'its header is wrong');
    const footerBytes = await readExactly(
      file,
      Math.max(fileBytes - SNAPSHOT_FOOTER_BYTES, 0),
      SNAPSHOT_FOOTER_BYTES,
      path,
    );
    const footer = decodeSnapshotFooter(footerBytes, header);
    if (footer === undefined) throw damaged(path, 'its footer is wrong');
    if (snapshotFileBytes(footer) !== fileBytes) throw damaged(path, 'its length is wrong');
    return { ...footer, header, zxid, path, fileBytes };
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    await file.close();
  }
}

/** Opens a snapshot for reading. Each block is checked before it is handed out; its bytes are good until the next is asked for. */
export async function openSnapshotFile(disk: Disk, info: SnapshotInfo): Promise<SnapshotReader> {
  const file = await disk.open(info.path, 'read');
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await file.close();
  };
  return { zxid: info.zxid, sizeBytes: info.stateBytes, chunks: blocksOf(file, info, close), close };
}

/** Reads the whole snapshot. @throws LogStoreError SNAPSHOT_DAMAGED. */
export async function verifySnapshot(disk: Disk, info: SnapshotInfo): Promise<void> {
  const reader = await openSnapshotFile(disk, info);
  try {
    for await (const _ of reader.chunks);
  } finally {
    await reader.close();
  }
}

async function* blocksOf(
  file: DiskFile,
  info: SnapshotInfo,
  close: () => Promise<void>,
): AsyncGenerator<Uint8Array, void> {
  try {
    const end = info.fileBytes - SNAPSHOT_FOOTER_BYTES;
    // One for all: a new one each time would fill the memory with old ones, which outlive the collector's young generation.
    const window = new Uint8Array(Math.min(WINDOW_BYTES, end - SNAPSHOT_HEADER_BYTES));
    let position = SNAPSHOT_HEADER_BYTES;
    let number = 0;
    while (position < end) {
      const bytes = window.subarray(0, Math.min(WINDOW_BYTES, end - position));
      await fillFrom(file, position, bytes, info.path);
      let at = 0;
      for (;;) {
        const length = snapshotBlockBytes(bytes, at);
        if (length === undefined) {
          if (at + SNAPSHOT_BLOCK_HEADER_BYTES <= bytes.byteLength)
            throw damaged(info.path, `the length of block ${number} is wrong`);
          break;
        }
        const next = at + SNAPSHOT_BLOCK_HEADER_BYTES + length;
        if (next > bytes.byteLength) break;
        if (!isSnapshotBlock(bytes, at, length, info.header, number))
          throw damaged(info.path, `the checksum of block ${number} is wrong`);
        yield bytes.subarray(at + SNAPSHOT_BLOCK_HEADER_BYTES, next);
        number += 1;
        at = next;
      }
      if (at === 0) throw damaged(info.path, `block ${number} is cut short`);
      position += at;
    }
    if (number !== info.blocks) throw damaged(info.path, `it has ${number} blocks instead of ${info.blocks}`);
  } catch (error) {
    throw unreadable(info.path, error);
  } finally {
    await close();
  }
}

async function readExactly(file: DiskFile, position: number, length: number, path: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await fillFrom(file, position, bytes, path);
  return bytes;
}

async function fillFrom(file: DiskFile, position: number, bytes: Uint8Array, path: string): Promise<void> {
  const count = await file.read(bytes, position);
  if (count !== bytes.byteLength) throw damaged(path, 'it is cut short');
}

/** A sector that the disk cannot read is damage like any other. */
function unreadable(path: string, error: unknown): unknown {
  return systemCodeOf(error) === 'EIO' ? damaged(path, 'the disk cannot read it', error) : error;
}

function damaged(path: string, why: string, cause?: unknown): LogStoreError {
  return new LogStoreError(
    'SNAPSHOT_DAMAGED',
    `The snapshot ${path} is damaged: ${why}. Restart the server: it falls back or asks a peer.`,
    {
      cause,
    },
  );
}
