import { ClusterError } from './cluster/errors.js';
import { CLUSTER_FOLDER } from './cluster/cluster-file.js';
import type { ProcessCluster } from './cluster/process-cluster.js';
import { openProcessCluster, startProcessCluster } from './cluster/start-process-cluster.js';
import { Connection } from './commands/context.js';
import { rowOf } from './commands/cluster-commands.js';
import { openShell } from './main.js';
import { formatCluster } from './output/cluster-table.js';
import { EXIT_OK, explainError, formatExplanation } from './output/explain-error.js';
import { Output } from './output/output.js';
import { createStyle, wantsColors } from './output/style.js';

const SIZE = 3;
/** The first of three ports that are easy to remember; free ones are taken when these are not. */
const PORT_BASE = 7001;

interface Served {
  readonly cluster: ProcessCluster;
  /** Whether this run started it, and so has to stop it. */
  readonly started: boolean;
}

/** Finds the cluster in `.zkl` if any of its servers run, else starts it. */
async function serve(signal: AbortSignal): Promise<Served> {
  try {
    return {
      cluster: await startProcessCluster({ size: SIZE, folder: CLUSTER_FOLDER, signal, ...(await ports()) }),
      started: true,
    };
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    if (error.code === 'CLUSTER_RUNNING') return { cluster: await openProcessCluster(CLUSTER_FOLDER), started: false };
    if (error.code !== 'PORT_IN_USE') throw error;
    return { cluster: await startProcessCluster({ size: SIZE, folder: CLUSTER_FOLDER, signal }), started: true };
  }
}

/** A cluster that was there before keeps its ports; a new one gets the easy ones. */
async function ports(): Promise<{ portBase?: number }> {
  const existing = await openProcessCluster(CLUSTER_FOLDER).catch(() => undefined);
  await existing?.close();
  return existing ? {} : { portBase: PORT_BASE };
}

/** Resolves at the first signal that asks this program to end; until then nothing else keeps it alive. */
function signalled(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const keepAlive = setInterval(() => undefined, 60_000);
    const end = (): void => {
      clearInterval(keepAlive);
      resolve();
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

async function run(signal: AbortSignal): Promise<number> {
  const { stdin, stdout, stderr, env } = process;
  const colors = wantsColors({ isTTY: stdout.isTTY, environment: env });
  const style = createStyle(colors);
  const say = (text: string): boolean => stdout.write(`${text}\n`);
  say(style.quiet(`zkl: three servers on this machine, with their data in ./${CLUSTER_FOLDER}`));
  const { cluster, started } = await serve(signal);
  try {
    if (!started) say('they run already: this shell uses them, and leaves them running when it ends');
    say(formatCluster((await cluster.status()).map(rowOf), style));
    say(`endpoints ${cluster.endpoints.join(',')}`);
    if (!stdin.isTTY || !stdout.isTTY) {
      say('serving until SIGTERM or SIGINT');
      await signalled(signal);
      return EXIT_OK;
    }
    await using connection = new Connection({ folder: cluster.folder, timeoutMs: 10_000 });
    const output = new Output({ json: false, colors, streams: { out: stdout, error: stderr } });
    return await openShell(connection, output, { stdin, stdout, stderr, variables: env }, { colors, signal });
  } finally {
    if (started) {
      const stopped = await cluster.stop();
      if (stopped.length > 0) say(`stopped server ${stopped.join(', ')}; the data stays in ./${CLUSTER_FOLDER}`);
    }
    await cluster.close();
  }
}

async function main(): Promise<number> {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => abort.abort(new DOMException('interrupted', 'AbortError')));
  }
  try {
    return await run(abort.signal);
  } catch (error) {
    const explanation = explainError(error, false);
    const style = createStyle(wantsColors({ isTTY: process.stderr.isTTY, environment: process.env }));
    process.stderr.write(`${formatExplanation(explanation, style)}\n`);
    return explanation.exitCode;
  }
}

process.exitCode = await main();
