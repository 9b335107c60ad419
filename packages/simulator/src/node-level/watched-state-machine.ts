import { joinOperations, splitOperations, type Block, type StateMachine, type Zxid } from '@zkl/consensus';
import type { ZnodeStateMachine } from '@zkl/state-machine';
import { decodeCommand, encodeCommand, type Result } from '@zkl/state-machine';

export interface StateMachineEvents {
  onApplied(block: Block, results: readonly Result[], digest: string): void;
  onRestored(zxid: Zxid, digest: string): void;
}

/** Passes everything on to the state machine, and tells what was applied and what came of it. */
export class WatchedStateMachine implements StateMachine<Result> {
  readonly state: ZnodeStateMachine;
  readonly #events: StateMachineEvents;
  readonly #plantedBugs: ReadonlySet<string>;
  #restores = 0;

  constructor(state: ZnodeStateMachine, events: StateMachineEvents, plantedBugs: ReadonlySet<string>) {
    this.state = state;
    this.#events = events;
    this.#plantedBugs = plantedBugs;
  }

  /** Makes the results whether or not they are wanted: they are held against those of all other servers. */
  apply(block: Block): readonly Result[] {
    const results = this.state.apply(this.#forgetful(block));
    this.#events.onApplied(block, results, this.state.digest);
    return results;
  }

  snapshot(): IterableIterator<Uint8Array> {
    return this.state.snapshot();
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    await this.state.restore(chunks);
    this.#restores++;
    this.#events.onRestored(this.state.appliedZxid, this.state.digest);
  }

  /** As if the exactly-once table were not part of a snapshot: after one was restored, every client is somebody else. */
  #forgetful(block: Block): Block {
    if (this.#restores === 0 || !this.#plantedBugs.has('snapshot-without-exactly-once')) return block;
    const operations = splitOperations(block.payload).map((operation) => {
      const decoded = decodeCommand(operation);
      if (decoded?.writeId === undefined) return operation;
      const clientId = `${decoded.writeId.clientId}~${this.#restores}`;
      return encodeCommand(decoded.command, { writeId: { ...decoded.writeId, clientId, answeredThrough: 0 } });
    });
    const bytes = operations.reduce((sum, operation) => sum + operation.byteLength, 0);
    return { ...block, payload: joinOperations(operations, bytes) };
  }
}
