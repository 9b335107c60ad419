import { join, resolve } from 'node:path';
import type { ClusterFile, ClusterFileMember } from './cluster-file.js';

/** One server of a local cluster, as it stands in the cluster file. */
export interface ClusterMember {
  readonly id: number;
  /** `host:port`: for clients and for the other servers. */
  readonly address: string;
  /** Absolute. */
  readonly dataFolder: string;
  /** Absolute; the server's log, one JSON object a line. */
  readonly logFile: string;
  /** The process that was started last; undefined when it was stopped, or ended by this module. It may have died since. */
  readonly pid: number | undefined;
}

/** `host:port`, with an IPv6 host in brackets. */
export function addressOf({ host, port }: Pick<ClusterFileMember, 'host' | 'port'>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export function toMember(folder: string, member: ClusterFileMember): ClusterMember {
  return {
    id: member.id,
    address: addressOf(member),
    dataFolder: resolve(folder, member.dataFolder),
    logFile: resolve(folder, member.logFile),
    pid: member.process?.pid,
  };
}

/** The members of a new cluster: ids from 1, a port each. */
export function newMembers(host: string, ports: readonly number[]): ClusterFileMember[] {
  return ports.map((port, index) => {
    const name = `server-${index + 1}`;
    return { id: index + 1, host, port, dataFolder: name, logFile: `${name}.log`, process: null };
  });
}

/**
 * The flags of `zkl-server` for one member.
 *
 * @param isNew - No server of this cluster has any data yet. All of them may vote then with their empty folders, whichever comes up first; later
 * an empty folder is one that was lost, and its server must not vote before it has caught up.
 */
export function serverArgs(folder: string, cluster: ClusterFile, member: ClusterFileMember, isNew: boolean): string[] {
  const members = cluster.members.map((other) => `${other.id}=${addressOf(other)}`).join(',');
  return [
    ...(cluster.configFile === null ? [] : ['--config', cluster.configFile]),
    ...['--server-id', String(member.id)],
    ...['--cluster-id', cluster.clusterId],
    ...['--members', members],
    ...['--data-folder', join(resolve(folder), member.dataFolder)],
    ...['--log-format', 'json'],
    ...(isNew ? ['--initial-cluster-state', 'always'] : []),
  ];
}

/**
 * The environment of a server: this process's, without the `ZKL_` variables. They are the settings of whoever sits at this terminal, and
 * a cluster that was started twice must be the same cluster twice; `--config` is the way to configure it.
 */
export function serverEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('ZKL_'));
  return { ...Object.fromEntries(inherited), ...extra };
}
