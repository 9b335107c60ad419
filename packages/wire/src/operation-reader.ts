import { Cursor } from './cursor.js';
import { countCodePoints, readUtf8 } from './utf8.js';

/**
 * The layout of the operations of a session stream (`AttachRequest.operations`), version 1: for each a varint length and that many bytes.
 *
 * ```
 * operation  1 byte class, then
 *            write (0):         the bytes of a command, as they go to the log: see CommandReader
 *            read (1):          1 byte consistency (1 linearizable, 2 local), zxid that must have been applied (zeros: none), query
 *            watch (2):         varint id, 1 byte scope, 1 byte types, 1 byte flags, varint progress interval in milliseconds,
 *                               zxid to begin after (with the flag 0x10), text path
 *            cancel watch (3):  varint id
 *            sync (4):          nothing
 *            progress (5):      varint id
 * query      1 byte kind, then
 *            get (1), exists (2), count (4), quota (5):  text path
 *            children (3):      text path, varint page size, 1 byte flags, text start after
 *            register (6):      nothing
 *            multi (7):         varint count, then that many queries of the kinds 1 to 5
 * flags      0x01 with stat, 0x02 with data, 0x04 with previous data, 0x08 with a snapshot
 * scope      1 node, 2 children, 3 subtree
 * types      a bit each: 0x01 created, 0x02 set, 0x04 deleted
 * text       varint length and bytes
 * zxid       varint epoch, varint counter
 * ```
 */
export const CLASS_WRITE = 0;
export const CLASS_READ = 1;
export const CLASS_WATCH = 2;
export const CLASS_CANCEL_WATCH = 3;
export const CLASS_SYNC = 4;
export const CLASS_PROGRESS = 5;

export const CONSISTENCY_LINEARIZABLE = 1;
export const CONSISTENCY_LOCAL = 2;

export const QUERY_GET = 1;
export const QUERY_EXISTS = 2;
export const QUERY_CHILDREN = 3;
export const QUERY_COUNT = 4;
export const QUERY_QUOTA = 5;
export const QUERY_REGISTER = 6;
export const QUERY_MULTI = 7;

export const WITH_STAT = 0x01;
export const WITH_DATA = 0x02;
export const WITH_PREVIOUS_DATA = 0x04;
export const WITH_SNAPSHOT = 0x08;
export const HAS_FROM = 0x10;

export const SCOPE_NODE = 1;
export const SCOPE_CHILDREN = 2;
export const SCOPE_SUBTREE = 3;

export const TYPE_CREATED = 0x01;
export const TYPE_SET = 0x02;
export const TYPE_DELETED = 0x04;
export const TYPES_ALL = TYPE_CREATED | TYPE_SET | TYPE_DELETED;

const QUERY_BYTES_MIN = 2;

/**
 * Goes over the operations of one message of a session stream without making anything: its fields are numbers and offsets into `bytes`, and
 * hold the operation that `next` came to last. Fields that its class does not have keep what they had.
 *
 * ```ts
 * reader.reset(message.operations);
 * while (reader.next()) serve(reader);
 * if (reader.failed) close('MARSHALLING_ERROR');
 * ```
 */
export class OperationReader {
  bytes: Uint8Array = new Uint8Array(0);
  /** True once something malformed was met: nothing after it can be read. */
  failed = false;
  operationClass = CLASS_WRITE;
  /** Of a write: its command is bytes `bodyStart` to `bodyEnd`. */
  bodyStart = 0;
  bodyEnd = 0;
  /** Of a read. */
  linearizable = true;
  atLeastEpoch = 0;
  atLeastCounter = 0;
  /** The kind of query; of a multi-read QUERY_MULTI, until `nextQuery` comes to the first of its queries. */
  query = QUERY_GET;
  /** Queries of a multi-read that `nextQuery` has not come to. */
  queriesLeft = 0;
  /** Of a query or a watch. */
  pathStart = 0;
  pathEnd = 0;
  pageSize = 0;
  startAfterStart = 0;
  startAfterEnd = 0;
  /** WITH_STAT and the like, of children and of a watch. */
  flags = 0;
  watchId = 0;
  scope = SCOPE_NODE;
  types = TYPES_ALL;
  /** Of a watch with HAS_FROM in its flags. */
  fromEpoch = 0;
  fromCounter = 0;
  progressIntervalMs = 0;
  #at = 0;
  #queriesAt = 0;
  readonly #in = new Cursor();

  /** Begins with the operations of another message. */
  reset(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.#at = 0;
    this.failed = false;
  }

  /** Goes to the next operation; false when there is none, or when it is malformed (`failed`). */
  next(): boolean {
    if (this.failed || this.#at >= this.bytes.length) return false;
    const cursor = this.#in;
    cursor.reset(this.bytes, this.#at, this.bytes.length);
    const length = cursor.varint();
    const start = cursor.skip(length);
    this.#at = cursor.at;
    this.failed = cursor.failed || length === 0;
    if (this.failed) return false;
    cursor.reset(this.bytes, start, this.#at);
    this.operationClass = cursor.u8();
    this.#readBody();
    this.failed = !cursor.done;
    return !this.failed;
  }

  /** The path of the query or the watch. */
  get path(): string {
    return readUtf8(this.bytes, this.pathStart, this.pathEnd);
  }

  /** Of children: names after this one. */
  get startAfter(): string {
    return readUtf8(this.bytes, this.startAfterStart, this.startAfterEnd);
  }

  /** Goes to the next query of a multi-read; false after the last. */
  nextQuery(): boolean {
    if (this.queriesLeft === 0) return false;
    this.queriesLeft--;
    const cursor = this.#in;
    cursor.reset(this.bytes, this.#queriesAt, this.bodyEnd);
    this.#readSingleQuery(cursor.u8());
    this.#queriesAt = cursor.at;
    return true;
  }

  #readBody(): void {
    const cursor = this.#in;
    this.bodyStart = cursor.at;
    this.bodyEnd = cursor.end;
    switch (this.operationClass) {
      case CLASS_WRITE:
        cursor.skip(cursor.end - cursor.at);
        return;
      case CLASS_READ:
        return this.#readRead();
      case CLASS_WATCH:
        return this.#readWatch();
      case CLASS_CANCEL_WATCH:
      case CLASS_PROGRESS:
        this.watchId = cursor.uint32();
        return;
      case CLASS_SYNC:
        return;
      default:
        cursor.fail();
    }
  }

  #readRead(): void {
    const cursor = this.#in;
    const consistency = cursor.u8();
    if (consistency !== CONSISTENCY_LINEARIZABLE && consistency !== CONSISTENCY_LOCAL) cursor.fail();
    this.linearizable = consistency === CONSISTENCY_LINEARIZABLE;
    this.atLeastEpoch = cursor.uint32();
    this.atLeastCounter = cursor.uint32();
    this.queriesLeft = 0;
    const kind = cursor.u8();
    if (kind === QUERY_MULTI) this.#checkQueries();
    else if (kind !== QUERY_REGISTER) this.#readSingleQuery(kind);
    this.query = kind;
  }

  /** All queries of a multi-read are checked before the first is answered. */
  #checkQueries(): void {
    const cursor = this.#in;
    const count = cursor.count(QUERY_BYTES_MIN);
    this.#queriesAt = cursor.at;
    for (let i = 0; i < count && !cursor.failed; i++) this.#readSingleQuery(cursor.u8());
    this.queriesLeft = cursor.failed ? 0 : count;
  }

  #readSingleQuery(kind: number): void {
    const cursor = this.#in;
    this.query = kind;
    if (kind < QUERY_GET || kind > QUERY_QUOTA) cursor.fail();
    this.#readPath();
    if (kind !== QUERY_CHILDREN) return;
    this.pageSize = cursor.varint();
    this.flags = cursor.u8();
    if (this.flags > (WITH_STAT | WITH_DATA)) cursor.fail();
    this.startAfterStart = cursor.skip(cursor.varint());
    this.startAfterEnd = cursor.at;
    this.#checkText(this.startAfterStart);
  }

  #readWatch(): void {
    const cursor = this.#in;
    this.watchId = cursor.uint32();
    this.scope = cursor.u8();
    this.types = cursor.u8();
    this.flags = cursor.u8();
    this.progressIntervalMs = cursor.varint();
    const isKnown = this.scope >= SCOPE_NODE && this.scope <= SCOPE_SUBTREE && this.flags < HAS_FROM << 1;
    if (!isKnown || this.watchId === 0 || this.types === 0 || this.types > TYPES_ALL) cursor.fail();
    if ((this.flags & HAS_FROM) !== 0) {
      this.fromEpoch = cursor.uint32();
      this.fromCounter = cursor.uint32();
    }
    this.#readPath();
  }

  #readPath(): void {
    this.pathStart = this.#in.skip(this.#in.varint());
    this.pathEnd = this.#in.at;
    this.#checkText(this.pathStart);
  }

  #checkText(start: number): void {
    const cursor = this.#in;
    if (!cursor.failed && countCodePoints(cursor.bytes, start, cursor.at) < 0) cursor.fail();
  }
}
