import { type Client, createClient, type Session } from '@zkl/client-sdk';
import { openProcessCluster } from '../cluster/start-process-cluster.js';
import type { ProcessCluster } from '../cluster/process-cluster.js';
import { CLUSTER_FOLDER, findClusterFolder } from '../cluster/cluster-file.js';
import { type Facts, formatFacts, jsonFacts } from '../output/facts.js';
import type { JsonObject, Output } from '../output/output.js';
import { UsageError } from '../output/explain-error.js';
import type { Jobs } from '../shell/jobs.js';

/** The options that every command takes. */
export interface Settings {
  /** Addresses of servers; undefined: those of the local cluster. */
  readonly endpoints?: readonly string[] | undefined;
  /** The folder of the local cluster; undefined: the nearest. */
  readonly folder?: string | undefined;
  /** Talk to this server only. */
  readonly server?: number | undefined;
  /** The deadline of each call, in ms. Default 10,000. */
  readonly timeoutMs: number;
}

/** What the shell lends to the commands that speak of the shell. */
export interface ShellControl {
  /** Lines of earlier shells and this one, oldest first. */
  readonly lines: readonly string[];
  /** Both ends are a terminal. */
  readonly isInteractive: boolean;
  exit(): void;
  /** What goes on behind the prompt. */
  readonly jobs: Jobs;
  /** The server that the shell talks to, for its prompt; undefined: whichever serves best. */
  pinned: number | undefined;
}

/** The connection to a cluster: made when it is first needed, kept for as long as the program runs. */
export class Connection implements AsyncDisposable {
  readonly settings: Settings;
  #client: Client | undefined;
  #session: Session | undefined;
  #folder: string | undefined;

  constructor(settings: Settings) {
    this.settings = settings;
  }

  /** @throws UsageError when nothing tells where the servers are. */
  async client(): Promise<Client> {
    this.#client ??= await this.another();
    return this.#client;
  }

  /** A client of its own, with its own connection; whoever asked for it closes it. @throws UsageError as `client` does. */
  async another(): Promise<Client> {
    const { server, timeoutMs } = this.settings;
    return createClient({ endpoints: await this.#endpoints(), server, timeoutMs });
  }

  /** The session that is open, or was; undefined when none ever was. */
  get lastSession(): Session | undefined {
    return this.#session;
  }

  /**
   * The session of this program: opened when it is first needed, and again when it is over.
   *
   * @param timeoutMs - Asked for when one is opened. Default: the client's.
   */
  async session(timeoutMs?: number): Promise<Session> {
    const session = this.#session;
    if (session && !isOver(session)) return session;
    const client = await this.client();
    this.#session = await client.session({ timeoutMs });
    return this.#session;
  }

  /** Ends the session, and with it what it owns. @returns Whether one was open. */
  async closeSession(): Promise<boolean> {
    const session = this.#session;
    this.#session = undefined;
    if (!session || isOver(session)) return false;
    await session.close();
    return true;
  }

  /** The local cluster. @throws ClusterError NO_CLUSTER, CLUSTER_FILE_INVALID. */
  async cluster(): Promise<ProcessCluster> {
    return openProcessCluster(await this.folder());
  }

  /** The folder of the local cluster: the one that was named, else the nearest above the working directory, else `.zkl` in it. */
  async folder(): Promise<string> {
    this.#folder ??= this.settings.folder ?? (await findClusterFolder(process.cwd()));
    return this.#folder ?? CLUSTER_FOLDER;
  }

  /** The next call connects anew: the cluster's addresses may have changed. */
  async reset(): Promise<void> {
    await this.closeSession();
    const client = this.#client;
    this.#client = undefined;
    this.#folder = undefined;
    await client?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reset();
  }

  async #endpoints(): Promise<readonly string[]> {
    if (this.settings.endpoints) return this.settings.endpoints;
    const folder = this.settings.folder ?? (await findClusterFolder(process.cwd()));
    if (folder === undefined) {
      const hint =
        'Start a cluster here (`zkl cluster start`), or name servers: --endpoints host:port,... or ZKL_ENDPOINTS.';
      throw new UsageError(
        'no servers to talk to: no endpoints are given, and no local cluster is in this folder or above',
        hint,
      );
    }
    await using cluster = await openProcessCluster(folder);
    return cluster.endpoints;
  }
}

/** Whether a session has ended, for good. */
export function isOver({ state }: Session): boolean {
  return state === 'expired' || state === 'closed';
}

/** What a command works with. */
export interface Context {
  readonly connection: Connection;
  readonly output: Output;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly shell?: ShellControl | undefined;
}

/** What a call resolved with, and how long it took. */
export interface Timed<T> {
  readonly result: T;
  readonly elapsedMs: number;
}

export async function timed<T>(call: () => Promise<T>): Promise<Timed<T>> {
  const start = performance.now();
  const result = await call();
  return { result, elapsedMs: performance.now() - start };
}

/** Writes an answer with its facts: a headline, further lines, and the line of facts below. */
export async function answer(
  context: Context,
  facts: Facts,
  object: JsonObject,
  lines: () => readonly string[],
): Promise<void> {
  const { output } = context;
  const all = await complete(context, facts);
  output.answer({ ...object, ...jsonFacts(all) }, () => [...lines(), formatFacts(all, output.style)].join('\n'));
}

/** How long an answer that is there already waits for what goes with it. */
const LEADER_TIMEOUT_MS = 1_000;

/** Not every result tells who leads and who answered: the leader is asked for then, and a client that is pinned knows who answers. */
async function complete({ connection, shell, signal }: Context, facts: Facts): Promise<Facts> {
  const server = facts.server ?? (shell ? shell.pinned : connection.settings.server);
  if (facts.leader !== undefined) return { ...facts, server };
  try {
    const client = await connection.client();
    const { leaderId } = await client.cluster.members({ signal, timeoutMs: LEADER_TIMEOUT_MS });
    return { ...facts, server, leader: leaderId };
  } catch {
    return { ...facts, server };
  }
}
