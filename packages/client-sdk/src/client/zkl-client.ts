import { create } from '@bufbuild/protobuf';
import { ClusterService, ListMembersRequestSchema } from '@zkl/protocol';
import type { OpenChannel } from '../channel/channel.js';
import { toServerInfo } from '../codec/cluster-codec.js';
import type { CallOptions } from '../options/call-options.js';
import { requireServerId, type ResolvedOptions } from '../options/resolve-options.js';
import type { Route } from '../routing/router.js';
import { checkCallOptions } from './call-arguments.js';
import { iterateChildren } from './children.js';
import type {
  ChildrenOptions,
  Client,
  ClusterApi,
  ConditionalWriteOptions,
  ConnectOptions,
  CreateOptions,
  DataInput,
  ReadCallOptions,
  RegisterApi,
} from './client.js';
import type { ServerInfo } from './cluster-results.js';
import { Cluster } from './cluster.js';
import { Dispatcher } from './dispatcher.js';
import { Register } from './register.js';
import type { Child, ChildrenPage, CreateResult, GetResult, SetResult, Stat, WriteResult } from './results.js';
import { createZnode, deleteZnode, getZnode, listChildren, setZnode, statZnode } from './znode-calls.js';

/** The {@link Client} of both entries; they differ in the channels only. */
export class ZklClient implements Client {
  readonly register: RegisterApi;
  readonly cluster: ClusterApi;
  readonly #dispatcher: Dispatcher;

  constructor(options: ResolvedOptions, open: OpenChannel) {
    this.#dispatcher = new Dispatcher(options, open);
    this.register = new Register(this.#dispatcher);
    this.cluster = new Cluster(this.#dispatcher);
  }

  create(path: string, data?: DataInput, options: CreateOptions = {}): Promise<CreateResult> {
    return createZnode(this.#dispatcher, path, data, options);
  }

  get(path: string, options: ReadCallOptions = {}): Promise<GetResult> {
    return getZnode(this.#dispatcher, path, options);
  }

  set(path: string, data: DataInput, options: ConditionalWriteOptions = {}): Promise<SetResult> {
    return setZnode(this.#dispatcher, path, data, options);
  }

  delete(path: string, options: ConditionalWriteOptions = {}): Promise<WriteResult> {
    return deleteZnode(this.#dispatcher, path, options);
  }

  exists(path: string, options: ReadCallOptions = {}): Promise<Stat | undefined> {
    return statZnode(this.#dispatcher, path, options);
  }

  children(path: string, options: ChildrenOptions = {}): AsyncIterable<Child> {
    return iterateChildren(this.#dispatcher, path, options);
  }

  listChildren(path: string, options: ChildrenOptions = {}): Promise<ChildrenPage> {
    return listChildren(this.#dispatcher, path, options);
  }

  async connect(options: ConnectOptions = {}): Promise<ServerInfo> {
    checkCallOptions('connect', options, ['serverId']);
    const { serverId, ...call } = options;
    if (serverId === null) this.#dispatcher.pin(undefined);
    if (serverId === undefined || serverId === null) return this.#reach({ kind: 'any' }, call);
    const id = requireServerId('serverId', serverId);
    const server = await this.#reach({ kind: 'server', serverId: id }, call);
    // Only now: a client whose server does not answer stays as it was.
    this.#dispatcher.pin(id);
    return server;
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

  async close(): Promise<void> {
    this.#dispatcher.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
