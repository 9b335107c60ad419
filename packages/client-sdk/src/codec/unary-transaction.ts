import { create } from '@bufbuild/protobuf';
import {
  ComparisonSchema,
  OperationSchema,
  Relation,
  type Comparison,
  type Operation,
  type OperationResult as ProtoResult,
  type TransactResponse,
} from '@zkl/protocol';
import {
  ERROR_CODES,
  type Compare,
  type ErrorCode,
  type OperationResult,
  type TransactionCommand,
  type TransactionOperation,
  type TransactionResult,
  type Zxid,
} from '@zkl/wire';
import { GarbledReply } from '../calls/operation.js';
import { toBigint } from './zxid.js';
import { toWireStat } from './unary-stat.js';
import { toProtoMode } from './unary-writes.js';

const RELATIONS = {
  '=': Relation.EQUAL,
  '!=': Relation.NOT_EQUAL,
  '<': Relation.LESS,
  '>': Relation.GREATER,
} as const satisfies Record<Compare['operator'], Relation>;

export function toComparison(compare: Compare): Comparison {
  return create(ComparisonSchema, {
    path: compare.path,
    relation: RELATIONS[compare.operator],
    operand: operandOf(compare),
  });
}

function operandOf(compare: Compare) {
  switch (compare.target) {
    case 'version':
    case 'cversion':
      return { case: compare.target, value: compare.operand };
    case 'czxid':
    case 'mzxid':
      return { case: compare.target, value: toBigint(compare.operand) };
    case 'exists':
      return { case: compare.target, value: compare.operand };
    case 'value':
      return { case: compare.target, value: compare.operand === null ? {} : { data: compare.operand } };
  }
}

export function toOperation(operation: TransactionOperation): Operation {
  return create(OperationSchema, { kind: kindOf(operation) });
}

function kindOf(operation: TransactionOperation) {
  const { path } = operation;
  switch (operation.kind) {
    case 'create': {
      const { data, mode, ttlMs, ifAbsent = false } = operation;
      const value = { path, mode: toProtoMode(mode), ttlMs: BigInt(ttlMs ?? 0), ifAbsent, ...(data && { data }) };
      return { case: operation.kind, value };
    }
    case 'set': {
      const { data, expectedVersion } = operation;
      return { case: operation.kind, value: { path, expectedVersion, ...(data && { data }) } };
    }
    case 'delete':
    case 'deleteRecursive':
    case 'check':
      return { case: operation.kind, value: { path, expectedVersion: operation.expectedVersion } };
    case 'checkAbsent':
    case 'get':
    case 'exists':
      return { case: operation.kind, value: { path } };
  }
}

export function toTransactionResult(
  reply: TransactResponse,
  command: TransactionCommand,
  zxid: Zxid,
): TransactionResult {
  const operations = reply.compared ? command.then : command.else;
  if (reply.results.length !== operations.length)
    throw new GarbledReply('The reply has not a result for each operation');
  const results = reply.results.map((result, index) => toResult(result, operations[index]!, zxid));
  return { kind: 'transaction', zxid, branch: reply.compared ? 'then' : 'else', committed: reply.committed, results };
}

function toResult({ kind }: ProtoResult, operation: TransactionOperation, zxid: Zxid): OperationResult {
  switch (kind.case) {
    case 'create': {
      const { path, stat, created } = kind.value;
      return { kind: 'created', zxid, path, stat: toWireStat(stat), created };
    }
    case 'set':
      return { kind: 'set', zxid, stat: toWireStat(kind.value.stat) };
    case 'delete':
      if (operation.kind === 'delete') return { kind: 'deleted', zxid };
      return { kind: 'deletedRecursive', zxid, count: kind.value.deleted };
    case 'get':
      return { kind: 'got', zxid, data: kind.value.data ?? null, stat: toWireStat(kind.value.stat) };
    case 'exists':
      return { kind: 'existed', zxid, stat: kind.value.stat && toWireStat(kind.value.stat) };
    case 'done':
      return { kind: 'ok', zxid };
    case 'failure': {
      const { code, path } = kind.value;
      if (!Object.hasOwn(ERROR_CODES, code)) throw new GarbledReply(`The reply has an unknown code: ${code}`);
      return { kind: 'error', zxid, code: code as ErrorCode, path: path === '' ? undefined : path };
    }
    case undefined:
      throw new GarbledReply('The reply has an operation without a result');
  }
}
