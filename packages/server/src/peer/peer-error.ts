/**
 * What can go wrong between servers. The first group is also told to the other side, as a reason for its log.
 *
 * - `CLUSTER_MISMATCH`: the two belong to different clusters.
 * - `UNKNOWN_SERVER`: the id that was claimed is no member here, or is this server's own.
 * - `WRONG_SERVER`: the server dialled is another one than the member list says.
 * - `DUPLICATE_SERVER`: another live process has that id.
 * - `VERSION_MISMATCH`: no version of the peer protocol is spoken by both.
 * - `BAD_PROOF`: the secrets differ.
 * - `MALFORMED_FRAME`, `CORRUPT_FRAME`, `FRAME_TOO_LARGE`: bytes that are no frame, whose checksum is wrong, or that are more than allowed.
 * - `SNAPSHOT_REFUSED`: the receiver did not take the snapshot.
 * - `STOPPING`: the server shuts down.
 * - `OVERLOADED`: too many handshakes at once.
 *
 * Seen by one side only: `CONNECT_FAILED`, `HANDSHAKE_TIMEOUT`, `LINK_CLOSED`, `LINK_SILENT` (nothing was heard for too long),
 * `SLOW_PEER` (more bytes wait for it than may be buffered), `NOT_CONNECTED`, `SNAPSHOT_ABORTED` (by its signal), `SNAPSHOT_STALLED` (no progress), `SNAPSHOT_BROKEN` (it did not arrive whole).
 */
export type PeerErrorCode =
  | RefusalCode
  | 'CONNECT_FAILED'
  | 'HANDSHAKE_TIMEOUT'
  | 'LINK_CLOSED'
  | 'LINK_SILENT'
  | 'SLOW_PEER'
  | 'NOT_CONNECTED'
  | 'SNAPSHOT_ABORTED'
  | 'SNAPSHOT_STALLED'
  | 'SNAPSHOT_BROKEN';

/** The codes that travel, in the order of their numbers on the wire (the first is 1). Append only. */
export const REFUSAL_CODES = [
  'CLUSTER_MISMATCH',
  'UNKNOWN_SERVER',
  'WRONG_SERVER',
  'DUPLICATE_SERVER',
  'VERSION_MISMATCH',
  'BAD_PROOF',
  'MALFORMED_FRAME',
  'CORRUPT_FRAME',
  'FRAME_TOO_LARGE',
  'SNAPSHOT_REFUSED',
  'STOPPING',
  'OVERLOADED',
] as const;

/** A code that is told to the other side. */
export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** A connection between servers failed, or was refused. The message says what is wrong and, where someone can do something, what. */
export class PeerError extends Error {
  override readonly name = 'PeerError';
  readonly code: PeerErrorCode;

  constructor(code: PeerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** True for the codes that stay until someone changes a configuration: logged as errors. */
export function isMisconfiguration(code: PeerErrorCode): boolean {
  return MISCONFIGURATIONS.has(code);
}

const MISCONFIGURATIONS: ReadonlySet<PeerErrorCode> = new Set<PeerErrorCode>([
  'CLUSTER_MISMATCH',
  'UNKNOWN_SERVER',
  'WRONG_SERVER',
  'DUPLICATE_SERVER',
  'VERSION_MISMATCH',
  'BAD_PROOF',
]);

/** The error as a `PeerError`: what is none yet becomes the cause of one with this code. */
export function peerErrorOf(error: unknown, code: PeerErrorCode): PeerError {
  if (error instanceof PeerError) return error;
  return new PeerError(code, error instanceof Error ? error.message : String(error), { cause: error });
}
