import type { Zxid } from '@zkl/consensus';
import type { Stat } from '@zkl/state-machine';
import type { ChangeType } from './watch-spec.js';

/** One change, as a view: what it gives is valid until the next write is applied. */
export interface ChangeView {
  readonly type: ChangeType;
  readonly path: string;
  readonly zxid: Zxid;
  /** After the change; of a deleted node, before it. */
  readonly stat: Stat;
  /** Null for a deleted node too. A copy, the caller's own. */
  readonly data: Uint8Array | null;
  readonly previousData: Uint8Array | null;
}

/** The retained history of changes, by position: a number that only grows, also over a restored snapshot. */
export interface ChangeSource {
  /** Complete for everything after this zxid. */
  readonly floor: Zxid;
  /** The position of the oldest change that is kept, and the one after the newest. */
  readonly start: number;
  readonly end: number;
  /** The position of the first change after a zxid; undefined when that lies below the floor. */
  positionAfter(zxid: Zxid): number | undefined;
  /** `start` <= position < `end`. The view is used again by the next call. */
  read(position: number): ChangeView;
}
