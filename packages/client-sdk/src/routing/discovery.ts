import { create } from '@bufbuild/protobuf';
import { ClusterService, ListMembersRequestSchema } from '@zkl/protocol';
import type { Endpoint } from './endpoint.js';
import type { Router } from './router.js';

/** How long a server may take to list the members, in milliseconds. */
const LIST_TIMEOUT_MS = 2_000;
/** Between two attempts to learn the members, at least, in milliseconds. */
const PAUSE_MS = 250;
/** How long a server may take to say who leads before another one is asked, in milliseconds. */
const ASK_TIMEOUT_MS = 400;

/**
 * Keeps the members' addresses known: asks for them after the first reply, when a reply names a leader whose address is not
 * known, and when the epoch changed. In the background: no call waits for it, and its failure fails none.
 */
export class Discovery {
  readonly #router: Router;
  #known = false;
  #epoch = 0;
  #running: { cancel: () => void } | undefined;
  /** Who waits for the answer of {@link Discovery.askAnother}. */
  #asking: { readonly told: Set<() => void>; readonly cancel: () => void } | undefined;
  #nextAtMs = 0;
  #closed = false;

  constructor(router: Router) {
    this.#router = router;
  }

  /** A server has answered: it can be asked. */
  afterReply(endpoint: Endpoint): void {
    const { leaderId, epoch } = this.#router;
    const leaderUnknown = leaderId !== 0 && this.#router.byServerId(leaderId) === undefined;
    if (this.#known && !leaderUnknown && this.#epoch === epoch) return;
    if (this.#closed || this.#running !== undefined || performance.now() < this.#nextAtMs) return;
    this.#list(endpoint, epoch);
  }

  /**
   * Asks another server than this one, which is silent, who leads. One question at a time, for all who ask.
   *
   * @param onTold - Called once the router knows the answer; not at all when there is none.
   */
  askAnother(silent: Endpoint, onTold: () => void): void {
    if (this.#asking !== undefined) {
      this.#asking.told.add(onTold);
      return;
    }
    const endpoint = this.#router.otherThan(silent);
    if (this.#closed || endpoint === undefined) return;
    const told = new Set([onTold]);
    const end = (): void => {
      clearTimeout(timer);
      this.#asking = undefined;
    };
    const request = create(ListMembersRequestSchema);
    const cancel = endpoint.channel.unary(ClusterService.method.listMembers, request, ASK_TIMEOUT_MS, (result) => {
      end();
      if (result.kind !== 'answer') return;
      endpoint.answered();
      this.#router.learn(endpoint, result.message);
      for (const tell of told) tell();
    });
    this.#asking = {
      told,
      cancel: () => {
        end();
        cancel();
      },
    };
    const timer = setTimeout(() => this.#asking?.cancel(), ASK_TIMEOUT_MS);
  }

  close(): void {
    this.#closed = true;
    this.#running?.cancel();
    this.#asking?.cancel();
  }

  #list(endpoint: Endpoint, epoch: number): void {
    this.#nextAtMs = performance.now() + PAUSE_MS;
    const timer = setTimeout(() => this.#running?.cancel(), LIST_TIMEOUT_MS);
    const request = create(ListMembersRequestSchema);
    const cancel = endpoint.channel.unary(ClusterService.method.listMembers, request, LIST_TIMEOUT_MS, (result) => {
      clearTimeout(timer);
      this.#running = undefined;
      if (result.kind !== 'answer') return;
      this.#known = true;
      this.#epoch = epoch;
      this.#router.learnMembers(result.message.members);
      this.#router.learn(endpoint, result.message);
    });
    this.#running = {
      cancel: () => {
        clearTimeout(timer);
        this.#running = undefined;
        cancel();
      },
    };
  }
}
