import type { Zxid } from '@zkl/consensus';
import type { WatchBatch } from '@zkl/protocol';
import type { ErrorCode } from '@zkl/state-machine';
import { ByteWriter } from '@zkl/wire';
import type { Failure } from '../request/failure.js';
import { weigh } from '../watch/scope-snapshot.js';
import type { EventBatch } from '../watch/shared-events.js';
import { failureToProto, progressToProto, snapshotToProto } from '../watch/watch-messages.js';
import type { SnapshotPiece, Watcher, WatchSink } from '../watch/watcher.js';
import { StepChanges, type StepEvents } from './step-events.js';

/** One step of a stream towards its client: see AttachResponse. Either this, or a welcome, or a goodbye. */
export interface StreamStep {
  readonly events: readonly StepEvents[];
  /** A view that holds for as long as the port is told of the step. */
  readonly replies: Uint8Array;
  /** 0 for none. */
  readonly pong: number;
  /** Who leads, when the client was told otherwise. */
  readonly leader: StepLeader | undefined;
}

/** See AttachLeader. */
export interface StepLeader {
  /** 0 when none is known. */
  readonly leaderId: number;
  readonly epoch: number;
}

/** Where the steps of a stream go: the adapter of a transport. Its methods only take in, and call nothing of the stream from within. */
export interface StreamPort {
  /** While false the stream makes no more: `SessionStream.onWritable` goes on. */
  readonly writable: boolean;
  welcome(zxid: Zxid, timeoutMs: number): void;
  step(step: StreamStep): void;
  /** The last: why the stream ends; undefined when the client ended it. */
  goodbye(failure: Failure | undefined): void;
}

/** Events that wait for the next step, at most; what is more keeps its place in the history. */
const EVENT_BYTES_MAX = 256 * 1024;
const MARK_BYTES = 32;
/** How many batches back one is looked for that tells other watches of this stream the same. */
const SHARED_BACK = 8;

const NO_BYTES = new Uint8Array(0);

/** Writers that no stream uses: replies are made and sent within a run of callbacks, so that thousands of streams need a few of them. */
const writers: ByteWriter[] = [];
const SPARE_WRITERS_MAX = 16;
/** One that has grown beyond this is let go. */
const SPARE_BYTES_MAX = 256 * 1024;

function giveBack(writer: ByteWriter): void {
  writer.reset();
  if (writers.length < SPARE_WRITERS_MAX && writer.bytes.length <= SPARE_BYTES_MAX) writers.push(writer);
}

/** What one turn has for the client of a stream: events first, and then the replies, so that nobody sees new data before the event that tells of it. */
export class StreamOutput implements WatchSink {
  readonly #port: StreamPort;
  readonly #onCaughtUp: () => void;
  /** Undefined while there are none: a stream that is idle holds none. */
  #replies: ByteWriter | undefined;
  #events: StepEvents[] = [];
  #eventBytes = 0;
  #pong = 0;
  #leader: StepLeader | undefined;
  #flushDue = false;
  #ended = false;

  constructor(port: StreamPort, onCaughtUp: () => void) {
    this.#port = port;
    this.#onCaughtUp = onCaughtUp;
  }

  get writable(): boolean {
    return this.#eventBytes < EVENT_BYTES_MAX && this.#port.writable;
  }

  /** Replies are to be appended to it, each whole, and then `flushSoon`. */
  get replies(): ByteWriter {
    return (this.#replies ??= writers.pop() ?? new ByteWriter(1_024));
  }

  /** How much of them waits, in bytes. */
  get replyBytes(): number {
    return this.#replies?.length ?? 0;
  }

  pong(number: number): void {
    this.#pong = number;
    this.flushSoon();
  }

  /** Told with the next step, which has something else to tell: thousands of idle streams are not woken by an election. */
  leader(leader: StepLeader): void {
    this.#leader = leader;
  }

  events(watcher: Watcher, batch: EventBatch): void {
    for (let i = this.#events.length - 1; i >= 0 && i >= this.#events.length - SHARED_BACK; i -= 1) {
      const before = this.#events[i]!;
      if (before.batch !== batch) continue;
      before.ids.push(watcher.id);
      return;
    }
    this.#push(new StepChanges(batch, watcher.id), batch.bytes);
  }

  progress(watcher: Watcher, zxid: Zxid): void {
    this.#pushMessage(progressToProto(zxid, [watcher.id]), MARK_BYTES);
  }

  snapshot(watcher: Watcher, piece: SnapshotPiece): void {
    const bytes = piece.entries.reduce((sum, entry) => sum + weigh(entry), MARK_BYTES);
    this.#pushMessage(snapshotToProto(piece, watcher.spec.withData, [watcher.id]), bytes);
    this.#onCaughtUp();
  }

  fail(watcher: Watcher, code: ErrorCode): void {
    this.#pushMessage(failureToProto(code, [watcher.id]), MARK_BYTES);
    this.#onCaughtUp();
  }

  caughtUp(): void {
    this.#onCaughtUp();
  }

  /** At the end of the present run of callbacks: all that one applied batch answers leaves together. */
  flushSoon(): void {
    if (this.#flushDue) return;
    this.#flushDue = true;
    queueMicrotask(this.#flushNow);
  }

  readonly #flushNow = (): void => this.flush();

  flush(): void {
    this.#flushDue = false;
    if (this.#ended) return;
    const writer = this.#replies;
    if (this.#events.length === 0 && this.replyBytes === 0 && this.#pong === 0) return;
    const replies = writer === undefined ? NO_BYTES : writer.bytes.subarray(0, writer.length);
    this.#port.step({ events: this.#events, replies, pong: this.#pong, leader: this.#leader });
    this.#replies = undefined;
    if (writer !== undefined) giveBack(writer);
    this.#events = [];
    this.#eventBytes = 0;
    this.#pong = 0;
    this.#leader = undefined;
  }

  /** What is made already leaves; nothing is made any more. */
  end(): void {
    this.flush();
    this.#ended = true;
  }

  #pushMessage(message: WatchBatch, bytes: number): void {
    this.#push({ batch: undefined, ids: message.watchIds, message }, bytes);
  }

  #push(events: StepEvents, bytes: number): void {
    this.#events.push(events);
    this.#eventBytes += bytes;
    this.flushSoon();
  }
}
