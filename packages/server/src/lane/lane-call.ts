import type { HandlerContext } from '@connectrpc/connect';

/** What services use of Connect's context, made without an AbortController: that costs more than all the rest of a call. */
export type LaneContext = Pick<HandlerContext, 'timeoutMs' | 'method'> & {
  readonly signal: Pick<AbortSignal, 'aborted' | 'reason' | 'addEventListener' | 'removeEventListener'>;
};

/** One call on the lane: its deadline, and who wants to know when the caller goes away. */
export class LaneCall implements LaneContext {
  readonly method: HandlerContext['method'];
  readonly signal: LaneCancellation = new LaneCancellation();
  readonly #timeoutMs: number | undefined;

  /** `timeoutMs`: what the caller gave, undefined for no limit. */
  constructor(method: HandlerContext['method'], timeoutMs: number | undefined) {
    this.method = method;
    this.#timeoutMs = timeoutMs;
  }

  /** Read once, in the turn in which the call came. */
  timeoutMs(): number | undefined {
    return this.#timeoutMs;
  }
}

/** The part of an AbortSignal that services use; it aborts once, when the caller goes away. */
class LaneCancellation {
  aborted = false;
  readonly reason = undefined;
  #listener: (() => void) | undefined;
  #others: Set<() => void> | undefined;

  addEventListener(_type: 'abort', listener: () => void): void {
    if (this.#listener === undefined) this.#listener = listener;
    else (this.#others ??= new Set()).add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    if (this.#listener === listener) this.#listener = undefined;
    else this.#others?.delete(listener);
  }

  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    this.#listener?.();
    for (const listener of this.#others ?? []) listener();
  }
}
