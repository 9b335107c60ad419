import type { Block } from './block.js';
import { endsAfter } from './block.js';
import type { Envelope, PersistBatch, Ready, RefusalReason } from './core-io.js';
import type { Message } from './messages.js';
import type { ServerId } from './server-id.js';
import type { Zxid } from './zxid.js';

type List<K extends keyof Ready> = Ready[K] extends readonly (infer T)[] ? T[] : never;

const NONE: readonly never[] = Object.freeze([]);

/** Collects, during the steps of one turn, the work that `takeReady` will hand out. */
export class Outbox {
  #send: Envelope[] = [];
  #release: Envelope[] = [];
  #blocks: Block[] = [];
  #truncateTo: Zxid | undefined;
  #hardState: PersistBatch['hardState'];
  #repaired = false;
  #dirty = false;
  #batch = 1;

  assigned: List<'assigned'> = [];
  refused: List<'refused'> = [];
  reads: List<'reads'> = [];
  readHistory: List<'readHistory'> = [];
  sendSnapshot: List<'sendSnapshot'> = [];

  send(to: ServerId, message: Message): void {
    this.#send.push({ to, message });
  }

  /** Sends once all that was asked to persist so far is durable. */
  release(to: ServerId, message: Message): void {
    this.#release.push({ to, message });
    this.#dirty = true;
  }

  refuse(ticket: number, reason: RefusalReason): void {
    this.refused.push({ ticket, reason });
  }

  append(block: Block): void {
    this.#blocks.push(block);
    this.#dirty = true;
  }

  /** The log is to end at `zxid`; blocks of this turn that end after it never reach the disk. */
  truncateTo(zxid: Zxid): void {
    const before = this.#blocks.length;
    while (this.#blocks.length > 0 && endsAfter(this.#blocks[this.#blocks.length - 1]!, zxid)) this.#blocks.pop();
    // When blocks of this turn remain, the cut lies among them, and what is on disk already stays.
    if (before === 0 || this.#blocks.length === 0) this.#truncateTo = zxid;
    this.#dirty = true;
  }

  /** The batch that will make this durable. */
  hardState(state: { readonly acceptedEpoch: number; readonly currentEpoch: number }, repaired: boolean): number {
    this.#hardState = state;
    this.#repaired ||= repaired;
    this.#dirty = true;
    return this.#batch;
  }

  /** The batch that what is asked now will be part of. */
  get batch(): number {
    return this.#batch;
  }

  /**
   * A role has ended: what it promised to say when this turn's batch is durable is not said. Without this, an ack could speak of
   * blocks that the next role cuts off in the same turn.
   */
  dropReleases(): void {
    this.#release = [];
  }

  /** The snapshot that replaced the log holds whatever was asked to persist before. */
  dropBlocks(): void {
    this.#blocks = [];
    this.#truncateTo = undefined;
  }

  takeSend(): readonly Envelope[] {
    if (this.#send.length === 0) return NONE;
    const send = this.#send;
    this.#send = [];
    return send;
  }

  takePersist(): PersistBatch | undefined {
    if (!this.#dirty) return undefined;
    const batch: PersistBatch = {
      batch: this.#batch++,
      truncateTo: this.#truncateTo,
      blocks: this.#blocks,
      hardState: this.#hardState,
      repaired: this.#repaired,
      release: this.#release,
    };
    this.#truncateTo = undefined;
    this.#blocks = [];
    this.#hardState = undefined;
    this.#repaired = false;
    this.#release = [];
    this.#dirty = false;
    return batch;
  }

  takeLists(): Pick<Ready, 'assigned' | 'refused' | 'reads' | 'readHistory' | 'sendSnapshot'> {
    const { assigned, refused, reads, readHistory, sendSnapshot } = this;
    // Most turns ask for nothing of this: they share one empty list.
    if (assigned.length > 0) this.assigned = [];
    if (refused.length > 0) this.refused = [];
    if (reads.length > 0) this.reads = [];
    if (readHistory.length > 0) this.readHistory = [];
    if (sendSnapshot.length > 0) this.sendSnapshot = [];
    return {
      assigned: assigned.length > 0 ? assigned : NONE,
      refused: refused.length > 0 ? refused : NONE,
      reads: reads.length > 0 ? reads : NONE,
      readHistory: readHistory.length > 0 ? readHistory : NONE,
      sendSnapshot: sendSnapshot.length > 0 ? sendSnapshot : NONE,
    };
  }
}
