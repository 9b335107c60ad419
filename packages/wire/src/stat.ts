/** A place in the total order of writes; the same shape as in @zkl/consensus. */
export interface Zxid {
  readonly epoch: number;
  readonly counter: number;
}

/** A session is named by the zxid that created it; zero is no session. At the API's edge it is epoch << 32 | counter. */
export type SessionId = Zxid;

/** The zxid before all writes, which is also the name of no session. */
export const ZXID_ZERO: Zxid = Object.freeze({ epoch: 0, counter: 0 });

/** Negative, 0 or positive, as `a` is before, at or after `b`. */
export function compareZxids(a: Zxid, b: Zxid): number {
  return a.epoch - b.epoch || a.counter - b.counter;
}

/** ZooKeeper's eleven fields, with the same meaning. */
export interface Stat {
  /** The write that created the node. */
  readonly czxid: Zxid;
  /** The write that last changed its data. */
  readonly mzxid: Zxid;
  /** When it was created, and when its data last changed: time of the log, milliseconds since 1970. */
  readonly ctimeMs: number;
  readonly mtimeMs: number;
  /** Changes of the data, of the children, of the access control list: int32, from 0, skipping -1 when they wrap. */
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  /** The session that owns an ephemeral node; zero for every other node. */
  readonly ephemeralOwner: SessionId;
  /** 0 for null data too. */
  readonly dataLength: number;
  readonly numChildren: number;
  /** The write that last created or deleted a child. */
  readonly pzxid: Zxid;
}
