import { CLIENT_ID_CHARS_MAX } from './limits.js';
import { countCodePoints } from './utf8.js';
import { unzigzag } from './varint.js';

/**
 * The layout of a command, version 1:
 *
 * ```
 * tag       1 byte: the kind in the low seven bits; 0x80 when a write id follows
 * write id  varint length and bytes of the client id, varint request id, varint answeredThrough
 * body      create:                        1 byte create mode (ZooKeeper's numbers), path, data
 *           set:                           varint zigzag expected version, path, data
 *           delete:                        varint zigzag expected version, path
 *           registerWrite, registerGuess:  the value, to the end
 * path      varint length and bytes
 * data      1 byte: 0 for null, 1 for a value, to the end
 * ```
 *
 * Kinds 6 to 15 are kept for the tree (recursive delete, access control lists, transactions), 18 to 31 for the register,
 * 32 to 63 for sessions, 64 to 127 for what nobody has thought of. Create modes 1 and 3 to 6 are ZooKeeper's others.
 * An unknown kind is a MARSHALLING_ERROR: servers that know a new kind must not propose it before all of them do.
 */
export const KIND_CREATE = 1;
export const KIND_SET = 2;
export const KIND_DELETE = 3;
export const KIND_REGISTER_WRITE = 16;
export const KIND_REGISTER_GUESS = 17;
export const HAS_WRITE_ID = 0x80;

export const MODE_PERSISTENT = 0;
export const MODE_PERSISTENT_SEQUENTIAL = 2;

/** Varints of lengths and numbers have at most eight bytes: 2^53 and no more. */
const VARINT_BYTES_MAX = 8;

/**
 * Reads a command without making anything: its fields are offsets into `bytes`. Holds the last command read.
 */
export class CommandReader {
  bytes: Uint8Array = new Uint8Array(0);
  kind = 0;
  hasWriteId = false;
  clientStart = 0;
  clientEnd = 0;
  requestId = 0;
  answeredThrough = 0;
  hasPath = false;
  pathStart = 0;
  pathEnd = 0;
  sequential = false;
  expectedVersion = -1;
  dataStart = 0;
  /** -1 for null. */
  dataLength = -1;
  #at = 0;
  #end = 0;

  /** False when bytes `start` to `end` are no command. Paths are not looked into. */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    if (start >= end) return false;
    this.bytes = bytes;
    this.#at = start + 1;
    this.#end = end;
    const tag = bytes[start]!;
    this.kind = tag & 0x7f;
    this.hasWriteId = (tag & HAS_WRITE_ID) !== 0;
    this.hasPath = false;
    this.sequential = false;
    this.expectedVersion = -1;
    return (!this.hasWriteId || this.#readWriteId()) && this.#readBody();
  }

  #readBody(): boolean {
    switch (this.kind) {
      case KIND_CREATE:
        return this.#readMode() && this.#readPath() && this.#readData();
      case KIND_SET:
        return this.#readVersion() && this.#readPath() && this.#readData();
      case KIND_DELETE:
        return this.#readVersion() && this.#readPath() && this.#at === this.#end;
      case KIND_REGISTER_WRITE:
      case KIND_REGISTER_GUESS:
        this.dataStart = this.#at;
        this.dataLength = this.#end - this.#at;
        return true;
      default:
        return false;
    }
  }

  #readWriteId(): boolean {
    const length = this.#readVarint();
    if (length < 1 || length > this.#end - this.#at) return false;
    this.clientStart = this.#at;
    this.clientEnd = this.#at += length;
    if (!isClientId(this.bytes, this.clientStart, this.clientEnd)) return false;
    this.requestId = this.#readVarint();
    this.answeredThrough = this.#readVarint();
    return this.requestId >= 1 && this.answeredThrough >= 0;
  }

  #readMode(): boolean {
    const mode = this.#at < this.#end ? this.bytes[this.#at++]! : -1;
    this.sequential = mode === MODE_PERSISTENT_SEQUENTIAL;
    return mode === MODE_PERSISTENT || mode === MODE_PERSISTENT_SEQUENTIAL;
  }

  #readVersion(): boolean {
    const value = this.#readVarint();
    if (value < 0 || value > 0xffff_ffff) return false;
    this.expectedVersion = unzigzag(value);
    return true;
  }

  #readPath(): boolean {
    const length = this.#readVarint();
    if (length < 0 || length > this.#end - this.#at) return false;
    this.hasPath = true;
    this.pathStart = this.#at;
    this.pathEnd = this.#at += length;
    return true;
  }

  #readData(): boolean {
    if (this.#at >= this.#end) return false;
    const present = this.bytes[this.#at++]!;
    this.dataStart = this.#at;
    this.dataLength = present === 1 ? this.#end - this.#at : -1;
    return present === 1 || (present === 0 && this.#at === this.#end);
  }

  /** -1 when it is cut off, above 2^53 - 1, or longer than it need be. */
  #readVarint(): number {
    const { bytes } = this;
    const end = this.#end;
    if (this.#at >= end) return -1;
    let byte = bytes[this.#at++]!;
    if (byte < 128) return byte;
    let value = byte & 127;
    let scale = 128;
    for (let i = 1; i < VARINT_BYTES_MAX && this.#at < end; i++) {
      byte = bytes[this.#at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return byte === 0 || value > Number.MAX_SAFE_INTEGER ? -1 : value;
      scale *= 128;
    }
    return -1;
  }
}

/** 1 to 64 code points of well-formed UTF-8. */
function isClientId(bytes: Uint8Array, start: number, end: number): boolean {
  const points = countCodePoints(bytes, start, end);
  return points >= 1 && points <= CLIENT_ID_CHARS_MAX;
}
