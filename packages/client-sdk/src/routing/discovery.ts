import { create } from '@bufbuild/protobuf';
import { ClusterService, ListMembersRequestSchema } from '@zkl/protocol';
import type { Endpoint } from './endpoint.js';
import type { Router } from './router.js';

/** How long a server may take to list the members, in milliseconds. */
const LIST_TIMEOUT_MS = 2_000;
/** Between two attempts to learn the members, at least, in milliseconds. */
const PAUSE_MS = 250;

/**
 * Keeps the members' addresses known: asks for them after the first reply, when a reply names a leader whose address is not
 * known, and when the epoch changed. In the background: no call waits for it, and its failure fails none.
 */
export class Discovery {
  readonly #router: Router;
  #known = false;
  #epoch = 0;
  #running: { cancel: () => void } | undefined;
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

  close(): void {
    this.#closed = true;
    this.#running?.cancel();
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
