import type { Client, ServerStatus } from '@zkl/client-sdk';
import type { ClusterFileMember } from './cluster-file.js';
import { addressOf } from './members.js';
import { isRunning } from './process-identity.js';

/** What is known of one server: its process, and what it tells of itself. */
export interface MemberStatus {
  readonly id: number;
  readonly address: string;
  readonly pid: number | undefined;
  /** `stopped`: it was stopped, or never started. `dead`: its process is gone and nobody stopped it. */
  readonly process: 'running' | 'stopped' | 'dead';
  /** What the server says; undefined when it does not answer. */
  readonly status: ServerStatus | undefined;
  /** Why there is no status, where its process runs. */
  readonly error: string | undefined;
}

/** Asks one server, and looks at its process. Never throws: a server that does not answer is a fact to report. */
export async function readMemberStatus(
  client: Client,
  member: ClusterFileMember,
  timeoutMs: number,
): Promise<MemberStatus> {
  const address = addressOf(member);
  const running = member.process !== null && (await isRunning(member.process));
  const base = { id: member.id, address, pid: member.process?.pid } as const;
  if (!running) {
    return { ...base, process: member.process ? 'dead' : 'stopped', status: undefined, error: undefined };
  }
  try {
    const status = await client.cluster.status({ endpoint: address, timeoutMs });
    if (status.serverId !== member.id) throw new Error(`server ${status.serverId} answers at ${address}`);
    return { ...base, process: 'running', status, error: undefined };
  } catch (error) {
    return { ...base, process: 'running', status: undefined, error: (error as Error).message };
  }
}

/** The digests of several servers, held against each other at the latest zxid for which all of them tell one. */
export interface DigestComparison {
  readonly zxid: bigint;
  readonly equal: boolean;
  readonly digests: ReadonlyMap<number, string>;
}

/** @returns undefined when there is no zxid at which all of them tell a digest, or none of them answers. */
export function compareDigests(statuses: readonly ServerStatus[]): DigestComparison | undefined {
  const known = statuses.map(
    (status) =>
      new Map([...status.digests, { zxid: status.digestZxid, digest: status.digest }].map((d) => [d.zxid, d.digest])),
  );
  const common = [...(known[0]?.keys() ?? [])].filter((zxid) => known.every((digests) => digests.has(zxid)));
  if (common.length === 0) return undefined;
  const zxid = common.reduce((a, b) => (a > b ? a : b));
  const digests = new Map(statuses.map((status, index) => [status.serverId, known[index]?.get(zxid) ?? '']));
  return { zxid, equal: new Set(digests.values()).size === 1, digests };
}

/**
 * How far a server's state is behind the furthest of all: a number of writes within one epoch, or `epochs` when it still is in an
 * earlier one.
 */
export function lagOf(
  status: ServerStatus,
  all: readonly ServerStatus[],
): { readonly writes: number } | { readonly epochs: number } {
  const furthest = all.reduce((most, { committedZxid }) => (committedZxid > most ? committedZxid : most), 0n);
  const epochs = Number((furthest >> 32n) - (status.appliedZxid >> 32n));
  return epochs > 0 ? { epochs } : { writes: Math.max(0, Number(furthest - status.appliedZxid)) };
}
