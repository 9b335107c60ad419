import type { Operation } from './operation.js';

/** One key at one moment. A znode that does not exist has version -1; a register that was never written has version 0. */
export interface KeyState {
  readonly value: string | undefined;
  readonly version: number;
}

export const NO_ZNODE: KeyState = { value: undefined, version: -1 };
export const EMPTY_REGISTER: KeyState = { value: undefined, version: 0 };

/** What a key is before anything happens to it. */
export function initialState(key: string): KeyState {
  return key === 'register' ? EMPTY_REGISTER : NO_ZNODE;
}

/**
 * The sequential specification: the state after the operation; undefined when the answer that it had is impossible in this state. Of an
 * operation without an answer only the effect counts.
 */
export function step(state: KeyState, operation: Operation): KeyState | undefined {
  const isAnswered = operation.end !== undefined;
  switch (operation.kind) {
    case 'create':
    case 'set':
    case 'delete': {
      const { refused, next } = write(state, operation);
      if (!isAnswered) return next;
      if (refused !== operation.refused) return undefined;
      const isVersionWrong =
        operation.kind === 'set' && refused === undefined && operation.version !== undefined
          ? operation.version !== next.version
          : false;
      return isVersionWrong ? undefined : next;
    }
    case 'get':
    case 'registerRead':
      return !isAnswered || isSeen(state, operation) ? state : undefined;
    case 'registerWrite': {
      const next = { value: operation.value, version: state.version + 1 };
      return isAnswered && operation.version !== undefined && operation.version !== next.version ? undefined : next;
    }
    case 'registerGuess': {
      if (!isAnswered) return state;
      const isRight = operation.matched === (state.value === operation.value);
      return isRight && (operation.version === undefined || operation.version === state.version) ? state : undefined;
    }
  }
}

function write(
  state: KeyState,
  operation: Extract<Operation, { kind: 'create' | 'set' | 'delete' }>,
): { refused: string | undefined; next: KeyState } {
  const exists = state.version >= 0;
  if (operation.kind === 'create') {
    if (exists) return { refused: 'NODE_EXISTS', next: state };
    return { refused: undefined, next: { value: operation.value, version: 0 } };
  }
  if (!exists) return { refused: 'NO_NODE', next: state };
  if (operation.expected !== -1 && operation.expected !== state.version) return { refused: 'BAD_VERSION', next: state };
  if (operation.kind === 'delete') return { refused: undefined, next: NO_ZNODE };
  return { refused: undefined, next: { value: operation.value, version: state.version + 1 } };
}

function isSeen(state: KeyState, seen: { readonly value?: string | undefined; readonly version?: number | undefined }) {
  if (state.value !== seen.value) return false;
  return seen.value === undefined || seen.version === undefined || seen.version === state.version;
}
