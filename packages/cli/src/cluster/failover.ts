import { once } from 'node:events';
import { connect } from 'node:net';
import { randomUUID } from 'node:crypto';
import { createClient, isZklError } from '@zkl/client-sdk';
import type { ClusterMember } from './members.js';
import type { ProcessCluster } from './process-cluster.js';

/** One moment of a change of leader; `atMs` counts from the kill. */
export type FailoverEvent =
  /** The signal was sent: the process is gone without a warning to anyone. */
  | {
      readonly kind: 'killed';
      readonly atMs: number;
      readonly server: number;
      readonly pid: number;
      readonly epoch: number;
    }
  /** The system closed its connections, and so everyone who talked to it knows. */
  | { readonly kind: 'connectionLost'; readonly atMs: number }
  /** Another server leads, with a majority behind it. */
  | { readonly kind: 'elected'; readonly atMs: number; readonly server: number; readonly epoch: number }
  /** A client's write, sent when the leader was killed and retried since, was acknowledged by the next leader and ordered in its epoch. */
  | { readonly kind: 'firstWrite'; readonly atMs: number; readonly zxid: bigint };

/** A change of leader, when it is over. */
export interface Failover {
  readonly killed: number;
  readonly elected: number;
  readonly epoch: number;
  readonly events: readonly FailoverEvent[];
}

/** How a change of leader is watched. */
export interface FailoverOptions {
  /** Told each moment as it is seen. */
  readonly onEvent?: ((event: FailoverEvent) => void) | undefined;
  /** Default 30,000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Kills the leader's process (SIGKILL) and watches the others until one of them leads and a write was acknowledged. The write is the deletion
 * of a znode that does not exist: it is ordered and logged like any other, and changes nothing.
 *
 * @throws ClusterError NO_LEADER when none leads before, or none in time after; ZklError when no write was acknowledged in time.
 */
export async function killLeader(cluster: ProcessCluster, options: FailoverOptions = {}): Promise<Failover> {
  const { timeoutMs = 30_000, signal } = options;
  const leader = await cluster.leader({ signal, timeoutMs: 5_000 });
  const epochBefore = (await cluster.status()).find(({ id }) => id === leader.id)?.status?.epoch ?? 0;
  await using client = createClient({ endpoints: cluster.endpoints, timeoutMs });
  // Connected before, as a client in the middle of its work is.
  await client.connect({ signal });
  const connection = await holdConnection(leader);
  const events: FailoverEvent[] = [];
  let killedAt = performance.now();
  const record = (event: FailoverEvent): void => {
    events.push(event);
    options.onEvent?.(event);
  };
  const sinceKill = (): number => performance.now() - killedAt;

  const lost = connection.lost.then(() => record({ kind: 'connectionLost', atMs: sinceKill() }));
  killedAt = performance.now();
  const gone = cluster.kill(leader.id, 'SIGKILL');
  record({ kind: 'killed', atMs: 0, server: leader.id, pid: leader.pid ?? 0, epoch: epochBefore });
  let writtenAtMs = Infinity;
  const written = writeInLaterEpoch(client, epochBefore, timeoutMs, signal).then((zxid) => ({
    zxid,
    atMs: (writtenAtMs = sinceKill()),
  }));
  // It may fail while the election is waited for: that is told below, when its turn comes.
  written.catch(() => undefined);
  try {
    await Promise.all([gone, lost]);
    const next = await cluster.leader({ except: leader.id, timeoutMs, signal });
    // The election is looked for every few milliseconds, and a write that was acknowledged by then is a better witness.
    const seenAtMs = Math.min(sinceKill(), writtenAtMs);
    const elected = {
      kind: 'elected',
      atMs: seenAtMs,
      server: next.id,
      epoch: await epochOf(cluster, next.id),
    } as const;
    record(elected);
    record({ kind: 'firstWrite', ...(await written) });
    return { killed: leader.id, elected: elected.server, epoch: elected.epoch, events };
  } finally {
    connection.close();
    await written.catch(() => undefined);
  }
}

async function epochOf(cluster: ProcessCluster, id: number): Promise<number> {
  return (await cluster.status()).find((member) => member.id === id)?.status?.epoch ?? 0;
}

/** A write may reach the old leader before the signal does: then it is the old epoch's, retried or not, and tells nothing of the next leader. */
async function writeInLaterEpoch(
  client: ReturnType<typeof createClient>,
  epoch: number,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<bigint> {
  for (;;) {
    const zxid = await writeNothing(client, timeoutMs, signal);
    if (Number(zxid >> 32n) > epoch) return zxid;
  }
}

/** A write that changes nothing, acknowledged by its refusal: the zxid in it tells that it went through the log. */
async function writeNothing(
  client: ReturnType<typeof createClient>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<bigint> {
  try {
    return (await client.delete(`/zkl-probe-${randomUUID()}`, { timeoutMs, signal })).zxid;
  } catch (error) {
    if (isZklError(error, 'NO_NODE') && error.zxid !== undefined && error.zxid !== 0n) return error.zxid;
    throw error;
  }
}

/** Opens a connection and keeps it, to see the moment at which the system closes it. */
async function holdConnection({ address }: ClusterMember): Promise<{ readonly lost: Promise<void>; close(): void }> {
  const at = address.lastIndexOf(':');
  const socket = connect({ host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) });
  await once(socket, 'connect');
  const lost = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  // A reset is how a killed process says farewell.
  socket.on('error', () => undefined);
  socket.resume();
  return { lost, close: () => socket.destroy() };
}
