import { create } from '@bufbuild/protobuf';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import {
  ChangeType as ProtoChangeType,
  WatchResponseSchema,
  WatchScope as ProtoWatchScope,
  type WatchRequest,
  type WatchResponse,
  type WatchService,
} from '@zkl/protocol';
import { toConnectError } from '../errors/connect-error.js';
import { rejected, type Failure } from '../request/failure.js';
import { PROGRESS_INTERVAL_MS } from '../watch/progress-interval.js';
import { WatchQueue } from '../watch/watch-queue.js';
import { ALL_TYPES, TYPE_BITS, type ChangeType, type WatchScope } from '../watch/watch-spec.js';
import type { WatchHub, WatchStart } from '../watch/watch-hub.js';
import type { Edge } from './edge.js';
import { pathFailure } from './request-checks.js';
import { zxidFromBigint } from './zxid-codec.js';

const SCOPES: Readonly<Record<ProtoWatchScope, WatchScope | undefined>> = {
  [ProtoWatchScope.UNSPECIFIED]: undefined,
  [ProtoWatchScope.NODE]: 'node',
  [ProtoWatchScope.CHILDREN]: 'children',
  [ProtoWatchScope.SUBTREE]: 'subtree',
};

const TYPES: Readonly<Record<ProtoChangeType, ChangeType | undefined>> = {
  [ProtoChangeType.UNSPECIFIED]: undefined,
  [ProtoChangeType.CREATED]: 'created',
  [ProtoChangeType.SET]: 'set',
  [ProtoChangeType.DELETED]: 'deleted',
};

/** WatchService: one watch on a stream of its own, for whoever has no session stream. */
export function watchService(edge: Edge, hub: WatchHub): ServiceImpl<typeof WatchService> {
  return { watch: (request, context) => watch(edge, hub, request, context) };
}

async function* watch(
  edge: Edge,
  hub: WatchHub,
  request: WatchRequest,
  context: HandlerContext,
): AsyncGenerator<WatchResponse> {
  const queue = new WatchQueue();
  const start = watchStartOf(request);
  const watcher = 'code' in start ? start : (hub.add({ ...start, sink: queue }) ?? rejected('TOO_MANY_WATCHES'));
  if ('code' in watcher) throw toConnectError(watcher, edge.leaderId);
  const onAbort = (): void => queue.wake();
  context.signal.addEventListener('abort', onAbort, { once: true });
  try {
    yield create(WatchResponseSchema, { header: edge.header(edge.state.appliedZxid) });
    while (!context.signal.aborted) {
      const batch = queue.take();
      if (batch !== undefined) {
        yield create(WatchResponseSchema, { batch });
      } else if (queue.failure !== undefined) {
        throw toConnectError(rejected(queue.failure), edge.leaderId);
      } else {
        hub.onWritable(watcher);
        await queue.whenFilled();
      }
    }
    // The server stops, or the caller went away: then nobody hears it.
    context.signal.throwIfAborted();
  } finally {
    context.signal.removeEventListener('abort', onAbort);
    hub.remove(watcher);
  }
}

/** How a request's watch is to begin, or the first thing that is wrong with the request. */
export function watchStartOf(request: WatchRequest): Omit<WatchStart, 'sink'> | Failure {
  const scope = SCOPES[request.scope];
  if (scope === undefined) return rejected('BAD_ARGUMENTS', { message: 'scope must be given.' });
  const failure = pathFailure(request.path, false);
  if (failure !== undefined) return failure;
  const types = typesOf(request.types);
  if (types === undefined) return rejected('BAD_ARGUMENTS', { message: 'types holds a type that is not known.' });
  const progressIntervalMs =
    request.progressIntervalMs === 0 ? PROGRESS_INTERVAL_MS.default : request.progressIntervalMs;
  const { min, max } = PROGRESS_INTERVAL_MS;
  if (progressIntervalMs < min || progressIntervalMs > max) {
    return rejected('BAD_ARGUMENTS', { message: `progress_interval_ms must be 0 or in ${min} .. ${max}.` });
  }
  const { path, withData, withStat, withPreviousData: withPrevious, withSnapshot, fromZxid } = request;
  const from = fromZxid === undefined ? undefined : zxidFromBigint(fromZxid);
  return {
    spec: { scope, path, types, withData, withStat, withPrevious },
    id: 0,
    from,
    withSnapshot,
    progressIntervalMs,
  };
}

function typesOf(types: readonly ProtoChangeType[]): number | undefined {
  if (types.length === 0) return ALL_TYPES;
  let mask = 0;
  for (const type of types) {
    const name = TYPES[type];
    if (name === undefined) return undefined;
    mask |= TYPE_BITS[name];
  }
  return mask;
}
