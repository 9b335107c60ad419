import { Role, type ListMembersResponse, type StatusResponse } from '@zkl/protocol';
import type { ClusterMembers, ServerInfo, ServerRole, ServerStatus } from '../client/cluster-results.js';

const ROLES = new Map<Role, ServerRole>([
  [Role.LOOKING, 'looking'],
  [Role.FOLLOWING, 'following'],
  [Role.LEADING, 'leading'],
]);

export function toServerStatus(reply: StatusResponse, address: string): ServerStatus {
  return {
    clusterId: reply.clusterId,
    serverId: reply.serverId,
    address,
    role: ROLES.get(reply.role) ?? 'unknown',
    serving: reply.serving,
    epoch: reply.epoch,
    leaderId: reply.leaderId,
    lastLoggedZxid: reply.lastLoggedZxid,
    committedZxid: reply.committedZxid,
    appliedZxid: reply.appliedZxid,
    digest: reply.digest,
    digestZxid: reply.digestZxid,
    digests: reply.digests.map(({ zxid, digest }) => ({ zxid, digest })),
    peers: reply.peers.map((peer) => ({
      serverId: peer.serverId,
      connected: peer.connected,
      synced: peer.synced,
      durableZxid: peer.durableZxid,
      lagBytes: Number(peer.lagBytes),
    })),
    version: reply.version,
    uptimeMs: Number(reply.uptimeMs),
    znodes: Number(reply.znodes),
    snapshotZxid: reply.snapshotZxid,
    logBytes: Number(reply.logBytes),
    writesRefused: reply.writesRefused,
  };
}

export function toClusterMembers(reply: ListMembersResponse): ClusterMembers {
  return {
    clusterId: reply.clusterId,
    members: reply.members.map(({ serverId, address }) => ({ serverId, address })),
    leaderId: reply.leaderId,
    epoch: reply.epoch,
    serverId: reply.serverId,
  };
}

export function toServerInfo(reply: ListMembersResponse, address: string): ServerInfo {
  return { serverId: reply.serverId, address, leaderId: reply.leaderId, epoch: reply.epoch };
}
