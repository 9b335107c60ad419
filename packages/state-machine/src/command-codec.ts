import {
  CommandReader,
  HAS_WRITE_ID,
  KIND_CREATE,
  KIND_DELETE,
  KIND_REGISTER_GUESS,
  KIND_REGISTER_WRITE,
  KIND_SET,
  MODE_PERSISTENT,
  MODE_PERSISTENT_SEQUENTIAL,
} from './command-reader.js';
import type { Command, WriteId } from './commands.js';
import { CLIENT_ID_CHARS_MAX } from './limits.js';
import { countCodePoints, readUtf8, utf8Length, writeUtf8 } from './utf8.js';
import { varintLength, writeVarint, zigzag } from './varint.js';

/** A command with the name of its write, as read from the log. */
export interface DecodedCommand {
  readonly command: Command;
  readonly writeId: WriteId | undefined;
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
 * @throws RangeError for a write id that `isValidWriteId` denies and for a version that is no int32. Paths and the size of data are not
 * looked at: `apply` answers for them.
 */
export function encodeCommand(command: Command, writeId?: WriteId): Uint8Array {
  if (writeId !== undefined && !isValidWriteId(writeId)) throw new RangeError('the write id is not allowed');
  const pathBytes = 'path' in command ? utf8Length(command.path) : 0;
  const clientBytes = writeId === undefined ? 0 : utf8Length(writeId.clientId);
  const head = 1 + (writeId === undefined ? 0 : writeIdLength(writeId, clientBytes));
  const bytes = new Uint8Array(head + bodyLength(command, pathBytes));
  bytes[0] = kindOf(command) | (writeId === undefined ? 0 : HAS_WRITE_ID);
  if (writeId !== undefined) putWriteId(writeId, clientBytes, bytes);
  putBody(command, pathBytes, bytes, head);
  return bytes;
}

function writeIdLength(writeId: WriteId, clientBytes: number): number {
  return (
    varintLength(clientBytes) + clientBytes + varintLength(writeId.requestId) + varintLength(writeId.answeredThrough)
  );
}

function putWriteId(writeId: WriteId, clientBytes: number, bytes: Uint8Array): void {
  let at = writeVarint(clientBytes, bytes, 1);
  at = writeUtf8(writeId.clientId, bytes, at);
  at = writeVarint(writeId.requestId, bytes, at);
  writeVarint(writeId.answeredThrough, bytes, at);
}

function kindOf(command: Command): number {
  switch (command.kind) {
    case 'create':
      return KIND_CREATE;
    case 'set':
      return KIND_SET;
    case 'delete':
      return KIND_DELETE;
    case 'registerWrite':
      return KIND_REGISTER_WRITE;
    case 'registerGuess':
      return KIND_REGISTER_GUESS;
  }
}

function bodyLength(command: Command, pathBytes: number): number {
  if (command.kind === 'registerWrite' || command.kind === 'registerGuess') return command.value.length;
  const path = varintLength(pathBytes) + pathBytes;
  const mode = command.kind === 'create' ? 1 : varintLength(zigzag(checkedVersion(command.expectedVersion)));
  return mode + path + (command.kind === 'delete' ? 0 : 1 + (command.data?.length ?? 0));
}

function checkedVersion(version: number): number {
  if ((version | 0) !== version) throw new RangeError('a version is an int32');
  return version;
}

function putBody(command: Command, pathBytes: number, bytes: Uint8Array, offset: number): void {
  if (command.kind === 'registerWrite' || command.kind === 'registerGuess') {
    bytes.set(command.value, offset);
    return;
  }
  let at = offset;
  if (command.kind === 'create') bytes[at++] = command.sequential ? MODE_PERSISTENT_SEQUENTIAL : MODE_PERSISTENT;
  else at = writeVarint(zigzag(command.expectedVersion), bytes, at);
  at = writeVarint(pathBytes, bytes, at);
  at = writeUtf8(command.path, bytes, at);
  if (command.kind === 'delete') return;
  bytes[at] = command.data === null ? 0 : 1;
  if (command.data !== null) bytes.set(command.data, at + 1);
}

/** Reads one write; undefined when it is malformed. Data are views of `bytes`. */
export function decodeCommand(
  bytes: Uint8Array,
  offset = 0,
  length = bytes.length - offset,
): DecodedCommand | undefined {
  const reader = new CommandReader();
  if (offset < 0 || length < 0 || offset + length > bytes.length) return undefined;
  if (!reader.read(bytes, offset, offset + length)) return undefined;
  if (reader.hasPath && countCodePoints(bytes, reader.pathStart, reader.pathEnd) < 0) return undefined;
  return { command: commandOf(reader), writeId: reader.hasWriteId ? writeIdOf(reader) : undefined };
}

function writeIdOf(reader: CommandReader): WriteId {
  return {
    clientId: readUtf8(reader.bytes, reader.clientStart, reader.clientEnd),
    requestId: reader.requestId,
    answeredThrough: reader.answeredThrough,
  };
}

function commandOf(reader: CommandReader): Command {
  const { bytes, dataStart, dataLength, expectedVersion } = reader;
  const path = reader.hasPath ? readUtf8(bytes, reader.pathStart, reader.pathEnd) : '';
  const data = dataLength < 0 ? null : bytes.subarray(dataStart, dataStart + dataLength);
  switch (reader.kind) {
    case KIND_CREATE:
      return { kind: 'create', path, data, sequential: reader.sequential };
    case KIND_SET:
      return { kind: 'set', path, data, expectedVersion };
    case KIND_DELETE:
      return { kind: 'delete', path, expectedVersion };
    default: {
      const value = bytes.subarray(dataStart, dataStart + Math.max(0, dataLength));
      return { kind: reader.kind === KIND_REGISTER_WRITE ? 'registerWrite' : 'registerGuess', value };
    }
  }
}
