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
