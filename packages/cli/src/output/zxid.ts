/** The epoch of a zxid: which leader's reign it belongs to. */
export function epochOf(zxid: bigint): number {
  return Number(zxid >> 32n);
}

/** The counter of a zxid: which write of its epoch it is, from 1. */
export function counterOf(zxid: bigint): number {
  return Number(zxid & 0xffff_ffffn);
}

/** As the field writes it: `0x100000002`. */
export function hexZxid(zxid: bigint): string {
  return `0x${zxid.toString(16)}`;
}

/** As people read it: `0x100000002 (1:2)`, with epoch and counter in brackets. */
export function formatZxid(zxid: bigint): string {
  return `${hexZxid(zxid)} (${epochOf(zxid)}:${counterOf(zxid)})`;
}
