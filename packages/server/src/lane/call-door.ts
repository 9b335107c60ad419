import type { ConnectError } from '@connectrpc/connect';
import { Code } from '@connectrpc/connect';
import { ErrorDetailSchema, type ErrorDetail } from '@zkl/protocol';
import type { LaneStream } from './lane-stream.js';

/** What came of a call. `unimplemented`: there is no such method here. */
export type CallAnswer =
  | { readonly kind: 'answer'; readonly message: Uint8Array }
  | {
      readonly kind: 'refused';
      /** Connect's name of the code: `not_found`, `unavailable`. */
      readonly code: string;
      readonly message: string;
      readonly detail: ErrorDetail | undefined;
    }
  | { readonly kind: 'unimplemented' };

/** Where calls come in as whole messages: beneath it is HTTP/2, or whatever else carries messages in order; above it everything else of the server. */
export interface CallDoor {
  /**
   * Serves a unary call.
   *
   * @param path - `/zkl.v1.ZnodeService/Create`
   * @param timeoutMs - What the caller gave; undefined for no limit.
   * @param done - Called once, never from within this call.
   * @returns To be called when the caller goes away.
   */
  call(
    path: string,
    message: Uint8Array,
    timeoutMs: number | undefined,
    done: (answer: CallAnswer) => void,
  ): () => void;
  /** Serves a stream. False: there is none by this path. */
  stream(path: string, stream: LaneStream): boolean;
}

/** An error as its caller is told it. */
export function refusalOf(error: ConnectError): Extract<CallAnswer, { kind: 'refused' }> {
  const [detail] = error.findDetails(ErrorDetailSchema);
  return { kind: 'refused', code: nameOf(error.code), message: error.rawMessage, detail };
}

/** `NotFound` is `not_found` on the wire. */
function nameOf(code: Code): string {
  return (Code[code] ?? 'Unknown').replaceAll(/(?<=.)[A-Z]/g, '_$&').toLowerCase();
}
