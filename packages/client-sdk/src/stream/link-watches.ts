import type { ErrorDetail, WatchBatch } from '@zkl/protocol';
import type { appendOperation, Reply } from '@zkl/wire';
import { refusalError } from '../calls/call-failure.js';
import { toBigint } from '../codec/zxid.js';
import type { ZklError } from '../errors/zkl-error.js';
import { SharedBatch } from '../watch/shared-batch.js';
import { WireWatch, type LinkWatch } from './wire-watch.js';

/** What the watches of a link do with it. */
export interface LinkWatchesHost {
  /** Sends an operation in its turn; not when no stream stands. */
  send(operation: Parameters<typeof appendOperation>[0], onReply?: (reply: Reply) => void): void;
  /** Makes sure that there is a stream, or will be. */
  want(): void;
}

/**
 * The watches of a link. Each is put on the stream by itself; when one batch tells several that want the same, they are at the same place, and all but one are
 * taken off: so a hundred watches of one znode soon cost the server, and every change, as much as one.
 */
export class LinkWatches {
  readonly #host: LinkWatchesHost;
  readonly #wires = new Map<number, WireWatch>();
  /** How many of them have a key: when all differ, there is nothing to be shared. */
  readonly #keys = new Map<string, number>();
  #nextId = 1;

  constructor(host: LinkWatchesHost) {
    this.#host = host;
  }

  /** On the stream, where each may be for many. */
  get size(): number {
    return this.#wires.size;
  }

  /** Puts a watch on the stream, now and after every change of stream, until it is removed: under an id that was not used before. */
  add(watch: LinkWatch): void {
    const id = this.#nextId;
    this.#nextId = id === 0xffff_ffff ? 1 : id + 1;
    const wire = new WireWatch(id, watch);
    this.#wires.set(id, wire);
    this.#keys.set(wire.key, (this.#keys.get(wire.key) ?? 0) + 1);
    this.#put(wire);
    this.#host.want();
  }

  /** Takes a watch off the stream, for good. Does nothing when it is not on it. */
  remove(watch: LinkWatch): void {
    const { wire } = watch;
    if (wire === undefined) return;
    wire.remove(watch);
    if (wire.size === 0 && this.#drop(wire)) this.#host.send({ kind: 'cancelWatch', id: wire.id });
  }

  /** Puts all of them on a new stream. */
  putAll(): void {
    for (const wire of [...this.#wires.values()]) this.#put(wire);
  }

  tell(batches: readonly WatchBatch[]): void {
    for (const batch of batches) {
      const { watchIds, failure } = batch;
      if (failure !== undefined) {
        for (const id of watchIds) this.#fail(id, failure);
        continue;
      }
      const shared = new SharedBatch(batch);
      for (const id of watchIds) this.#wires.get(id)?.tell(shared);
      if (watchIds.length > 1 && this.#wires.size > this.#keys.size) this.#share(watchIds);
    }
  }

  /** The server refused to begin one. True when it is to be tried again, on another stream. */
  onRefused(id: number, error: ZklError): boolean {
    const wire = this.#wires.get(id);
    if (wire === undefined) return false;
    if (error.retryable && error.code !== 'TOO_MANY_WATCHES') return true;
    this.#end(wire, error);
    return false;
  }

  /** The link has ended. */
  end(error: unknown): void {
    for (const wire of [...this.#wires.values()]) this.#end(wire, error);
  }

  #put(wire: WireWatch): void {
    wire.stands = false;
    const request = wire.begin();
    if (request === undefined) return;
    this.#host.send({ kind: 'watch', watch: { ...request, id: wire.id } }, ({ zxid }) => {
      if (this.#wires.get(wire.id) === wire) wire.onStanding(toBigint(zxid));
    });
  }

  /** These were told of one zxid at once, and so will be of all after it: those that want the same become one. */
  #share(ids: readonly number[]): void {
    const firsts = new Map<string, WireWatch>();
    for (const id of ids) {
      const wire = this.#wires.get(id);
      if (wire?.stands !== true) continue;
      const first = firsts.get(wire.key);
      if (first === undefined) firsts.set(wire.key, wire);
      else {
        first.takeOver(wire);
        if (this.#drop(wire)) this.#host.send({ kind: 'cancelWatch', id });
      }
    }
  }

  /** The server has ended it: it may be begun anew at once, or not at all. */
  #fail(id: number, detail: ErrorDetail): void {
    const wire = this.#wires.get(id);
    if (wire === undefined) return;
    if (detail.retryable) return this.#put(wire);
    const history = { kind: 'read', path: undefined, attempts: 1, unsettled: false, last: undefined } as const;
    this.#end(wire, refusalError(history, { kind: 'refused', code: '', message: '', detail }, 'the server'));
  }

  #end(wire: WireWatch, error: unknown): void {
    this.#drop(wire);
    wire.end(error);
  }

  #drop(wire: WireWatch): boolean {
    if (this.#wires.get(wire.id) !== wire) return false;
    this.#wires.delete(wire.id);
    const left = (this.#keys.get(wire.key) ?? 1) - 1;
    if (left > 0) this.#keys.set(wire.key, left);
    else this.#keys.delete(wire.key);
    return true;
  }
}
