import { SERVER_ID_MAX } from '@zkl/consensus';
import { SEGMENT_BYTES_MIN } from '@zkl/log-store';
import { z } from 'zod';
import { PORT_LIMITS } from '../port/port-limits.js';
import { LOG_FORMATS, LOG_LEVELS } from '../observability/logger.js';
import { boolean, choice, integer, list, optionalInteger, optionalText, parsed, text } from './option-kinds.js';
import { MEMBERS_MAX, parseMembers, type Members } from './members.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** Bounds. Whoever meets one gets a typed refusal of that one request, or of that one connection. */
const limitsSchema = z.strictObject({
  valueBytesMax: integer(
    1,
    16 * MIB,
    MIB,
    'The data of one znode, in bytes; the same on every server. A larger value is refused: VALUE_TOO_LARGE.',
  ),
  requestsInFlightMax: integer(1, 1_000_000, 8192, 'Requests under way on this server. Beyond it: THROTTLED.'),
  requestBytesInFlightMax: integer(
    MIB,
    64 * GIB,
    128 * MIB,
    'Bytes of requests under way on this server. Beyond it: THROTTLED.',
  ),
  connectionsMax: integer(
    1,
    1_000_000,
    PORT_LIMITS.connectionsMax.default,
    'Connections of clients in all. Beyond it a new one is closed.',
  ),
  connectionsPerAddressMax: integer(
    1,
    1_000_000,
    PORT_LIMITS.connectionsPerAddressMax.default,
    'Connections of clients from one address. Beyond it a new one is closed.',
  ),
  http2StreamsMax: integer(
    1,
    1_000_000,
    PORT_LIMITS.http2StreamsMax.default,
    'Requests under way on one HTTP/2 connection.',
  ),
  pendingBytesMax: integer(
    MIB,
    64 * GIB,
    64 * MIB,
    'Bytes of writes that wait for their commit, on the leader. Beyond it: THROTTLED.',
  ),
  blockBytesMax: integer(
    4 * KIB,
    64 * MIB,
    MIB,
    'Bytes of writes that are proposed together, about: the unit of the log.',
  ),
  snapshotEveryBytes: integer(
    64 * KIB,
    64 * GIB,
    64 * MIB,
    "Bytes of log after which a snapshot is taken and older log is purged; half the newest snapshot's size if that is more. Up to 30 % earlier, by chance, so that the servers do not all take one at the same moment.",
  ),
  snapshotBytesPerSecond: integer(
    4 * MIB,
    64 * GIB,
    24 * MIB,
    'How fast snapshots are written and sent to other servers, all together, while writes come; four times as fast while none do. As many bytes as the log grows by come on top.',
  ),
  logSegmentBytes: integer(SEGMENT_BYTES_MIN, GIB, 16 * MIB, 'Size of one file of the log. Files are purged whole.'),
  logRetainedBytes: integer(
    0,
    64 * GIB,
    64 * MIB,
    'Bytes of log that are kept behind the newest snapshot. A server that lags by more gets a snapshot instead of what it missed.',
  ),
  sessionsMax: integer(
    1,
    1_000_000,
    100_000,
    'Sessions open at a time; the same on every server. Beyond it: TOO_MANY_SESSIONS.',
  ),
  watchesMax: integer(1, 10_000_000, 100_000, 'Watches on this server. Beyond it: TOO_MANY_WATCHES.'),
  watchesPerStreamMax: integer(1, 1_000_000, 10_000, 'Watches on one session stream. Beyond it: TOO_MANY_WATCHES.'),
  historyChangesMax: integer(
    100,
    10_000_000,
    100_000,
    'Changes that are kept for watches that were cut off or are slow. Who needs older ones gets a snapshot.',
  ),
  historyBytesMax: integer(64 * KIB, GIB, 64 * MIB, 'Bytes of paths and data of the changes that are kept.'),
  watchSnapshotBytesMax: integer(
    64 * KIB,
    GIB,
    64 * MIB,
    'Bytes of memory of one snapshot for a watch, about 400 for each node and its data; four times as much for all at a time. A watch of more fails: MESSAGE_TOO_LARGE.',
  ),
});

/** Durations. The elections' times must be the same on all servers. */
const timingSchema = z.strictObject({
  tickMs: integer(5, 1000, 25, 'The step of the consensus clock, in ms.'),
  heartbeatMs: integer(
    10,
    60_000,
    100,
    'How often a leader speaks to a follower when it has nothing else to say, in ms.',
  ),
  electionTimeoutMs: integer(
    50,
    600_000,
    500,
    'How long a follower hears nothing before it looks for another leader, in ms; at random up to twice that, but no longer than this once another follower looks.',
  ),
  leaderGraceMs: integer(
    0,
    60_000,
    1500,
    'How long a request waits for a leader before it fails with NO_QUORUM, in ms.',
  ),
  requestTimeoutMs: integer(
    100,
    600_000,
    30_000,
    'The deadline of a request that states none, and the longest that any has, in ms.',
  ),
  minSessionTimeoutMs: integer(100, 3_600_000, 500, 'The shortest session timeout that is granted, in ms.'),
  maxSessionTimeoutMs: integer(100, 86_400_000, 120_000, 'The longest session timeout that is granted, in ms.'),
  shutdownGraceMs: integer(0, 600_000, 5000, 'How long a graceful stop waits for the requests under way, in ms.'),
});

const ORIGIN = /^(?:\*|loopback|https?:\/\/[^/\s]+)$/;

/**
 * Every option of a server, in one place. The same keys come from the command line (`--limits-value-bytes-max`), the
 * environment (`ZKL_LIMITS_VALUE_BYTES_MAX`), a file (`limits: { valueBytesMax: ... }`) and `createServer({ limits: { valueBytesMax } })`.
 */
export const optionsSchema = z.strictObject({
  serverId: integer(
    1,
    SERVER_ID_MAX,
    1,
    'The id of this server: unique in the cluster, never used again for another data folder. It stands in `members`.',
  ),
  clusterId: text(
    /^[A-Za-z0-9._-]{1,64}$/,
    '1 .. 64 characters of A-Z a-z 0-9 . _ -',
    'zkl',
    'The name of the cluster: servers with another one are refused, and so is a data folder of another one.',
  ),
  members: parsed<
    | string
    | readonly string[]
    | Readonly<Record<string, string>>
    | ReadonlyMap<number, string | { host: string; port: number }>,
    Members
  >(parseMembers, {
    kind: 'members',
    allowed: `1=host:port,2=host:port,... or a map of id to host:port; 1 .. ${MEMBERS_MAX} servers, each id and each address once`,
    doc: 'All the servers of the cluster, as other servers and clients reach them. The same on every server.',
    fallback: 'this server alone',
  }),
  dataFolder: text(
    /^[^\0]{1,4096}$/,
    'a path',
    './zkl-data',
    'Where this server keeps its log and snapshots. It belongs to one server.',
  ),
  host: optionalText(
    /^[^\s/]{1,253}$/,
    'a host name or an address',
    "this server's own in `members`, else 127.0.0.1",
    'What to listen on.',
  ),
  port: optionalInteger(
    0,
    65_535,
    "this server's own in `members`, else 7001",
    'The one port, for clients and servers. 0 takes any free one.',
  ),
  peerSecret: optionalText(
    /^.{16,1024}$/s,
    '16 .. 1,024 characters',
    'none',
    'What the servers prove to each other. Required as soon as a member is not on loopback. Better in the environment or a file than as a flag.',
    true,
  ),
  insecurePeers: boolean(
    false,
    'Lets servers off loopback do without a `peerSecret`: whoever reaches the port can then pose as a server.',
  ),
  initialClusterState: choice(
    ['auto', 'always'],
    'auto',
    'Whether a server with an empty folder may vote. auto: only while no server it can see holds any history. always: it may; only for a new cluster.',
  ),
  corsAllowedOrigins: list(
    ORIGIN,
    'loopback, *, or origins like https://example.org',
    ['loopback'],
    'Pages that may call this server from a browser. Requests from others are refused.',
  ),
  metrics: boolean(true, 'Serves Prometheus metrics at GET /metrics.'),
  reflection: boolean(true, 'Serves gRPC server reflection.'),
  logLevel: choice(LOG_LEVELS, 'info', 'The least severe log lines that are written.'),
  logFormat: choice(
    LOG_FORMATS,
    'auto',
    'json, or pretty for people; auto is pretty on a terminal and json elsewhere.',
  ),
  limits: limitsSchema.prefault({}),
  timing: timingSchema.prefault({}),
});

/** Options as they are given: everything may be left out. */
export type ServerOptionsInput = z.input<typeof optionsSchema>;

/** Options as they are after the schema: types and ranges hold; what depends on one another is settled by `resolveOptions`. */
export type ParsedOptions = z.output<typeof optionsSchema>;
