import { resolveBounded, type BoundedOption } from './bounded-options.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const HOUR_MS = 3_600_000;

/**
 * What one port grants its clients, with defaults and bounds. Times are in milliseconds, sizes in bytes unless the name says otherwise; 0 switches
 * off what says so.
 */
export const PORT_LIMITS = {
  /** Connections in all. Other servers of the cluster get in beyond it (see `connectionsReserved`). */
  connectionsMax: { default: 16_384, min: 1, max: 1_000_000 },
  /** Connections from one address. */
  connectionsPerAddressMax: { default: 12_288, min: 1, max: 1_000_000 },
  /** Places beyond both caps that only peers may keep: clients cannot shut the cluster's servers out. */
  connectionsReserved: { default: 256, min: 0, max: 65_536 },
  /** The first bytes, those that tell the protocols apart, must have come by then. */
  sniffTimeoutMs: { default: 5_000, min: 100, max: 60_000 },
  /** All headers of an HTTP/1.1 request. */
  headersTimeoutMs: { default: 10_000, min: 100, max: 600_000 },
  /** A whole HTTP/1.1 request, its body included (not the response: that may stream for ever). 0 is off. */
  requestTimeoutMs: { default: 60_000, min: 0, max: HOUR_MS },
  /** An HTTP/1.1 connection between two requests. */
  keepAliveTimeoutMs: { default: 65_000, min: 100, max: 24 * HOUR_MS },
  /** Header bytes of one request, HTTP/1.1 and HTTP/2 alike. */
  headerBytesMax: { default: 16 * KIB, min: KIB, max: MIB },
  /** A new HTTP/2 connection must have sent its SETTINGS by then. */
  http2HandshakeTimeoutMs: { default: 5_000, min: 100, max: 60_000 },
  /** An HTTP/2 connection on which no stream is open is closed (GOAWAY) after this. 0 is off. */
  http2IdleTimeoutMs: { default: HOUR_MS, min: 0, max: 7 * 24 * HOUR_MS },
  /** Pings to HTTP/2 clients at this interval; a ping unanswered at the next one ends the connection. 0 is off. */
  http2KeepAliveMs: { default: 0, min: 0, max: HOUR_MS },
  /** Streams open at the same time on one HTTP/2 connection. */
  http2StreamsMax: { default: 1_024, min: 1, max: 1_000_000 },
  /** Flow-control window of a stream. */
  http2StreamWindowBytes: { default: MIB, min: 65_535, max: 2 ** 31 - 1 },
  /** Flow-control window of a connection. */
  http2ConnectionWindowBytes: { default: 4 * MIB, min: 65_535, max: 2 ** 31 - 1 },
  /** What one HTTP/2 connection may hold in memory, in units of MiB; new streams beyond it are refused. */
  http2SessionMemoryMiB: { default: 32, min: 1, max: 4_096 },
  /** Control frames (PING, SETTINGS) that one HTTP/2 connection may send in 10 s. Beyond it: GOAWAY with ENHANCE_YOUR_CALM. */
  http2ControlFramesMax: { default: 2_000, min: 10, max: 1_000_000 },
  /** Streams that the client may reset before they are answered, at once; and how many more a second. Beyond it: GOAWAY with ENHANCE_YOUR_CALM. */
  http2ResetBurst: { default: 1_000, min: 1, max: 1_000_000 },
  http2ResetsPerSecond: { default: 100, min: 1, max: 1_000_000 },
  /** Frames that break the protocol, and streams refused, before the connection is ended. */
  http2InvalidFramesMax: { default: 100, min: 1, max: 100_000 },
} as const satisfies Record<string, BoundedOption>;

/** The limits of a port: each key of `PORT_LIMITS`, or its default. */
export type PortLimits = { readonly [key in keyof typeof PORT_LIMITS]?: number | undefined };

/** All of them, filled in. */
export type ResolvedPortLimits = Readonly<Record<keyof typeof PORT_LIMITS, number>>;

/** Throws an `OptionRangeError` that names the option, its value and its range. */
export function resolvePortLimits(given: PortLimits = {}): ResolvedPortLimits {
  return resolveBounded('limits', PORT_LIMITS, given);
}
