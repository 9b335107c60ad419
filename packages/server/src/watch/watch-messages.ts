import { create } from '@bufbuild/protobuf';
import {
  ResetReason as ProtoResetReason,
  SnapshotNodeSchema,
  WatchBatchSchema,
  type SnapshotNode,
  type WatchBatch,
} from '@zkl/protocol';
import type { Zxid } from '@zkl/consensus';
import type { ErrorCode } from '@zkl/wire';
import { failureDetail } from '../services/failure-detail.js';
import { statToProto } from '../services/stat-codec.js';
import { zxidToBigint } from '../services/zxid-codec.js';
import type { SnapshotEntry } from './scope-snapshot.js';
import type { EventBatch } from './shared-events.js';
import type { ResetReason, SnapshotPiece } from './watcher.js';

const REASONS: Readonly<Record<ResetReason, ProtoResetReason>> = {
  requested: ProtoResetReason.REQUESTED,
  historyGone: ProtoResetReason.HISTORY_GONE,
  tooSlow: ProtoResetReason.TOO_SLOW,
};

/** The events of one zxid as a message, for these watches of a stream (none on a stream of its own). */
export function eventsToProto({ zxid, events }: EventBatch, watchIds: number[]): WatchBatch {
  // Events are shared by all messages that tell of them, and nobody changes them.
  return create(WatchBatchSchema, { watchIds, zxid: zxidToBigint(zxid), events: events as WatchBatch['events'] });
}

/** A mark of progress as a message. */
export function progressToProto(zxid: Zxid, watchIds: number[]): WatchBatch {
  return create(WatchBatchSchema, { watchIds, zxid: zxidToBigint(zxid) });
}

/** A piece of a snapshot as a message. */
export function snapshotToProto(piece: SnapshotPiece, withData: boolean, watchIds: number[]): WatchBatch {
  const { first, last, entries, zxid, reason } = piece;
  return create(WatchBatchSchema, {
    watchIds,
    zxid: zxidToBigint(zxid),
    snapshot: { reason: REASONS[reason], first, last, nodes: entries.map((entry) => nodeOf(entry, withData)) },
  });
}

function nodeOf({ path, stat, data }: SnapshotEntry, withData: boolean): SnapshotNode {
  const node = create(SnapshotNodeSchema, { path, stat: statToProto(stat) });
  if (withData && data !== null) node.data = data;
  return node;
}

/** The end of a watch as a message. */
export function failureToProto(code: ErrorCode, watchIds: number[]): WatchBatch {
  return create(WatchBatchSchema, { watchIds, failure: failureDetail(code, undefined) });
}
