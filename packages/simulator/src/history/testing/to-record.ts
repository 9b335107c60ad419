import type { Command, Result, Stat, Zxid } from '@zkl/state-machine';
import type { Compare, Step, StepResult, Value } from '../record.js';

type TransactionCommand = Extract<Command, { kind: 'transaction' }>;
type TransactionOperation = TransactionCommand['then'][number];

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function placeNumber({ epoch, counter }: Zxid): number {
  return epoch * 2 ** 32 + counter;
}

export function toZxid(place: number): Zxid {
  return { epoch: Math.floor(place / 2 ** 32), counter: place % 2 ** 32 };
}

export function toBytes(value: Value): Uint8Array | null {
  return value === null ? null : encoder.encode(value);
}

export function toValue(data: Uint8Array | null): Value {
  return data === null ? null : decoder.decode(data);
}

export function seenIn({ version, czxid, mzxid }: Stat): { version: number; czxid: number; mzxid: number } {
  return { version, czxid: placeNumber(czxid), mzxid: placeNumber(mzxid) };
}

/** A step of a history as the state machine's command. */
export function toOperation(step: Step): TransactionOperation {
  switch (step.kind) {
    case 'create': {
      const { path, value, mode = 'persistent', ifAbsent } = step;
      return { kind: 'create', path, data: toBytes(value), mode, ...(ifAbsent === undefined ? {} : { ifAbsent }) };
    }
    case 'set':
      return { kind: 'set', path: step.path, data: toBytes(step.value), expectedVersion: step.expected ?? -1 };
    case 'delete':
    case 'deleteRecursive':
    case 'check':
      return { kind: step.kind, path: step.path, expectedVersion: step.expected ?? -1 };
    default:
      return { kind: step.kind, path: step.path };
  }
}

export function toCompare(compare: Compare): TransactionCommand['compares'][number] {
  const { path, operator = '=' } = compare;
  switch (compare.target) {
    case 'value':
      return { path, operator, target: 'value', operand: toBytes(compare.operand) };
    case 'exists':
      return { path, operator, target: 'exists', operand: compare.operand };
    case 'czxid':
    case 'mzxid':
      return { path, operator, target: compare.target, operand: toZxid(compare.operand) };
    default:
      return { path, operator, target: compare.target, operand: compare.operand };
  }
}

/** What a history has of a result. */
export function answerOf(result: Result): object {
  const zxid = placeNumber(result.zxid);
  switch (result.kind) {
    case 'error':
      return { zxid, refused: result.code };
    case 'created':
      return { zxid, name: result.path, ...(result.created ? {} : { existed: true }) };
    case 'set':
      return { zxid, version: result.stat.version };
    case 'deletedRecursive':
      return { zxid, deleted: result.count };
    case 'transaction': {
      const { branch, committed, results } = result;
      return { zxid, branch, committed, results: results.map(stepResultOf) };
    }
    case 'registerWritten':
      return { zxid, version: result.version };
    case 'guessed':
      return { zxid, matched: result.matched, version: result.version };
    default:
      return { zxid };
  }
}

function stepResultOf(result: Extract<Result, { kind: 'transaction' }>['results'][number]): StepResult {
  switch (result.kind) {
    case 'created':
      return { kind: 'created', name: result.path, ...(result.created ? {} : { existed: true }) };
    case 'set':
      return { kind: 'set', version: result.stat.version };
    case 'deleted':
      return { kind: 'deleted' };
    case 'deletedRecursive':
      return { kind: 'deleted', deleted: result.count };
    case 'got':
      return { kind: 'got', value: toValue(result.data), version: result.stat.version };
    case 'existed':
      return { kind: 'existed', version: result.stat?.version };
    case 'ok':
      return { kind: 'ok' };
    case 'error':
      return { kind: 'failed', code: result.code };
  }
}
