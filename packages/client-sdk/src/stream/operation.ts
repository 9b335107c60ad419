import type { Command, Query, Reply, StreamOperation, Zxid } from '@zkl/wire';

/** Who answered. */
export interface Origin {
  readonly serverId: number;
  /** The leader that the server knows of; 0 when none. */
  readonly leaderId: number;
}

/** What an operation says on the stream. */
export type OperationBody =
  | { readonly kind: 'write'; readonly command: Command }
  | { readonly kind: 'read'; readonly query: Query; readonly linearizable: boolean; readonly atLeast: Zxid | undefined }
  /** Of the stream itself: it ends with the stream, and is never sent on another one. */
  | { readonly kind: 'control'; readonly operation: StreamOperation };

/** Makes of a reply what the caller gets. @throws GarbledReply when it does not fit what was asked. */
export type ToResult = (reply: Reply, origin: Origin) => unknown;

/**
 * One operation of a link, from its call to its end. It is its own place in two lists: that of the operations in order, and that of the
 * deadlines; so it is found and taken out at no cost.
 */
export class Operation {
  readonly body: OperationBody;
  readonly path: string | undefined;
  /** What it carries, in bytes. */
  readonly bytes: number;
  readonly toResult: ToResult;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  timeoutMs = 0;
  deadlineAtMs = 0;
  signal: AbortSignal | undefined;
  /** Of a write that was sent: its number, the same for every time. 0: never sent. */
  requestId = 0;
  /** How often it was sent. */
  attempts = 0;
  /** Some attempt may have been applied, or may yet be. */
  unsettled = false;
  /** The same of the attempts before the present one. */
  unsettledBefore = false;
  /** Its caller has been told its end. A write that was sent goes on all the same, so that those after it keep their order. */
  settled = false;
  /** It was sent on the present stream, where its reply will come. */
  inFlight = false;
  /** Of the list that it is in. */
  previous: Operation | undefined;
  next: Operation | undefined;
  earlier: Operation | undefined;
  later: Operation | undefined;

  constructor(
    body: OperationBody,
    path: string | undefined,
    bytes: number,
    toResult: ToResult,
    resolve: (value: never) => void,
    reject: (error: unknown) => void,
  ) {
    this.body = body;
    this.path = path;
    this.bytes = bytes;
    this.toResult = toResult;
    this.resolve = resolve;
    this.reject = reject;
  }

  get isWrite(): boolean {
    return this.body.kind === 'write';
  }
}

/** An operation of the stream itself: it has no caller. */
export function controlOperation(operation: StreamOperation, onReply: (reply: Reply) => void = nothing): Operation {
  return new Operation({ kind: 'control', operation }, undefined, 0, onReply, nothing, nothing);
}

/** Stands for what is no operation where an error is made for one. */
export function noOperation(): Operation {
  return controlOperation({ kind: 'sync' });
}

function nothing(): void {
  // Nobody waits.
}

/** Operations in order, first in, first out; any can be taken out. */
export class OperationList {
  first: Operation | undefined;
  last: Operation | undefined;

  append(operation: Operation): void {
    operation.previous = this.last;
    operation.next = undefined;
    if (this.last === undefined) this.first = operation;
    else this.last.next = operation;
    this.last = operation;
  }

  remove(operation: Operation): void {
    const { previous, next } = operation;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.last = previous;
    else next.previous = previous;
    operation.previous = undefined;
    operation.next = undefined;
  }

  /** Puts all of another list, which is empty afterwards, before all of this one. */
  prependAll(list: OperationList): void {
    if (list.last === undefined) return;
    list.last.next = this.first;
    if (this.first === undefined) this.last = list.last;
    else this.first.previous = list.last;
    this.first = list.first;
    list.first = undefined;
    list.last = undefined;
  }

  *[Symbol.iterator](): Generator<Operation, void, undefined> {
    for (let at = this.first; at !== undefined;) {
      const { next } = at;
      yield at;
      at = next;
    }
  }
}
