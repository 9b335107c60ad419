import { appendOperation, appendWrite, ByteWriter, compareZxids, type SessionId } from '@zkl/wire';
import type { LinkIdentity } from './link-identity.js';
import type { Operation } from './operation.js';
import type { SeenZxid } from './seen-zxid.js';

/** What goes into one message, in bytes: larger ones gain nothing, and hold back what comes after. One operation may be larger. */
const MESSAGE_BYTES = 131_072;

/** What an operation says beside itself. */
export interface OperationWriterOptions {
  readonly identity: LinkIdentity;
  readonly session: SessionId | undefined;
  /** What a read that is not linearizable must have seen at least; undefined: nothing. */
  readonly seen: SeenZxid | undefined;
}

/** Makes messages of operations, in the compact layout of the session stream. */
export class OperationWriter {
  readonly #options: OperationWriterOptions;
  readonly #writer = new ByteWriter(16_384);

  constructor(options: OperationWriterOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#writer.length === 0;
  }

  /** Whether more would gain nothing. */
  get isFull(): boolean {
    return this.#writer.length >= MESSAGE_BYTES;
  }

  /** The message. Its bytes are this writer's, until the next `reset`. */
  get message(): Uint8Array {
    return this.#writer.bytes.subarray(0, this.#writer.length);
  }

  /** Begins another message. */
  reset(): void {
    this.#writer.reset();
  }

  /** Appends an operation. A write that is sent for the first time gets its number; whatever it was, it may be applied from now on. */
  append(operation: Operation, nowMs: number): void {
    const { body } = operation;
    const { identity, session, seen } = this.#options;
    operation.attempts += 1;
    if (body.kind === 'write') {
      operation.unsettledBefore = operation.unsettled;
      operation.unsettled = true;
      if (operation.requestId === 0) operation.requestId = identity.take(nowMs);
      const writeId = identity.writeId(operation.requestId);
      appendWrite(body.command, { writeId, session, ordered: true }, this.#writer);
      return;
    }
    if (body.kind === 'control') return appendOperation(body.operation, this.#writer);
    const { query, linearizable } = body;
    let { atLeast } = body;
    if (!linearizable && seen !== undefined && (atLeast === undefined || compareZxids(seen.zxid, atLeast) > 0)) {
      atLeast = seen.zxid;
    }
    appendOperation({ kind: 'read', query, linearizable, atLeast }, this.#writer);
  }
}
