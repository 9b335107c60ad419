import type { ServerStatus } from '@zkl/client-sdk';
import { readLogTail } from './server-log.js';
import { sizeOf } from './exit-meaning.js';
import type { ProcessCluster, WaitingOptions } from './process-cluster.js';
import { epochOf, formatZxid } from '../output/zxid.js';
import { waitUntil } from './wait-until.js';

/** How a server that came back got what it had missed. Times count from the start of its process. */
export interface CatchUp {
  readonly id: number;
  readonly pid: number;
  /** The last write that its own log held when it came up; undefined when it was too quick to be seen. */
  readonly ownLogEnd: bigint | undefined;
  /** Up to where the others had committed when it was started; undefined when none of them answered. */
  readonly target: bigint | undefined;
  /** When it first answered, when it served, and when it had applied `target`. */
  readonly answeredMs: number;
  readonly caughtUpMs: number;
  readonly status: ServerStatus;
  /** Whether the leader sent it a snapshot of the whole state; else it got the writes themselves. */
  readonly bySnapshot: boolean;
}

/**
 * Starts a server (stopping it first, in good order, if it runs) and waits until it has applied all that the others had committed when it
 * was started. With no others up it waits only until it answers: it cannot serve without a majority.
 */
export async function restartAndCatchUp(
  cluster: ProcessCluster,
  id: number,
  options: WaitingOptions = {},
): Promise<CatchUp> {
  const running = (await cluster.status()).find((member) => member.id === id)?.process === 'running';
  if (running) await cluster.kill(id, 'SIGTERM');
  const target = await committedByOthers(cluster, id);
  const logFile = cluster.member(id).logFile;
  const logStart = await sizeOf(logFile);
  const start = performance.now();
  await cluster.spawn([id]);
  let answered: { readonly status: ServerStatus; readonly atMs: number } | undefined;
  const look = async (): Promise<ServerStatus | undefined> => {
    await cluster.checkAlive(id);
    const { status } = (await cluster.status()).find((member) => member.id === id) ?? {};
    if (!status) return undefined;
    answered ??= { status, atMs: performance.now() - start };
    if (target === undefined) return status;
    return status.serving && status.appliedZxid >= target ? status : undefined;
  };
  const timeoutMs = options.timeoutMs ?? 60_000;
  const status = await waitUntil(look, {
    what: `server ${id} to catch up`,
    timeoutMs,
    signal: options.signal,
    intervalMs: 5,
  });
  const caughtUpMs = performance.now() - start;
  const first = answered as NonNullable<typeof answered>;
  return {
    id,
    pid: cluster.member(id).pid ?? 0,
    ownLogEnd: first.status.serving ? undefined : first.status.lastLoggedZxid,
    target,
    answeredMs: first.atMs,
    caughtUpMs,
    status,
    bySnapshot: await receivedSnapshot(logFile, logStart),
  };
}

async function committedByOthers(cluster: ProcessCluster, id: number): Promise<bigint | undefined> {
  const others = (await cluster.status())
    .filter((member) => member.id !== id)
    .flatMap(({ status }) => (status?.serving ? status : []));
  if (others.length === 0) return undefined;
  return others.reduce((most, { committedZxid }) => (committedZxid > most ? committedZxid : most), 0n);
}

/** Its log tells; the status does not. */
async function receivedSnapshot(logFile: string, logStart: number): Promise<boolean> {
  const lines = await readLogTail(logFile, 10_000, logStart);
  return lines.some(({ event }) => event === 'snapshot_received');
}

/** What it missed and how it got that, in words; undefined when it was too quick to be seen. */
export function describeCatchUp({ ownLogEnd, target, bySnapshot }: CatchUp): string | undefined {
  if (ownLogEnd === undefined || target === undefined) return undefined;
  const end = `its own log ends at ${formatZxid(ownLogEnd)}`;
  if (ownLogEnd === target) return `${end}: it has missed nothing`;
  if (bySnapshot) return `${end}: the leader sends it a snapshot of the whole state`;
  if (epochOf(ownLogEnd) !== epochOf(target))
    return `${end}: the leader sends it the writes since then, up to ${formatZxid(target)}`;
  return ownLogEnd < target ? `${end}: the leader sends it the ${target - ownLogEnd} writes that it has missed` : end;
}
