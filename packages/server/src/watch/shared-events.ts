import { create } from '@bufbuild/protobuf';
import type { Zxid } from '@zkl/consensus';
import { ChangeType as ProtoChangeType, WatchEventSchema, type WatchEvent } from '@zkl/protocol';
import { statToProto } from '../services/stat-codec.js';
import { ChangeView } from '@zkl/state-machine';
import type { ChangeSource } from './change-source.js';
import type { ChangeType } from './watch-spec.js';

/** The events of one zxid, as one or more watches are told of them. The same object for all that are told the same. */
export interface EventBatch {
  readonly zxid: Zxid;
  readonly events: readonly WatchEvent[];
  /** About, as it is sent. */
  readonly bytes: number;
}

const TYPES: Readonly<Record<ChangeType, ProtoChangeType>> = {
  created: ProtoChangeType.CREATED,
  set: ProtoChangeType.SET,
  deleted: ProtoChangeType.DELETED,
};

/** What an event weighs beyond path and data; and with its stat. */
const EVENT_BYTES = 16;
const STAT_BYTES = 80;

/** The changes of one zxid on their way to the watches: each is made into an event once for each set of flags, however many watches are told of it. */
export class SharedEvents {
  readonly #source: ChangeSource;
  readonly #view = new ChangeView();
  /** By place within the zxid, and by flags. */
  #events: (WatchEvent | undefined)[][] = [];
  #batches = new Map<string | number, EventBatch>();
  /** The last batch of a single change. */
  #last: EventBatch | undefined;
  #lastFirst = 0;
  #lastFlags = 0;
  #start = 0;
  #zxid: Zxid = { epoch: 0, counter: 0 };

  constructor(source: ChangeSource) {
    this.#source = source;
  }

  /** Begins with the zxid whose first change stands at `position`. */
  begin(position: number, zxid: Zxid): void {
    this.#start = position;
    this.#zxid = zxid;
    this.#events = [];
    this.#batches = new Map();
    this.#last = undefined;
  }

  /** The batch of the changes at these positions, which are of the zxid that was begun with, in order. */
  batch(first: number, more: readonly number[], flags: number): EventBatch {
    // Mostly one watch after another is told the same.
    if (more.length === 0 && this.#last !== undefined && this.#lastFirst === first && this.#lastFlags === flags) {
      return this.#last;
    }
    const key = more.length === 0 ? first * 8 + flags : `${flags}:${first},${more.join()}`;
    let batch = this.#batches.get(key);
    if (batch === undefined) {
      const events = [first, ...more].map((position) => this.#event(position, flags));
      const bytes = events.reduce((sum, event) => sum + weigh(event), 0);
      batch = { zxid: this.#zxid, events, bytes };
      this.#batches.set(key, batch);
    }
    if (more.length === 0) {
      this.#last = batch;
      this.#lastFirst = first;
      this.#lastFlags = flags;
    }
    return batch;
  }

  #event(position: number, flags: number): WatchEvent {
    const byFlags = (this.#events[position - this.#start] ??= []);
    const known = byFlags[flags];
    if (known !== undefined) return known;
    this.#source.read(position, this.#view);
    return (byFlags[flags] = eventOf(this.#view, flags));
  }
}

/** Data are copied: the view holds only until the next write is applied, and the event waits for its clients. */
function eventOf(change: ChangeView, flags: number): WatchEvent {
  const { type } = change;
  const event = create(WatchEventSchema, { type: TYPES[type], path: change.path });
  const data = (flags & 1) === 0 || type === 'deleted' ? null : change.data;
  const previousData = (flags & 4) === 0 || type === 'created' ? null : change.previousData;
  if (data !== null) event.data = data.slice();
  if ((flags & 2) !== 0) event.stat = statToProto(change.stat);
  if (previousData !== null) event.previousData = previousData.slice();
  return event;
}

function weigh({ path, data, previousData, stat }: WatchEvent): number {
  const bytes = (data?.byteLength ?? 0) + (previousData?.byteLength ?? 0);
  return EVENT_BYTES + path.length + bytes + (stat === undefined ? 0 : STAT_BYTES);
}
