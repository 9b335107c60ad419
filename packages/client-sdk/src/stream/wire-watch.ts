import type { WatchOptions } from '@zkl/wire';
import { DirectRun } from '../watch/direct-run.js';
import type { SharedBatch } from '../watch/shared-batch.js';

/** A watch of a link: it is put on every stream anew, from where it had come to. */
export interface LinkWatch {
  /** Watches that have the same are told the same of every change. */
  readonly sameKey: string;
  /** Under which it is on the stream; set by that. */
  wire: WireWatch | undefined;
  /** What it asks for, from where it has come to. */
  request(): Omit<WatchOptions, 'id'> | undefined;
  /** It stands on the stream, with every change after this zxid. */
  onStanding(zxid: bigint): void;
  onBatch(batch: SharedBatch): void;
  /** Has its listener called in a run of those that have come to the same place. False when it has none that waits for nothing, or is elsewhere. */
  joinRun(run: DirectRun): boolean;
  /** Leaves the run that it is in, if it is in one. */
  leaveRun(): void;
  /** It will be put on a stream, and told from where it had come to. */
  onCut(): void;
  /** The server refused it, or the link has ended with what everything on it rejects with. */
  onEnd(error: unknown): void;
}

/** A watch as the server knows it: of one watch here, or of many that are told the same and have come to the same place. */
export class WireWatch {
  readonly id: number;
  readonly key: string;
  /** Those of its watches that are told one by one. All the others are in the run. */
  readonly singly: Set<LinkWatch>;
  readonly #watches: Set<LinkWatch>;
  readonly #run = new DirectRun();
  /** The server has said so, on the present stream. */
  stands = false;

  constructor(id: number, watch: LinkWatch) {
    this.id = id;
    this.key = watch.sameKey;
    this.#watches = new Set([watch]);
    this.singly = new Set([watch]);
    watch.wire = this;
  }

  get size(): number {
    return this.#watches.size;
  }

  /** What to ask a server for, from the place to which all of them have come. */
  begin(): Omit<WatchOptions, 'id'> | undefined {
    this.#run.dissolve();
    for (const watch of this.#watches) watch.onCut();
    const [any] = this.#watches;
    return any?.request();
  }

  onStanding(at: bigint): void {
    this.stands = true;
    for (const watch of this.#watches) watch.onStanding(at);
  }

  tell(batch: SharedBatch): void {
    if (this.#run.size > 0) this.#tellRun(batch);
    if (this.singly.size === 0) return;
    for (const watch of this.singly) {
      watch.onBatch(batch);
      if (watch.joinRun(this.#run)) this.singly.delete(watch);
    }
  }

  /** The watches of another one, which has come to the same place, are this one's from now on. */
  takeOver(other: WireWatch): void {
    other.#run.dissolve();
    for (const watch of other.#watches) {
      watch.wire = this;
      this.#watches.add(watch);
      this.singly.add(watch);
    }
  }

  remove(watch: LinkWatch): void {
    watch.wire = undefined;
    watch.leaveRun();
    this.#watches.delete(watch);
    this.singly.delete(watch);
  }

  end(error: unknown): void {
    for (const watch of [...this.#watches]) {
      this.remove(watch);
      watch.onEnd(error);
    }
  }

  #tellRun(shared: SharedBatch): void {
    const { batch } = shared;
    // A snapshot is put together by each, and of many events a listener may want to wait in between.
    if (batch.snapshot !== undefined || batch.events.length > 1) return this.#run.dissolve();
    const step = this.#run.any?.stepOf(shared, this.#run.told);
    if (step === undefined) return;
    const [event] = step.kind === 'events' ? step.events : [];
    if (event === undefined) this.#run.pass(step.zxid);
    else this.#run.tell(event, step.zxid);
  }
}
