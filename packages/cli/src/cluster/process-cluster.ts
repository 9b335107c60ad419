import { existsSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient, type Client } from '@zkl/client-sdk';
import { CLUSTER_FILE, type ClusterFileMember } from './cluster-file.js';
import { type ClusterState, runningMembers } from './cluster-state.js';
import { ClusterError } from './errors.js';
import { describeExit, describeWait, sizeOf } from './exit-meaning.js';
import { readMemberStatus, type MemberStatus } from './member-status.js';
import { addressOf, serverArgs, serverEnvironment, toMember, type ClusterMember } from './members.js';
import { isRunning, signalProcess } from './process-identity.js';
import {
  endProcess,
  endOf,
  spawnServer,
  waitUntilGone,
  type ProcessEnd,
  type SpawnedServer,
} from './server-process.js';
import { waitUntil } from './wait-until.js';

/** How long one status call may take. It is answered without a quorum: a server that needs longer is not well. */
const STATUS_TIMEOUT_MS = 1_000;
const STOP_GRACE_MS = 10_000;

/** How long to wait, and how to give up earlier. */
export interface WaitingOptions {
  /** Default 30,000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link ProcessCluster.stop}. */
export interface StopOptions {
  /** Ends the processes at once (SIGKILL), with no chance to hand over. Default: false. */
  readonly force?: boolean | undefined;
  /** How long a server may take to stop before it is ended by force. Default 10,000. */
  readonly graceMs?: number | undefined;
}

/** Flags of `zkl-server` for all servers, or made for each of them when it is started. */
export type ServerArgs = readonly string[] | ((member: ClusterMember) => readonly string[]);

interface Started {
  readonly spawned: SpawnedServer;
  /** The log's size at the start: what stands before it belongs to an earlier run. */
  readonly logStart: number;
}

/**
 * A cluster of real server processes on this machine. They live on without this object and without this process: any later one opens
 * the same cluster by its folder. Safe to use from several processes at the same time.
 *
 * Disposing of it stops the servers by force if {@link startProcessCluster} made it, and lets go of them if
 * {@link openProcessCluster} did.
 */
export class ProcessCluster implements AsyncDisposable {
  readonly #state: ClusterState;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #serverArgs: ServerArgs;
  readonly #program: string | undefined;
  readonly #owned: boolean;
  readonly #started = new Map<number, Started>();
  #client: Client | undefined;

  /** @internal */
  constructor(
    state: ClusterState,
    options: {
      readonly owned: boolean;
      readonly environment?: Readonly<Record<string, string>> | undefined;
      readonly serverArgs?: ServerArgs | undefined;
      readonly serverProgram?: string | undefined;
    },
  ) {
    this.#state = state;
    this.#owned = options.owned;
    this.#environment = serverEnvironment(options.environment);
    this.#serverArgs = options.serverArgs ?? [];
    this.#program = options.serverProgram;
  }

  /** Absolute. */
  get folder(): string {
    return this.#state.folder;
  }

  get clusterId(): string {
    return this.#state.file.clusterId;
  }

  /** The servers in the order of their ids, with the processes that this object knows of. */
  get members(): readonly ClusterMember[] {
    return this.#state.file.members.map((member) => toMember(this.folder, member));
  }

  /** @throws ClusterError UNKNOWN_SERVER. */
  member(id: number): ClusterMember {
    return toMember(this.folder, this.#state.member(id));
  }

  /** The addresses of all the servers, for `createClient({ endpoints })`. */
  get endpoints(): readonly string[] {
    return this.#state.file.members.map(addressOf);
  }

  /** The configuration file that every server is started with, absolute. */
  get configFile(): string | undefined {
    return this.#state.file.configFile ?? undefined;
  }

  /**
   * Starts the processes of these servers (default: all that do not run), without waiting until they serve.
   *
   * @throws ClusterError SERVER_RUNNING when one that is named runs already, UNKNOWN_SERVER.
   */
  async spawn(ids?: readonly number[]): Promise<void> {
    await this.#state.update(async (file) => {
      const running = new Set((await runningMembers(file)).map(({ id }) => id));
      const wanted = (ids ?? file.members.map(({ id }) => id).filter((id) => !running.has(id))).map((id) =>
        this.#state.member(id),
      );
      for (const { id, process } of wanted) {
        if (running.has(id)) {
          const pid = process?.pid ?? 0;
          throw new ClusterError(
            'SERVER_RUNNING',
            `server ${id} runs already (pid ${pid})`,
            `End it first: zkl cluster kill ${id}`,
          );
        }
      }
      const isNew = !file.members.some(({ dataFolder }) => existsSync(join(this.folder, dataFolder)));
      return Promise.all(wanted.map((member) => this.#spawnMember(member, isNew)));
    });
  }

  /** Waits until these servers (default: all) answer and serve. @throws ClusterError SERVER_EXITED, PORT_IN_USE, DEADLINE_EXCEEDED. */
  async serving(ids?: readonly number[], options: WaitingOptions = {}): Promise<MemberStatus[]> {
    const members = (ids ?? this.members.map(({ id }) => id)).map((id) => this.#state.member(id));
    const look = async (): Promise<MemberStatus[] | undefined> => {
      for (const { id } of members) await this.checkAlive(id);
      const statuses = await Promise.all(members.map((member) => this.#statusOf(member)));
      return statuses.every(({ status }) => status?.serving) ? statuses : undefined;
    };
    const timeoutMs = options.timeoutMs ?? 30_000;
    try {
      return await waitUntil(look, { what: 'servers to serve', timeoutMs, intervalMs: 50, signal: options.signal });
    } catch (error) {
      if (!(error instanceof ClusterError && error.code === 'DEADLINE_EXCEEDED')) throw error;
      throw await describeWait(
        await Promise.all(members.map((member) => this.#statusOf(member))),
        this.members,
        timeoutMs,
      );
    }
  }

  /**
   * Sends a signal to a server's process, by default SIGKILL: no warning, no clean-up. Resolves once the process is gone if the signal
   * ends processes (SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGQUIT), else at once (SIGSTOP, SIGCONT).
   *
   * @throws ClusterError SERVER_NOT_RUNNING, UNKNOWN_SERVER.
   */
  async kill(id: number, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#state.refresh();
    const { process } = this.#state.member(id);
    if (!process || !(await signalProcess(process, signal))) {
      const hint = `Start it with \`zkl cluster restart ${id}\`; \`zkl cluster status\` shows which run.`;
      throw new ClusterError('SERVER_NOT_RUNNING', `server ${id} does not run`, hint);
    }
    if (['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'].includes(signal)) {
      await waitUntilGone(process, `server ${id}`, 30_000);
      await this.#forget([id]);
    }
  }

  /**
   * Starts a server again on the data that it has; one that runs is stopped first, in good order. Resolves when it serves: it has
   * synchronised with the leader then.
   */
  async restart(id: number, options: WaitingOptions = {}): Promise<MemberStatus> {
    await this.#state.refresh();
    const { process } = this.#state.member(id);
    if (process && (await isRunning(process))) await endProcess(process, `server ${id}`, STOP_GRACE_MS);
    await this.spawn([id]);
    const [status] = await this.serving([id], options);
    return status as MemberStatus;
  }

  /** All servers, asked at the same time, in the order of their ids. Never fails for a server that is down. */
  async status(): Promise<MemberStatus[]> {
    const { members } = await this.#state.refresh();
    return Promise.all(members.map((member) => this.#statusOf(member)));
  }

  /**
   * The server that leads and serves, with the highest epoch if (during a change) two say so. Waits for one.
   *
   * @param options.except - Not this one: for waiting until another leads after it was killed.
   * @throws ClusterError NO_LEADER after `timeoutMs` (default 30,000).
   */
  async leader(options: WaitingOptions & { readonly except?: number | undefined } = {}): Promise<ClusterMember> {
    const look = async (): Promise<ClusterMember | undefined> => {
      const leading = (await this.status()).filter(
        ({ id, status }) => status?.role === 'leading' && status.serving && id !== options.except,
      );
      leading.sort((a, b) => (b.status?.epoch ?? 0) - (a.status?.epoch ?? 0));
      const id = leading[0]?.id;
      return this.members.find((member) => member.id === id);
    };
    try {
      return await waitUntil(look, {
        what: 'a leader',
        timeoutMs: options.timeoutMs ?? 30_000,
        signal: options.signal,
      });
    } catch (error) {
      if (!(error instanceof ClusterError && error.code === 'DEADLINE_EXCEEDED')) throw error;
      const hint =
        'A leader needs a majority of the servers: see `zkl cluster status`, and `zkl cluster restart <id>` those that are down.';
      throw new ClusterError('NO_LEADER', 'no server leads this cluster', hint, { cause: error });
    }
  }

  /** Stops every server that runs, all at the same time. Resolves when their processes are gone. The data stays. */
  async stop(options: StopOptions = {}): Promise<readonly number[]> {
    const running = await runningMembers(await this.#state.refresh());
    const graceMs = options.force ? 0 : (options.graceMs ?? STOP_GRACE_MS);
    await Promise.all(
      running.map(async ({ id, process }) => {
        if (process) await endProcess(process, `server ${id}`, graceMs);
      }),
    );
    await this.#forget(this.#state.file.members.map(({ id }) => id));
    return running.map(({ id }) => id);
  }

  /** Stops every server and removes data, logs and the cluster file; the folder too if nothing else is in it. */
  async destroy(): Promise<void> {
    await this.stop({ force: true });
    const files = this.members.flatMap(({ dataFolder, logFile }) => [dataFolder, logFile, `${logFile}.1`]);
    await Promise.all(
      [...files, join(this.folder, CLUSTER_FILE)].map((path) => rm(path, { recursive: true, force: true })),
    );
    await rmdir(this.folder).catch(() => undefined);
    await this.close();
  }

  /** Lets go of the cluster: the servers run on. */
  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (this.#owned) await this.stop({ force: true });
    } finally {
      await this.close();
    }
  }

  /** @throws ClusterError SERVER_EXITED or PORT_IN_USE, with the reason, when the server's process is gone. */
  async checkAlive(id: number): Promise<void> {
    const { process, logFile } = this.#state.member(id);
    if (process && (await isRunning(process))) return;
    const started = this.#started.get(id);
    const end = await endOf(started?.spawned);
    throw await describeExit(id, end, join(this.folder, logFile), started?.logStart ?? 0);
  }

  /** How a server that this object started has ended; undefined while it runs. */
  async end(id: number): Promise<ProcessEnd | undefined> {
    await this.#state.refresh();
    const { process } = this.#state.member(id);
    if (process && (await isRunning(process))) return undefined;
    return endOf(this.#started.get(id)?.spawned);
  }

  async #spawnMember(member: ClusterFileMember, isNew: boolean): Promise<ClusterFileMember> {
    const logFile = join(this.folder, member.logFile);
    const logStart = await sizeOf(logFile);
    const more = typeof this.#serverArgs === 'function' ? this.#serverArgs(this.member(member.id)) : this.#serverArgs;
    const args = [...serverArgs(this.folder, this.#state.file, member, isNew), ...more];
    const spawned = await spawnServer({ args, environment: this.#environment, logFile, program: this.#program });
    this.#started.set(member.id, { spawned, logStart });
    return { ...member, process: { ...spawned.identity } };
  }

  /** Notes that these servers do not run; one that another process has started in the meantime stays as it is. */
  async #forget(ids: readonly number[]): Promise<void> {
    await this.#state.update(async (file) => {
      const running = new Set((await runningMembers(file)).map(({ id }) => id));
      return file.members
        .filter(({ id }) => ids.includes(id) && !running.has(id))
        .map((member) => ({ ...member, process: null }));
    });
  }

  #statusOf(member: ClusterFileMember): Promise<MemberStatus> {
    this.#client ??= createClient({ endpoints: this.endpoints, discover: false });
    return readMemberStatus(this.#client, member, STATUS_TIMEOUT_MS);
  }
}
