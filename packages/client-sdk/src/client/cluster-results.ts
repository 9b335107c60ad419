import type { ZklError } from '../errors/zkl-error.js';

/** What a server does in the cluster. `looking`: it takes part in an election. */
export type ServerRole = 'looking' | 'following' | 'leading' | 'unknown';

/** The whole state's digest at a zxid: 16 hexadecimal digits, equal on all servers at equal zxids. */
export interface DigestPoint {
  readonly zxid: bigint;
  readonly digest: string;
}

/** How the leader sees another server. */
export interface PeerStatus {
  readonly serverId: number;
  readonly connected: boolean;
  /** True when it is synchronised, and counts for commits. */
  readonly synced: boolean;
  /** The last zxid that it holds durably. */
  readonly durableZxid: bigint;
  /** How far it lags, in bytes of log. */
  readonly lagBytes: number;
}

/** One server's view of itself and the cluster. It is told without a quorum. */
export interface ServerStatus {
  readonly clusterId: string;
  readonly serverId: number;
  /** Where it was asked. */
  readonly address: string;
  readonly role: ServerRole;
  /** True when it serves: a leader with a synchronised quorum, or a follower synchronised with such a leader. */
  readonly serving: boolean;
  readonly epoch: number;
  /** 0 when it knows none. */
  readonly leaderId: number;
  readonly lastLoggedZxid: bigint;
  readonly committedZxid: bigint;
  readonly appliedZxid: bigint;
  readonly digest: string;
  readonly digestZxid: bigint;
  /** Recent digests, the newest last. */
  readonly digests: readonly DigestPoint[];
  /** Known to the leader only. */
  readonly peers: readonly PeerStatus[];
  /** zkl's version on the server. */
  readonly version: string;
  readonly uptimeMs: number;
  readonly znodes: number;
  /** The snapshot on disk that recovery would start from; 0n when there is none. */
  readonly snapshotZxid: bigint;
  readonly logBytes: number;
  /** Why writes are refused at this time (disk full), or `''`. */
  readonly writesRefused: string;
}

/** What one server answered to `statusAll`, or why it did not. */
export type ServerStatusReport =
  | { readonly kind: 'ok'; readonly address: string; readonly serverId: number; readonly status: ServerStatus }
  | {
      readonly kind: 'failed';
      readonly address: string;
      /** Undefined when no server ever told who lives at this address. */
      readonly serverId: number | undefined;
      readonly error: ZklError;
    };

/** A server of the cluster. */
export interface Member {
  readonly serverId: number;
  /** `host:port`, as other servers and clients reach it. */
  readonly address: string;
}

/** The members, as the server `serverId` knows them. */
export interface ClusterMembers {
  readonly clusterId: string;
  readonly members: readonly Member[];
  /** 0 when it knows none. */
  readonly leaderId: number;
  readonly epoch: number;
  readonly serverId: number;
}

/** The server that `connect` reached. */
export interface ServerInfo {
  readonly serverId: number;
  readonly address: string;
  /** The leader that it knows of; 0 when none. */
  readonly leaderId: number;
  readonly epoch: number;
}
