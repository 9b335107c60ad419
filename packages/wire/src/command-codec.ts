import { ByteWriter } from './byte-writer.js';
import * as k from './command-reader.js';
import type { Command, Quota, WriteId } from './commands.js';
import { CLIENT_ID_CHARS_MAX, SECRET_HASH_BYTES } from './limits.js';
import type { SessionId } from './stat.js';
import {
  checkedCount,
  checkedVersion,
  checkedZxid,
  writeCompare,
  writeMode,
  writeOperation,
} from './transaction-codec.js';

/** What stands beside a command. */
export interface CommandTags {
  /** The write's name. Default: none, and the write is applied as often as it is sent. */
  readonly writeId?: WriteId | undefined;
  /** In whose name it is: it is refused (SESSION_EXPIRED) when that session is gone. Default: nobody's. */
  readonly session?: SessionId | undefined;
  /**
   * The write is refused (OUT_OF_ORDER) unless its request id is one more than the highest seen of its client, so that pipelined writes keep
   * their order through retries. Needs a write id. Default false.
   */
  readonly ordered?: boolean | undefined;
}

/** Whether a write id is one that the log can carry: see WriteId. */
export function isValidWriteId(writeId: WriteId): boolean {
  const { clientId, requestId, answeredThrough } = writeId;
  if (clientId.length < 1 || clientId.length > 2 * CLIENT_ID_CHARS_MAX) return false;
  if (!Number.isSafeInteger(requestId) || requestId < 1) return false;
  if (!Number.isSafeInteger(answeredThrough) || answeredThrough < 0) return false;
  return clientId.length <= CLIENT_ID_CHARS_MAX || [...clientId].length <= CLIENT_ID_CHARS_MAX;
}

/**
 * The bytes of one write, as they stand in a block: see CommandReader for the layout.
 * @throws RangeError for what the layout cannot carry: a write id that `isValidWriteId` denies, a version that is no int32, a zxid or
 * session that is none, a TTL without its mode. Paths, the size of data and the like are not looked at: `apply` answers for them.
 */
export function encodeCommand(command: Command, tags: CommandTags = {}): Uint8Array {
  const writer = new ByteWriter(64 + sizeHint(command));
  writeCommand(command, tags, writer);
  return writer.content();
}

/** Appends the bytes of one write to a writer: see `encodeCommand`. */
export function writeCommand(command: Command, tags: CommandTags, writer: ByteWriter): void {
  const { writeId, session, ordered = false } = tags;
  if (ordered && writeId === undefined) throw new RangeError('an ordered write needs a write id');
  if (session === undefined && command.kind === 'sessionClose') throw new RangeError('which session is to be closed?');
  const flags =
    (writeId === undefined ? 0 : k.HAS_WRITE_ID) |
    (session === undefined ? 0 : k.HAS_SESSION) |
    (ordered ? k.IS_ORDERED : 0);
  writer.u8(KINDS[command.kind] | flags);
  if (writeId !== undefined) writeWriteId(writeId, writer);
  if (session !== undefined) {
    if (session.epoch === 0 || session.counter === 0) throw new RangeError('a session has an id above zero');
    writer.zxid(checkedZxid(session));
  }
  writeBody(command, writer);
}

const KINDS: Readonly<Record<Command['kind'], number>> = {
  create: k.KIND_CREATE,
  set: k.KIND_SET,
  delete: k.KIND_DELETE,
  deleteRecursive: k.KIND_DELETE_RECURSIVE,
  transaction: k.KIND_TRANSACTION,
  setQuota: k.KIND_SET_QUOTA,
  reap: k.KIND_REAP,
  registerWrite: k.KIND_REGISTER_WRITE,
  registerGuess: k.KIND_REGISTER_GUESS,
  sessionOpen: k.KIND_SESSION_OPEN,
  sessionClose: k.KIND_SESSION_CLOSE,
  sessionsExpire: k.KIND_SESSIONS_EXPIRE,
};

function sizeHint(command: Command): number {
  const data = command.kind === 'create' || command.kind === 'set' ? (command.data?.length ?? 0) : 0;
  return data + ('path' in command ? command.path.length : 0) + ('value' in command ? command.value.length : 0);
}

function writeWriteId(writeId: WriteId, writer: ByteWriter): void {
  if (!isValidWriteId(writeId)) throw new RangeError('the write id is not allowed');
  writer.text(writeId.clientId);
  writer.varint(writeId.requestId);
  writer.varint(writeId.answeredThrough);
}

function writeBody(command: Command, writer: ByteWriter): void {
  switch (command.kind) {
    case 'create':
      writeMode(command, writer);
      writer.text(command.path);
      return writeTail(command.data, writer);
    case 'set':
      writer.int32(checkedVersion(command.expectedVersion));
      writer.text(command.path);
      return writeTail(command.data, writer);
    case 'delete':
    case 'deleteRecursive':
      writer.int32(checkedVersion(command.expectedVersion));
      return writer.text(command.path);
    case 'registerWrite':
    case 'registerGuess':
      return writer.raw(command.value);
    case 'transaction':
      writer.varint(command.compares.length);
      for (const compare of command.compares) writeCompare(compare, writer);
      writer.varint(command.then.length);
      for (const operation of command.then) writeOperation(operation, writer);
      writer.varint(command.else.length);
      for (const operation of command.else) writeOperation(operation, writer);
      return;
    case 'setQuota':
      writer.text(command.path);
      return writeQuota(command.quota, writer);
    case 'reap':
      writer.varint(command.nodes.length);
      for (const { path, czxid } of command.nodes) {
        writer.text(path);
        writer.zxid(checkedZxid(czxid));
      }
      return;
    case 'sessionOpen':
      if (command.secretHash.length !== SECRET_HASH_BYTES) throw new RangeError('the hash of a secret has 32 bytes');
      writer.varint(checkedCount(command.timeoutMs));
      return writer.raw(command.secretHash);
    case 'sessionClose':
      return;
    case 'sessionsExpire':
      writer.varint(command.sessions.length);
      for (const session of command.sessions) writer.zxid(checkedZxid(session));
      return;
  }
}

/** Data that run to the end of the command. */
function writeTail(data: Uint8Array | null, writer: ByteWriter): void {
  writer.u8(data === null ? 0 : 1);
  if (data !== null) writer.raw(data);
}

function writeQuota(quota: Quota | null, writer: ByteWriter): void {
  if (quota === null) return writer.u8(0);
  const bounds = [quota.countSoft, quota.countHard, quota.bytesSoft, quota.bytesHard];
  writer.u8(bounds.reduce<number>((bits, bound, i) => (bound === undefined ? bits : bits | (1 << i)), k.QUOTA_PRESENT));
  for (const bound of bounds) if (bound !== undefined) writer.varint(checkedCount(bound));
}
