import { create } from '@bufbuild/protobuf';
import { ClusterService, ListMembersRequestSchema, StatusRequestSchema } from '@zkl/protocol';
import { toClusterMembers, toServerStatus } from '../codec/cluster-codec.js';
import { isZklError } from '../errors/zkl-error.js';
import type { CallOptions } from '../options/call-options.js';
import { requireServerId, requireTimeout } from '../options/resolve-options.js';
import { badArguments } from '../options/validate.js';
import { requireEndpoint } from '../routing/endpoint-address.js';
import type { Endpoint } from '../routing/endpoint.js';
import { checkCallOptions } from './call-arguments.js';
import type { ClusterApi, StatusOptions } from './client.js';
import type { ClusterMembers, ServerStatus, ServerStatusReport } from './cluster-results.js';
import type { Dispatcher, ReadSpec } from './dispatcher.js';

/** The default deadline of `statusAll`, in milliseconds: a server that hangs must not keep the others' answers back for long. */
const STATUS_ALL_TIMEOUT_MS = 2_000;

const statusSpec: ReadSpec<typeof StatusRequestSchema, typeof ClusterService.method.status.output, ServerStatus> = {
  method: ClusterService.method.status,
  route: { kind: 'any' },
  request: () => create(StatusRequestSchema),
  view: (reply) => reply,
  result: toServerStatus,
};

/** {@link ClusterApi} */
export class Cluster implements ClusterApi {
  readonly #dispatcher: Dispatcher;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  async status(options: StatusOptions = {}): Promise<ServerStatus> {
    checkCallOptions('cluster.status', options, ['endpoint', 'serverId']);
    const { endpoint, serverId, ...call } = options;
    if (endpoint !== undefined && serverId !== undefined) {
      throw badArguments('cluster.status has both endpoint and serverId', 'Give one of the two');
    }
    if (endpoint !== undefined) return this.#statusAt(endpoint, call);
    if (serverId === undefined) return this.#dispatcher.read(statusSpec, call);
    const found = await this.#dispatcher.find(requireServerId('serverId', serverId), call);
    return this.#dispatcher.ask(found, statusSpec, call);
  }

  async statusAll(options: CallOptions = {}): Promise<readonly ServerStatusReport[]> {
    checkCallOptions('cluster.statusAll', options, []);
    const timeoutMs = requireTimeout('timeoutMs', options.timeoutMs, STATUS_ALL_TIMEOUT_MS);
    const startedAtMs = performance.now();
    await this.#learnMembers({ ...options, timeoutMs: Math.ceil(timeoutMs / 2) });
    const remainingMs = Math.max(1, Math.floor(timeoutMs - (performance.now() - startedAtMs)));
    const reports = await Promise.all(
      this.#servers().map((endpoint) => this.#report(endpoint, { ...options, timeoutMs: remainingMs })),
    );
    return reports.sort((a, b) => (a.serverId ?? Infinity) - (b.serverId ?? Infinity));
  }

  async members(options: CallOptions = {}): Promise<ClusterMembers> {
    checkCallOptions('cluster.members', options, []);
    return this.#dispatcher.read(
      {
        method: ClusterService.method.listMembers,
        route: { kind: 'any' },
        request: () => create(ListMembersRequestSchema),
        view: (reply) => reply,
        result: toClusterMembers,
      },
      options,
    );
  }

  async #statusAt(text: string, options: CallOptions): Promise<ServerStatus> {
    const where = requireEndpoint(text);
    const { router } = this.#dispatcher;
    const known = router.endpoints.find((endpoint) => endpoint.url === where.url);
    if (known !== undefined) return this.#dispatcher.ask(known, statusSpec, options);
    const stranger = router.openEndpoint(where);
    try {
      return await this.#dispatcher.ask(stranger, statusSpec, options);
    } finally {
      stranger.close();
    }
  }

  /** Without the members' list the client's own endpoints are reported. */
  async #learnMembers(options: CallOptions): Promise<void> {
    if (!this.#dispatcher.options.discover) return;
    try {
      await this.#dispatcher.learnMembers(options);
    } catch (error) {
      if (!isZklError(error) || error.code === 'ABORTED' || error.code === 'CLIENT_CLOSED') throw error;
    }
  }

  /** Every server once, though several endpoints may lead to it. */
  #servers(): readonly Endpoint[] {
    const { router } = this.#dispatcher;
    return router.endpoints.filter(
      (endpoint) => endpoint.serverId === undefined || router.byServerId(endpoint.serverId) === endpoint,
    );
  }

  async #report(endpoint: Endpoint, options: CallOptions): Promise<ServerStatusReport> {
    const { address } = endpoint;
    try {
      const status = await this.#dispatcher.ask(endpoint, statusSpec, options);
      return { kind: 'ok', address, serverId: status.serverId, status };
    } catch (error) {
      if (!isZklError(error) || error.code === 'ABORTED' || error.code === 'CLIENT_CLOSED') throw error;
      return { kind: 'failed', address, serverId: endpoint.serverId, error };
    }
  }
}
