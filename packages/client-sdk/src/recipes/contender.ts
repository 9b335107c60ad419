import { isZklError } from '../errors/zkl-error.js';
import type { Session } from '../session/session.js';
import { reasonOf, untilAborted } from './until-aborted.js';

/** Operations that must not be left half known are given all the time that their session has. */
export const PATIENTLY = { timeoutMs: 3_600_000 } as const;

/** The number at the end of a sequential znode's name. */
const SUFFIX_CHARS = 10;

/** One place in a queue, as all see it. */
export interface Place {
  readonly name: string;
  /** What stands before the number. */
  readonly prefix: string;
  readonly number: number;
}

/** The queue in its order. Names that are not of a queue are left out. */
export function queueOf(names: readonly string[]): readonly Place[] {
  const places = names.flatMap((name) => {
    const suffix = name.slice(-SUFFIX_CHARS);
    return /^\d{10}$/.test(suffix) ? [{ name, prefix: name.slice(0, -SUFFIX_CHARS), number: Number(suffix) }] : [];
  });
  return places.sort((a, b) => a.number - b.number);
}

/** Makes the folder of a recipe, with all above it, unless it is there; containers, so that they go when nobody uses them. */
export async function ensureFolder(session: Pick<Session, 'create'>, path: string): Promise<void> {
  try {
    await session.create(path, null, { mode: 'container', ifAbsent: true });
  } catch (error) {
    const parent = path.slice(0, path.lastIndexOf('/'));
    if (!isZklError(error, 'NO_NODE') || parent === '') throw error;
    await ensureFolder(session, parent);
    await ensureFolder(session, path);
  }
}

/**
 * One's place in a queue of ephemeral sequential znodes. Nobody is woken but by the one that stands in the way (no herd), and who came first
 * is served first.
 *
 * Why a stale view does no harm: whoever stands before a place was there when it was taken, and leaves for good. So the list of a
 * state that has the own place shows all that can ever be in the way, and a place that is free stays so.
 */
export class Contender {
  readonly #session: Session;
  readonly #folder: string;
  readonly name: string;
  /** The zxid that took the place: it grows from each holder of the queue to the next. */
  readonly token: bigint;

  private constructor(session: Session, folder: string, name: string, token: bigint) {
    this.#session = session;
    this.#folder = folder;
    this.name = name;
    this.token = token;
  }

  /**
   * Takes a place. When it is aborted the place is given back as soon as it is known, so that nobody waits for it in vain.
   *
   * @param prefix - Before the number of the name.
   */
  static async join(
    session: Session,
    folder: string,
    prefix: string,
    data: Uint8Array | string | null,
    signal: AbortSignal | undefined,
  ): Promise<Contender> {
    signal?.throwIfAborted();
    const joining = Contender.#join(session, folder, prefix, data);
    try {
      return await untilAborted(joining, signal);
    } catch (error) {
      joining.then((late) => late.leave()).catch(() => undefined);
      throw error;
    }
  }

  static async #join(
    session: Session,
    folder: string,
    prefix: string,
    data: Uint8Array | string | null,
  ): Promise<Contender> {
    for (;;) {
      try {
        const options = { ...PATIENTLY, mode: 'ephemeralSequential' } as const;
        const { path, stat } = await session.create(`${folder}/${prefix}`, data, options);
        return new Contender(session, folder, path.slice(folder.length + 1), stat.czxid);
      } catch (error) {
        // There is none yet, or it went when the last one left.
        if (!isZklError(error, 'NO_NODE')) throw error;
        await ensureFolder(session, folder);
      }
    }
  }

  get path(): string {
    return `${this.#folder}/${this.name}`;
  }

  /**
   * Waits until nobody is in the way.
   *
   * @param blocker - Who of those before this place is to leave first; undefined when it is free.
   */
  async untilFree(
    blocker: (before: readonly Place[]) => Place | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for (;;) {
      const { before, zxid } = await untilAborted(this.#before(), signal);
      const inTheWay = blocker(before);
      if (inTheWay === undefined) return;
      await this.#untilGone(`${this.#folder}/${inTheWay.name}`, zxid, signal);
    }
  }

  /** Gives the place back. Does nothing when it is gone. */
  async leave(): Promise<void> {
    try {
      await this.#session.delete(this.path, PATIENTLY);
    } catch (error) {
      if (!isZklError(error) || !['NO_NODE', 'SESSION_EXPIRED', 'CLIENT_CLOSED'].includes(error.code)) throw error;
    }
  }

  /** Calls back when somebody else takes the place away, or when it cannot be watched any more: a holder that would not hear of it holds nothing. Returns how to stop that. */
  onTakenAway(callback: () => void): () => void {
    const controller = new AbortController();
    const { signal } = controller;
    const follow = async (): Promise<void> => {
      const watch = this.#session.watch(this.path, { types: ['deleted'], from: this.token, snapshot: false, signal });
      for await (const event of watch) {
        const isGone = event.type === 'deleted' || (event.type === 'reset' && event.nodes.length === 0);
        if (isGone) return callback();
      }
    };
    follow().catch(() => {
      if (!signal.aborted) callback();
    });
    return () => controller.abort();
  }

  async #before(): Promise<{ before: readonly Place[]; zxid: bigint }> {
    const names: string[] = [];
    let zxid = 0n;
    let startAfter: string | undefined;
    for (;;) {
      const options = { ...PATIENTLY, consistency: 'local', atLeast: this.token, startAfter } as const;
      const page = await this.#session.listChildren(this.#folder, options);
      names.push(...page.children.map(({ name }) => name));
      zxid ||= page.zxid;
      if (!page.more) break;
      startAfter = page.children.at(-1)?.name;
    }
    const queue = queueOf(names);
    const own = queue.findIndex(({ name }) => name === this.name);
    this.#session.signal.throwIfAborted();
    if (own < 0) throw new Error(`${this.path} was deleted by somebody else`);
    return { before: queue.slice(0, own), zxid };
  }

  /** From the state in which it was seen on: its end cannot be missed. */
  async #untilGone(path: string, from: bigint, signal: AbortSignal | undefined): Promise<void> {
    const either = signal === undefined ? this.#session.signal : AbortSignal.any([signal, this.#session.signal]);
    try {
      for await (const event of this.#session.watch(path, { types: ['deleted'], from, signal: either })) {
        if (event.type === 'deleted' || event.type === 'reset') return;
      }
    } catch (error) {
      throw reasonOf(error, signal, this.#session.signal);
    }
  }
}
