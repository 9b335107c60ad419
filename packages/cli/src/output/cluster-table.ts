import type { ServerStatus } from '@zkl/client-sdk';
import { compareDigests, lagOf } from '../cluster/member-status.js';
import type { JsonObject } from './output.js';
import type { Style } from './style.js';
import { formatTable } from './table.js';
import { counterOf, epochOf, formatZxid, hexZxid } from './zxid.js';

/** One server as a row: what its process and it itself tell. */
export interface ServerRow {
  /** undefined when no server ever told who is at this address. */
  readonly id: number | undefined;
  readonly address: string;
  readonly pid?: number | undefined;
  readonly status: ServerStatus | undefined;
  /** Why there is no status: `stopped`, `dead`, or what the attempt to ask it ended with. */
  readonly absence: string | undefined;
}

const head = ['id', 'address', 'pid', 'role', 'epoch', 'logged', 'committed', 'applied', 'digest', 'lag'];

/** A table of the servers, and below it what follows from it: who leads, whether a majority serves, whether the copies are equal. */
export function formatCluster(rows: readonly ServerRow[], style: Style): string {
  const statuses = statusesOf(rows);
  const lines = [
    formatTable(
      head,
      rows.map((row) => cells(row, statuses, style)),
      style,
    ),
    style.quiet('zxids as epoch:counter'),
  ];
  lines.push(...summary(rows, statuses, style));
  return lines.join('\n');
}

/** The same for programs: one object for each server. */
export function jsonServer(row: ServerRow, rows: readonly ServerRow[]): JsonObject {
  const { id, address, pid, status, absence } = row;
  if (!status) return { id, address, pid, role: 'down', serving: false, reason: absence };
  const comparison = compareDigests(statusesOf(rows));
  return {
    ...{
      id,
      address,
      pid,
      role: status.role,
      serving: status.serving,
      epoch: status.epoch,
      leader: status.leaderId || null,
    },
    ...{
      lastLogged: hexZxid(status.lastLoggedZxid),
      committed: hexZxid(status.committedZxid),
      applied: hexZxid(status.appliedZxid),
    },
    ...{ digest: status.digest, digestZxid: hexZxid(status.digestZxid) },
    comparedDigest: comparison?.digests.get(status.serverId),
    comparedZxid: comparison && hexZxid(comparison.zxid),
    lag: lagOf(status, statusesOf(rows)),
    ...{
      znodes: status.znodes,
      logBytes: status.logBytes,
      snapshot: hexZxid(status.snapshotZxid),
      uptimeMs: status.uptimeMs,
    },
    writesRefused: status.writesRefused === '' ? undefined : status.writesRefused,
    version: status.version,
  };
}

export function statusesOf(rows: readonly ServerRow[]): ServerStatus[] {
  return rows.flatMap(({ status }) => status ?? []);
}

function cells({ id, address, pid, status, absence }: ServerRow, all: readonly ServerStatus[], style: Style): string[] {
  const front = [id === undefined ? '?' : String(id), address];
  if (!status)
    return [
      ...front,
      '',
      style.bad(absence === 'stopped' || absence === 'dead' ? absence : 'no answer'),
      '',
      '',
      '',
      '',
      '',
      '',
    ];
  const { role, serving, epoch, lastLoggedZxid, committedZxid, appliedZxid } = status;
  const shown = serving ? role : `${role}, not serving`;
  return [
    ...[...front, pid === undefined ? '' : String(pid)],
    role === 'leading' && serving ? style.good(shown) : serving ? shown : style.warn(shown),
    ...[String(epoch), brief(lastLoggedZxid), brief(committedZxid), brief(appliedZxid)],
    (compareDigests(all)?.digests.get(status.serverId) ?? '').slice(0, 8),
    lag(status, all),
  ];
}

function lag(status: ServerStatus, all: readonly ServerStatus[]): string {
  const behind = lagOf(status, all);
  if ('epochs' in behind) return `${behind.epochs} ${behind.epochs === 1 ? 'epoch' : 'epochs'}`;
  return behind.writes === 0 ? '-' : `${behind.writes} ${behind.writes === 1 ? 'write' : 'writes'}`;
}

function summary(rows: readonly ServerRow[], statuses: readonly ServerStatus[], style: Style): string[] {
  const leader = statuses.find(({ role, serving }) => role === 'leading' && serving);
  const serving = statuses.filter((status) => status.serving).length;
  const needed = Math.floor(rows.length / 2) + 1;
  const lines = [
    leader
      ? `server ${leader.serverId} leads in epoch ${leader.epoch}; ${serving} of ${rows.length} serve, ${needed} make a majority`
      : style.bad(
          `no leader: writes and linearizable reads wait; ${statuses.length} of ${rows.length} answer, ${needed} make a majority`,
        ),
  ];
  const comparison = compareDigests(statuses);
  if (comparison && statuses.length > 1) {
    const at = `at zxid ${formatZxid(comparison.zxid)}`;
    if (comparison.equal)
      lines.push(style.good(`the digests of all ${statuses.length} are equal ${at}: they hold the same state`));
    else
      lines.push(
        style.bad(`THE DIGESTS DIFFER ${at}: the servers hold different states; keep the data folders and report it`),
      );
  }
  for (const { serverId, writesRefused } of statuses) {
    if (writesRefused !== '') lines.push(style.bad(`server ${serverId} refuses writes: ${writesRefused}`));
  }
  return lines;
}

function brief(zxid: bigint): string {
  return `${epochOf(zxid)}:${counterOf(zxid)}`;
}
