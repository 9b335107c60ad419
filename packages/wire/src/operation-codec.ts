import type { ByteWriter } from './byte-writer.js';
import { writeCommand, type CommandTags } from './command-codec.js';
import type { Command } from './commands.js';
import * as o from './operation-reader.js';
import type { ChangeType, Query, StreamOperation, WatchOptions, WatchScope } from './operations.js';
import { ZXID_ZERO } from './stat.js';
import { checkedCount, checkedZxid } from './transaction-codec.js';

/** Appends a write to the operations of a session stream: its length, its class and the bytes of its command, as they go to the log. */
export function appendWrite(command: Command, tags: CommandTags, writer: ByteWriter): void {
  const start = writer.beginPart();
  writer.u8(o.CLASS_WRITE);
  writeCommand(command, tags, writer);
  writer.endPart(start);
}

/** Appends a write whose command was encoded before: for sending it again. */
export function appendEncodedWrite(command: Uint8Array, writer: ByteWriter): void {
  writer.varint(command.length + 1);
  writer.u8(o.CLASS_WRITE);
  writer.raw(command);
}

/**
 * Appends any other operation to the operations of a session stream: see OperationReader for the layout.
 * @throws RangeError for what the layout cannot carry.
 */
export function appendOperation(operation: StreamOperation, writer: ByteWriter): void {
  const start = writer.beginPart();
  switch (operation.kind) {
    case 'read': {
      const { linearizable = true, atLeast = ZXID_ZERO } = operation;
      writer.u8(o.CLASS_READ);
      writer.u8(linearizable ? o.CONSISTENCY_LINEARIZABLE : o.CONSISTENCY_LOCAL);
      writer.zxid(checkedZxid(atLeast));
      writeQuery(operation.query, writer);
      break;
    }
    case 'watch':
      writer.u8(o.CLASS_WATCH);
      writeWatch(operation.watch, writer);
      break;
    case 'cancelWatch':
    case 'progress':
      writer.u8(operation.kind === 'progress' ? o.CLASS_PROGRESS : o.CLASS_CANCEL_WATCH);
      writer.varint(checkedCount(operation.id));
      break;
    case 'sync':
      writer.u8(o.CLASS_SYNC);
      break;
  }
  writer.endPart(start);
}

const QUERIES: Readonly<Record<Query['kind'], number>> = {
  get: o.QUERY_GET,
  exists: o.QUERY_EXISTS,
  children: o.QUERY_CHILDREN,
  count: o.QUERY_COUNT,
  quota: o.QUERY_QUOTA,
  register: o.QUERY_REGISTER,
  multi: o.QUERY_MULTI,
};

function writeQuery(query: Query, writer: ByteWriter): void {
  writer.u8(QUERIES[query.kind]);
  switch (query.kind) {
    case 'register':
      return;
    case 'multi':
      writer.varint(query.reads.length);
      for (const read of query.reads) writeQuery(read, writer);
      return;
    case 'children':
      writer.text(query.path);
      writer.varint(checkedCount(query.pageSize));
      writer.u8((query.withStat ? o.WITH_STAT : 0) | (query.withData ? o.WITH_DATA : 0));
      return writer.text(query.startAfter);
    default:
      return writer.text(query.path);
  }
}

const SCOPES: Readonly<Record<WatchScope, number>> = {
  node: o.SCOPE_NODE,
  children: o.SCOPE_CHILDREN,
  subtree: o.SCOPE_SUBTREE,
};

const TYPES: Readonly<Record<ChangeType, number>> = {
  created: o.TYPE_CREATED,
  set: o.TYPE_SET,
  deleted: o.TYPE_DELETED,
};

function writeWatch(watch: WatchOptions, writer: ByteWriter): void {
  const { id, path, scope, types = [], from, progressIntervalMs = 0 } = watch;
  if (id >>> 0 !== id || id === 0) throw new RangeError('the id of a watch is 1 .. 2^32 - 1');
  writer.varint(id);
  writer.u8(SCOPES[scope]);
  writer.u8(types.length === 0 ? o.TYPES_ALL : types.reduce((mask, type) => mask | TYPES[type], 0));
  writer.u8(
    (watch.withStat === true ? o.WITH_STAT : 0) |
      (watch.withData === true ? o.WITH_DATA : 0) |
      (watch.withPreviousData === true ? o.WITH_PREVIOUS_DATA : 0) |
      (watch.withSnapshot === true ? o.WITH_SNAPSHOT : 0) |
      (from === undefined ? 0 : o.HAS_FROM),
  );
  writer.varint(checkedCount(progressIntervalMs));
  if (from !== undefined) writer.zxid(checkedZxid(from));
  writer.text(path);
}
