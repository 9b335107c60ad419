import type { Zxid } from '@zkl/wire';

let epochOfBase = 0;
let base = 0n;

/** A zxid as the surface shows it: epoch << 32 | counter. Most of them in a row are of one epoch, whose part is kept. */
export function toBigint(zxid: Zxid): bigint {
  if (zxid.epoch !== epochOfBase) {
    epochOfBase = zxid.epoch;
    base = BigInt(epochOfBase) << 32n;
  }
  return base + BigInt(zxid.counter);
}

/** The inverse of {@link toBigint}. */
export function toZxid(value: bigint): Zxid {
  return { epoch: Number(value >> 32n), counter: Number(value & 0xffff_ffffn) };
}
