import { randomInt } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { ConsensusNode, type LogStore, type ServerId, type StateMachine, type Zxid } from '@zkl/consensus';
import { ChangeHistory, ZnodeStateMachine, type Result } from '@zkl/state-machine';
import { ResultEncoder } from '@zkl/wire';
import { SessionService, WatchService } from '@zkl/protocol';
import { Coordination } from './coordination.js';
import { toConnectError } from './errors/connect-error.js';
import { createHttpHandler, messageBytesMax } from './http/http-handler.js';
import type { HttpRequest, HttpResponse } from './http/http-types.js';
import { Intake } from './http/intake.js';
import { attachOnLane } from './lane/attach-lane.js';
import type { DirectOptions } from './direct/direct-connection.js';
import { GrpcLane } from './lane/grpc-lane.js';
import { alsoOnLane } from './lane/lane-router.js';
import { watchOnLane } from './lane/watch-lane.js';
import type { Logger } from './observability/logger.js';
import { ServerMetrics } from './observability/metrics.js';
import type { MemberAddress, Members } from './options/members.js';
import type { ServerOptions } from './options/resolve-options.js';
import { TcpPeerTransport } from './peer/tcp-peer-transport.js';
import { Admission } from './request/admission.js';
import { ClusterView } from './request/cluster-view.js';
import { rejected } from './request/failure.js';
import type { PeerView, ServerStatus } from './services/cluster-service.js';
import { Edge } from './services/edge.js';
import { addServices } from './services/routes.js';
import { SessionAccess } from './session/session-access.js';
import { DigestedState } from './state/digested-state.js';
import { addressesOf, clockOf, openStoreOf, type Surroundings } from './surroundings.js';
import { VERSION } from './version.js';

/** The rest of a request that has begun must come by then; HTTP/1.1 has the same bound (`requestTimeoutMs` of the port). */
const REQUEST_ARRIVES_MS = 60_000;

/** What the parts ask of the server that they make up. */
export interface ServerHooks {
  readonly onFatal: (error: Error) => void;
  readonly connections: () => number;
  readonly ownAddress: () => MemberAddress;
}

/** The parts of a server, put together and not started. */
export interface ServerParts {
  readonly node: ConsensusNode<Result>;
  readonly transport: TcpPeerTransport;
  readonly view: ClusterView;
  readonly coordination: Coordination;
  readonly handleHttp: (request: HttpRequest, response: HttpResponse) => void;
  /** What direct connections need. */
  readonly direct: DirectOptions;
  /** Sees each HTTP/2 request first; false for what `handleHttp` is to serve. */
  readonly handleStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => boolean;
  readonly status: () => ServerStatus;
  /** The state is recovered: requests may be served from it. */
  readonly open: () => void;
  /** Ends the streams that are open. */
  readonly shutdown: () => void;
  /** Frees what the server held. The node closes the data folder itself; this does when the node never got to it. */
  readonly close: () => Promise<void>;
}

/** Opens the data folder and puts the parts together. Nothing runs yet. Rejects when the folder cannot be had. */
export async function composeServer(
  options: ServerOptions,
  logger: Logger,
  hooks: ServerHooks,
  surroundings: Surroundings,
): Promise<ServerParts> {
  const logStore = await openStoreOf(surroundings, options, logger);
  try {
    return putTogether(options, logger, hooks, { logStore, surroundings });
  } catch (error) {
    await logStore.close();
    throw error;
  }
}

function putTogether(
  options: ServerOptions,
  logger: Logger,
  hooks: ServerHooks,
  around: { readonly logStore: LogStore; readonly surroundings: Surroundings },
): ServerParts {
  const { logStore, surroundings } = around;
  const { valueBytesMax } = options.limits;
  const { history, state } = stateOf(options);
  const digested = new DigestedState(state);
  const transport = createTransport(options, logger, surroundings);
  const machine = surroundings.aroundState?.(digested, state) ?? digested;
  const node = createNode(options, { logStore, surroundings, transport, state: machine, onFatal: hooks.onFatal });
  forwardToNode(transport, node);
  const view = new ClusterView();
  const admission = new Admission(options.limits);
  const access = new SessionAccess({ table: state, whenApplied: (zxid, done) => node.whenApplied(zxid, done) });
  const quorumReachable = quorumCheck(options, transport);
  const shared = { options, node, transport, state, view, admission, access, quorumReachable };
  const coordination = new Coordination({ ...shared, history });
  digested.resultsWanted = () => coordination.resultsWanted;
  digested.onApplied = (results) => coordination.onApplied(results);
  const status = statusReader(options, { node, view, transport, state, digested, coordination });
  const { connections } = hooks;
  const metrics = options.metrics
    ? createMetrics(options, { admission, status, connections, coordination })
    : undefined;
  const edge = createEdge({ ...shared, metrics });
  const shutdown = new AbortController();
  // One listener for each open stream is no leak.
  setMaxListeners(0, shutdown.signal);
  const members = (): Members => reachableMembers(options, hooks.ownAddress());
  const { reflection, corsAllowedOrigins, timing: sessionTimeouts } = options;
  const shutdownSignal = shutdown.signal;
  const services = { edge, coordination, sessionTimeouts, view, status, members, reflection, shutdownSignal };
  const { lane, intake } = laneOf(options, logger);
  addStreams(lane, { edge, coordination, valueBytesMax, shutdownSignal });
  const serve = createHttpHandler({
    intake,
    valueBytesMax,
    corsAllowedOrigins,
    logger,
    metrics: metrics === undefined ? undefined : () => metrics.render(),
    routes: (router) => addServices(alsoOnLane(router, lane), services),
  });
  let open = false;
  return {
    node,
    transport,
    view,
    coordination,
    status,
    handleHttp: (request, response) => (open ? serve(request, response) : refuseWhileStarting(response)),
    handleStream: (stream, headers) => open && lane.take(stream, headers),
    direct: { door: () => (open ? lane : undefined), readMaxBytes: messageBytesMax(valueBytesMax), intake },
    open: () => {
      open = true;
      surroundings.onOpen?.(lane);
    },
    shutdown: () => shutdown.abort(toConnectError(rejected('SHUTTING_DOWN'), view.leaderId)),
    close: async () => {
      coordination.stop();
      metrics?.stop();
      await logStore.close();
    },
  };
}

/** The replicated state, empty, and the history of its changes. */
function stateOf({ limits }: ServerOptions): { readonly history: ChangeHistory; readonly state: ZnodeStateMachine } {
  const { valueBytesMax, sessionsMax, historyChangesMax, historyBytesMax } = limits;
  const history = new ChangeHistory({ changesMax: historyChangesMax, bytesMax: historyBytesMax });
  const hashSeed = randomInt(2 ** 32);
  return { history, state: new ZnodeStateMachine({ limits: { valueBytesMax, sessionsMax }, hashSeed, history }) };
}

function laneOf({ limits }: ServerOptions, logger: Logger): { readonly lane: GrpcLane; readonly intake: Intake } {
  const intake = new Intake({ bytesMax: limits.requestBytesInFlightMax, timeoutMs: REQUEST_ARRIVES_MS });
  return { lane: new GrpcLane({ readMaxBytes: messageBytesMax(limits.valueBytesMax), intake, logger }), intake };
}

/** The streams of the hot path, on the lane beside Connect. */
function addStreams(
  lane: GrpcLane,
  parts: { edge: Edge; coordination: Coordination; valueBytesMax: number; shutdownSignal: AbortSignal },
): void {
  const { edge, coordination, valueBytesMax, shutdownSignal } = parts;
  const { hub, streams } = coordination;
  const context = { header: (zxid: Zxid) => edge.header(zxid), leaderId: () => edge.leaderId, valueBytesMax };
  lane.addStream(`/${SessionService.typeName}/Attach`, (stream) => attachOnLane(stream, streams, context));
  lane.addStream(`/${WatchService.typeName}/Watch`, (stream) => watchOnLane(stream, edge, hub, shutdownSignal));
}

function statusReader(
  options: ServerOptions,
  parts: {
    node: ConsensusNode<Result>;
    view: ClusterView;
    transport: TcpPeerTransport;
    state: ZnodeStateMachine;
    digested: DigestedState;
    coordination: Coordination;
  },
): () => ServerStatus {
  const { node, view, transport, state, digested, coordination } = parts;
  const startedMs = performance.now();
  return () => {
    const status = node.status;
    return {
      ...status,
      serving: view.serving,
      peers: peersOf(options, status.peers, transport),
      serverId: options.serverId,
      clusterId: options.clusterId,
      version: VERSION,
      uptimeMs: performance.now() - startedMs,
      znodes: state.znodeCount,
      sessions: coordination.counts.sessions,
      sessionsAttached: coordination.counts.attached,
      watches: coordination.counts.watches,
      digest: state.digest,
      digests: digested.ring.points,
    };
  };
}

function createTransport(options: ServerOptions, logger: Logger, surroundings: Surroundings): TcpPeerTransport {
  return new TcpPeerTransport({
    id: options.serverId,
    clusterId: options.clusterId,
    members: addressesOf(surroundings, options.members),
    secret: options.peerSecret,
    versions: surroundings.peerVersions,
    logger,
  });
}

function createNode(
  options: ServerOptions,
  parts: {
    logStore: LogStore;
    surroundings: Surroundings;
    transport: TcpPeerTransport;
    state: StateMachine<Result>;
    onFatal: (error: Error) => void;
  },
): ConsensusNode<Result> {
  const { blockBytesMax, pendingBytesMax, snapshotEveryBytes, snapshotBytesPerSecond } = options.limits;
  const { tickMs, heartbeatMs, electionTimeoutMs } = options.timing;
  return new ConsensusNode<Result>({
    id: options.serverId,
    voters: [...options.members.keys()],
    logStore: parts.logStore,
    transport: parts.transport,
    stateMachine: parts.state,
    clock: clockOf(parts.surroundings),
    random: Math.random,
    timing: { tickMs, heartbeatMs, electionTimeoutMs },
    limits: { blockBytesMax, pendingBytesMax, snapshotEveryBytes, snapshotBytesPerSecond },
    emptyFolderVotes: options.initialClusterState,
    onFatal: parts.onFatal,
  });
}

/** Writes that other servers send here because they take this one for the leader. */
function forwardToNode(transport: TcpPeerTransport, node: ConsensusNode<Result>): void {
  const encoder = new ResultEncoder();
  transport.onForward = (_from, operation, reply) => {
    node.propose(operation, (outcome) => {
      if (outcome.kind === 'applied') reply({ kind: 'result', result: encoder.encode(outcome.result) });
      else reply(outcome);
    });
  };
}

function quorumCheck(options: ServerOptions, transport: TcpPeerTransport): () => boolean {
  return () => {
    const reachable = [...options.members.keys()].filter((id) => id === options.serverId || transport.isConnected(id));
    return reachable.length * 2 > options.members.size;
  };
}

function createEdge(parts: {
  options: ServerOptions;
  view: ClusterView;
  state: ZnodeStateMachine;
  admission: Admission;
  access: SessionAccess;
  node: ConsensusNode<Result>;
  transport: TcpPeerTransport;
  quorumReachable: () => boolean;
  metrics: ServerMetrics | undefined;
}): Edge {
  const { options, view, state, admission, access, node, transport, quorumReachable, metrics } = parts;
  const { leaderGraceMs, requestTimeoutMs } = options.timing;
  const whenApplied: ConsensusNode<Result>['whenApplied'] = (zxid, done) => node.whenApplied(zxid, done);
  return new Edge({
    serverId: options.serverId,
    view,
    state,
    admission,
    access,
    valueBytesMax: options.limits.valueBytesMax,
    requestTimeoutMs,
    onRequestEnd: (method, code, durationMs) => metrics?.onRequestEnd(method, code, durationMs),
    writePath: {
      view,
      propose: (operation, done) => node.propose(operation, done),
      forward: (to, operation, done) => transport.forward(to, operation, done),
      whenApplied,
      quorumReachable,
      leaderGraceMs,
    },
    readPath: { view, readBarrier: (done) => node.readBarrier(done), whenApplied, quorumReachable, leaderGraceMs },
  });
}

function createMetrics(
  options: ServerOptions,
  parts: { admission: Admission; status: () => ServerStatus; connections: () => number; coordination: Coordination },
): ServerMetrics {
  return new ServerMetrics({
    serverId: options.serverId,
    clusterId: options.clusterId,
    version: VERSION,
    requestsInFlight: () => parts.admission.requests,
    requestBytesInFlight: () => parts.admission.bytes,
    connections: parts.connections,
    coordination: () => parts.coordination.counts,
    status: () => {
      const status = parts.status();
      return { ...status, writesRefused: status.writesRefused !== undefined };
    },
  });
}

function peersOf(
  options: ServerOptions,
  progress: readonly {
    readonly id: ServerId;
    readonly synced: boolean;
    readonly durable: PeerView['durable'];
    readonly lagBytes: number;
  }[],
  transport: TcpPeerTransport,
): PeerView[] {
  const known = new Map(progress.map((peer) => [peer.id, peer]));
  return [...options.members.keys()]
    .filter((id) => id !== options.serverId)
    .map((id) => ({
      id,
      connected: transport.isConnected(id),
      ...(known.get(id) ?? { synced: false, durable: undefined, lagBytes: 0 }),
    }));
}

/** A cluster of one that listens on any free port is reached at the one it got. */
function reachableMembers(options: ServerOptions, own: MemberAddress): Members {
  const configured = options.members.get(options.serverId);
  if (configured === undefined || configured.port !== 0) return options.members;
  return new Map([[options.serverId, { host: configured.host, port: own.port }]]);
}

function refuseWhileStarting(response: HttpResponse): void {
  response.writeHead(503, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ code: 'unavailable', message: 'the server is starting: it recovers its data' }));
}
