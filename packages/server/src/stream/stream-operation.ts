import type { StreamWrite } from './write-pipeline.js';

/** What is under way of one message of operations, for the bounds. */
export interface OperationsTicket {
  readonly bytes: number;
  left: number;
}

/** Why a write is refused before it is sent. */
export type RefusedCode = 'BAD_ARGUMENTS' | 'AUTH_FAILED' | 'MARSHALLING_ERROR';

/** An operation of a stream that was not answered yet. */
export type StreamOperation =
  | StreamWrite
  | {
      /** Read, watch, cancel, progress, sync: done when all before it are. `bytes` hold it with its length. */
      readonly kind: 'other';
      readonly bytes: Uint8Array;
      /** The number of the barrier that must be passed first; 0 for none. */
      readonly barrier: number;
      readonly ticket: OperationsTicket;
    }
  /** It was refused as it came. */
  | { readonly kind: 'refused'; readonly code: RefusedCode; readonly ticket: OperationsTicket };
