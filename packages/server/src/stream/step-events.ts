import type { WatchBatch } from '@zkl/protocol';
import type { EventBatch } from '../watch/shared-events.js';
import { eventsToProto } from '../watch/watch-messages.js';

/** What one or more watches of a stream are told in one step. */
export interface StepEvents {
  /** The changes, when it tells of changes: the same object for all streams that are told of them. */
  readonly batch: EventBatch | undefined;
  /** The watches that it is for. */
  readonly ids: number[];
  /** As it is sent. */
  readonly message: WatchBatch;
}

/** Changes on their way to watches of a stream. Where the transport has bytes of its own for them, no message is made. */
export class StepChanges implements StepEvents {
  readonly batch: EventBatch;
  readonly ids: number[];

  constructor(batch: EventBatch, id: number) {
    this.batch = batch;
    this.ids = [id];
  }

  get message(): WatchBatch {
    return eventsToProto(this.batch, this.ids);
  }
}
