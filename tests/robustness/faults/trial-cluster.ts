import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compareDigests, startProcessCluster, type MemberStatus, type ProcessCluster } from '@zkl/cli/cluster';
import { formatPlace } from '@zkl/simulator/history';
import { buildFile, buildProgram } from '../../build/build-program.js';
import { Network } from '../network/network.js';
import { until } from './until.js';

/** How a cluster of a trial is made. */
export interface TrialClusterOptions {
  readonly size: number;
  /** More flags for every server. */
  readonly serverArgs?: readonly string[] | undefined;
  /** A network that can be spoiled stands between all. Default: none, and the servers reach each other directly. */
  readonly network?: { readonly seed: number } | undefined;
  /** The module that makes disks and clocks fail on demand is loaded into the servers. Default false. */
  readonly injected?: boolean | undefined;
}

/** A cluster of server processes in a temporary folder. */
export interface TrialCluster {
  readonly cluster: ProcessCluster;
  readonly network: Network | undefined;
  /** The names of the trials that it has had. */
  readonly trials: Set<string>;
  /** Ends the servers. With `keep` what they wrote stays, for somebody to look at. */
  end(options: { readonly keep: boolean }): Promise<void>;
}

/** Starts servers and waits until they serve. */
export async function startTrialCluster(options: TrialClusterOptions): Promise<TrialCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'zkl-trial-'));
  const server = await buildProgram('@zkl/server', 'zkl-server');
  const network = options.network === undefined ? undefined : await Network.open(options.size, options.network.seed);
  try {
    const environment = options.injected === true ? { NODE_OPTIONS: await injectionIn(folder) } : undefined;
    const cluster = await startProcessCluster({
      size: options.size,
      folder,
      serverProgram: server.program,
      environment,
      serverArgs: (member) => [...(network?.serverArgs(member) ?? []), ...(options.serverArgs ?? [])],
    });
    return {
      cluster,
      network,
      trials: new Set(),
      end: async ({ keep }) => {
        await cluster.stop({ force: true });
        await cluster.close();
        await network?.[Symbol.asyncDispose]();
        if (!keep) await rm(folder, { recursive: true, force: true });
        await server.remove();
      },
    };
  } catch (error) {
    await network?.[Symbol.asyncDispose]();
    await server.remove();
    throw error;
  }
}

/** Builds the module that is loaded into servers, and gives the option that loads it. */
async function injectionIn(folder: string): Promise<string> {
  await buildFile(join(import.meta.dirname, '..', 'injection', 'preload.ts'), join(folder, 'injection'));
  return `--import=${pathToFileURL(join(folder, 'injection', 'preload.js')).href}`;
}

/**
 * Waits until all servers serve and have applied everything, and tells the zxid at which their digests are the same.
 *
 * @param atLeast - What they must have applied.
 * @throws Error when digests at one zxid differ, or after `timeoutMs`.
 */
export async function equalDigests(
  cluster: ProcessCluster,
  atLeast: number,
  timeoutMs = 30_000,
): Promise<{ readonly zxid: number; readonly digests: ReadonlyMap<number, string> }> {
  const comparison = await until(`equal digests at or behind ${formatPlace(atLeast)}`, timeoutMs, async () => {
    const statuses = (await cluster.status()).flatMap(({ status }) => (status?.serving === true ? [status] : []));
    if (statuses.length < cluster.members.length) return undefined;
    const compared = compareDigests(statuses);
    return compared !== undefined && Number(compared.zxid) >= atLeast ? compared : undefined;
  });
  const zxid = Number(comparison.zxid);
  if (!comparison.equal) {
    const digests = [...comparison.digests].map(([id, digest]) => `server ${id} ${digest}`).join(', ');
    throw new Error(`the servers differ at ${formatPlace(zxid)}: ${digests}`);
  }
  return { zxid, digests: comparison.digests };
}

/** The status of one server, as soon as it satisfies the condition. */
export async function statusOf(
  cluster: ProcessCluster,
  id: number,
  condition: (status: NonNullable<MemberStatus['status']>) => boolean,
  what: string,
  timeoutMs = 20_000,
): Promise<NonNullable<MemberStatus['status']>> {
  return until(`server ${id} ${what}`, timeoutMs, async () => {
    const status = (await cluster.status()).find((member) => member.id === id)?.status;
    return status !== undefined && condition(status) ? status : undefined;
  });
}
