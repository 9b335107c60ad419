import { create } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import {
  CreateMode,
  CreateResponseSchema,
  DeleteRecursiveResponseSchema,
  DeleteResponseSchema,
  SetQuotaResponseSchema,
  SetResponseSchema,
  type CreateRequest,
  type Quota as ProtoQuota,
  type ZnodeService,
} from '@zkl/protocol';
import type { Command, Quota } from '@zkl/wire';
import { rejected, type Failure } from '../request/failure.js';
import { readCreate } from './create-mode.js';
import type { Edge } from './edge.js';
import { checked, pathFailure, valueFailure } from './request-checks.js';
import { statToProto } from './stat-codec.js';
import { readTransaction, transactionToProto } from './transaction-codec.js';

type Writes = 'create' | 'set' | 'delete' | 'deleteRecursive' | 'transact' | 'setQuota';

/** The writes of ZnodeService: how each request becomes a command, and its result a reply. */
export function znodeWrites(edge: Edge): Pick<ServiceImpl<typeof ZnodeService>, Writes> {
  return { ...nodeWrites(edge), ...treeWrites(edge) };
}

function nodeWrites(edge: Edge): Pick<ServiceImpl<typeof ZnodeService>, 'create' | 'set' | 'delete'> {
  return {
    create: (request, context) =>
      edge.write(
        context,
        createCommand(request, edge.valueBytesMax),
        request.writeId,
        (result, header) =>
          result.kind === 'created'
            ? create(CreateResponseSchema, {
                header,
                path: result.path,
                stat: statToProto(result.stat),
                created: result.created,
              })
            : undefined,
        request.session,
      ),
    set: ({ path, data, expectedVersion, writeId, session }, context) =>
      edge.write(
        context,
        checked([pathFailure(path, false), valueFailure(data, edge.valueBytesMax, path)], {
          kind: 'set',
          path,
          data: data ?? null,
          expectedVersion: expectedVersion ?? -1,
        }),
        writeId,
        (result, header) =>
          result.kind === 'set' ? create(SetResponseSchema, { header, stat: statToProto(result.stat) }) : undefined,
        session,
      ),
    delete: ({ path, expectedVersion, writeId, session }, context) =>
      edge.write(
        context,
        checked([pathFailure(path, false)], { kind: 'delete', path, expectedVersion: expectedVersion ?? -1 }),
        writeId,
        (result, header) => (result.kind === 'deleted' ? create(DeleteResponseSchema, { header }) : undefined),
        session,
      ),
  };
}

function treeWrites(edge: Edge): Pick<ServiceImpl<typeof ZnodeService>, 'deleteRecursive' | 'transact' | 'setQuota'> {
  return {
    deleteRecursive: ({ path, expectedVersion, writeId, session }, context) =>
      edge.write(
        context,
        checked([pathFailure(path, false)], { kind: 'deleteRecursive', path, expectedVersion: expectedVersion ?? -1 }),
        writeId,
        (result, header) =>
          result.kind === 'deletedRecursive'
            ? create(DeleteRecursiveResponseSchema, { header, deleted: result.count })
            : undefined,
        session,
      ),
    transact: (request, context) =>
      edge.write(
        context,
        readTransaction(request, edge.valueBytesMax),
        request.writeId,
        (result, header) => (result.kind === 'transaction' ? transactionToProto(result, header) : undefined),
        request.session,
      ),
    setQuota: ({ path, quota, writeId }, context) =>
      edge.write(context, quotaCommand(path, quota), writeId, (result, header) =>
        result.kind === 'quotaSet' ? create(SetQuotaResponseSchema, { header }) : undefined,
      ),
  };
}

function createCommand(request: CreateRequest, valueBytesMax: number): Command | Failure {
  const { sequential, mode, session } = request;
  if (sequential && mode !== CreateMode.UNSPECIFIED) {
    return rejected('BAD_ARGUMENTS', { message: 'sequential is the older way to ask for a mode: give one of both.' });
  }
  const asked = sequential ? CreateMode.PERSISTENT_SEQUENTIAL : mode;
  return readCreate({ ...request, mode: asked }, valueBytesMax, session !== undefined);
}

function quotaCommand(path: string, quota: ProtoQuota | undefined): Command | Failure {
  const failure = pathFailure(path, false);
  if (failure !== undefined) return failure;
  if (quota === undefined) return { kind: 'setQuota', path, quota: null };
  const bounds: Quota = {
    countSoft: boundOf(quota.countSoft),
    countHard: boundOf(quota.countHard),
    bytesSoft: boundOf(quota.bytesSoft),
    bytesHard: boundOf(quota.bytesHard),
  };
  if (Object.values(bounds).every((bound) => bound === undefined || Number.isSafeInteger(bound))) {
    return { kind: 'setQuota', path, quota: bounds };
  }
  return rejected('BAD_ARGUMENTS', { path, message: 'A bound of a quota is below 2^53.' });
}

function boundOf(bound: bigint | undefined): number | undefined {
  return bound === undefined ? undefined : Number(bound);
}
