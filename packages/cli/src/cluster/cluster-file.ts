import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { ClusterError } from './errors.js';

/** The folder that a local cluster lives in unless another is named, and the file in it that describes the cluster. */
export const CLUSTER_FOLDER = '.zkl';
export const CLUSTER_FILE = 'cluster.json';

/** A local cluster has 1 to this many servers: more would only fight for the same disk. */
export const CLUSTER_SIZE_MAX = 15;

const processSchema = z.strictObject({ pid: z.int().positive(), startTime: z.string().min(1) });

const memberSchema = z.strictObject({
  id: z.int().min(1).max(65_535),
  host: z.string().min(1),
  port: z.int().min(1).max(65_535),
  dataFolder: z.string().min(1),
  logFile: z.string().min(1),
  process: processSchema.nullable(),
});

const clusterSchema = z
  .strictObject({
    format: z.literal(1),
    clusterId: z.string().min(1),
    createdAt: z.iso.datetime(),
    configFile: z.string().min(1).nullable(),
    members: z.array(memberSchema).min(1).max(CLUSTER_SIZE_MAX),
  })
  .refine(
    ({ members }) => new Set(members.map(({ id }) => id)).size === members.length,
    'two members have the same id',
  );

/**
 * `cluster.json`: what is known of a local cluster, so that any later `zkl` finds it and can stop it. It is rewritten whole, by
 * rename, under `cluster.lock`.
 *
 * - `format`: 1. Another number is refused.
 * - `clusterId`: the id that the servers check of each other.
 * - `configFile`: the configuration file that every server is started with, absolute; null when none.
 * - `members[]`: `id`, `host` and `port` (one port for clients and servers alike), `dataFolder` and `logFile` (relative to the folder of
 *   the file, so that the folder can be moved), and `process`: the process id with its start time, null when it was stopped.
 */
export type ClusterFile = z.infer<typeof clusterSchema>;

/** One server of the file. */
export type ClusterFileMember = z.infer<typeof memberSchema>;

/**
 * @param folder - The folder that holds `cluster.json`.
 * @returns undefined when there is no such file.
 * @throws ClusterError CLUSTER_FILE_INVALID when it cannot be read as a cluster file.
 */
export async function readClusterFile(folder: string): Promise<ClusterFile | undefined> {
  const path = join(folder, CLUSTER_FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw invalid(path, (error as Error).message, error);
  }
  try {
    return clusterSchema.parse(JSON.parse(text));
  } catch (error) {
    throw invalid(path, error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message, error);
  }
}

/** Replaces the file whole: a reader sees the old one or the new one, also when this process is killed on the way. */
export async function writeClusterFile(folder: string, cluster: ClusterFile): Promise<void> {
  const path = join(folder, CLUSTER_FILE);
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(`${JSON.stringify(clusterSchema.parse(cluster), undefined, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Looks for `.zkl/cluster.json` in `from` and in each folder above it.
 *
 * @returns The folder that holds the file, absolute; undefined when there is none.
 */
export async function findClusterFolder(from: string): Promise<string | undefined> {
  for (let here = resolve(from); ; here = dirname(here)) {
    const folder = join(here, CLUSTER_FOLDER);
    if (await isFile(join(folder, CLUSTER_FILE))) return folder;
    if (dirname(here) === here) return undefined;
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

function invalid(path: string, why: string, cause: unknown): ClusterError {
  return new ClusterError(
    'CLUSTER_FILE_INVALID',
    `${path} is not a cluster file of this version of zkl: ${why}`,
    'Stop the servers that belong to it by hand, if any still run, and remove the file; the data folders beside it stay.',
    { cause },
  );
}
