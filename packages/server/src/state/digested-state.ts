import type { Block, StateMachine } from '@zkl/consensus';
import type { Result, ZnodeStateMachine } from '@zkl/state-machine';
import { DigestRing } from './digest-ring.js';

/** The state machine as the node drives it, with a digest noted after blocks, so that servers can be compared. */
export class DigestedState implements StateMachine<Result> {
  readonly #state: ZnodeStateMachine;
  readonly #ring = new DigestRing();
  /** Whether `onApplied` is to be told of results that nobody else wants. Set by the owner before the node starts. */
  resultsWanted: () => boolean = () => false;
  /** Told of each block that was applied, with its results if they were wanted. Set by the owner before the node starts. */
  onApplied: (results: readonly Result[]) => void = () => undefined;

  constructor(state: ZnodeStateMachine) {
    this.#state = state;
  }

  get ring(): DigestRing {
    return this.#ring;
  }

  apply(block: Block, resultsWanted: boolean): readonly Result[] {
    const results = this.#state.apply(block, resultsWanted || this.resultsWanted());
    this.#ring.onApplied(block, () => this.#state.digest);
    this.onApplied(results);
    return results;
  }

  snapshot(): IterableIterator<Uint8Array> {
    return this.#state.snapshot();
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.#ring.clear();
    await this.#state.restore(chunks);
  }
}
