/** The metadata of a znode: ZooKeeper's eleven fields, with the same meaning. */
export interface Stat {
  /** The zxid that created the znode. */
  readonly czxid: bigint;
  /** The zxid that last changed its data. */
  readonly mzxid: bigint;
  /** The zxid that last created or deleted a child. */
  readonly pzxid: bigint;
  /** When it was created: milliseconds since 1970 on the leader's clock, as of `Date.now()`. */
  readonly ctime: number;
  /** When its data last changed: milliseconds since 1970 on the leader's clock. */
  readonly mtime: number;
  /** Changes of the data since the znode was created. */
  readonly version: number;
  /** Creations and deletions of children. */
  readonly cversion: number;
  /** Changes of the access control list. */
  readonly aversion: number;
  /** The session that owns an ephemeral znode; 0n for every other. */
  readonly ephemeralOwner: bigint;
  /** The length of the data, in bytes. */
  readonly dataLength: number;
  readonly numChildren: number;
}

/** A write was committed: durable on a quorum, and seen by every later linearizable read. */
export interface WriteResult {
  /** Where the write stands in the order of all writes: epoch in the upper 32 bits, counter in the lower. */
  readonly zxid: bigint;
  /** The server that answered. */
  readonly serverId: number;
  /** The leader that it knows of; 0 when none. */
  readonly leaderId: number;
}

/** What `create` resolves with. */
export interface CreateResult extends WriteResult {
  /** The full path, with the suffix of a sequential znode. */
  readonly path: string;
  readonly stat: Stat;
  /** False when `ifAbsent` found the znode there: path and stat are that znode's. */
  readonly created: boolean;
}

/** What `deleteRecursive` resolves with. */
export interface DeleteRecursiveResult extends WriteResult {
  /** Znodes removed, the one at the top among them. */
  readonly deleted: number;
}

/** What `set` resolves with. */
export interface SetResult extends WriteResult {
  readonly stat: Stat;
}

/** Where and when a read was served. */
export interface ReadResult {
  /** The last zxid applied on the server that answered, when it read. */
  readonly zxid: bigint;
  /** The server that answered. */
  readonly serverId: number;
  /** The leader that it knows of; 0 when none. */
  readonly leaderId: number;
}

/** What `count` resolves with. */
export interface CountResult extends ReadResult {
  /** Descendants; the znode itself is not counted. */
  readonly count: number;
}

/** Bounds of a subtree, its top included. Absent means no bound. Beyond a soft one the server warns, beyond a hard one it refuses. */
export interface Quota {
  /** Znodes. */
  readonly countSoft?: number | undefined;
  readonly countHard?: number | undefined;
  /** Bytes of data. */
  readonly bytesSoft?: number | undefined;
  readonly bytesHard?: number | undefined;
}

/** What `quota` resolves with. */
export interface QuotaResult extends ReadResult {
  /** Undefined when there is none at this path; then nothing is counted. */
  readonly quota: Quota | undefined;
  /** Znodes of the subtree at present. */
  readonly count: number;
  /** Bytes of their data. */
  readonly bytes: number;
}

/** What `get` resolves with. */
export interface GetResult extends ReadResult {
  /** The data; null and empty are different. The bytes are the caller's own: nobody else writes or keeps them. */
  readonly data: Uint8Array | null;
  /** The data as UTF-8; `''` when it is null. Ill-formed bytes become U+FFFD. */
  text(): string;
  readonly stat: Stat;
}

/** One child in a list. */
export interface Child {
  /** The name: the last component of the path. */
  readonly name: string;
  /** The full path. */
  readonly path: string;
  /** Present when asked for by `withStat`. */
  readonly stat?: Stat;
  /** Present when asked for by `withData`; null and empty are different. */
  readonly data?: Uint8Array | null;
}

/** One page of children: one consistent state of the parent. */
export interface ChildrenPage extends ReadResult {
  /** In the order of their names' UTF-8 bytes. */
  readonly children: readonly Child[];
  /** True when names remain: ask again with `startAfter` and `atLeast` of this page. */
  readonly more: boolean;
  /** The parent's own stat. */
  readonly stat: Stat;
}

/** What `register.write` resolves with. */
export interface RegisterWriteResult extends WriteResult {
  /** The register's version after the write: 1 for the first. */
  readonly version: number;
}

/** What `register.read` resolves with. */
export interface RegisterReadResult extends ReadResult {
  /** Null while nothing was ever written. The bytes are the caller's own. */
  readonly value: Uint8Array | null;
  /** The value as UTF-8; `''` while nothing was ever written. */
  text(): string;
  /** 0 while nothing was ever written. */
  readonly version: number;
  /** The zxid of the write that is read; 0n while nothing was ever written. */
  readonly mzxid: bigint;
  /** How many guesses were ever made. */
  readonly guesses: bigint;
  /** How many of them matched. */
  readonly hits: bigint;
}

/** What `register.guess` resolves with. */
export interface RegisterGuessResult extends WriteResult {
  /** Whether the guess equals the value committed at that point of the log. */
  readonly matched: boolean;
  /** The leader that ordered it. */
  readonly leaderId: number;
  /** The version of the value that it was held against; 0 when there was none. */
  readonly version: number;
}
