import { type CatchUp, describeCatchUp, restartAndCatchUp } from '../cluster/catch-up.js';
import { type FailoverEvent, killLeader } from '../cluster/failover.js';
import type { JsonObject } from '../output/output.js';
import type { Style } from '../output/style.js';
import { counterOf, epochOf, formatZxid, hexZxid } from '../output/zxid.js';
import type { CommandSpec } from './command.js';
import type { Context } from './context.js';
import { serverId } from './option-parsers.js';

/** The commands that hurt a local cluster, and heal it. */
export const clusterFaultCommands: readonly CommandSpec[] = [
  {
    name: 'cluster kill-leader',
    summary: 'kill -9 the leader, and watch the others elect a new one',
    teaches:
      'The process is gone without a warning, as when its machine loses power. Its connections break, the followers look for a leader, ' +
      'and the one with the most complete log wins: so every write that a majority had acknowledged is in it. A new epoch begins, the new ' +
      'leader brings its followers to the same state, and goes on. A client that was in the middle of a write just waits a little longer.',
    examples: ['cluster kill-leader'],
    run: async (context) => {
      await using cluster = await context.connection.cluster();
      const onEvent = (event: FailoverEvent): void => showEvent(context, event);
      const { killed, elected, epoch } = await killLeader(cluster, { onEvent, signal: context.signal });
      context.output.note(
        context.output.style.quiet(
          `server ${elected} leads epoch ${epoch}; bring back the other with: cluster restart ${killed}`,
        ),
      );
    },
  },
  {
    name: 'cluster kill',
    args: '<server>',
    summary: 'kill -9 one server',
    teaches:
      'A minority of the servers may be down and all goes on. Kill one more, and writes wait until a majority is back.',
    examples: ['cluster kill 3'],
    completes: 'server',
    run: async (context, [wanted = '']) => {
      await using cluster = await context.connection.cluster();
      const id = serverId(wanted);
      const { pid } = cluster.member(id);
      await cluster.kill(id, 'SIGKILL');
      context.output.answer(
        { command: 'cluster kill', server: id, pid: pid ?? null },
        () => `killed server ${id} (pid ${pid})`,
      );
    },
  },
  {
    name: 'cluster restart',
    args: '<server>',
    summary: 'start a server again, and watch it catch up',
    teaches:
      'It reads its own log and snapshot, joins the leader that it finds (no election is needed), and gets what it missed: the ' +
      'writes themselves, or a snapshot of the whole state when the others have purged them. What it logged and no majority ever had is cut off.',
    examples: ['cluster restart 3'],
    completes: 'server',
    run: async (context, [wanted = '']) => {
      await using cluster = await context.connection.cluster();
      const caughtUp = await restartAndCatchUp(cluster, serverId(wanted), { signal: context.signal });
      showCatchUp(context, caughtUp);
    },
  },
];

function showEvent({ output }: Context, event: FailoverEvent): void {
  const { kind, atMs } = event;
  const details =
    event.kind === 'firstWrite'
      ? jsonZxid(event.zxid)
      : 'server' in event
        ? { server: event.server, epoch: event.epoch }
        : {};
  const object = { command: 'cluster kill-leader', event: kind, atMs: Math.round(atMs * 10) / 10, ...details };
  output.answer(
    object,
    () => `${output.style.quiet(`${event.atMs.toFixed(0).padStart(6)} ms`)}  ${describeEvent(event, output.style)}`,
  );
}

function jsonZxid(zxid: bigint): JsonObject {
  return { zxid: hexZxid(zxid), epoch: epochOf(zxid), counter: counterOf(zxid) };
}

/** What one moment of a change of leader was, in words. */
export function describeEvent(event: FailoverEvent, style: Style): string {
  switch (event.kind) {
    case 'killed':
      return `${style.bad('killed')} server ${event.server}, the leader of epoch ${event.epoch} (kill -9, pid ${event.pid})`;
    case 'connectionLost':
      return 'its connections are lost: followers and clients know';
    case 'elected':
      return `${style.good('elected')} server ${event.server}: it leads epoch ${event.epoch} with a majority behind it`;
    case 'firstWrite':
      return `${style.good('first write acknowledged')} since the kill: zxid ${formatZxid(event.zxid)}`;
  }
}

function showCatchUp({ output }: Context, caughtUp: CatchUp): void {
  const { id, pid, ownLogEnd, target, answeredMs, caughtUpMs, status, bySnapshot } = caughtUp;
  const object = {
    ...{ command: 'cluster restart', server: id, pid, role: status.role, serving: status.serving, epoch: status.epoch },
    ...{
      ownLogEnd: ownLogEnd === undefined ? null : hexZxid(ownLogEnd),
      target: target === undefined ? null : hexZxid(target),
    },
    ...{
      applied: hexZxid(status.appliedZxid),
      answeredMs: Math.round(answeredMs),
      caughtUpMs: Math.round(caughtUpMs),
      bySnapshot,
    },
  };
  output.answer(object, () => {
    const { style } = output;
    const at = (ms: number): string => style.quiet(`${ms.toFixed(0).padStart(6)} ms`);
    const lines = [`${at(answeredMs)}  server ${id} is up again (pid ${pid})`];
    const missed = describeCatchUp(caughtUp);
    if (missed !== undefined) lines.push(`${' '.repeat(9)}  ${missed}`);
    if (target === undefined) lines.push(`${' '.repeat(9)}  no other server serves: it waits for a majority`);
    else
      lines.push(
        `${at(caughtUpMs)}  ${style.good('caught up')}: it has applied ${formatZxid(status.appliedZxid)}, and is ${status.role} in epoch ${status.epoch}`,
      );
    return lines.join('\n');
  });
}
