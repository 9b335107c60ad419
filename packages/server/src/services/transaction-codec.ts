import { create } from '@bufbuild/protobuf';
import {
  CreateResponseSchema,
  DeleteRecursiveResponseSchema,
  ExistsResponseSchema,
  GetResponseSchema,
  OperationResultSchema,
  Relation,
  SetResponseSchema,
  TransactResponseSchema,
  type Comparison,
  type Operation,
  type OperationResult as ProtoOperationResult,
  type ResponseHeader,
  type TransactRequest,
  type TransactResponse,
} from '@zkl/protocol';
import {
  ERROR_CODES,
  type Compare,
  type CompareOperator,
  type OperationResult,
  type TransactionCommand,
  type TransactionOperation,
  type TransactionResult,
} from '@zkl/wire';
import { rejected, type Failure } from '../request/failure.js';
import { readCreate } from './create-mode.js';
import { failureDetail } from './failure-detail.js';
import { pathFailure, valueFailure } from './request-checks.js';
import { statToProto } from './stat-codec.js';
import { zxidFromBigint } from './zxid-codec.js';

const RELATIONS: Readonly<Record<Relation, CompareOperator>> = {
  [Relation.UNSPECIFIED]: '=',
  [Relation.EQUAL]: '=',
  [Relation.NOT_EQUAL]: '!=',
  [Relation.LESS]: '<',
  [Relation.GREATER]: '>',
};

/** A transaction as a command, or the first thing that is wrong with it. Nothing malformed costs a place in the log. */
export function readTransaction(request: TransactRequest, valueBytesMax: number): TransactionCommand | Failure {
  const hasSession = request.session !== undefined;
  const compares = readAll(request.comparisons, 'comparisons', readComparison);
  if ('code' in compares) return compares;
  const operation = (each: Operation): TransactionOperation | Failure => readOperation(each, valueBytesMax, hasSession);
  const then = readAll(request.then, 'then', operation);
  if ('code' in then) return then;
  const otherwise = readAll(request.otherwise, 'otherwise', operation);
  if ('code' in otherwise) return otherwise;
  return { kind: 'transaction', compares, then, else: otherwise };
}

function readAll<T, R extends object>(
  items: readonly T[],
  where: string,
  read: (item: T) => R | Failure,
): R[] | Failure {
  const results: R[] = [];
  for (const item of items) {
    const result = read(item);
    if ('code' in result && 'outcome' in result) {
      return { ...result, message: `${where}[${results.length}]: ${result.message ?? ERROR_CODES[result.code].hint}` };
    }
    results.push(result);
  }
  return results;
}

function readComparison({ path, relation, operand }: Comparison): Compare | Failure {
  const failure = pathFailure(path, false);
  if (failure !== undefined) return failure;
  const operator = (RELATIONS as Readonly<Record<number, CompareOperator | undefined>>)[relation];
  if (operator === undefined) return rejected('BAD_ARGUMENTS', { message: 'There is no such relation.' });
  switch (operand.case) {
    case 'version':
    case 'cversion':
      return { path, operator, target: operand.case, operand: operand.value };
    case 'czxid':
    case 'mzxid':
      return { path, operator, target: operand.case, operand: zxidFromBigint(operand.value) };
    case 'value':
      return { path, operator, target: 'value', operand: operand.value.data ?? null };
    case 'exists':
      return { path, operator, target: 'exists', operand: operand.value };
    case undefined:
      return rejected('BAD_ARGUMENTS', { message: 'A comparison has an operand.' });
  }
}

function readOperation(
  { kind }: Operation,
  valueBytesMax: number,
  hasSession: boolean,
): TransactionOperation | Failure {
  if (kind.case === undefined) return rejected('BAD_ARGUMENTS', { message: 'An operation is of some kind.' });
  if (kind.case === 'create') return readCreate(kind.value, valueBytesMax, hasSession);
  const { path } = kind.value;
  const failure = pathFailure(path, false);
  if (failure !== undefined) return failure;
  switch (kind.case) {
    case 'set': {
      const { data, expectedVersion = -1 } = kind.value;
      return valueFailure(data, valueBytesMax, path) ?? { kind: 'set', path, data: data ?? null, expectedVersion };
    }
    case 'delete':
      return { kind: 'delete', path, expectedVersion: kind.value.expectedVersion ?? -1 };
    case 'deleteRecursive':
      return { kind: 'deleteRecursive', path, expectedVersion: kind.value.expectedVersion ?? -1 };
    case 'check':
      return { kind: 'check', path, expectedVersion: kind.value.expectedVersion };
    case 'checkAbsent':
    case 'get':
    case 'exists':
      return { kind: kind.case, path };
  }
}

/** The result of a transaction as the public API carries it. */
export function transactionToProto(result: TransactionResult, header: ResponseHeader): TransactResponse {
  return create(TransactResponseSchema, {
    header,
    compared: result.branch === 'then',
    committed: result.committed,
    results: result.results.map(resultToProto),
  });
}

function resultToProto(result: OperationResult): ProtoOperationResult {
  return create(OperationResultSchema, { kind: resultKind(result) });
}

function resultKind(result: OperationResult): ProtoOperationResult['kind'] {
  switch (result.kind) {
    case 'created': {
      const { path, created, stat } = result;
      return { case: 'create', value: create(CreateResponseSchema, { path, created, stat: statToProto(stat) }) };
    }
    case 'set':
      return { case: 'set', value: create(SetResponseSchema, { stat: statToProto(result.stat) }) };
    case 'deleted':
      return { case: 'delete', value: create(DeleteRecursiveResponseSchema, { deleted: 1 }) };
    case 'deletedRecursive':
      return { case: 'delete', value: create(DeleteRecursiveResponseSchema, { deleted: result.count }) };
    case 'got': {
      const value = create(GetResponseSchema, { stat: statToProto(result.stat) });
      if (result.data !== null) value.data = result.data;
      return { case: 'get', value };
    }
    case 'existed': {
      const value = create(ExistsResponseSchema, {});
      if (result.stat !== undefined) value.stat = statToProto(result.stat);
      return { case: 'exists', value };
    }
    case 'ok':
      return { case: 'done', value: { $typeName: 'zkl.v1.Done' } };
    case 'error':
      return { case: 'failure', value: failureDetail(result.code, result.path) };
  }
}
