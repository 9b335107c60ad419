import { create } from '@bufbuild/protobuf';
import { ClusterService, ListMembersRequestSchema } from '@zkl/protocol';
import type { OpenChannel } from '../channel/channel.js';
import { toServerInfo } from '../codec/cluster-codec.js';
import type { CallOptions } from '../options/call-options.js';
import { requireServerId, type ResolvedOptions } from '../options/resolve-options.js';
import type { Route } from '../routing/router.js';
import { openSession } from '../session/open-session.js';
import type { Session, SessionOptions } from '../session/session.js';
import type { ZklSession } from '../session/zkl-session.js';
import { checkCallOptions } from './call-arguments.js';
import { Caller, type OpenLink } from './caller.js';
import type { Client, ClusterApi, ConnectOptions, RegisterApi } from './client.js';
import type { ServerInfo } from './cluster-results.js';
import { Cluster } from './cluster.js';
import { Dispatcher } from './dispatcher.js';
import { Register } from './register.js';
import { ZklCalls } from './zkl-calls.js';

/** How long `close` waits for its sessions to be closed, in milliseconds; they expire by themselves otherwise. */
const SESSIONS_CLOSE_MS = 1_000;

/** The {@link Client} of both entries; they differ in the channels only, and in whether those can stream both ways. */
export class ZklClient extends ZklCalls implements Client {
  readonly register: RegisterApi;
  readonly cluster: ClusterApi;
  protected readonly caller: Caller;
  readonly #dispatcher: Dispatcher;
  readonly #openLink: OpenLink;
  readonly #sessions = new Set<ZklSession>();
  #closed: Promise<void> | undefined;

  constructor(options: ResolvedOptions, open: OpenChannel, openLink: OpenLink) {
    super();
    this.#dispatcher = new Dispatcher(options, open);
    this.#openLink = openLink;
    this.caller = new Caller(this.#dispatcher, openLink);
    this.register = new Register(this.caller);
    this.cluster = new Cluster(this.#dispatcher);
  }

  async session(options: SessionOptions = {}): Promise<Session> {
    const session = await openSession(this.#dispatcher, this.#openLink, options, (ended) =>
      this.#sessions.delete(ended),
    );
    if (this.#closed === undefined) this.#sessions.add(session);
    else session.abandon();
    return session;
  }

  async connect(options: ConnectOptions = {}): Promise<ServerInfo> {
    checkCallOptions('connect', options, ['serverId']);
    const { serverId, ...call } = options;
    if (serverId === null) this.#pin(undefined);
    if (serverId === undefined || serverId === null) return this.#reach({ kind: 'any' }, call);
    const id = requireServerId('serverId', serverId);
    const server = await this.#reach({ kind: 'server', serverId: id }, call);
    // Only now: a client whose server does not answer stays as it was.
    this.#pin(id);
    return server;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #pin(serverId: number | undefined): void {
    this.#dispatcher.pin(serverId);
    this.caller.link?.reroute();
    for (const session of this.#sessions) session.reroute();
  }

  #reach(route: Route, options: CallOptions): Promise<ServerInfo> {
    return this.#dispatcher.read(
      {
        method: ClusterService.method.listMembers,
        route,
        request: () => create(ListMembersRequestSchema),
        view: (reply) => reply,
        result: toServerInfo,
      },
      options,
    );
  }

  async #close(): Promise<void> {
    this.caller.end();
    await Promise.all([...this.#sessions].map((session) => session.close({ timeoutMs: SESSIONS_CLOSE_MS })));
    for (const session of [...this.#sessions]) session.abandon();
    this.#dispatcher.close();
  }
}
