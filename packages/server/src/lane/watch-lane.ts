import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Zxid } from '@zkl/consensus';
import { WatchRequestSchema, WatchResponseSchema, type WatchBatch, type WatchRequest } from '@zkl/protocol';
import type { ErrorCode } from '@zkl/wire';
import { toConnectError } from '../errors/connect-error.js';
import { rejected, type Failure } from '../request/failure.js';
import type { Edge } from '../services/edge.js';
import { watchStartOf } from '../services/watch-service.js';
import type { EventBatch } from '../watch/shared-events.js';
import { eventsToProto, progressToProto, snapshotToProto } from '../watch/watch-messages.js';
import type { WatchHub } from '../watch/watch-hub.js';
import type { SnapshotPiece, Watcher, WatchSink } from '../watch/watcher.js';
import { frameOf } from './grpc-body.js';
import type { LaneStream } from './lane-stream.js';

/** The bytes of batches that go to more than one watch: made once, kept as long as the batch is. */
const FRAMES = new WeakMap<EventBatch, Buffer>();

/** How long a call may say nothing before its request. */
const REQUEST_WAIT_MS = 10_000;

/** Serves a watch on the lane: the same hub as over Connect, and the bytes of an event are made once for all its watchers. */
export function watchOnLane(lane: LaneStream, edge: Edge, hub: WatchHub, shutdown: AbortSignal): void {
  const sink = new LaneSink(lane, edge);
  let watcher: Watcher | undefined;
  const onShutdown = (): void => sink.end(rejected('SHUTTING_DOWN'));
  shutdown.addEventListener('abort', onShutdown, { once: true });
  const timer = setTimeout(() => sink.end(rejected('REQUEST_TIMEOUT')), REQUEST_WAIT_MS);
  lane.open({
    onMessage: (bytes) => {
      clearTimeout(timer);
      const request = decode(bytes);
      if (request === undefined || watcher !== undefined) return sink.end(rejected('MARSHALLING_ERROR'));
      const start = watchStartOf(request);
      if ('code' in start) return sink.end(start);
      watcher = hub.add({ ...start, sink });
      if (watcher === undefined) return sink.end(rejected('TOO_MANY_WATCHES'));
      const header = edge.header(edge.state.appliedZxid);
      lane.send(frameOf(toBinary(WatchResponseSchema, create(WatchResponseSchema, { header }))));
      return undefined;
    },
    onEnd: () => {
      if (watcher === undefined) sink.end(rejected('MARSHALLING_ERROR'));
    },
    onWritable: () => {
      if (watcher !== undefined) hub.onWritable(watcher);
    },
    onClose: () => {
      clearTimeout(timer);
      shutdown.removeEventListener('abort', onShutdown);
      if (watcher !== undefined) hub.remove(watcher);
    },
  });
}

class LaneSink implements WatchSink {
  readonly #lane: LaneStream;
  readonly #edge: Edge;

  constructor(lane: LaneStream, edge: Edge) {
    this.#lane = lane;
    this.#edge = edge;
  }

  get writable(): boolean {
    return this.#lane.writable;
  }

  events(_watcher: Watcher, batch: EventBatch): void {
    let frame = FRAMES.get(batch);
    if (frame === undefined) FRAMES.set(batch, (frame = framed(eventsToProto(batch, []))));
    this.#lane.send(frame);
  }

  progress(_watcher: Watcher, zxid: Zxid): void {
    this.#lane.send(framed(progressToProto(zxid, [])));
  }

  snapshot(watcher: Watcher, piece: SnapshotPiece): void {
    this.#lane.send(framed(snapshotToProto(piece, watcher.spec.withData, [])));
  }

  fail(_watcher: Watcher, code: ErrorCode): void {
    this.end(rejected(code));
  }

  caughtUp(): void {
    // A stream of its own has no replies that would wait for it.
  }

  end(failure: Failure): void {
    this.#lane.end(toConnectError(failure, this.#edge.leaderId));
  }
}

function framed(batch: WatchBatch): Buffer {
  return frameOf(toBinary(WatchResponseSchema, create(WatchResponseSchema, { batch })));
}

function decode(bytes: Uint8Array): WatchRequest | undefined {
  try {
    return fromBinary(WatchRequestSchema, bytes);
  } catch {
    return undefined;
  }
}
