import { fromBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import { ErrorDetailSchema, type ErrorDetail } from '@zkl/protocol';
import type { CallRefusal } from '@zkl/wire';
import type { CancelCall, UnaryResult } from '../channel.js';
import type { DirectConnection } from './direct-connection.js';

/** What a direct connection knows of a call that is under way on it. */
export interface CallOnConnection {
  onMessage(message: Uint8Array): void;
  /** The server ended it. */
  onEnd(refusal: CallRefusal | undefined): void;
  /** The connection takes bytes again. */
  onDrain(): void;
  /** What the server says cannot be. */
  garble(reason: string): void;
  /** Ends the call from outside. */
  fail(reason: string, cause: unknown): void;
}

/** A call that has to be begun: on a direct connection, or, where the server has none, in another way. */
export interface DirectCall extends CallOnConnection {
  begin(connection: DirectConnection): void;
  beginElsewhere(): void;
}

/** What a refusal of a call means to whoever made it. Without a detail it was not zkl's own code that said it. */
export type ReadRefusal =
  | Extract<UnaryResult<never>, { kind: 'refused' }>
  | Extract<UnaryResult<never>, { kind: 'lost' }>
  | Extract<UnaryResult<never>, { kind: 'garbled' }>;

export function readRefusal({ code, message, detail }: CallRefusal): ReadRefusal {
  if (detail.byteLength === 0) {
    if (code !== 'unavailable') return { kind: 'refused', code, message, detail: undefined };
    return { kind: 'lost', sent: true, reason: 'The server starts or stops', cause: undefined };
  }
  let decoded: ErrorDetail;
  try {
    decoded = fromBinary(ErrorDetailSchema, detail);
  } catch (cause) {
    return { kind: 'garbled', reason: 'An error cannot be decoded', cause };
  }
  return { kind: 'refused', code, message, detail: decoded };
}

/** A unary call on a direct connection: one message there, one back, and how it ended. */
export class DirectUnary<O extends DescMessage> implements DirectCall {
  readonly #path: string;
  readonly #output: O;
  readonly #request: Uint8Array;
  readonly #timeoutMs: number | undefined;
  readonly #onResult: (result: UnaryResult<MessageShape<O>>) => void;
  readonly #elsewhere: () => CancelCall;
  #connection: DirectConnection | undefined;
  #id = 0;
  #reply: Uint8Array | undefined;
  #isSettled = false;
  #cancelElsewhere: CancelCall | undefined;

  /** @param elsewhere - Makes the call in another way, with the same `onResult`. */
  constructor(
    call: {
      readonly path: string;
      readonly output: O;
      readonly request: Uint8Array;
      readonly timeoutMs?: number | undefined;
    },
    onResult: (result: UnaryResult<MessageShape<O>>) => void,
    elsewhere: () => CancelCall,
  ) {
    this.#path = call.path;
    this.#output = call.output;
    this.#request = call.request;
    this.#timeoutMs = call.timeoutMs;
    this.#onResult = onResult;
    this.#elsewhere = elsewhere;
  }

  begin(connection: DirectConnection): void {
    this.#connection = connection;
    this.#id = connection.start(this, this.#path, this.#timeoutMs);
    connection.send(this.#id, this.#request);
  }

  beginElsewhere(): void {
    this.#isSettled = true;
    this.#cancelElsewhere = this.#elsewhere();
  }

  /** See {@link CancelCall}. */
  cancel(): boolean {
    if (this.#cancelElsewhere !== undefined) return this.#cancelElsewhere();
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#connection?.giveUp(this.#id);
    return this.#connection !== undefined;
  }

  onMessage(message: Uint8Array): void {
    this.#reply = message;
  }

  onEnd(refusal: CallRefusal | undefined): void {
    if (refusal !== undefined) return this.#settle(readRefusal(refusal));
    const reply = this.#reply;
    if (reply === undefined) return this.#garbled('The reply has no message', undefined);
    let message: MessageShape<O>;
    try {
      message = fromBinary(this.#output, reply);
    } catch (error) {
      return this.#garbled('The reply cannot be decoded', error);
    }
    return this.#settle({ kind: 'answer', message });
  }

  onDrain(): void {
    // It has sent all there was.
  }

  garble(reason: string): void {
    this.#garbled(reason, undefined);
  }

  fail(reason: string, cause: unknown): void {
    this.#settle({ kind: 'lost', sent: this.#connection !== undefined, reason, cause });
  }

  #garbled(reason: string, cause: unknown): void {
    this.#settle({ kind: 'garbled', reason, cause });
  }

  #settle(result: UnaryResult<MessageShape<O>>): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#onResult(result);
  }
}
