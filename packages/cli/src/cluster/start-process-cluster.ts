import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CLUSTER_SIZE_MAX, type ClusterFile, type ClusterFileMember } from './cluster-file.js';
import { ClusterState, runningMembers } from './cluster-state.js';
import { ClusterError } from './errors.js';
import { newMembers } from './members.js';
import { findFreePorts, isPortFree } from './ports.js';
import { ProcessCluster, type ServerArgs, type WaitingOptions } from './process-cluster.js';

/** What {@link startProcessCluster} is told. */
export interface ProcessClusterOptions extends WaitingOptions {
  /** Servers: 1 to 15. Default: those that the folder holds already, else 3. */
  readonly size?: number | undefined;
  /** Where data, logs and `cluster.json` are kept; made if it is not there. */
  readonly folder: string;
  /** What the servers listen on. Default `127.0.0.1`. */
  readonly host?: string | undefined;
  /** Server 1 gets this port, server 2 the next. Default: free ones, or those that the cluster had before. */
  readonly portBase?: number | undefined;
  /** A configuration file for every server, on top of which come its id, members and data folder. */
  readonly configFile?: string | undefined;
  /** Environment variables for the servers. This process's own go to them too, but for those that begin with `ZKL_`. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /**
   * More flags of `zkl-server`: the same for every server, or those of one. A flag given twice counts as it was given last. They hold for starts
   * through this object only.
   */
  readonly serverArgs?: ServerArgs | undefined;
  /** A JavaScript file that this Node.js runs in place of the installed `zkl-server`: a build of one's own. For starts through this object only. */
  readonly serverProgram?: string | undefined;
}

/** Another program may take a free port before the server has it: then others are chosen, this often at most. */
const PORT_ATTEMPTS_MAX = 3;

/**
 * Starts a cluster of server processes and waits until all of them serve (default: 60 s at most). A folder that holds a stopped cluster
 * gets that one started again, with its data. When the start fails, what was started is stopped.
 *
 * @throws ClusterError CLUSTER_RUNNING, SIZE_MISMATCH, PORT_IN_USE, NO_FREE_PORT, SERVER_EXITED, DEADLINE_EXCEEDED,
 * CLUSTER_FILE_INVALID, INVALID_OPTION.
 */
export async function startProcessCluster(options: ProcessClusterOptions): Promise<ProcessCluster> {
  checkOptions(options);
  for (let attempt = 1; ; attempt += 1) {
    const state = await ClusterState.create(options.folder, (existing) => plan(options, existing));
    const cluster = new ProcessCluster(state, { ...options, owned: true });
    try {
      await cluster.spawn();
      await cluster.serving(undefined, { timeoutMs: options.timeoutMs ?? 60_000, signal: options.signal });
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      const portTaken = error instanceof ClusterError && error.code === 'PORT_IN_USE';
      if (!portTaken || options.portBase !== undefined || attempt === PORT_ATTEMPTS_MAX) throw error;
    }
  }
}

/** Opens a local cluster that was started before, running or not. @throws ClusterError NO_CLUSTER, CLUSTER_FILE_INVALID. */
export async function openProcessCluster(folder: string): Promise<ProcessCluster> {
  return new ProcessCluster(await ClusterState.open(folder), { owned: false });
}

function checkOptions({ size = 1, portBase = 1, folder }: ProcessClusterOptions): void {
  if (folder === '') throw new ClusterError('INVALID_OPTION', 'the folder has no name', 'Name one, such as .zkl.');
  if (!Number.isInteger(size) || size < 1 || size > CLUSTER_SIZE_MAX) {
    const hint = 'Take an odd number: 3 survives the loss of one server, 5 of two.';
    throw new ClusterError('INVALID_OPTION', `a local cluster has 1 to ${CLUSTER_SIZE_MAX} servers, not ${size}`, hint);
  }
  if (!Number.isInteger(portBase) || portBase < 1 || portBase + size - 1 > 65_535) {
    const hint = 'Take a number from 1,024 up, such as 7001.';
    throw new ClusterError('INVALID_OPTION', `${portBase} leaves no ${size} ports up to 65,535`, hint);
  }
}

async function plan(options: ProcessClusterOptions, existing: ClusterFile | undefined): Promise<ClusterFile> {
  const configFile = options.configFile === undefined ? (existing?.configFile ?? null) : resolve(options.configFile);
  if (!existing) return newCluster(options, configFile);
  const running = await runningMembers(existing);
  if (running.length > 0) {
    const what = `a cluster runs already in ${resolve(options.folder)} (${running.length} of ${existing.members.length} servers)`;
    throw new ClusterError(
      'CLUSTER_RUNNING',
      what,
      'Use it, stop it with `zkl cluster stop`, or choose another --folder.',
    );
  }
  // What a start that failed has left: a file, and no data that a change could lose.
  if (!existing.members.some(({ dataFolder }) => existsSync(join(options.folder, dataFolder))))
    return newCluster(options, configFile);
  if (options.size !== undefined && options.size !== existing.members.length) {
    const what = `${resolve(options.folder)} holds the data of a cluster of ${existing.members.length} servers, not ${options.size}`;
    const hint = `Start it with --size ${existing.members.length}, remove it with \`zkl cluster destroy\`, or choose another --folder.`;
    throw new ClusterError('SIZE_MISMATCH', what, hint);
  }
  return { ...existing, configFile, members: await settlePorts(options, existing.members) };
}

async function newCluster(options: ProcessClusterOptions, configFile: string | null): Promise<ClusterFile> {
  const { size = 3, host = '127.0.0.1', portBase } = options;
  const ports =
    portBase === undefined
      ? await findFreePorts(host, size)
      : Array.from({ length: size }, (_, index) => portBase + index);
  if (portBase !== undefined) await Promise.all(ports.map((port) => requireFree(host, port)));
  return {
    format: 1,
    clusterId: `local-${randomBytes(4).toString('hex')}`,
    createdAt: new Date().toISOString(),
    configFile,
    members: newMembers(host, ports),
  };
}

/** A cluster that is started again keeps its addresses, but for ports that somebody else has by now: a server is its id. */
async function settlePorts(
  options: ProcessClusterOptions,
  members: readonly ClusterFileMember[],
): Promise<ClusterFileMember[]> {
  const stopped = members.map((member) => ({ ...member, process: null }));
  const { portBase } = options;
  if (portBase !== undefined) {
    const moved = stopped.map((member, index) => ({ ...member, port: portBase + index }));
    await Promise.all(moved.map(({ host, port }) => requireFree(host, port)));
    return moved;
  }
  const free = await Promise.all(stopped.map(({ host, port }) => isPortFree(host, port)));
  const taken = stopped.filter((_, index) => !free[index]);
  const fresh = await findFreePorts(members[0]?.host ?? '127.0.0.1', taken.length);
  return stopped.map((member) => {
    const index = taken.indexOf(member);
    return index < 0 ? member : { ...member, port: fresh[index] ?? member.port };
  });
}

async function requireFree(host: string, port: number): Promise<void> {
  if (await isPortFree(host, port)) return;
  const hint = 'End the program that has it, or choose other ports with --port-base.';
  throw new ClusterError('PORT_IN_USE', `port ${port} on ${host} is in use, or may not be used`, hint);
}
