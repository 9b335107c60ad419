import type { ResolvedOptions } from '../options/resolve-options.js';
import { OperationList, type Operation } from './operation.js';

/** Bytes of writes that are sent and not answered, at most. */
const WRITE_BYTES_IN_FLIGHT_MAX = 16_777_216;
/** Bytes of writes that wait in the client, at most. */
const WRITE_BYTES_QUEUED_MAX = 268_435_456;

/** How many operations may wait, and how many may be on their way. */
export type QueueLimits = Pick<
  ResolvedOptions,
  'writesInFlightMax' | 'writesQueuedMax' | 'readsInFlightMax' | 'readsQueuedMax'
>;

/**
 * The operations of a link in their order: first those that are on their way on the present stream, then those that wait. Counts both, against their bounds.
 */
export class OperationQueue {
  /** Not sent on the present stream. Those that were sent on an earlier one stand first, in the order of their numbers. */
  readonly waiting = new OperationList();
  /** Sent on the present stream: replies come in this order. */
  readonly inFlight = new OperationList();
  readonly #limits: QueueLimits;
  #writesInFlight = 0;
  #readsInFlight = 0;
  #bytesInFlight = 0;
  #writesWaiting = 0;
  #readsWaiting = 0;
  #bytesWaiting = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** Whether one more may wait. */
  mayAdd(operation: Operation): boolean {
    const { writesInFlightMax, writesQueuedMax, readsInFlightMax, readsQueuedMax } = this.#limits;
    if (!operation.isWrite) return this.#readsWaiting + 1 - (readsInFlightMax - this.#readsInFlight) <= readsQueuedMax;
    const waiting = this.#writesWaiting + 1 - (writesInFlightMax - this.#writesInFlight);
    return waiting <= writesQueuedMax && this.#bytesWaiting + operation.bytes <= WRITE_BYTES_QUEUED_MAX;
  }

  add(operation: Operation): void {
    this.waiting.append(operation);
    this.#countWaiting(operation, 1);
  }

  /** Takes out one that waits. */
  remove(operation: Operation): void {
    this.waiting.remove(operation);
    this.#countWaiting(operation, -1);
  }

  /** Takes out all of them, in order. */
  takeAll(): Operation[] {
    const all = [...this.inFlight, ...this.waiting];
    for (const list of [this.inFlight, this.waiting]) for (const operation of list) list.remove(operation);
    return all;
  }

  /** Puts what `add` adds meanwhile before all that waits. */
  addFirst(addAll: () => void): void {
    const { waiting } = this;
    const later = new OperationList();
    later.prependAll(waiting);
    addAll();
    later.prependAll(waiting);
    waiting.prependAll(later);
  }

  /** The next one to send, when there is room for it. */
  nextToSend(): Operation | undefined {
    const { first } = this.waiting;
    return first !== undefined && this.#hasRoomFor(first) ? first : undefined;
  }

  /** The first that waits is sent. */
  onSent(operation: Operation): void {
    this.remove(operation);
    this.inFlight.append(operation);
    operation.inFlight = true;
    if (operation.isWrite) {
      this.#writesInFlight += 1;
      this.#bytesInFlight += operation.bytes;
    } else this.#readsInFlight += 1;
  }

  /** One that was on its way has its reply. */
  onAnswered(operation: Operation): void {
    this.inFlight.remove(operation);
    operation.inFlight = false;
    if (operation.isWrite) {
      this.#writesInFlight -= 1;
      this.#bytesInFlight -= operation.bytes;
    } else this.#readsInFlight -= 1;
  }

  /** The stream is gone: what was on its way waits again, first, but for what nobody needs any more. */
  onDown(): void {
    for (const operation of this.inFlight) {
      // Of the stream itself, or a read that nobody waits for any more.
      operation.inFlight = false;
      const isOver = operation.body.kind === 'control' || (operation.settled && !operation.isWrite);
      if (isOver) this.inFlight.remove(operation);
      else this.#countWaiting(operation, 1);
    }
    for (const operation of this.waiting) if (operation.body.kind === 'control') this.remove(operation);
    this.waiting.prependAll(this.inFlight);
    this.#writesInFlight = 0;
    this.#readsInFlight = 0;
    this.#bytesInFlight = 0;
  }

  /** Of what is on its way, nothing took effect, or will. */
  onNothingApplied(): void {
    for (const operation of this.inFlight) operation.unsettled = operation.unsettledBefore;
  }

  /** What waits begins anew under other numbers: nothing that had one was, or ever will be, applied. */
  forgetNumbers(): void {
    for (const operation of this.waiting) {
      operation.requestId = 0;
      operation.unsettled = operation.unsettledBefore = false;
      if (operation.settled) this.remove(operation);
    }
  }

  /** Writes that were sent and given up are sent again only for the sake of later ones that were sent: else they end here. True when there were any, and their numbers are free. */
  removeGivenUp(): boolean {
    let given = 0;
    for (const operation of this.waiting) {
      // Reads stand between them, and have no numbers.
      if (!operation.isWrite) continue;
      if (operation.requestId === 0) break;
      if (!operation.settled) return false;
      given += 1;
    }
    if (given === 0) return false;
    for (const operation of this.waiting) if (operation.requestId !== 0) this.remove(operation);
    return true;
  }

  /** Whether somebody waits for another write of those that have numbers and are not on their way: as long as one does, all of them are sent again. */
  goesBeforeOthers(operation: Operation): boolean {
    for (const other of this.waiting) {
      if (!other.isWrite) continue;
      if (other.requestId === 0) return false;
      if (other !== operation && !other.settled) return true;
    }
    return false;
  }

  #countWaiting(operation: Operation, by: 1 | -1): void {
    if (operation.isWrite) this.#writesWaiting += by;
    else this.#readsWaiting += by;
    this.#bytesWaiting += by * operation.bytes;
  }

  #hasRoomFor(operation: Operation): boolean {
    const { writesInFlightMax, readsInFlightMax } = this.#limits;
    if (!operation.isWrite) return this.#readsInFlight < readsInFlightMax;
    if (this.#writesInFlight === 0) return true;
    return (
      this.#writesInFlight < writesInFlightMax && this.#bytesInFlight + operation.bytes <= WRITE_BYTES_IN_FLIGHT_MAX
    );
  }
}
