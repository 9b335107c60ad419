import type { ClusterView } from './cluster-view.js';

/** How soon a refused request is tried again when nothing that this server knows of has changed: the others may know more. */
const RETRY_MS = 20;

/**
 * The patience of one request with a cluster that has no leader. It ends after the grace, counted from when this server lost its
 * quorum or, while it has one, from when the request first found no leader, so that a request without a quorum fails with a clear error long before the client gives up on it.
 */
export class LeaderWait {
  readonly #view: ClusterView;
  readonly #graceMs: number;
  #waitsUntilMs: number | undefined;
  #cancel: (() => void) | undefined;

  constructor(view: ClusterView, graceMs: number) {
    this.#view = view;
    this.#graceMs = graceMs;
  }

  /** Calls `retry` when it may be worth trying again, or `giveUp` when the grace is over. One wait at a time. */
  begin(retry: () => void, giveUp: () => void): void {
    const nowMs = performance.now();
    this.#waitsUntilMs ??= nowMs + this.#view.graceLeftMs(this.#graceMs);
    const leftMs = this.#waitsUntilMs - nowMs;
    if (leftMs <= 0) {
      giveUp();
      return;
    }
    const stopListening = this.#view.onChange(() => {
      clearTimeout(timer);
      retry();
    });
    const timer = setTimeout(
      () => {
        stopListening();
        retry();
      },
      Math.min(RETRY_MS, leftMs),
    );
    this.#cancel = () => {
      stopListening();
      clearTimeout(timer);
    };
  }

  cancel(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}

/** True when a majority can be reached, so that what is missing is only a leader. */
export type QuorumCheck = () => boolean;
