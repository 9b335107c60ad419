import {
  ChangeType as ProtoType,
  ResetReason,
  type SnapshotPart,
  type Stat as ProtoStat,
  type WatchBatch,
  type WatchEvent as ProtoEvent,
} from '@zkl/protocol';
import type { ChangeType } from '@zkl/wire';
import { ownBytes } from '../codec/data.js';
import { toStat } from '../codec/results.js';
import { toWireStat } from '../codec/unary-stat.js';
import type { SharedBatch } from './shared-batch.js';
import type { ChangeEvent, ResetEvent, SnapshotNode, WatchStep } from './watch.js';

/** What events carry, as it was asked for. */
export interface Carried {
  readonly data: boolean;
  readonly stat: boolean;
  readonly previousData: boolean;
  /** Taken off every path. */
  readonly root: string;
}

const TYPES = new Map<ProtoType, ChangeType>([
  [ProtoType.CREATED, 'created'],
  [ProtoType.SET, 'set'],
  [ProtoType.DELETED, 'deleted'],
]);

const REASONS = new Map<ResetReason, ResetEvent['reason']>([
  [ResetReason.REQUESTED, 'requested'],
  [ResetReason.TOO_SLOW, 'tooSlow'],
]);

/** Makes steps of batches as they come: each change once, and a snapshot only when all its parts are there. */
export class WatchBatches {
  /** Watches of which this is the same make the same of a batch. */
  readonly key: string;
  readonly #carried: Carried;
  #parts: SnapshotNode[] | undefined;

  constructor(carried: Carried) {
    const { data, stat, previousData, root } = carried;
    this.#carried = carried;
    this.key = `${data} ${stat} ${previousData} ${root.length}`;
  }

  /** A stream was lost: a snapshot of which parts are missing will begin anew. */
  cut(): void {
    this.#parts = undefined;
  }

  /** @param told - What is at or before it was told already. */
  step(shared: SharedBatch, told: bigint | undefined): WatchStep | undefined {
    const { zxid, snapshot } = shared.batch;
    if (snapshot !== undefined) return this.#snapshot(snapshot, zxid);
    if (told !== undefined && zxid <= told) return undefined;
    return shared.step(this.key, this.#make);
  }

  readonly #make = ({ zxid, events }: WatchBatch): WatchStep => {
    if (events.length === 0) return { kind: 'progress', zxid };
    return { kind: 'events', zxid, events: events.map((event) => this.#event(event, zxid)) };
  };

  #snapshot(part: SnapshotPart, zxid: bigint): WatchStep | undefined {
    if (part.first) this.#parts = [];
    const nodes = this.#parts;
    if (nodes === undefined) return undefined;
    for (const { path, stat, data } of part.nodes) {
      const node = { path: this.#unrooted(path), stat: this.#stat(stat) };
      nodes.push(this.#carried.data ? { ...node, data: ownBytes(data) } : node);
    }
    if (!part.last) return undefined;
    this.#parts = undefined;
    const reason = REASONS.get(part.reason) ?? 'historyGone';
    return { kind: 'reset', zxid, reset: { type: 'reset', reason, zxid, nodes } };
  }

  #event(event: ProtoEvent, zxid: bigint): ChangeEvent {
    const { data, stat, previousData } = this.#carried;
    const type = TYPES.get(event.type) ?? 'set';
    return {
      type,
      path: this.#unrooted(event.path),
      zxid,
      ...(stat && { stat: this.#stat(event.stat) }),
      ...(data && type !== 'deleted' && { data: ownBytes(event.data) }),
      ...(previousData && type !== 'created' && { previousData: ownBytes(event.previousData) }),
    };
  }

  #stat(stat: ProtoStat | undefined) {
    return toStat(toWireStat(stat));
  }

  #unrooted(path: string): string {
    return path.slice(this.#carried.root.length) || '/';
  }
}
