/** What `apply` needs of a block; a Block of @zkl/consensus has it. */
export interface CommittedBlock {
  readonly epoch: number;
  /** The server that led that epoch. */
  readonly leader: number;
  /** The counter of the first write. */
  readonly firstCounter: number;
  /** How many writes it holds. */
  readonly count: number;
  /** The leader's wall clock, milliseconds since 1970. */
  readonly timeMs: number;
  /** For each write its length as a little-endian uint32, then that many bytes. */
  readonly payload: Uint8Array;
}

/** The offset after the write whose length stands at `at`, or -1 when the payload ends before it. */
export function endOfWrite(payload: Uint8Array, at: number): number {
  if (at + 4 > payload.length) return -1;
  const length = payload[at]! + payload[at + 1]! * 0x100 + payload[at + 2]! * 0x1_0000 + payload[at + 3]! * 0x100_0000;
  const end = at + 4 + length;
  return end > payload.length ? -1 : end;
}
