import {
  encodeCommand,
  type Command,
  type CommandTags,
  type CreateCommand,
  type CreateMode,
  type Result,
  type SessionId,
  type TransactionCommand,
  type WriteId,
} from '@zkl/wire';
import type { CommittedBlock } from '../committed-block.js';
import { ZnodeStateMachine, type ZnodeStateMachineOptions } from '../znode-state-machine.js';

/** A write as tests say it. */
export interface Write {
  readonly command: Command;
  readonly writeId?: WriteId | undefined;
  readonly session?: SessionId | undefined;
  readonly ordered?: boolean | undefined;
}

/** The payload of a block. */
function frame(writes: readonly Uint8Array[]): Uint8Array {
  const payload = new Uint8Array(writes.reduce((sum, bytes) => sum + 4 + bytes.length, 0));
  const view = new DataView(payload.buffer);
  let at = 0;
  for (const bytes of writes) {
    view.setUint32(at, bytes.length, true);
    payload.set(bytes, at + 4);
    at += 4 + bytes.length;
  }
  return payload;
}

export function blockOf(writes: readonly Uint8Array[], fields: Partial<CommittedBlock> = {}): CommittedBlock {
  return {
    epoch: 1,
    leader: 1,
    firstCounter: 1,
    count: writes.length,
    timeMs: 1000,
    payload: frame(writes),
    ...fields,
  };
}

export function bytesOf(text: string): Uint8Array {
  return new Uint8Array([...text].map((character) => character.charCodeAt(0)));
}

/** A state machine that is fed one block after the other, each a millisecond after the one before. */
export class Feeder {
  readonly machine: ZnodeStateMachine;
  epoch = 1;
  counter = 0;
  timeMs = 1000;
  leader = 1;

  constructor(options: ZnodeStateMachineOptions = {}, machine = new ZnodeStateMachine(options)) {
    this.machine = machine;
  }

  /** One block of encoded writes. */
  applyBytes(writes: readonly Uint8Array[]): readonly Result[] {
    this.timeMs++;
    const block = blockOf(writes, {
      epoch: this.epoch,
      leader: this.leader,
      firstCounter: this.counter + 1,
      timeMs: this.timeMs,
    });
    this.counter += writes.length;
    return this.machine.apply(block);
  }

  applyAll(writes: readonly Write[]): readonly Result[] {
    return this.applyBytes(writes.map(({ command, ...tags }) => encodeCommand(command, tags)));
  }

  apply(command: Command, writeId?: WriteId): Result {
    return this.applyAll([{ command, writeId }])[0]!;
  }

  /** Applies a command with what stands beside it. */
  send(command: Command, tags: CommandTags = {}): Result {
    return this.applyAll([{ command, ...tags }])[0]!;
  }

  /** Opens a session: its id. */
  open(timeoutMs = 1000): SessionId {
    const result = this.apply({ kind: 'sessionOpen', timeoutMs, secretHash: new Uint8Array(32).fill(this.counter) });
    if (result.kind !== 'sessionOpened') throw new Error(result.kind);
    return result.session;
  }

  /** Makes a node of any mode. */
  make(path: string, mode: CreateMode, session?: SessionId, more: Partial<CreateCommand> = {}): Result {
    const ttl = mode === 'ttl' || mode === 'ttlSequential' ? { ttlMs: 1000 } : {};
    return this.send({ kind: 'create', path, data: bytesOf(''), mode, ...ttl, ...more }, { session });
  }

  transact(transaction: Partial<TransactionCommand>, session?: SessionId): Result {
    return this.send({ kind: 'transaction', compares: [], then: [], else: [], ...transaction }, { session });
  }

  create(path: string, data: string | null = '', writeId?: WriteId): Result {
    return this.apply(
      { kind: 'create', path, data: data === null ? null : bytesOf(data), mode: 'persistent' },
      writeId,
    );
  }

  createSequential(path: string, data: string | null = '', writeId?: WriteId): Result {
    return this.apply(
      { kind: 'create', path, data: data === null ? null : bytesOf(data), mode: 'persistentSequential' },
      writeId,
    );
  }

  set(path: string, data: string | null, expectedVersion = -1, writeId?: WriteId): Result {
    return this.apply({ kind: 'set', path, data: data === null ? null : bytesOf(data), expectedVersion }, writeId);
  }

  delete(path: string, expectedVersion = -1, writeId?: WriteId): Result {
    return this.apply({ kind: 'delete', path, expectedVersion }, writeId);
  }

  writeRegister(value: string, writeId?: WriteId): Result {
    return this.apply({ kind: 'registerWrite', value: bytesOf(value) }, writeId);
  }

  guessRegister(value: string, writeId?: WriteId): Result {
    return this.apply({ kind: 'registerGuess', value: bytesOf(value) }, writeId);
  }
}
