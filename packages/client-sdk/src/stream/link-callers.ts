import type { Reply } from '@zkl/wire';
import type { AbortListeners, Interruptible } from '../calls/abort-listeners.js';
import { GarbledReply } from '../calls/operation.js';
import { Deadlines } from './deadlines.js';
import { garbledOf } from './link-failure.js';
import type { Operation, Origin } from './operation.js';

/** Whom the callers of a link tell what happens to them. */
export interface LinkCallersUser {
  /** The operation's deadline has passed. */
  onDue(operation: Operation): void;
  /** The operation's signal was aborted. */
  onAborted(operation: Operation, signal: AbortSignal): void;
  /** The first one waits, or none any more. */
  onNeed(): void;
}

/**
 * Those who wait for the operations of a link, each until the first of these: the operation's end, its deadline, its signal. An operation whose caller has been told
 * is `settled`.
 */
export class LinkCallers {
  readonly #user: LinkCallersUser;
  readonly #abortListeners: AbortListeners;
  readonly #deadlines: Deadlines;
  readonly #byInterruptible = new Map<Operation, Interruptible>();
  /** How many wait. */
  count = 0;

  constructor(abortListeners: AbortListeners, user: LinkCallersUser) {
    this.#abortListeners = abortListeners;
    this.#user = user;
    this.#deadlines = new Deadlines((operation) => user.onDue(operation));
  }

  add(operation: Operation, signal: AbortSignal | undefined): void {
    if (signal !== undefined) {
      operation.signal = signal;
      const interruptible = { interrupt: () => this.#user.onAborted(operation, signal) };
      this.#byInterruptible.set(operation, interruptible);
      this.#abortListeners.add(signal, interruptible);
    }
    this.#deadlines.add(operation, performance.now());
    this.count += 1;
    if (this.count === 1) this.#user.onNeed();
  }

  /** Tells the end of an operation that never came to wait. */
  refuse(operation: Operation, error: unknown): void {
    operation.settled = true;
    operation.reject(error);
  }

  /** Tells what came of an operation, if its caller waits still. */
  deliver(operation: Operation, reply: Reply, origin: Origin): void {
    if (operation.settled) return;
    if (operation.body.kind === 'control') {
      operation.toResult(reply, origin);
      return;
    }
    let result: unknown;
    try {
      result = operation.toResult(reply, origin);
    } catch (error) {
      if (!(error instanceof GarbledReply)) return this.reject(operation, error);
      const failure = { kind: 'garbled', reason: error.message, cause: undefined } as const;
      return this.reject(operation, garbledOf(operation, failure, String(origin.serverId)));
    }
    this.#settle(operation);
    operation.resolve(result as never);
  }

  /** Tells the end of an operation without an answer. */
  reject(operation: Operation, error: unknown): void {
    this.#settle(operation);
    operation.reject(error);
  }

  close(): void {
    this.#deadlines.close();
  }

  #settle(operation: Operation): void {
    operation.settled = true;
    this.#deadlines.remove(operation);
    if (operation.signal !== undefined) {
      const interruptible = this.#byInterruptible.get(operation);
      this.#byInterruptible.delete(operation);
      if (interruptible !== undefined) this.#abortListeners.remove(operation.signal, interruptible);
    }
    if (operation.body.kind === 'control') return;
    this.count -= 1;
    if (this.count === 0) this.#user.onNeed();
  }
}
