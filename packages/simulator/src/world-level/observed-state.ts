import type { Block, StateMachine } from '@zkl/consensus';
import type { Result } from '@zkl/state-machine';
import { plantInBlock } from './planted-state.js';

export interface StateEvents {
  onApplied(block: Block): void;
  onRestored(): void;
}

/** Passes everything on to a server's state machine, and tells what was applied. */
export class ObservedState implements StateMachine<Result> {
  readonly #machine: StateMachine<Result>;
  readonly #events: StateEvents;
  readonly #plantedBugs: ReadonlySet<string>;

  constructor(machine: StateMachine<Result>, events: StateEvents, plantedBugs: ReadonlySet<string>) {
    this.#plantedBugs = plantedBugs;
    this.#machine = machine;
    this.#events = events;
  }

  apply(block: Block, resultsWanted: boolean): readonly Result[] {
    const results = this.#machine.apply(plantInBlock(this.#plantedBugs, block), resultsWanted);
    this.#events.onApplied(block);
    return results;
  }

  snapshot(): IterableIterator<Uint8Array> {
    return this.#machine.snapshot();
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#machine.restore(chunks);
    this.#events.onRestored();
  }
}
