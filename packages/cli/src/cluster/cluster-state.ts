import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { readClusterFile, writeClusterFile, type ClusterFile, type ClusterFileMember } from './cluster-file.js';
import { withClusterLock } from './cluster-lock.js';
import { ClusterError } from './errors.js';
import { isRunning } from './process-identity.js';

/** The cluster file as an object with a lifetime: it remembers what was read last, and changes it under the lock. */
export class ClusterState {
  /** Absolute. */
  readonly folder: string;
  #file: ClusterFile;

  private constructor(folder: string, file: ClusterFile) {
    this.folder = folder;
    this.#file = file;
  }

  /** @throws ClusterError NO_CLUSTER, CLUSTER_FILE_INVALID. */
  static async open(folder: string): Promise<ClusterState> {
    return new ClusterState(resolve(folder), await readOrThrow(folder));
  }

  /**
   * Writes the file that `make` answers with; `make` is given the one that is there, and runs under the lock.
   */
  static async create(
    folder: string,
    make: (existing: ClusterFile | undefined) => Promise<ClusterFile>,
  ): Promise<ClusterState> {
    await mkdir(folder, { recursive: true });
    return withClusterLock(folder, async () => {
      const file = await make(await readClusterFile(folder));
      await writeClusterFile(folder, file);
      return new ClusterState(resolve(folder), file);
    });
  }

  /** As it was read or written last. */
  get file(): ClusterFile {
    return this.#file;
  }

  /** Reads the file again: another process may have started or stopped servers. */
  async refresh(): Promise<ClusterFile> {
    this.#file = await readOrThrow(this.folder);
    return this.#file;
  }

  /** Replaces some members, by their ids, under the lock. `change` is given the file as it is then. */
  async update(change: (file: ClusterFile) => Promise<readonly ClusterFileMember[]>): Promise<void> {
    await withClusterLock(this.folder, async () => {
      const file = await this.refresh();
      const changed = new Map((await change(file)).map((member) => [member.id, member]));
      this.#file = { ...file, members: file.members.map((member) => changed.get(member.id) ?? member) };
      await writeClusterFile(this.folder, this.#file);
    });
  }

  /** @throws ClusterError UNKNOWN_SERVER. */
  member(id: number): ClusterFileMember {
    const member = this.#file.members.find((candidate) => candidate.id === id);
    if (member) return member;
    const ids = this.#file.members.map((candidate) => candidate.id).join(', ');
    throw new ClusterError('UNKNOWN_SERVER', `there is no server ${id} in this cluster`, `Its servers are ${ids}.`);
  }
}

/** The members whose processes run, whatever the file says of the others. */
export async function runningMembers(file: ClusterFile): Promise<ClusterFileMember[]> {
  const running = await Promise.all(file.members.map(async ({ process }) => process !== null && isRunning(process)));
  return file.members.filter((_, index) => running[index]);
}

async function readOrThrow(folder: string): Promise<ClusterFile> {
  const file = await readClusterFile(folder);
  if (file) return file;
  throw new ClusterError(
    'NO_CLUSTER',
    `there is no local cluster in ${resolve(folder)}`,
    'Start one with `zkl cluster start`, or name its folder with --folder.',
  );
}
