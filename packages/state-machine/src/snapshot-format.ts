/**
 * The layout of a snapshot, version 3. Numbers are little-endian.
 *
 * ```
 * chunks    each: uint32 length of the body, uint32 checksum of the body, the body; at most 256 KiB in all
 * bodies    one after the other: the header, records in any order, the end
 * header    HEADER_BYTES, see SnapshotWriter
 * node      1 byte RECORD_NODE, uint32 slot, parent's slot, length of the name, the row's image (IMAGE_WORDS words), name, value
 * special   1 byte RECORD_SPECIAL_NODE, as a node; after the image uint32 mode and its two parameters (owner or TTL), uint32 bits of the
 *           quota's bounds (-1 for no quota), for each bit a uint53
 * session   1 byte RECORD_SESSION, uint32 epoch, counter, SESSION_WORDS words: timeout in milliseconds, hash of the secret
 * client    1 byte RECORD_CLIENT, uint32 length of the id, kept replies, CLIENT_WORDS words, id,
 *           then for each reply: uint53 request id, uint32 length, the bytes of the result
 * end       1 byte RECORD_END
 * ```
 *
 * A record may be cut by the end of a chunk. Slots of nodes are kept as they are, so parents may come after their children.
 */
export const MAGIC = 0x736c_6b7a; // "zkls"
export const FORMAT_VERSION = 3;
export const CHUNK_BYTES_MAX = 1 << 18;
export const FRAME_BYTES = 8;
export const HEADER_BYTES = 168;
export const RECORD_NODE = 1;
export const RECORD_CLIENT = 2;
export const RECORD_END = 3;
export const RECORD_SPECIAL_NODE = 4;
export const RECORD_SESSION = 5;
/** From ANSWERED_LOW to SEEN_COUNTER. */
export const CLIENT_WORDS = 6;

/** A snapshot cannot be used. */
export class SnapshotDamagedError extends Error {
  override readonly name = 'SnapshotDamagedError';
}
