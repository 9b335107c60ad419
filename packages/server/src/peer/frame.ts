/**
 * Every frame between servers, handshake included:
 *
 *     uint32  length   of what follows
 *     uint32  crc      CRC-32 of kind and fields, seeded with `length`
 *     uint8   kind
 *     ...     fields   little-endian
 *
 * In an append the checksum ends where the blocks' records begin: each of them has its own.
 */
export const FRAME_LENGTH_BYTES = 4;
/** crc and kind: the least `length` there can be. */
export const FRAME_FIXED_BYTES = 5;
/** The fields of an append before its records: attempt, committed, count. */
export const APPEND_HEAD_BYTES = 20;
/** A larger frame than this in a handshake is refused: whoever sends it has not proved anything yet. */
export const HANDSHAKE_FRAME_BYTES_MAX = 2_048;

/** The kinds, by number. Numbers are never used again for something else. */
export const FRAME = {
  hello: 1,
  challenge: 2,
  proof: 3,
  welcome: 4,
  refusal: 5,
  linkPing: 8,
  linkPong: 9,
  notification: 16,
  followerInfo: 17,
  leaderInfo: 18,
  ackEpoch: 19,
  sync: 20,
  append: 21,
  newLeader: 22,
  ackNewLeader: 23,
  upToDate: 24,
  ack: 25,
  commit: 26,
  ping: 27,
  pong: 28,
  readRequest: 29,
  readReply: 30,
  leaving: 31,
  refuse: 32,
  forward: 64,
  forwardReply: 65,
  touch: 66,
  touchAck: 67,
  sessionMoved: 68,
  snapshotChunk: 80,
  snapshotEnd: 81,
  snapshotAlive: 82,
  snapshotInstalled: 83,
} as const;

/** How many bytes of a frame (from its crc on, that included) the checksum and its own four bytes take. */
export function checkedBytes(kind: number, length: number): number {
  return kind === FRAME.append ? FRAME_FIXED_BYTES + APPEND_HEAD_BYTES : length;
}
