/**
 * A zxid names a place in the total order of writes: the epoch of the leader that proposed it, and a counter
 * within that epoch. Two flat numbers here, because this is the hot path; one 64-bit integer
 * (`epoch << 32 | counter`) only at the public edge. Source: Zab (DSN 2011), section 4.
 */
export interface Zxid {
  /** 0 .. 2^32 - 1. */
  readonly epoch: number;
  /** 0 .. 2^32 - 1; the first write of an epoch has counter 1. */
  readonly counter: number;
}

/** Before the first write of all. */
export const ZXID_ZERO: Zxid = { epoch: 0, counter: 0 };

/** The last counter of an epoch: a leader that has used it up steps down, so that a new epoch begins. */
export const COUNTER_MAX = 0xffff_ffff;

/** Negative when `a` is before `b`, 0 when they are the same, positive when `a` is after `b`. */
export function compareZxid(a: Zxid, b: Zxid): number {
  return a.epoch - b.epoch || a.counter - b.counter;
}

export function sameZxid(a: Zxid, b: Zxid): boolean {
  return a.epoch === b.epoch && a.counter === b.counter;
}

export function minZxid(a: Zxid, b: Zxid): Zxid {
  return compareZxid(a, b) <= 0 ? a : b;
}

export function maxZxid(a: Zxid, b: Zxid): Zxid {
  return compareZxid(a, b) >= 0 ? a : b;
}

/** As the field prints it: `0x100000002` is epoch 1, counter 2. */
export function formatZxid(zxid: Zxid): string {
  if (zxid.epoch === 0) return `0x${zxid.counter.toString(16)}`;
  return `0x${zxid.epoch.toString(16)}${zxid.counter.toString(16).padStart(8, '0')}`;
}
