import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClusterError } from './errors.js';
import { identifyProcess, isRunning, type ProcessIdentity } from './process-identity.js';
import { waitUntil } from './wait-until.js';

const LOCK_FILE = 'cluster.lock';
const WAIT_MS = 10_000;

/**
 * Runs `work` while no other process does so for the same folder: two terminals that restart servers at the same time would else
 * each write over what the other wrote. A lock whose holder was killed is taken over.
 *
 * @throws ClusterError CLUSTER_LOCKED when a living process holds it for longer than 10 s.
 */
export async function withClusterLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const path = join(folder, LOCK_FILE);
  const self = await identifyProcess(process.pid);
  if (!self) throw new Error('the system does not tell the start time of this process');
  const release = await acquire(path, self);
  try {
    return await work();
  } finally {
    await release();
  }
}

async function acquire(path: string, self: ProcessIdentity): Promise<() => Promise<void>> {
  try {
    return await waitUntil(() => tryAcquire(path, self), {
      what: `the lock ${path}`,
      timeoutMs: WAIT_MS,
      intervalMs: 5,
    });
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    throw new ClusterError(
      'CLUSTER_LOCKED',
      `another zkl process is at work on this cluster: it has held ${path} for more than ${WAIT_MS / 1000} s`,
      'Wait until it is done, or end it, and try again.',
      { cause: error },
    );
  }
}

async function tryAcquire(path: string, self: ProcessIdentity): Promise<(() => Promise<void>) | undefined> {
  // Written aside and then linked into place, which only one can do: nobody ever sees a lock that does not name its holder.
  const written = `${path}.${randomUUID()}`;
  await writeFile(written, JSON.stringify({ ...self, nonce: randomUUID() }));
  try {
    await link(written, path);
    return () => rm(path, { force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    await removeIfAbandoned(path);
    return undefined;
  } finally {
    await rm(written, { force: true });
  }
}

/**
 * The holder may be gone. Two processes may find that at the same time, and the slower must not remove the lock that the faster
 * has taken by then: so the file is renamed first, which only one can do, and put back if it is not the one that was read.
 */
async function removeIfAbandoned(path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const holder = parseHolder(text);
  if (holder && (await isRunning(holder))) return;
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
    if ((await readFile(aside, 'utf8')) !== text) await link(aside, path);
  } catch {
    // Another process was faster: the next look tells.
  } finally {
    await rm(aside, { force: true });
  }
}

function parseHolder(text: string): ProcessIdentity | undefined {
  try {
    const { pid, startTime } = JSON.parse(text) as Partial<ProcessIdentity>;
    return typeof pid === 'number' && typeof startTime === 'string' ? { pid, startTime } : undefined;
  } catch {
    return undefined;
  }
}
