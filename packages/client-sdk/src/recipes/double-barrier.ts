/**
 * A double barrier: as many as agreed begin together, and end together.
 *
 * Guarantees: nobody enters before as many have come; nobody leaves before all have come to leave, or their sessions ended. One write tells all that they may begin.
 *
 * Not guaranteed: that it opens when one of them dies before entering: then one more must come. The path is used again only after all have left.
 */
import { isZklError } from '../errors/zkl-error.js';
import type { Session } from '../session/session.js';
import { ensureFolder, PATIENTLY } from './contender.js';
import type { AcquireOptions } from './holding.js';
import { limitOf, reasonOf } from './until-aborted.js';

export type { AcquireOptions } from './holding.js';

/** A double barrier on a path: see the guarantees above. */
export class DoubleBarrier {
  readonly path: string;
  readonly size: number;
  readonly #session: Session;
  #own: string | undefined;

  /** @param size - How many there must be: 1 or more. All say the same. */
  constructor(session: Session, path: string, size: number) {
    this.#session = session;
    this.path = path;
    this.size = size;
  }

  /** Comes, and waits until all have come. */
  async enter(options: AcquireOptions = {}): Promise<void> {
    const signal = limitOf(options);
    const members = `${this.path}/members`;
    const open = `${this.path}/open`;
    await ensureFolder(this.#session, members);
    const { path, zxid } = await this.#session.create(`${members}/m-`, null, { mode: 'ephemeralSequential' });
    this.#own = path;
    try {
      const { stat } = await this.#session.get(members);
      if (stat.numChildren >= this.size) {
        await this.#session.create(open, null, { ifAbsent: true });
        return;
      }
      if ((await this.#session.exists(open)) !== undefined) return;
      for await (const _ of this.#session.watch(open, { types: ['created'], from: zxid, signal: this.#either(signal) }))
        return;
    } catch (error) {
      await this.#remove(path);
      throw reasonOf(error, signal, this.#session.signal);
    }
  }

  /** Is done, and waits until all are. */
  async leave(options: AcquireOptions = {}): Promise<void> {
    const signal = limitOf(options);
    const members = `${this.path}/members`;
    const own = this.#own;
    if (own === undefined) return;
    this.#own = undefined;
    const watch = this.#session.watch(members, { scope: 'children', types: ['deleted'], signal: this.#either(signal) });
    await watch.ready();
    await this.#remove(own);
    if (!(await this.#isOver(members))) {
      for await (const _ of watch) if (await this.#isOver(members)) break;
    }
    // Whoever sees that all have left closes it for the next time; all do, and one does it.
    await this.#remove(`${this.path}/open`);
  }

  async #isOver(members: string): Promise<boolean> {
    const stat = await this.#session.exists(members);
    return stat === undefined || stat.numChildren === 0;
  }

  async #remove(path: string): Promise<void> {
    try {
      await this.#session.delete(path, PATIENTLY);
    } catch (error) {
      if (!isZklError(error, 'NO_NODE')) throw error;
    }
  }

  #either(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#session.signal : AbortSignal.any([signal, this.#session.signal]);
  }
}
