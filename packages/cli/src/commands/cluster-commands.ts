import { CLUSTER_SIZE_MAX } from '../cluster/cluster-file.js';
import type { MemberStatus } from '../cluster/member-status.js';
import type { ProcessCluster } from '../cluster/process-cluster.js';
import { sizeOf } from '../cluster/exit-meaning.js';
import { followLog, readLogTail } from '../cluster/server-log.js';
import { startProcessCluster } from '../cluster/start-process-cluster.js';
import type { ServerRow } from '../output/cluster-table.js';
import type { CommandSpec } from './command.js';
import type { Context } from './context.js';
import { integerIn, serverId } from './option-parsers.js';
import { showRows } from './session-commands.js';

/** A row of the table for one member. */
export function rowOf({ id, address, pid, status, process, error }: MemberStatus): ServerRow {
  const absence = process === 'running' ? error : process;
  return { id, address, pid: status ? pid : undefined, status, absence: status ? undefined : absence };
}

/** The commands that run a cluster's processes on this machine. */
export const clusterCommands: readonly CommandSpec[] = [
  {
    name: 'cluster start',
    summary: 'start the servers of a local cluster, each as a process of its own',
    teaches:
      'Each server keeps its log and snapshots in a folder of its own and listens on one port. They find each other, elect a leader and ' +
      'serve; the command waits for that. They live on when you close the terminal. A stopped cluster is started again with its data.',
    examples: ['cluster start --size 5', 'cluster start --size 3 --port-base 7001'],
    options: [
      {
        flags: '--size <n>',
        summary: `servers: 1 to ${CLUSTER_SIZE_MAX} (default: 3)`,
        parse: integerIn('--size', 1, CLUSTER_SIZE_MAX),
      },
      {
        flags: '--port-base <port>',
        summary: 'port of server 1, the others follow (default: free ones)',
        parse: integerIn('--port-base', 1, 65_535),
      },
      { flags: '--config <file>', summary: 'a configuration file of zkl-server, for all of them' },
    ],
    run: start,
  },
  {
    name: 'cluster status',
    summary: 'show every server and its process; works with some of them down',
    examples: ['cluster status'],
    run: async (context) => {
      await using cluster = await context.connection.cluster();
      showRows(context.output, 'cluster status', (await cluster.status()).map(rowOf));
    },
  },
  {
    name: 'cluster stop',
    summary: 'stop all servers in good order; their data stays',
    examples: ['cluster stop', 'cluster stop --force'],
    options: [{ flags: '--force', summary: 'end them at once (kill -9)' }],
    run: async (context, _, options) => {
      await using cluster = await context.connection.cluster();
      const stopped = await cluster.stop({ force: options.force === true });
      context.output.answer({ command: 'cluster stop', stopped, folder: cluster.folder }, () =>
        stopped.length === 0
          ? 'no server was running'
          : `stopped server ${stopped.join(', ')}; the data stays in ${cluster.folder}`,
      );
    },
  },
  {
    name: 'cluster destroy',
    summary: 'stop all servers and remove their data',
    examples: ['cluster destroy'],
    run: async (context) => {
      await using cluster = await context.connection.cluster();
      await cluster.destroy();
      await context.connection.reset();
      context.output.answer(
        { command: 'cluster destroy', folder: cluster.folder },
        () => `removed the cluster in ${cluster.folder}`,
      );
    },
  },
  {
    name: 'cluster logs',
    args: '<server>',
    summary: "show a server's log",
    examples: ['cluster logs 2', 'cluster logs 2 --lines 200', 'cluster logs 2 --follow'],
    completes: 'server',
    options: [
      { flags: '--lines <n>', summary: 'how many (default: 40)', parse: integerIn('--lines', 1, 100_000) },
      { flags: '--follow', summary: 'go on with what comes, until Ctrl-C' },
    ],
    run: logs,
  },
];

async function start(
  context: Context,
  _: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { connection, output, signal } = context;
  output.note(output.style.quiet('starting the servers and waiting until all of them serve ...'));
  const began = performance.now();
  const cluster = await startProcessCluster({
    folder: connection.settings.folder ?? (await connection.folder()),
    size: options.size as number | undefined,
    portBase: options.portBase as number | undefined,
    configFile: options.config as string | undefined,
    signal,
  });
  // The servers are meant to outlive this: let go of them, and do not stop them.
  try {
    await connection.reset();
    await showStarted(context, cluster, performance.now() - began);
  } finally {
    await cluster.close();
  }
}

async function showStarted({ output }: Context, cluster: ProcessCluster, elapsedMs: number): Promise<void> {
  showRows(output, 'cluster start', (await cluster.status()).map(rowOf));
  output.note(`up in ${(elapsedMs / 1000).toFixed(1)} s · data and logs in ${cluster.folder}`);
}

async function logs(
  context: Context,
  [wanted = '']: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { connection, output, signal } = context;
  await using cluster = await connection.cluster();
  const { logFile } = cluster.member(serverId(wanted));
  const end = await sizeOf(logFile);
  // The log's lines are JSON objects already: they go out as they are, with --json and without.
  for (const { text } of await readLogTail(logFile, (options.lines as number | undefined) ?? 40))
    output.raw(`${text}\n`);
  if (options.follow === true) for await (const bytes of followLog(logFile, end, signal)) output.raw(bytes);
}
