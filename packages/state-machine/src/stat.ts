/** A place in the total order of writes; the same shape as in @zkl/consensus. */
export interface Zxid {
  readonly epoch: number;
  readonly counter: number;
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
  /** The session that owns an ephemeral node, below 2^53; 0 for every other node. */
  readonly ephemeralOwner: number;
  /** 0 for null data too. */
  readonly dataLength: number;
  readonly numChildren: number;
  /** The write that last created or deleted a child. */
  readonly pzxid: Zxid;
}
