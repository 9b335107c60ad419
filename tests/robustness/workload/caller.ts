import { isZklError, type Calls, type CreateModeOptions, type RegisterApi, type Stat } from '@zkl/client-sdk';
import type {
  ChildrenItem,
  Consistency,
  CreateMode,
  HistoryRecord,
  ReadCall,
  ReadItem,
  Seen,
  Step,
  StepResult,
  Value,
  WriteCall,
} from '@zkl/simulator/history';
import { nowUs, type HistoryRecorder } from '../history/history-recorder.js';
import { applySteps, toStepResult } from './steps.js';

/** A zxid as histories have it: epoch × 2^32 + counter, exact as a number. */
export function place(zxid: bigint): number {
  return Number(zxid);
}

/** What a read asks for, beside what it reads. */
export interface ReadWish {
  readonly consistency?: Consistency | undefined;
  /** With `atLeast`. */
  readonly atLeast?: bigint | undefined;
}

type Fields<R extends HistoryRecord> = R extends unknown
  ? Omit<R, 'client' | 'op' | 'start' | 'end' | 'session'>
  : never;

/** Refusals of a read that tell what it saw: there was no such node. */
const NOTHING_THERE: ReadonlySet<string> = new Set(['NO_NODE']);

/**
 * One user of the SDK, a client or a session, whose every call is recorded. A call that fails in a way that is no {@link ZklError} is a defect, and
 * rejects; every other ending is an answer.
 */
export class Caller {
  readonly name: string;
  readonly calls: Calls;
  readonly recorder: HistoryRecorder;
  readonly #register: RegisterApi | undefined;
  readonly #session: number | undefined;
  readonly #timeoutMs: number;
  #made = 0;
  #values = 0;

  /** @param options.timeoutMs - The deadline of every call. */
  constructor(
    name: string,
    calls: Calls & { readonly register?: RegisterApi },
    recorder: HistoryRecorder,
    options: { readonly timeoutMs: number; readonly session?: bigint | undefined },
  ) {
    this.name = name;
    this.calls = calls;
    this.recorder = recorder;
    this.#register = calls.register;
    this.#session = options.session === undefined ? undefined : place(options.session);
    this.#timeoutMs = options.timeoutMs;
  }

  /** A value that nobody writes twice. */
  uniqueValue(): string {
    return `${this.name}:${this.#values++}`;
  }

  create(path: string, options: CreateModeOptions & { readonly ifAbsent?: boolean; readonly value?: Value } = {}) {
    const { ifAbsent, value = this.uniqueValue(), ...modes } = options;
    const mode = modes.mode ?? (modes.ttlMs === undefined ? 'persistent' : 'ttl');
    const asked: CreateMode = modes.sequential === true ? (`${mode}Sequential` as CreateMode) : mode;
    return this.#write({ kind: 'create', path, value, mode: asked, ifAbsent }, async () => {
      const {
        zxid,
        path: name,
        created,
      } = await this.calls.create(path, value, { ...modes, ifAbsent, ...this.#limit });
      return { zxid, name, ...(created ? {} : { existed: true }) };
    });
  }

  set(
    path: string,
    options: { readonly expected?: number | undefined; readonly value?: string; readonly token?: bigint } = {},
  ) {
    const { expected, value = this.uniqueValue() } = options;
    return this.#write({ kind: 'set', path, value, expected }, async () => {
      const { zxid, stat } = await this.calls.set(path, value, { version: expected, ...this.#limit });
      return { zxid, version: stat.version };
    });
  }

  delete(path: string, expected?: number) {
    return this.#write({ kind: 'delete', path, expected }, () =>
      this.calls.delete(path, { version: expected, ...this.#limit }).then(({ zxid }) => ({ zxid })),
    );
  }

  deleteRecursive(path: string) {
    return this.#write({ kind: 'deleteRecursive', path }, async () => {
      const { zxid, deleted } = await this.calls.deleteRecursive(path, this.#limit);
      return { zxid, deleted };
    });
  }

  /** @param token - The fencing token that it carries, if it is a holder's. */
  transaction(then: readonly Step[], options: { readonly token?: bigint | undefined } = {}) {
    const token = options.token === undefined ? undefined : place(options.token);
    return this.#write({ kind: 'transaction', then, token }, async () => {
      const result = await applySteps(this.calls.transaction(), then).run(this.#limit);
      const results: StepResult[] = result.results.map(toStepResult);
      return { zxid: result.zxid, branch: result.branch, committed: result.committed, results };
    });
  }

  registerWrite() {
    const value = this.uniqueValue();
    return this.#write({ kind: 'registerWrite', value }, async () => {
      const { zxid, version } = await this.#theRegister.write(value, this.#limit);
      return { zxid, version };
    });
  }

  registerGuess(value: string) {
    return this.#write({ kind: 'registerGuess', value }, async () => {
      const { zxid, matched, version } = await this.#theRegister.guess(value, this.#limit);
      return { zxid, matched, version };
    });
  }

  registerRead(wish: ReadWish = {}) {
    return this.#read({ kind: 'registerRead' }, wish, async (options) => {
      const read = await this.#theRegister.read(options);
      const value = read.value === null ? {} : { value: read.text(), mzxid: place(read.mzxid) };
      return { zxid: read.zxid, version: read.version, ...value };
    });
  }

  get(path: string, wish: ReadWish = {}) {
    return this.#read({ kind: 'get', path }, wish, async (options) => {
      const read = await this.calls.get(path, options);
      return { zxid: read.zxid, value: textOf(read.data), ...seenOf(read.stat) };
    });
  }

  /** One page is enough here: the callers' folders are small. */
  children(path: string, wish: ReadWish & { readonly withData?: boolean; readonly startAfter?: string } = {}) {
    const { withData = false, startAfter } = wish;
    return this.#read({ kind: 'children', path, startAfter }, wish, async (options) => {
      const page = await this.calls.listChildren(path, { ...options, withData, withStat: withData, startAfter });
      return { zxid: page.zxid, entries: page.children.map(toEntry), more: page.more };
    });
  }

  count(path: string, wish: ReadWish = {}) {
    return this.#read({ kind: 'count', path }, wish, async (options) => {
      const { zxid, count } = await this.calls.count(path, options);
      return { zxid, count };
    });
  }

  /** Reads the data of some znodes and the children of one, all of one state. */
  multiRead(paths: readonly string[], folder: string, wish: ReadWish = {}) {
    const asked = [...paths.map((get) => ({ get })), { children: folder }];
    const reads: ReadItem[] = [
      ...paths.map((path) => ({ kind: 'get' as const, path })),
      { kind: 'children', path: folder },
    ];
    return this.#read({ kind: 'multiRead', reads }, wish, async (options) => {
      const { zxid, answers } = await this.calls.multiRead(asked, options);
      const seen = answers.map((answer, index): ReadItem => {
        const item = reads[index] as ReadItem;
        if (answer.kind === 'node') {
          return { ...item, value: textOf(answer.node.data), ...seenOf(answer.node.stat) } as ReadItem;
        }
        if (answer.kind === 'children') return { ...item, entries: answer.page.children.map(toEntry) } as ChildrenItem;
        if (answer.kind === 'failed' && answer.error.code !== 'NO_NODE') throw answer.error;
        return item;
      });
      return { zxid, reads: seen };
    });
  }

  get #theRegister(): RegisterApi {
    if (this.#register === undefined) throw new Error('a session has no register');
    return this.#register;
  }

  get #limit(): { readonly timeoutMs: number } {
    return { timeoutMs: this.#timeoutMs };
  }

  /** Writes: what was refused in the log's order has a place; what certainly had no effect is `failed`. */
  async #write<R extends Fields<WriteCall>, A extends { readonly zxid: bigint }>(request: R, call: () => Promise<A>) {
    const begun = this.#begin();
    try {
      const answer = await call();
      return this.#record<R & A>({ ...request, ...begun, end: nowUs(), ...answer, zxid: place(answer.zxid) });
    } catch (error) {
      if (!isZklError(error) || error.code === 'BAD_ARGUMENTS') throw error;
      const { code, outcome, zxid } = error;
      if (outcome === 'unknown') return this.#record<R & A>({ ...request, ...begun, error: code });
      const end = nowUs();
      if (zxid === undefined) return this.#record<R & A>({ ...request, ...begun, end, failed: code });
      return this.#record<R & A>({ ...request, ...begun, end, refused: code, zxid: place(zxid) });
    }
  }

  async #read<R extends Fields<ReadCall>, A extends { readonly zxid: bigint }>(
    request: R,
    { consistency = 'linearizable', atLeast }: ReadWish,
    call: (options: object) => Promise<A>,
  ) {
    const begun = this.#begin();
    const asked = { ...request, consistency, ...(atLeast === undefined ? {} : { atLeast: place(atLeast) }) };
    try {
      const sent = consistency === 'linearizable' ? 'linearizable' : 'local';
      const answer = await call({ consistency: sent, atLeast, ...this.#limit });
      return this.#record<R & A>({ ...asked, ...begun, end: nowUs(), ...answer, zxid: place(answer.zxid) });
    } catch (error) {
      if (!isZklError(error) || error.code === 'BAD_ARGUMENTS') throw error;
      const end = nowUs();
      if (!NOTHING_THERE.has(error.code)) return this.#record<R & A>({ ...asked, ...begun, end, failed: error.code });
      const zxid = error.zxid === undefined ? {} : { zxid: place(error.zxid) };
      return this.#record<R & A>({ ...asked, ...begun, end, ...zxid });
    }
  }

  #begin() {
    const session = this.#session === undefined ? {} : { session: this.#session };
    return { client: this.name, op: this.#made++, start: nowUs(), ...session };
  }

  #record<R>(record: object): Recorded<R> {
    this.recorder.record(record as HistoryRecord);
    return record as Recorded<R>;
  }
}

/** A call as it was recorded; what is of its answer is there only when it was answered. */
export type Recorded<R> = Partial<Omit<R, 'zxid'>> & {
  readonly start: number;
  readonly end?: number;
  readonly zxid?: number;
  readonly refused?: string;
  readonly failed?: string;
  readonly error?: string;
};

export function isDone(call: Recorded<unknown>): boolean {
  return call.end !== undefined && call.refused === undefined && call.failed === undefined;
}

export function textOf(data: Uint8Array | null | undefined): Value {
  return data === null || data === undefined ? null : Buffer.from(data).toString();
}

export function seenOf({ version, czxid, mzxid }: Stat): Required<Seen> {
  return { version, czxid: place(czxid), mzxid: place(mzxid) };
}

function toEntry(child: { readonly name: string; readonly stat?: Stat; readonly data?: Uint8Array | null }) {
  if (child.stat === undefined) return child.name;
  return { name: child.name, value: textOf(child.data), ...seenOf(child.stat) };
}
