import { formatZxid, splitOperations, type Zxid } from '@zkl/consensus';
import { decodeCommand, type Command, type Result } from '@zkl/state-machine';
import type { ReadCall } from '../../history/record.js';
import { keyOf } from '../../ledger.js';
import type { NodeCheckerFactory } from '../node-checker.js';

/** One key at one moment. A znode that does not exist has version -1; a register that was never written has version 0. */
interface KeyState {
  readonly value: string | undefined;
  readonly version: number;
}

const NO_ZNODE: KeyState = { value: undefined, version: -1 };

function initialState(key: string): KeyState {
  return key === 'register' ? { value: undefined, version: 0 } : NO_ZNODE;
}

/** Every read, whatever it asks for, sees a key as the history has it at the zxid that it is served at. */
export const readsAreHistory: NodeCheckerFactory = (world) => {
  const keys = new Map<string, { zxid: number; state: KeyState }[]>();
  const stateAt = (key: string, zxid: Zxid): KeyState => {
    const changes = keys.get(key) ?? [];
    return changes.findLast((change) => change.zxid <= keyOf(zxid))?.state ?? initialState(key);
  };
  return {
    onApplied: (_server, block, results, _digest, isNew) => {
      if (!isNew) return;
      splitOperations(block.payload).forEach((operation, index) => {
        const result = results[index]!;
        // A repeated answer has the zxid of the first time.
        if (result.zxid.epoch !== block.epoch || result.zxid.counter !== block.firstCounter + index) return;
        const change = changeOf(decodeCommand(operation)!.command, result);
        if (change === undefined) return;
        const changes = keys.get(change.key) ?? [];
        changes.push({ zxid: keyOf(result.zxid), state: change.state });
        keys.set(change.key, changes);
      });
    },
    onRead: (server, operation, served) => {
      const told = `server ${server.id} tells ${JSON.stringify(operation)} at ${formatZxid(served)}`;
      if (!world.ledger.has(served)) return world.violate('reads-are-history', `${told}, where no block ends`);
      const { value, version } = stateAt(operation.kind === 'get' ? operation.path : 'register', served);
      const seen = operation as ReadCall & { readonly kind: 'get' | 'registerRead' };
      if (seen.value === value && (value === undefined || seen.version === version)) return;
      world.violate('reads-are-history', `${told}; the history has ${JSON.stringify({ value, version })}`);
    },
  };
};

const decoder = new TextDecoder();

function changeOf(command: Command, result: Result): { key: string; state: KeyState } | undefined {
  switch (result.kind) {
    case 'created':
      return command.kind === 'create' ? { key: result.path, state: stateOf(command.data, 0) } : undefined;
    case 'set':
      return command.kind === 'set'
        ? { key: command.path, state: stateOf(command.data, result.stat.version) }
        : undefined;
    case 'deleted':
      return command.kind === 'delete' ? { key: command.path, state: NO_ZNODE } : undefined;
    case 'registerWritten':
      return command.kind === 'registerWrite'
        ? { key: 'register', state: stateOf(command.value, result.version) }
        : undefined;
    default:
      return undefined;
  }
}

function stateOf(data: Uint8Array | null, version: number): KeyState {
  return { value: decoder.decode(data ?? new Uint8Array(0)), version };
}
