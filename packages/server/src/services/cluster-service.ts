import { create } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import type { NodeStatus, ServerId, Zxid } from '@zkl/consensus';
import {
  ListMembersResponseSchema,
  Role,
  StatusResponseSchema,
  type ClusterService,
  type ListMembersResponse,
  type StatusResponse,
} from '@zkl/protocol';
import { formatAddress, type Members } from '../options/members.js';
import type { DigestPoint } from '../state/digest-ring.js';
import { zxidToBigint } from './zxid-codec.js';

/** What this server knows of another one. */
export interface PeerView {
  readonly id: ServerId;
  /** Messages go both ways at this moment. */
  readonly connected: boolean;
  /** What follows is known to the leader only: elsewhere false, undefined and 0. */
  readonly synced: boolean;
  readonly durable: Zxid | undefined;
  readonly lagBytes: number;
}

/** All that a server tells about itself. */
export interface ServerStatus extends Omit<NodeStatus, 'peers'> {
  readonly peers: readonly PeerView[];
  readonly serverId: number;
  readonly clusterId: string;
  readonly version: string;
  readonly uptimeMs: number;
  readonly znodes: number;
  /** Sessions that are open in the cluster, those of them that have a stream to this server, and the watches on this server. */
  readonly sessions: number;
  readonly sessionsAttached: number;
  readonly watches: number;
  /** Of the whole state at `applied`: 16 hexadecimal digits, equal on all servers at equal zxids. */
  readonly digest: string;
  /** Recent ones, the newest last. */
  readonly digests: readonly DigestPoint[];
}

/** What ClusterService needs of the server. */
export interface ClusterServiceDependencies {
  readonly status: () => ServerStatus;
  readonly members: () => Members;
}

/** ClusterService: what the cluster looks like from here. It answers without a quorum. */
export function clusterService(dependencies: ClusterServiceDependencies): ServiceImpl<typeof ClusterService> {
  return {
    status: () => statusToProto(dependencies.status()),
    listMembers: () => membersToProto(dependencies.status(), dependencies.members()),
  };
}

const ROLES = { looking: Role.LOOKING, following: Role.FOLLOWING, leading: Role.LEADING } as const;

function statusToProto(status: ServerStatus): StatusResponse {
  return create(StatusResponseSchema, {
    clusterId: status.clusterId,
    serverId: status.serverId,
    role: ROLES[status.role],
    serving: status.serving,
    epoch: status.epoch,
    leaderId: status.leader ?? 0,
    lastLoggedZxid: zxidToBigint(status.lastLogged),
    committedZxid: zxidToBigint(status.committed),
    appliedZxid: zxidToBigint(status.applied),
    digest: status.digest,
    digestZxid: zxidToBigint(status.applied),
    digests: status.digests.map(({ zxid, digest }) => ({ zxid: zxidToBigint(zxid), digest })),
    peers: status.peers.map((peer) => ({
      serverId: peer.id,
      connected: peer.connected,
      synced: peer.synced,
      durableZxid: peer.durable === undefined ? 0n : zxidToBigint(peer.durable),
      lagBytes: BigInt(peer.lagBytes),
    })),
    version: status.version,
    uptimeMs: BigInt(Math.round(status.uptimeMs)),
    znodes: BigInt(status.znodes),
    sessions: status.sessions,
    sessionsAttached: status.sessionsAttached,
    watches: status.watches,
    snapshotZxid: status.snapshotZxid === undefined ? 0n : zxidToBigint(status.snapshotZxid),
    logBytes: BigInt(status.logBytes),
    writesRefused: status.writesRefused ?? '',
  });
}

function membersToProto(status: ServerStatus, members: Members): ListMembersResponse {
  return create(ListMembersResponseSchema, {
    clusterId: status.clusterId,
    members: [...members].map(([serverId, address]) => ({ serverId, address: formatAddress(address) })),
    leaderId: status.leader ?? 0,
    epoch: status.epoch,
    serverId: status.serverId,
  });
}
