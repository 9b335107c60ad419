import type { SessionId } from '@zkl/wire';

/** The session that a link is attached to. */
export interface LinkSession {
  readonly id: SessionId;
  readonly secret: Uint8Array;
  /** 1, 2, 3, ...: of each stream that is opened for it. */
  nextAttachment(): bigint;
  /** The stream stands: the cluster counts the session as alive from after the hello was sent. */
  onAttached(timeoutMs: number, helloSentAtMs: number): void;
  onPong(number: number): void;
  onDetached(): void;
  /** The cluster refused for good. True when that is the end of the session. */
  onRefused(code: string): boolean;
  /** No server knows session streams. */
  onUnsupported(): void;
  /** How long a server may be silent before another one is tried, in milliseconds. */
  silenceMs(): number;
  /** Whether a pong is awaited. */
  isWaiting(): boolean;
}
