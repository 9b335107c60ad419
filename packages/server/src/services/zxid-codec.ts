import type { Zxid } from '@zkl/consensus';

/** `epoch << 32 | counter`, as the public API carries a zxid. */
export function zxidToBigint(zxid: Zxid): bigint {
  return (BigInt(zxid.epoch) << 32n) | BigInt(zxid.counter);
}

/** The zxid of a 64-bit number. */
export function zxidFromBigint(value: bigint): Zxid {
  return { epoch: Number(value >> 32n), counter: Number(value & 0xffff_ffffn) };
}
