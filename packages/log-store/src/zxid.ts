import type { Block, Zxid } from '@zkl/consensus';

/** The few comparisons that the store needs; of @zkl/consensus it takes types only. */

export const ZXID_ZERO: Zxid = { epoch: 0, counter: 0 };

/** Negative when `a` is before `b`, 0 when they are the same, positive when `a` is after `b`. */
export function compareZxid(a: Zxid, b: Zxid): number {
  return a.epoch - b.epoch || a.counter - b.counter;
}

export function sameZxid(a: Zxid, b: Zxid): boolean {
  return a.epoch === b.epoch && a.counter === b.counter;
}

/** The zxid of the last write in the block. */
export function endOf(block: Block): Zxid {
  return { epoch: block.epoch, counter: block.firstCounter + block.count - 1 };
}

/** The zxid just before the block. */
export function prevOf(block: Block): Zxid {
  return { epoch: block.prevEpoch, counter: block.prevCounter };
}

/** True when the block ends after `zxid`. */
export function endsAfter(block: Block, zxid: Zxid): boolean {
  return (
    block.epoch > zxid.epoch || (block.epoch === zxid.epoch && block.firstCounter + block.count - 1 > zxid.counter)
  );
}

/** True when the block follows directly on `zxid`. */
export function follows(block: Block, zxid: Zxid): boolean {
  return block.prevEpoch === zxid.epoch && block.prevCounter === zxid.counter;
}

/** As the field prints it: `0x100000002` is epoch 1, counter 2. */
export function formatZxid(zxid: Zxid): string {
  const low = zxid.counter.toString(16);
  return zxid.epoch === 0 ? `0x${low}` : `0x${zxid.epoch.toString(16)}${low.padStart(8, '0')}`;
}

export function maxZxid(a: Zxid, b: Zxid): Zxid {
  return compareZxid(a, b) >= 0 ? a : b;
}

export function minZxid(a: Zxid, b: Zxid): Zxid {
  return compareZxid(a, b) <= 0 ? a : b;
}
