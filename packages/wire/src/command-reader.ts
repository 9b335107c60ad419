import { CompareReader } from './compare-reader.js';
import { Cursor } from './cursor.js';
import { CLIENT_ID_CHARS_MAX, SECRET_HASH_BYTES } from './limits.js';
import { countCodePoints } from './utf8.js';

/**
 * The layout of a command, version 1:
 *
 * ```
 * tag       1 byte: the kind in the low five bits; 0x20 ordered (only with a write id), 0x40 a session follows, 0x80 a write id follows
 * write id  varint length and bytes of the client id, varint request id, varint answeredThrough
 * session   zxid
 * body      create:                        mode, path, data
 *           set:                           int32 expected version, path, data
 *           delete, deleteRecursive:       int32 expected version, path
 *           transaction:                   varint count and comparisons, varint count and operations (then), the same (else)
 *           setQuota:                      path, 1 byte: 0 removes, else 0x10 and a bit for each bound; a varint for each bit from the lowest
 *           reap:                          varint count, then for each path, zxid
 *           registerWrite, registerGuess:  the value, to the end
 *           sessionOpen:                   varint timeout in milliseconds, 32 bytes
 *           sessionClose:                  nothing; it names the session, so there is one
 *           sessionsExpire:                varint count, then for each zxid
 * operation 1 byte kind: create, set, delete, deleteRecursive as above, with sized data; check (8): as delete;
 *           checkAbsent (9), get (10), exists (11): path
 * compare   see CompareReader
 * mode      1 byte: ZooKeeper's number in the low four bits, 0x10 if absent; of the modes with a TTL a varint of milliseconds
 * path      varint length and bytes
 * data      1 byte: 0 for null, 1 for a value, to the end
 * sized     varint: 0 for null, else length + 1, and the bytes
 * zxid      varint epoch, varint counter, both below 2^32
 * int32     a varint in zigzag form
 * ```
 *
 * Kinds 12 to 15 are kept for the tree (access control lists), 18 and 19 for the register, 23 to 31 for what nobody has thought of.
 * An unknown kind is a MARSHALLING_ERROR: servers that know a new kind must not propose it before all of them do.
 */
export const KIND_CREATE = 1;
export const KIND_SET = 2;
export const KIND_DELETE = 3;
export const KIND_DELETE_RECURSIVE = 4;
export const KIND_TRANSACTION = 5;
export const KIND_SET_QUOTA = 6;
export const KIND_REAP = 7;
/** Operations of a transaction only; as a command on their own they are malformed. */
export const KIND_CHECK = 8;
export const KIND_CHECK_ABSENT = 9;
export const KIND_GET = 10;
export const KIND_EXISTS = 11;
export const KIND_REGISTER_WRITE = 16;
export const KIND_REGISTER_GUESS = 17;
export const KIND_SESSION_OPEN = 20;
export const KIND_SESSION_CLOSE = 21;
export const KIND_SESSIONS_EXPIRE = 22;

export const KIND_MASK = 0x1f;
export const IS_ORDERED = 0x20;
export const HAS_SESSION = 0x40;
export const HAS_WRITE_ID = 0x80;

export const MODE_PERSISTENT = 0;
export const MODE_EPHEMERAL = 1;
export const MODE_PERSISTENT_SEQUENTIAL = 2;
export const MODE_EPHEMERAL_SEQUENTIAL = 3;
export const MODE_CONTAINER = 4;
export const MODE_TTL = 5;
export const MODE_TTL_SEQUENTIAL = 6;
export const MODE_MASK = 0x0f;
export const MODE_IF_ABSENT = 0x10;

export const QUOTA_PRESENT = 0x10;
const QUOTA_BOUNDS = 4;

/** The least bytes of an operation, and of what stands in the lists of reap and sessionsExpire: what a count is held against. */
const OPERATION_BYTES_MIN = 2;
const NODE_REF_BYTES_MIN = 3;
const ZXID_BYTES_MIN = 2;

/**
 * Reads a command, or an operation of a transaction, without making anything: its fields are offsets into `bytes`. Holds the last one
 * read; fields that its kind does not have keep their defaults.
 */
export class CommandReader {
  bytes: Uint8Array = new Uint8Array(0);
  kind = 0;
  ordered = false;
  hasWriteId = false;
  clientStart = 0;
  clientEnd = 0;
  requestId = 0;
  answeredThrough = 0;
  /** Zeros when there is no session. */
  sessionEpoch = 0;
  sessionCounter = 0;
  hasPath = false;
  pathStart = 0;
  pathEnd = 0;
  /** ZooKeeper's number of the create mode. */
  mode = MODE_PERSISTENT;
  sequential = false;
  ifAbsent = false;
  ttlMs = 0;
  expectedVersion = -1;
  dataStart = 0;
  /** -1 for null. */
  dataLength = -1;
  /** Of sessionOpen. */
  timeoutMs = 0;
  hashStart = 0;
  /** Of reap and sessionsExpire: how many, and where the first one begins. Of a transaction: the comparisons. */
  listCount = 0;
  listStart = 0;
  thenCount = 0;
  thenStart = 0;
  elseCount = 0;
  elseStart = 0;
  /** Of setQuota: the bounds present, as bits, and where the first stands; -1 when the quota is to be removed. */
  quotaBits = -1;
  quotaStart = 0;
  readonly #in = new Cursor();
  #operation: CommandReader | undefined;
  #compare: CompareReader | undefined;

  /** Whether a session stands beside the command. */
  get hasSession(): boolean {
    return this.sessionCounter !== 0;
  }

  /** False when bytes `start` to `end` are no command. Paths are not looked into. */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    if (start >= end) return false;
    const tag = bytes[start]!;
    this.#begin(bytes, start + 1, end, tag & KIND_MASK);
    this.hasWriteId = (tag & HAS_WRITE_ID) !== 0;
    this.ordered = (tag & IS_ORDERED) !== 0;
    if (this.hasWriteId) this.#readWriteId();
    else if (this.ordered) return false;
    if ((tag & HAS_SESSION) !== 0) this.#readSession();
    this.#readBody();
    return this.#in.done;
  }

  /** Reads the operation of a transaction that begins at `start`: the offset after it, or -1 when it is malformed. */
  readOperation(bytes: Uint8Array, start: number, end: number): number {
    if (start >= end) return -1;
    this.#begin(bytes, start + 1, end, bytes[start]!);
    this.hasWriteId = this.ordered = false;
    this.#readOperationBody();
    if (this.#in.failed || countCodePoints(bytes, this.pathStart, this.pathEnd) < 0) return -1;
    return this.#in.at;
  }

  #begin(bytes: Uint8Array, start: number, end: number, kind: number): void {
    this.#in.reset(bytes, start, end);
    this.bytes = bytes;
    this.kind = kind;
    this.hasPath = this.sequential = this.ifAbsent = false;
    this.mode = this.ttlMs = 0;
    this.expectedVersion = this.dataLength = -1;
    this.sessionEpoch = this.sessionCounter = 0;
  }

  #readBody(): void {
    switch (this.kind) {
      case KIND_CREATE:
        this.#readMode();
        this.#readPath();
        return this.#readData();
      case KIND_SET:
        this.expectedVersion = this.#in.int32();
        this.#readPath();
        return this.#readData();
      case KIND_DELETE:
      case KIND_DELETE_RECURSIVE:
        this.expectedVersion = this.#in.int32();
        return this.#readPath();
      case KIND_REGISTER_WRITE:
      case KIND_REGISTER_GUESS:
        this.dataLength = this.#in.end - this.#in.at;
        this.dataStart = this.#in.skip(this.dataLength);
        return;
      default:
        return this.#readRareBody();
    }
  }

  #readRareBody(): void {
    const cursor = this.#in;
    switch (this.kind) {
      case KIND_TRANSACTION:
        return this.#readTransaction();
      case KIND_SET_QUOTA:
        return this.#readQuota();
      case KIND_REAP:
        this.listCount = cursor.count(NODE_REF_BYTES_MIN);
        this.listStart = cursor.at;
        for (let i = 0; i < this.listCount && !cursor.failed; i++) skipNodeRef(cursor);
        return;
      case KIND_SESSIONS_EXPIRE:
        this.listCount = cursor.count(ZXID_BYTES_MIN);
        this.listStart = cursor.at;
        for (let i = 0; i < this.listCount && !cursor.failed; i++) skipZxid(cursor);
        return;
      case KIND_SESSION_OPEN:
        this.timeoutMs = cursor.varint();
        this.hashStart = cursor.skip(SECRET_HASH_BYTES);
        return;
      case KIND_SESSION_CLOSE:
        if (!this.hasSession) cursor.fail();
        return;
      default:
        cursor.fail();
    }
  }

  #readOperationBody(): void {
    switch (this.kind) {
      case KIND_CREATE:
        this.#readMode();
        this.#readPath();
        return this.#readSizedData();
      case KIND_SET:
        this.expectedVersion = this.#in.int32();
        this.#readPath();
        return this.#readSizedData();
      case KIND_DELETE:
      case KIND_DELETE_RECURSIVE:
      case KIND_CHECK:
        this.expectedVersion = this.#in.int32();
        return this.#readPath();
      case KIND_CHECK_ABSENT:
      case KIND_GET:
      case KIND_EXISTS:
        return this.#readPath();
      default:
        this.#in.fail();
    }
  }

  #readTransaction(): void {
    const cursor = this.#in;
    const compare = (this.#compare ??= new CompareReader());
    this.listCount = cursor.count(OPERATION_BYTES_MIN);
    this.listStart = cursor.at;
    for (let i = 0; i < this.listCount && !cursor.failed; i++) {
      this.#proceed(compare.read(cursor.bytes, cursor.at, cursor.end));
    }
    this.thenCount = cursor.count(OPERATION_BYTES_MIN);
    this.thenStart = cursor.at;
    this.#skipOperations(this.thenCount);
    this.elseCount = cursor.count(OPERATION_BYTES_MIN);
    this.elseStart = cursor.at;
    this.#skipOperations(this.elseCount);
  }

  #skipOperations(count: number): void {
    const cursor = this.#in;
    const operation = (this.#operation ??= new CommandReader());
    for (let i = 0; i < count && !cursor.failed; i++) {
      this.#proceed(operation.readOperation(cursor.bytes, cursor.at, cursor.end));
    }
  }

  #proceed(next: number): void {
    if (next < 0) this.#in.fail();
    else this.#in.at = next;
  }

  #readQuota(): void {
    const cursor = this.#in;
    this.#readPath();
    if (!cursor.failed && countCodePoints(cursor.bytes, this.pathStart, this.pathEnd) < 0) cursor.fail();
    const flags = cursor.u8();
    this.quotaBits = flags === 0 ? -1 : flags ^ QUOTA_PRESENT;
    if (this.quotaBits >= 1 << QUOTA_BOUNDS) cursor.fail();
    this.quotaStart = cursor.at;
    for (let i = 0; i < QUOTA_BOUNDS; i++) if (this.quotaBits > 0 && (this.quotaBits & (1 << i)) !== 0) cursor.varint();
  }

  /** The bound of a quota that stands at a bit: undefined when it is absent. */
  quotaBound(bit: number): number | undefined {
    if (this.quotaBits < 0 || (this.quotaBits & (1 << bit)) === 0) return undefined;
    const cursor = this.#in;
    cursor.reset(this.bytes, this.quotaStart, this.bytes.length);
    let value = 0;
    for (let i = 0; i <= bit; i++) if ((this.quotaBits & (1 << i)) !== 0) value = cursor.varint();
    return value;
  }

  #readWriteId(): void {
    const cursor = this.#in;
    const length = cursor.varint();
    this.clientStart = cursor.skip(length);
    this.clientEnd = cursor.at;
    this.requestId = cursor.varint();
    this.answeredThrough = cursor.varint();
    if (cursor.failed || this.requestId < 1) cursor.fail();
    else if (!isClientId(this.bytes, this.clientStart, this.clientEnd)) cursor.fail();
  }

  #readSession(): void {
    this.sessionEpoch = this.#in.uint32();
    this.sessionCounter = this.#in.uint32();
    if (this.sessionEpoch === 0 || this.sessionCounter === 0) this.#in.fail();
  }

  #readMode(): void {
    const byte = this.#in.u8();
    this.mode = byte & MODE_MASK;
    this.ifAbsent = (byte & MODE_IF_ABSENT) !== 0;
    if (byte > (MODE_MASK | MODE_IF_ABSENT) || this.mode > MODE_TTL_SEQUENTIAL) this.#in.fail();
    this.sequential = isSequentialMode(this.mode);
    if (this.mode >= MODE_TTL) this.ttlMs = this.#in.varint();
  }

  #readPath(): void {
    this.hasPath = true;
    this.pathStart = this.#in.skip(this.#in.varint());
    this.pathEnd = this.#in.at;
  }

  #readData(): void {
    const cursor = this.#in;
    const present = cursor.flag();
    this.dataStart = cursor.at;
    if (!present) return;
    this.dataLength = cursor.end - cursor.at;
    cursor.skip(this.dataLength);
  }

  #readSizedData(): void {
    this.dataLength = this.#in.varint() - 1;
    this.dataStart = this.#in.skip(Math.max(0, this.dataLength));
  }
}

/** Whether a node of this mode gets a suffix. */
export function isSequentialMode(mode: number): boolean {
  return mode === MODE_PERSISTENT_SEQUENTIAL || mode === MODE_EPHEMERAL_SEQUENTIAL || mode === MODE_TTL_SEQUENTIAL;
}

/** Whether a node of this mode belongs to a session. */
export function isEphemeralMode(mode: number): boolean {
  return mode === MODE_EPHEMERAL || mode === MODE_EPHEMERAL_SEQUENTIAL;
}

function skipNodeRef(cursor: Cursor): void {
  const start = cursor.skip(cursor.varint());
  if (!cursor.failed && countCodePoints(cursor.bytes, start, cursor.at) < 0) cursor.fail();
  skipZxid(cursor);
}

function skipZxid(cursor: Cursor): void {
  cursor.uint32();
  cursor.uint32();
}

/** 1 to 64 code points of well-formed UTF-8. */
function isClientId(bytes: Uint8Array, start: number, end: number): boolean {
  const points = countCodePoints(bytes, start, end);
  return points >= 1 && points <= CLIENT_ID_CHARS_MAX;
}
