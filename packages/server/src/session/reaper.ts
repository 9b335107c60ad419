import type { NodeRef } from '@zkl/wire';

/** What the reaper needs of the rest of the server. */
export interface ReaperDependencies {
  /** Containers that had children and have none. */
  readonly emptyContainers: (limit: number) => readonly NodeRef[];
  /** TTL nodes without children that were not set for their time, by this clock. */
  readonly expiredTtl: (nowMs: number, limit: number) => readonly NodeRef[];
  /** Proposes that they are removed, if they still are so when it is applied. `done` is called once, when it was applied or will not be. */
  readonly reap: (nodes: readonly NodeRef[], done: () => void) => void;
  /** The time of the log: milliseconds since 1970. */
  readonly nowMs: () => number;
}

/** Nodes in one proposal. */
const REAP_MAX = 1_000;
const TTL_PERIOD_MS = 1_000;

/**
 * Removes what nobody needs any more, while this server leads: containers as soon as their last child went, TTL nodes within about a second of their time. It only
 * proposes: whether a node may go is decided again when the proposal is applied, so a child that came meanwhile keeps its parent.
 */
export class Reaper {
  readonly #dependencies: ReaperDependencies;
  #timer: NodeJS.Timeout | undefined;
  #lookDue = false;
  #underWay = false;
  #term = 0;

  constructor(dependencies: ReaperDependencies) {
    this.#dependencies = dependencies;
  }

  begin(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#look(true), TTL_PERIOD_MS);
    this.onApplied();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#underWay = false;
    this.#term += 1;
  }

  /** Writes were applied: a container may have become empty. Looked for once a turn. */
  onApplied(): void {
    if (this.#timer === undefined || this.#lookDue) return;
    this.#lookDue = true;
    setImmediate(() => {
      this.#lookDue = false;
      this.#look(false);
    });
  }

  #look(ttl: boolean): void {
    if (this.#timer === undefined || this.#underWay) return;
    const { emptyContainers, expiredTtl, reap, nowMs } = this.#dependencies;
    const containers = emptyContainers(REAP_MAX);
    const nodes = ttl ? [...containers, ...expiredTtl(nowMs(), REAP_MAX)] : containers;
    if (nodes.length === 0) return;
    const term = this.#term;
    this.#underWay = true;
    reap(nodes, () => {
      // What was refused is found again by the timer; what was applied brings its own look.
      if (term === this.#term) this.#underWay = false;
    });
  }
}
