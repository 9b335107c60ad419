import type { ServerId } from './server-id.js';
import { compareZxid, type Zxid } from './zxid.js';

/**
 * A block is a run of consecutive writes of one epoch that were proposed together. It is the unit of everything below the
 * tree: appended, synced, sent, acknowledged, committed and cut off as a whole, so no bookkeeping is done per write.
 * Each write in it still has a zxid of its own: `firstCounter`, `firstCounter + 1`, ... .
 *
 * Blocks are immutable, and every server holds the same bytes for the same block.
 */
export interface Block {
  readonly epoch: number;
  /** The server that led that epoch and proposed the block. */
  readonly leader: ServerId;
  /** The counter of the first write in the block; at least 1. */
  readonly firstCounter: number;
  /** How many writes it holds; at least 1. */
  readonly count: number;
  /** The zxid just before the block: the end of the block before it. A log, a sync and an apply all refuse a gap. */
  readonly prevEpoch: number;
  readonly prevCounter: number;
  /** What the leader knew to be committed when it proposed this block: recovery may apply up to here without asking. */
  readonly committedEpoch: number;
  readonly committedCounter: number;
  /** The leader's wall clock when it proposed the block, in milliseconds since 1970: the time that all its writes have. */
  readonly timeMs: number;
  /** The writes: for each, its length as a little-endian uint32, then that many bytes. Opaque to consensus. */
  readonly payload: Uint8Array;
  /**
   * The block as one checksummed record, as it stands on disk and goes to peers. Made once by whoever needs it first
   * (`recordOf` in @zkl/log-store) and kept here; a block that was read from disk or a socket brings it along.
   */
  record: Uint8Array | undefined;
}

/** The zxid of the last write in the block: the block's own name, since an epoch's leader makes no two blocks with the same end. */
export function endOf(block: Block): Zxid {
  return { epoch: block.epoch, counter: block.firstCounter + block.count - 1 };
}

/** The zxid just before the block. */
export function prevOf(block: Block): Zxid {
  return { epoch: block.prevEpoch, counter: block.prevCounter };
}

/** True when the block ends after `zxid`, without making an object. */
export function endsAfter(block: Block, zxid: Zxid): boolean {
  return (
    block.epoch > zxid.epoch || (block.epoch === zxid.epoch && block.firstCounter + block.count - 1 > zxid.counter)
  );
}

/** True when `block` is the one that follows directly on `zxid`. */
export function follows(block: Block, zxid: Zxid): boolean {
  return block.prevEpoch === zxid.epoch && block.prevCounter === zxid.counter;
}

/** Why a block cannot stand after `prev`, or undefined when it can. */
export function chainFault(block: Block, prev: Zxid): string | undefined {
  if (!follows(block, prev)) return 'its link names another predecessor';
  if (block.count < 1 || block.firstCounter < 1) return 'it is empty';
  if (block.epoch === prev.epoch && block.firstCounter !== prev.counter + 1) return 'its counter leaves a gap';
  if (block.epoch !== prev.epoch && (block.epoch < prev.epoch || block.firstCounter !== 1)) {
    return 'its epoch does not follow';
  }
  return compareZxid(endOf(block), prev) <= 0 ? 'it ends before it begins' : undefined;
}

/** Bytes that a block weighs in queues and windows: its payload and a flat charge for the rest. */
export function weightOf(block: Block): number {
  return block.payload.byteLength + 128;
}
