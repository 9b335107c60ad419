import type { OperationResult, Result, SessionId, Stat } from '@zkl/wire';
import { ZnodeStateMachine } from '../znode-state-machine.js';
import { bytesOf, Feeder } from './blocks.js';
import { stream } from './dump.js';

/** Short words for commands and for what came of them. */

export function statOf(feeder: Feeder, path: string): Stat {
  const answer = feeder.machine.get(path);
  if (answer.kind === 'error') throw new Error(`${answer.code} ${path}`);
  return answer.stat;
}

export function codeOf(result: Result | OperationResult): string {
  return result.kind === 'error' ? result.code : result.kind;
}

export function codesOf(result: Result): string[] {
  if (result.kind !== 'transaction') throw new Error(codeOf(result));
  return result.results.map(codeOf);
}

export function isThere(feeder: Feeder, path: string): boolean {
  const answer = feeder.machine.exists(path);
  return answer.kind === 'exists' && answer.stat !== undefined;
}

/** The digest that a state has when the log goes on for `writes` more writes that change nothing. */
export async function digestAfter(feeder: Feeder, writes: number): Promise<string> {
  const copy = new Feeder({}, new ZnodeStateMachine());
  await copy.machine.restore(stream(feeder.machine.snapshot()));
  copy.counter = feeder.counter;
  copy.timeMs = feeder.timeMs;
  for (let i = 0; i < writes; i++) copy.delete('/no-such-node');
  return copy.machine.digest;
}

export const create = (path: string) => ({ kind: 'create', path, data: null, mode: 'persistent' }) as const;
export const set = (path: string, expectedVersion = -1) =>
  ({ kind: 'set', path, data: bytesOf('new'), expectedVersion }) as const;
export const remove = (path: string, expectedVersion = -1) => ({ kind: 'delete', path, expectedVersion }) as const;
export const check = (path: string, expectedVersion: number) => ({ kind: 'check', path, expectedVersion }) as const;
export const removeAll = (path: string) => ({ kind: 'deleteRecursive', path, expectedVersion: -1 }) as const;
export const get = (path: string) => ({ kind: 'get', path }) as const;
export const NOBODY: SessionId = { epoch: 1, counter: 99_999 };
