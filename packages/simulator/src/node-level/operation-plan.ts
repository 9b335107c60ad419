import type { Command, Result } from '@zkl/state-machine';
import type { Call, Consistency } from '../history/record.js';
import { keyOf } from '../ledger.js';
import type { Random } from '../random.js';
import type { ReadAnswer } from './edge.js';
import type { NodeSettings } from './node-settings.js';

interface Begun {
  readonly client: string;
  readonly start: number;
}

/** A call that a client means to make. */
export interface Plan {
  readonly key: string;
  /** Of a write. */
  readonly command: Command | undefined;
  /** Of a read. */
  readonly consistency: Consistency | undefined;
  /** The operation as it stands in a history when no answer told more. */
  operation(call: Begun, end: number | undefined): Call;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function readPlan(key: string, consistency: Consistency): Plan {
  const operation = (call: Begun, end: number | undefined): Call =>
    key === 'register'
      ? { ...call, end, kind: 'registerRead', consistency }
      : { ...call, end, kind: 'get', path: key, consistency };
  return { key, command: undefined, consistency, operation };
}

export function createPlan(key: string, value: string): Plan {
  const command = { kind: 'create', path: key, data: encoder.encode(value), mode: 'persistent' } as const;
  return writePlan(key, command, (call, end) => ({ ...call, end, kind: 'create', path: key, value }));
}

export function registerWritePlan(value: string): Plan {
  const command = { kind: 'registerWrite', value: encoder.encode(value) } as const;
  return writePlan('register', command, (call, end) => ({ ...call, end, kind: 'registerWrite', value }));
}

function writePlan(key: string, command: Command, operation: Plan['operation']): Plan {
  return { key, command, consistency: undefined, operation };
}

/** Draws the next call of a client. `versionOf`: what it last saw. */
export function drawOperation(
  random: Random,
  settings: NodeSettings,
  versionOf: (key: string) => number | undefined,
  value: string,
): Plan {
  const key = random.chance(0.3) ? 'register' : `/k${random.between(1, settings.keys)}`;
  if (random.chance(settings.readShare)) {
    return readPlan(key, random.pick(['linearizable', 'linearizable', 'local', 'atLeast'] as const));
  }
  if (key === 'register') {
    if (random.chance(0.6)) return registerWritePlan(value);
    const command = { kind: 'registerGuess', value: encoder.encode(value) } as const;
    return writePlan(key, command, (call, end) => ({ ...call, end, kind: 'registerGuess', value }));
  }
  const expected = random.chance(0.5) ? -1 : (versionOf(key) ?? 0);
  const kind = random.pick(['create', 'create', 'set', 'set', 'set', 'delete'] as const);
  if (kind === 'create') return createPlan(key, value);
  if (kind === 'delete') {
    const command = { kind, path: key, expectedVersion: expected } as const;
    return writePlan(key, command, (call, end) => ({ ...call, end, kind, path: key, expected }));
  }
  const command = { kind, path: key, data: encoder.encode(value), expectedVersion: expected } as const;
  return writePlan(key, command, (call, end) => ({ ...call, end, kind, path: key, value, expected }));
}

/** The operation of a write that was answered; in words what is wrong with an answer that it cannot have. */
export function answeredWrite(operation: Call, result: Result): Call | string {
  const answered = { ...operation, zxid: keyOf(result.zxid) };
  switch (result.kind) {
    case 'created':
      return operation.kind === 'create' ? answered : `a create answered ${operation.kind}`;
    case 'deleted':
      return operation.kind === 'delete' ? answered : `a delete answered ${operation.kind}`;
    case 'set':
      return operation.kind === 'set'
        ? ({ ...answered, version: result.stat.version } as Call)
        : `a set answered ${operation.kind}`;
    case 'registerWritten':
      return { ...answered, version: result.version } as Call;
    case 'guessed':
      return { ...answered, matched: result.matched, version: result.version } as Call;
    case 'error':
      if (!isRefusal(result.code)) return `refused with ${result.code}`;
      return { ...answered, refused: result.code };
    default:
      return 'an answer of another kind';
  }
}

function isRefusal(code: string): boolean {
  return code === 'NO_NODE' || code === 'NODE_EXISTS' || code === 'BAD_VERSION';
}

export function answeredRead(
  call: Begun & { readonly end: number },
  plan: Plan,
  { zxid, answer }: Extract<ReadAnswer, { kind: 'read' }>,
): Call {
  const operation = { ...plan.operation(call, call.end), zxid: keyOf(zxid) };
  if ('guesses' in answer) {
    const value = answer.value === undefined ? undefined : decoder.decode(answer.value);
    return { ...operation, value, version: answer.version } as Call;
  }
  if (answer.kind === 'error') return operation;
  const value = decoder.decode(answer.data ?? new Uint8Array(0));
  return { ...operation, value, version: answer.stat.version } as Call;
}
