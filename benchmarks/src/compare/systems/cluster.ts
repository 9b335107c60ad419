import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { endProcess, hasEnded, lastLines, startProcess } from './process.js';
import { findFreePorts } from './ports.js';
import type { Place, ServerKind, SystemName } from './system.js';
import { usageOf, type Usage } from './usage.js';

const READY_TIMEOUT_MS = 180_000;

const FOLDER_PREFIX = 'zkl-compare-';

/** Removes what earlier runs left that were killed and so could not. */
export async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${FOLDER_PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** Servers of one system, as processes of this machine, in a folder that goes with them. */
export class Cluster implements AsyncDisposable {
  readonly #kind: ServerKind;
  readonly #folder: string;
  readonly #places: readonly Place[];
  readonly #processes = new Map<number, ChildProcess>();

  private constructor(kind: ServerKind, folder: string, places: readonly Place[]) {
    this.#kind = kind;
    this.#folder = folder;
    this.#places = places;
  }

  /** Starts all, and waits until all serve. */
  static async start(kind: ServerKind, size: number): Promise<Cluster> {
    const folder = await mkdtemp(join(tmpdir(), `${FOLDER_PREFIX}${process.pid}-${kind.system}-`));
    const ports = await findFreePorts(size * kind.portsEach);
    const places = Array.from({ length: size }, (_, index) => ({
      id: index + 1,
      folder: join(folder, `server-${index + 1}`),
      ports: ports.slice(index * kind.portsEach, (index + 1) * kind.portsEach),
    }));
    const cluster = new Cluster(kind, folder, places);
    try {
      await cluster.startServers();
      await cluster.ready();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  get system(): SystemName {
    return this.#kind.system;
  }

  get ids(): readonly number[] {
    return this.#places.map(({ id }) => id);
  }

  /** Where the generators' own output goes. */
  get logFolder(): string {
    return this.#folder;
  }

  /** Clients' addresses, the leader's first. */
  async endpoints(): Promise<string[]> {
    const leader = await this.leader();
    return [...this.#places]
      .sort((a, b) => Number(b.id === leader) - Number(a.id === leader))
      .map((place) => this.#kind.endpoint(place));
  }

  /** Starts these servers (all that do not run), without waiting until they serve. */
  async startServers(ids: readonly number[] = this.ids): Promise<void> {
    for (const place of this.#places) {
      const running = this.#processes.get(place.id);
      if (!ids.includes(place.id) || (running && !hasEnded(running))) continue;
      await mkdir(place.folder, { recursive: true });
      const launch = await this.#kind.prepare(place, this.#places);
      this.#processes.set(place.id, startProcess(launch, this.#logOf(place.id), 'log'));
    }
  }

  /** Waits until these servers serve. @throws Error with the last words of one that ended. */
  async ready(ids: readonly number[] = this.ids): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (const place of this.#places.filter(({ id }) => ids.includes(id))) {
      while ((await this.#kind.role(place)) === undefined) {
        const child = this.#processes.get(place.id);
        if (!child || hasEnded(child) || performance.now() > deadline) {
          const words = await lastLines(this.#logOf(place.id));
          throw new Error(`${this.system} server ${place.id} does not serve: ${words}`);
        }
        await delay(20);
      }
    }
  }

  /** The server that leads. Waits for one. */
  async leader(except?: number): Promise<number> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (performance.now() < deadline) {
      for (const place of this.#places) {
        if (place.id !== except && (await this.#kind.role(place)) === 'leading') return place.id;
      }
      await delay(20);
    }
    throw new Error(`no server of ${this.system} leads`);
  }

  /** Sends a signal to a server; resolves when it is gone if the signal is SIGKILL. */
  async signal(id: number, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGUSR2'): Promise<void> {
    const child = this.#processes.get(id);
    if (!child) return;
    if (signal === 'SIGKILL') await endProcess(child);
    else child.kill(signal);
  }

  /** Removes what a server that was killed has on its disk. */
  async wipe(id: number): Promise<void> {
    const place = this.#places.find((each) => each.id === id);
    if (place) await rm(place.folder, { recursive: true, force: true });
  }

  /** Folder of one server's data. */
  folderOf(id: number): string {
    return this.#places.find((place) => place.id === id)?.folder ?? this.#folder;
  }

  pidOf(id: number): number | undefined {
    return this.#processes.get(id)?.pid;
  }

  /** What each server used until now, by id. */
  async usage(): Promise<Map<number, Usage>> {
    const all = await Promise.all(
      this.ids.map(async (id) => [id, await usageOf(this.#processes.get(id)?.pid)] as const),
    );
    return new Map(all);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#processes.values()].map(endProcess));
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }

  #logOf(id: number): string {
    return join(this.#folder, `server-${id}.log`);
  }
}
