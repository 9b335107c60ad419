/**
 * An ephemeral znode that is made again, with another session, when its session has expired: it is there for as long as its process lives.
 *
 * Guarantees: it is there, but for the time between an expiry and the next session; it goes when it is closed, or when the process has been dead for the timeout.
 *
 * Not guaranteed: that it is the only one of its path: when another session has the path, this waits for that one's end. It proves no exclusive right: use `lock` for that.
 */
import type { Client } from '../client/client.js';
import { isZklError } from '../errors/zkl-error.js';
import type { Session } from '../session/session.js';
import { ensureFolder } from './contender.js';

/** Between tries that failed, in milliseconds. */
const PAUSE_MS = 250;

/** A {@link Session}'s znode that outlives the session: see the guarantees above. */
export class PersistentEphemeral implements AsyncDisposable {
  readonly path: string;
  /** Resolves when it is there for the first time. Rejects when it is closed before. */
  readonly ready: Promise<void>;
  readonly #client: Pick<Client, 'session'>;
  readonly #timeoutMs: number | undefined;
  readonly #closing = new AbortController();
  readonly #keeping: Promise<void>;
  #data: string;
  #session: Session | undefined;
  #onReady: () => void = () => undefined;

  /** @param path - Folders above it are made when they are needed. @param timeoutMs - Of its sessions. Default: 10,000. */
  constructor(client: Pick<Client, 'session'>, path: string, data = '', timeoutMs?: number) {
    this.#client = client;
    this.path = path;
    this.#data = data;
    this.#timeoutMs = timeoutMs;
    this.ready = new Promise((resolve, reject) => {
      this.#onReady = resolve;
      this.#closing.signal.addEventListener('abort', () => reject(new Error('It was closed')));
    });
    this.ready.catch(() => undefined);
    this.#keeping = this.#keep();
  }

  /** Changes the data, now and for later znodes. */
  async set(data: string): Promise<void> {
    this.#data = data;
    try {
      await this.#session?.set(this.path, data);
    } catch (error) {
      if (!isZklError(error, 'NO_NODE') && !isZklError(error, 'SESSION_EXPIRED')) throw error;
    }
  }

  /** Takes it away. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#keeping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #keep(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await using session = await this.#client.session({ timeoutMs: this.#timeoutMs, signal });
        this.#session = session;
        await this.#keepIn(session, AbortSignal.any([signal, session.signal]));
      } catch (error) {
        if (isZklError(error, 'CLIENT_CLOSED')) return;
        await pause(signal);
      }
    }
  }

  /** Until the session ends. Whenever it is gone it is made again, and one of another session is waited out. */
  async #keepIn(session: Session, signal: AbortSignal): Promise<void> {
    const watch = session.watch(this.path, { types: ['deleted'], signal });
    await watch.ready();
    await this.#make(session);
    for await (const _ of watch) await this.#make(session);
  }

  async #make(session: Session): Promise<void> {
    try {
      const { stat } = await session.create(this.path, this.#data, { mode: 'ephemeral', ifAbsent: true });
      if (stat.ephemeralOwner === session.id) this.#onReady();
    } catch (error) {
      if (!isZklError(error, 'NO_NODE')) throw error;
      await ensureFolder(session, this.path.slice(0, this.path.lastIndexOf('/')));
      await this.#make(session);
    }
  }
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, PAUSE_MS);
    function end(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    }
    signal.addEventListener('abort', end);
  });
}
