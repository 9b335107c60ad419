import { isZklError, type Client } from '@zkl/client-sdk';
import { nowUs, type HistoryRecorder } from '../history/history-recorder.js';
import {
  toZxidNumber,
  type AppendOperation,
  type Ending,
  type GetOperation,
  type GuessOperation,
  type Operation,
  type SetOperation,
} from '../history/operation.js';

/** The znode of the register service: `client.register` and the tree's calls show the same value, with versions one apart. */
export const REGISTER_PATH = '/zkl/register';

/** Thrown into a call that the caller answers itself: nothing was written there yet. */
class Empty extends Error {}

/** One SDK client whose every call is recorded. A call that fails in a way that is no {@link ZklError} is a defect, and rejects. */
export class Caller {
  readonly id: number;
  readonly client: Client;
  readonly #recorder: HistoryRecorder;
  readonly #timeoutMs: number;
  #calls = 0;
  #values = 0;

  /** @param timeoutMs - The deadline of every call. */
  constructor(id: number, client: Client, recorder: HistoryRecorder, timeoutMs: number) {
    this.id = id;
    this.client = client;
    this.#recorder = recorder;
    this.#timeoutMs = timeoutMs;
  }

  /** Makes a sequential znode under `path`. */
  async append(path: string): Promise<AppendOperation> {
    const value = this.#uniqueValue(path);
    const started = this.#start(path);
    const ending = await endingOf(async () => {
      const { zxid, path: created } = await this.client.create(`${path}/n-`, value, {
        sequential: true,
        timeoutMs: this.#timeoutMs,
      });
      return { zxid: toZxidNumber(zxid), name: created.slice(path.length + 1) };
    });
    return this.#record({ kind: 'append', ...started, value, endedUs: nowUs(), ...ending });
  }

  /** Makes the znode of a register, as its first set. */
  async createRegister(path: string): Promise<SetOperation> {
    return this.#set(path, undefined, async (value) => {
      const { zxid, stat } = await this.client.create(path, value, { timeoutMs: this.#timeoutMs });
      return { zxid: toZxidNumber(zxid), version: stat.version };
    });
  }

  /** Sets a register; with `expected` only if it has that version. The register service takes no condition. */
  async set(path: string, expected?: number): Promise<SetOperation> {
    return this.#set(path, expected, async (value) => {
      const options = { timeoutMs: this.#timeoutMs };
      if (path === REGISTER_PATH) {
        const { zxid, version } = await this.client.register.write(value, options);
        return { zxid: toZxidNumber(zxid), version };
      }
      const { zxid, stat } = await this.client.set(path, value, { ...options, version: expected });
      return { zxid: toZxidNumber(zxid), version: stat.version };
    });
  }

  async get(path: string, consistency: GetOperation['consistency']): Promise<GetOperation> {
    const started = this.#start(path);
    const ending = await endingOf(async () => {
      const options = { consistency, timeoutMs: this.#timeoutMs };
      if (path === REGISTER_PATH) {
        const read = await this.client.register.read(options);
        if (read.value === null) throw new Empty();
        const { zxid, version, mzxid } = read;
        return { zxid: toZxidNumber(zxid), value: read.text(), version, mzxid: toZxidNumber(mzxid) };
      }
      const read = await this.client.get(path, options);
      const { version, mzxid } = read.stat;
      return { zxid: toZxidNumber(read.zxid), value: read.text(), version, mzxid: toZxidNumber(mzxid) };
    });
    return this.#record({ kind: 'get', ...started, consistency, endedUs: nowUs(), ...ending });
  }

  /** Guesses the register service's value. */
  async guess(value: string): Promise<GuessOperation> {
    const started = this.#start(REGISTER_PATH);
    const ending = await endingOf(async () => {
      const { zxid, matched, version } = await this.client.register.guess(value, { timeoutMs: this.#timeoutMs });
      return { zxid: toZxidNumber(zxid), matched, version };
    });
    return this.#record({ kind: 'guess', ...started, value, endedUs: nowUs(), ...ending });
  }

  /** Records what stands under `path` now, linearizably at each page; for when nothing is under way any more. */
  async recordChildren(path: string): Promise<number> {
    let count = 0;
    const children = this.client.children(path, { withStat: true, withData: true, timeoutMs: this.#timeoutMs });
    for await (const { name, stat, data } of children) {
      if (stat === undefined) throw new Error(`${path}/${name} came without the stat that was asked for`);
      const value = Buffer.from(data ?? []).toString();
      this.#recorder.recordChild({ kind: 'child', path, name, value, czxid: toZxidNumber(stat.czxid) });
      count += 1;
    }
    return count;
  }

  async #set(
    path: string,
    expected: number | undefined,
    write: (value: string) => Promise<{ zxid: number; version: number }>,
  ): Promise<SetOperation> {
    const value = this.#uniqueValue(path);
    const started = this.#start(path);
    const ending = await endingOf(() => write(value));
    return this.#record({ kind: 'set', ...started, value, expected, endedUs: nowUs(), ...ending });
  }

  /** The path makes it unique also among the trials of one cluster. */
  #uniqueValue(path: string): string {
    return `${path}:${this.id}:${this.#values++}`;
  }

  #start(path: string): { client: number; op: number; path: string; invokedUs: number } {
    return { client: this.id, op: this.#calls++, path, invokedUs: nowUs() };
  }

  #record<O extends Operation>(operation: O): O {
    this.#recorder.record(operation);
    return operation;
  }
}

async function endingOf<R>(call: () => Promise<R>): Promise<Ending<R>> {
  try {
    return { outcome: 'ok', result: await call() };
  } catch (error) {
    if (error instanceof Empty) return { outcome: 'rejected', code: 'NO_NODE' };
    if (!isZklError(error)) throw error;
    const { code, outcome, zxid } = error;
    if (outcome === 'unknown') return { outcome, code };
    return { outcome, code, zxid: zxid === undefined ? undefined : toZxidNumber(zxid) };
  }
}
