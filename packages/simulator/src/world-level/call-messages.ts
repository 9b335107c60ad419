import type { StreamEnd, UnaryResult } from '@zkl/client-sdk/channels';

/** What a client says on its connection: whole messages of calls and streams, each with the number of what it belongs to. */
export type ClientMessage =
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly path: string;
      readonly bytes: Uint8Array;
      readonly timeoutMs: number | undefined;
    }
  | { readonly kind: 'open'; readonly id: number; readonly path: string }
  | { readonly kind: 'message'; readonly id: number; readonly bytes: Uint8Array }
  /** The caller of a call or a stream is gone. */
  | { readonly kind: 'cancel'; readonly id: number }
  /** Bytes of the stream's messages were taken. */
  | { readonly kind: 'taken'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'ping' };

/** What a server says. */
export type ServerMessage =
  | { readonly kind: 'settings' }
  | { readonly kind: 'answer'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: 'failure'; readonly id: number; readonly result: Exclude<UnaryResult<never>, { kind: 'answer' }> }
  | { readonly kind: 'message'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly id: number; readonly end: StreamEnd }
  | { readonly kind: 'taken'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'pong' };
