import { create } from '@bufbuild/protobuf';
import type { CreateMode as ProtoCreateMode } from '@zkl/protocol';
import {
  CreateRequestSchema,
  DeleteRecursiveRequestSchema,
  DeleteRequestSchema,
  GuessRequestSchema,
  QuotaSchema,
  RegisterService,
  SetQuotaRequestSchema,
  SetRequestSchema,
  TransactRequestSchema,
  WriteRequestSchema,
  ZnodeService,
  type SessionRef,
} from '@zkl/protocol';
import { CREATE_MODES, type Command, type CreateCommand, type Quota, type Result } from '@zkl/wire';
import { requireHeader } from '../calls/operation.js';
import type { Dispatcher } from '../client/dispatcher.js';
import type { CallOptions } from '../options/call-options.js';
import type { Origin } from '../stream/operation.js';
import { toComparison, toOperation, toTransactionResult } from './unary-transaction.js';
import { toWireStat } from './unary-stat.js';
import { toZxid } from './zxid.js';

/** A write that the surface makes. */
export type UnaryCommand = Extract<
  Command,
  {
    kind:
      'create' | 'set' | 'delete' | 'deleteRecursive' | 'transaction' | 'setQuota' | 'registerWrite' | 'registerGuess';
  }
>;

/** What stands beside a write. */
export interface UnaryWrite<T> {
  readonly path: string | undefined;
  readonly bytes: number;
  readonly session: SessionRef | undefined;
  readonly toResult: (result: Result, origin: Origin) => T;
}

/** Sends a write as a unary call: the messages of the proto in place of the bytes of the stream. */
// eslint-disable-next-line max-lines-per-function -- one case for each kind, which nothing joins
export function writeUnary<T>(
  dispatcher: Dispatcher,
  command: UnaryCommand,
  { path, bytes, session, toResult }: UnaryWrite<T>,
  options: CallOptions,
): Promise<T> {
  const base = { ...(path !== undefined && { path }), bytes };
  const of = (reply: { readonly header?: Parameters<typeof requireHeader>[0] }) => requireHeader(reply.header);
  const zxidOf = (reply: Parameters<typeof of>[0]) => toZxid(of(reply).zxid);
  const refs = session === undefined ? {} : { session };
  switch (command.kind) {
    case 'create':
      return dispatcher.write(
        {
          ...base,
          method: ZnodeService.method.create,
          request: (writeId) => create(CreateRequestSchema, { writeId, ...refs, ...toCreate(command) }),
          view: of,
          result: (reply) =>
            toResult(
              {
                kind: 'created',
                zxid: zxidOf(reply),
                path: reply.path,
                stat: toWireStat(reply.stat),
                created: reply.created,
              },
              of(reply),
            ),
        },
        options,
      );
    case 'set':
      return dispatcher.write(
        {
          ...base,
          method: ZnodeService.method.set,
          request: (writeId) => {
            const { path: at, expectedVersion, data } = command;
            return create(SetRequestSchema, { writeId, ...refs, path: at, expectedVersion, ...(data && { data }) });
          },
          view: of,
          result: (reply) => toResult({ kind: 'set', zxid: zxidOf(reply), stat: toWireStat(reply.stat) }, of(reply)),
        },
        options,
      );
    case 'delete':
      return dispatcher.write(
        {
          ...base,
          method: ZnodeService.method.delete,
          request: (writeId) => {
            const { path: at, expectedVersion } = command;
            return create(DeleteRequestSchema, { writeId, ...refs, path: at, expectedVersion });
          },
          view: of,
          result: (reply) => toResult({ kind: 'deleted', zxid: zxidOf(reply) }, of(reply)),
        },
        options,
      );
    case 'deleteRecursive':
      return dispatcher.write(
        {
          ...base,
          method: ZnodeService.method.deleteRecursive,
          request: (writeId) => {
            const { path: at, expectedVersion } = command;
            return create(DeleteRecursiveRequestSchema, { writeId, ...refs, path: at, expectedVersion });
          },
          view: of,
          result: (reply) =>
            toResult({ kind: 'deletedRecursive', zxid: zxidOf(reply), count: reply.deleted }, of(reply)),
        },
        options,
      );
    case 'transaction':
      return dispatcher.write(
        {
          ...base,
          method: ZnodeService.method.transact,
          request: (writeId) =>
            create(TransactRequestSchema, {
              writeId,
              ...refs,
              comparisons: command.compares.map(toComparison),
              then: command.then.map(toOperation),
              otherwise: command.else.map(toOperation),
            }),
          view: of,
          result: (reply) => toResult(toTransactionResult(reply, command, zxidOf(reply)), of(reply)),
        },
        options,
      );
    case 'setQuota':
      return dispatcher.write(
        {
          ...base,
          method: ZnodeService.method.setQuota,
          request: (writeId) => {
            const { path: at, quota } = command;
            return create(SetQuotaRequestSchema, { writeId, path: at, ...(quota && { quota: toQuota(quota) }) });
          },
          view: of,
          result: (reply) => toResult({ kind: 'quotaSet', zxid: zxidOf(reply) }, of(reply)),
        },
        options,
      );
    case 'registerWrite':
      return dispatcher.write(
        {
          ...base,
          method: RegisterService.method.write,
          request: (writeId) => create(WriteRequestSchema, { writeId, value: command.value }),
          view: of,
          result: (reply) =>
            toResult({ kind: 'registerWritten', zxid: zxidOf(reply), version: reply.version }, of(reply)),
        },
        options,
      );
    case 'registerGuess':
      return dispatcher.write(
        {
          ...base,
          method: RegisterService.method.guess,
          request: (writeId) => create(GuessRequestSchema, { writeId, value: command.value }),
          view: of,
          result: (reply) => {
            const { matched, version, leaderId } = reply;
            return toResult({ kind: 'guessed', zxid: zxidOf(reply), matched, version, leader: leaderId }, of(reply));
          },
        },
        options,
      );
  }
}

/** The fields that a create has alone and in a transaction. The plain modes are said as older servers know them. */
export function toCreate({ path, data, mode, ttlMs, ifAbsent = false }: CreateCommand) {
  const said =
    mode === 'persistent' ? {} : mode === 'persistentSequential' ? { sequential: true } : { mode: toProtoMode(mode) };
  return { path, ifAbsent, ttlMs: BigInt(ttlMs ?? 0), ...said, ...(data && { data }) };
}

/** The modes' numbers in the proto are one more than ZooKeeper's. */
export function toProtoMode(mode: CreateCommand['mode']): ProtoCreateMode {
  return (CREATE_MODES.indexOf(mode) + 1) as ProtoCreateMode;
}

function toQuota(quota: Quota) {
  const bound = (value: number | undefined) => (value === undefined ? undefined : BigInt(value));
  return create(QuotaSchema, {
    countSoft: bound(quota.countSoft)!,
    countHard: bound(quota.countHard)!,
    bytesSoft: bound(quota.bytesSoft)!,
    bytesHard: bound(quota.bytesHard)!,
  });
}
