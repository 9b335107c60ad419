import { isZklError } from '@zkl/client-sdk';
import { UsageError } from '../output/explain-error.js';
import { formatCluster, jsonServer, type ServerRow } from '../output/cluster-table.js';
import { formatFacts, jsonFacts } from '../output/facts.js';
import type { CommandSpec } from './command.js';
import { type Context, timed } from './context.js';
import { serverId } from './option-parsers.js';
import { loadHistory, historyPath } from '../shell/history-file.js';

/** The commands about the connection, the cluster as a whole, and the shell itself. */
export const sessionCommands: readonly CommandSpec[] = [
  {
    name: 'connect',
    args: '[server]',
    summary: 'talk to one server only; without an id: to whichever serves best',
    teaches:
      'Every server answers every request: a follower hands a write to the leader, and waits until it has applied it before it answers ' +
      'you. Connect to a follower and write: the answer names the same leader, and the next read on that follower sees your write.',
    examples: ['connect 2', 'connect'],
    completes: 'server',
    run: connect,
  },
  {
    name: 'status',
    summary: 'show every server: role, epoch, zxids, digest, lag',
    teaches:
      'logged: the last write on its disk. committed: the last one that it knows a majority to have. applied: the last one that ' +
      'its state contains. digest: a fingerprint of the whole state, at one zxid that all of them have; equal means equal state. It is ' +
      'answered without a majority, so it also works when nothing else does.',
    examples: ['status'],
    run: status,
  },
  {
    name: 'history',
    args: '[count]',
    summary: 'show the lines that were typed last',
    examples: ['history 10'],
    run: async (context, [count = '20']) => {
      const wanted = Number(count);
      if (!Number.isInteger(wanted) || wanted < 1)
        throw new UsageError(`"${count}" is no number of lines`, 'Such as: history 10');
      const lines = context.shell?.lines ?? (await loadHistory(historyPath(process.env)));
      const first = Math.max(0, lines.length - wanted);
      for (const [index, line] of lines.slice(first).entries()) {
        const number = first + index + 1;
        context.output.answer({ command: 'history', number, line }, () => `${String(number).padStart(5)}  ${line}`);
      }
    },
  },
  {
    name: 'exit',
    summary: 'leave the shell (Ctrl-D does so too)',
    only: 'shell',
    run: async ({ shell }) => shell?.exit(),
  },
];

async function connect(context: Context, [wanted]: readonly string[]): Promise<void> {
  const { connection, output, shell, signal } = context;
  const client = await connection.client();
  const id = wanted === undefined ? null : serverId(wanted);
  const { result, elapsedMs } = await timed(() => client.connect({ serverId: id, signal }));
  if (shell) shell.pinned = id ?? undefined;
  const facts = { server: result.serverId, leader: result.leaderId, elapsedMs };
  const object = { command: 'connect', pinned: id, address: result.address, epoch: result.epoch, ...jsonFacts(facts) };
  output.answer(object, () => {
    const what = id === null ? 'whichever server serves best' : `server ${id} only`;
    const role =
      result.leaderId === result.serverId
        ? 'it leads'
        : result.leaderId
          ? `it follows server ${result.leaderId}`
          : 'it knows no leader';
    return `${output.style.good('connected')} to ${what}: ${result.address}, ${role}, epoch ${result.epoch}\n${formatFacts(facts, output.style)}`;
  });
}

async function status({ connection, output, signal }: Context): Promise<void> {
  const client = await connection.client();
  const reports = await client.cluster.statusAll({ signal });
  const rows = reports.map((report): ServerRow => {
    const { address, serverId: id } = report;
    if (report.kind === 'ok') return { id, address, status: report.status, absence: undefined };
    return { id, address, status: undefined, absence: report.error.message };
  });
  showRows(output, 'status', rows);
  const failed = reports.find((report) => report.kind === 'failed');
  if (failed?.kind === 'failed' && reports.every(({ kind }) => kind === 'failed') && isZklError(failed.error))
    throw failed.error;
}

/** Writes the servers: a table for people, one object for each for programs. */
export function showRows(output: Context['output'], command: string, rows: readonly ServerRow[]): void {
  if (!output.json) return output.answer({}, () => formatCluster(rows, output.style));
  for (const row of rows) output.answer({ command, ...jsonServer(row, rows) }, () => '');
}
