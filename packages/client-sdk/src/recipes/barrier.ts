/**
 * A barrier: all wait while it is there.
 *
 * Guarantees: whoever waits goes on after it was lifted, however short that was; nobody goes on who began to wait while it stood, before it was lifted.
 *
 * Not guaranteed: that it is lifted when who raised it dies; make it with a session and `ephemeral` for that.
 */
import type { Calls } from '../client/client.js';
import { isZklError } from '../errors/zkl-error.js';
import type { AcquireOptions } from './holding.js';
import { limitOf, reasonOf } from './until-aborted.js';

export type { AcquireOptions } from './holding.js';

/** A barrier on a path, whose parent exists: see the guarantees above. */
export class Barrier {
  readonly path: string;
  readonly #calls: Calls;

  /** @param calls - A client, or a session. */
  constructor(calls: Calls, path: string) {
    this.#calls = calls;
    this.path = path;
  }

  /** Raises it. False when it stood already. @param options - `ephemeral`: it is lifted when the session ends. Sessions only. Default: false. */
  async raise(options: { readonly ephemeral?: boolean | undefined } = {}): Promise<boolean> {
    const mode = options.ephemeral === true ? 'ephemeral' : 'persistent';
    return (await this.#calls.create(this.path, null, { mode, ifAbsent: true })).created;
  }

  /** Lifts it. False when there was none. */
  async lift(): Promise<boolean> {
    try {
      await this.#calls.delete(this.path);
      return true;
    } catch (error) {
      if (isZklError(error, 'NO_NODE')) return false;
      throw error;
    }
  }

  /** Resolves once it does not stand. */
  async wait(options: AcquireOptions = {}): Promise<void> {
    const signal = limitOf(options);
    let stat;
    // A linearizable read: one that was raised before this call is seen.
    try {
      stat = (await this.#calls.get(this.path, { signal })).stat;
    } catch (error) {
      if (isZklError(error, 'NO_NODE')) return;
      throw error;
    }
    const watch = this.#calls.watch(this.path, { types: ['deleted'], from: stat.czxid, signal });
    try {
      for await (const event of watch) if (event.type !== 'reset' || event.nodes.length === 0) return;
    } catch (error) {
      throw reasonOf(error, signal);
    }
  }
}
