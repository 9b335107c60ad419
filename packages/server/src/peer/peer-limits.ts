import { resolveBounded, type BoundedOption } from '../port/bounded-options.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** What links between servers may use, with defaults and bounds. Times are in milliseconds, sizes in bytes. */
const PEER_LIMITS = {
  /** One frame. Must hold the largest Append: a few blocks. */
  frameBytesMax: { default: 64 * MIB, min: 64 * KIB, max: 1_024 * MIB },
  /** Bytes that wait to be sent to one peer. Beyond it the link is dropped, and the core brings the peer up to date when it is back. */
  bufferedBytesMax: { default: 128 * MIB, min: 128 * KIB, max: 4_096 * MIB },
  /** A TCP connection to a peer. */
  connectTimeoutMs: { default: 2_000, min: 50, max: 60_000 },
  /** The whole handshake, on either side. Longer than `probeTimeoutMs`. */
  handshakeTimeoutMs: { default: 5_000, min: 100, max: 60_000 },
  /** Handshakes of incoming connections under way; the oldest gives way to a new one. */
  handshakesMax: { default: 128, min: 4, max: 65_536 },
  /** The second wait before dialling again; the first is almost none. It doubles, with jitter, up to `redialMaxMs`. */
  redialMinMs: { default: 50, min: 1, max: 60_000 },
  redialMaxMs: { default: 1_000, min: 1, max: 600_000 },
  /** Each link is pinged this often. */
  pingIntervalMs: { default: 500, min: 10, max: 60_000 },
  /** A link on which nothing came in for so many intervals in a row is dropped. */
  silentIntervalsMax: { default: 6, min: 2, max: 1_000 },
  /** How long a link has to show that it lives, when a second process claims its server's id. */
  probeTimeoutMs: { default: 1_000, min: 50, max: 30_000 },
  /** Forwarded writes under way, to or from one peer: their number, their bytes, and how long each waits for its answer. */
  forwardsMax: { default: 16_384, min: 1, max: 1_000_000 },
  forwardBytesMax: { default: 64 * MIB, min: KIB, max: 1_024 * MIB },
  forwardTimeoutMs: { default: 30_000, min: 100, max: 600_000 },
  /** A snapshot of which nothing moved for so long is given up, by either side. */
  snapshotStallMs: { default: 10_000, min: 100, max: 600_000 },
  /** The time a receiver has to install a snapshot once it has all of it. */
  snapshotInstallMs: { default: 300_000, min: 100, max: 3_600_000 },
  /** A snapshot's frames, and what a receiver reads ahead. */
  snapshotFrameBytes: { default: 256 * KIB, min: KIB, max: 16 * MIB },
  snapshotReadAheadBytes: { default: MIB, min: KIB, max: 256 * MIB },
} as const satisfies Record<string, BoundedOption>;

/** Limits of a peer transport: each key of `PEER_LIMITS`, or its default. */
export type PeerLimits = { readonly [key in keyof typeof PEER_LIMITS]?: number | undefined };

/** All of them, filled in. */
export type ResolvedPeerLimits = Readonly<Record<keyof typeof PEER_LIMITS, number>>;

/** Throws an `OptionRangeError` that names the option, its value and its range. */
export function resolvePeerLimits(given: PeerLimits = {}): ResolvedPeerLimits {
  return resolveBounded('peerLimits', PEER_LIMITS, given);
}
