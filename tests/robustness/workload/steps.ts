import type { StepResult as Told, Transaction } from '@zkl/client-sdk';
import type { Step, StepResult } from '@zkl/simulator/history';

/** Puts the steps of a record into a transaction of the SDK. */
export function applySteps(transaction: Transaction, steps: readonly Step[]): Transaction {
  for (const step of steps) applyStep(transaction, step);
  return transaction;
}

function applyStep(transaction: Transaction, step: Step): Transaction {
  switch (step.kind) {
    case 'create':
      return transaction.create(step.path, step.value, { mode: step.mode ?? 'persistent', ifAbsent: step.ifAbsent });
    case 'set':
      return transaction.set(step.path, step.value, { version: step.expected });
    case 'delete':
      return transaction.delete(step.path, { version: step.expected });
    case 'deleteRecursive':
      return transaction.deleteRecursive(step.path, { version: step.expected });
    case 'check':
      return transaction.check(step.path, step.expected);
    case 'checkAbsent':
      return transaction.checkAbsent(step.path);
    case 'get':
      return transaction.get(step.path);
    case 'exists':
      return transaction.exists(step.path);
  }
}

/** What the SDK told of a step, as histories have it. */
export function toStepResult(result: Told): StepResult {
  switch (result.kind) {
    case 'created':
      return { kind: 'created', name: result.path, ...(result.created ? {} : { existed: true }) };
    case 'set':
      return { kind: 'set', version: result.stat.version };
    case 'deleted':
      return { kind: 'deleted', deleted: result.deleted };
    case 'got':
      return { kind: 'got', value: result.data === null ? null : result.text(), version: result.stat.version };
    case 'existed':
      return { kind: 'existed', ...(result.stat === undefined ? {} : { version: result.stat.version }) };
    case 'ok':
      return { kind: 'ok' };
    case 'failed':
      return { kind: 'failed', code: result.code };
  }
}
