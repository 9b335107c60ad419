import type { ServerId, Status } from '@zkl/consensus';

/**
 * Who leads, as this server sees it at this moment: read on every request, so it is kept flat here and not asked of the node. Requests that
 * find no leader wait here until something changes.
 */
export class ClusterView {
  #status: Status = { role: 'looking', serving: false, epoch: 0, leader: undefined };
  #stopping = false;
  /** Since when this server takes part in no quorum; undefined while it does. */
  #apartSinceMs: number | undefined = performance.now();
  readonly #waiters = new Set<() => void>();

  get role(): Status['role'] {
    return this.#status.role;
  }

  get serving(): boolean {
    return this.#status.serving && !this.#stopping;
  }

  get epoch(): number {
    return this.#status.epoch;
  }

  /** 0 when none is known. */
  get leaderId(): ServerId {
    return this.#status.leader ?? 0;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /**
   * How much longer a request may wait for a leader, in milliseconds, when it may wait for `graceMs` in all: counted from when this server lost its
   * quorum, so that while there is none for long, nobody waits to hear it.
   */
  graceLeftMs(graceMs: number): number {
    const apartSinceMs = this.#apartSinceMs;
    return apartSinceMs === undefined ? graceMs : Math.max(0, apartSinceMs + graceMs - performance.now());
  }

  /** Takes a newer status; wakes who waits when anything changed that matters to them. */
  update(status: Status): void {
    const before = this.#status;
    this.#status = status;
    if (status.serving) this.#apartSinceMs = undefined;
    else this.#apartSinceMs ??= performance.now();
    const same =
      before.role === status.role &&
      before.serving === status.serving &&
      before.leader === status.leader &&
      before.epoch === status.epoch;
    if (!same) this.#wake();
  }

  /** The server stops: whoever waits for a leader is told so. */
  stop(): void {
    this.#stopping = true;
    this.#wake();
  }

  /** Calls back once, at the next change. The returned function takes it back. */
  onChange(callback: () => void): () => void {
    this.#waiters.add(callback);
    return () => this.#waiters.delete(callback);
  }

  #wake(): void {
    const woken = [...this.#waiters];
    this.#waiters.clear();
    for (const callback of woken) callback();
  }
}
