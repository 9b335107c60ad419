import type { RefusalReason } from '@zkl/consensus';

/** What became of a write that was forwarded to the leader. */
export type ForwardReply =
  /** Committed and applied; `result` is encoded by the state machine's result codec. */
  | { readonly kind: 'result'; readonly result: Uint8Array }
  /** Certainly not applied. */
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
  /** Sent, but the answer was lost: it may have been applied, or may yet be. */
  | { readonly kind: 'unknown' };
