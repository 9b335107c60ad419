import { checkCallOptions } from '../client/call-arguments.js';
import type { Calls, ConditionalWriteOptions, ReadCallOptions } from '../client/client.js';
import type { CreateModeOptions } from '../client/create-mode.js';
import type { CreateResult, ReadResult, SetResult, Stat, WriteResult } from '../client/results.js';
import { isZklError } from '../errors/zkl-error.js';
import type { CallOptions } from '../options/call-options.js';
import { flag } from '../options/validate.js';
import { convert, type Codec } from './codec.js';

/** A value that was read. */
export interface TypedValue<T> extends ReadResult {
  readonly value: T;
  readonly stat: Stat;
}

/** A value as a watch tells it. */
export interface TypedEvent<T> {
  /** Undefined when there is no such znode. */
  readonly value: T | undefined;
  readonly zxid: bigint;
}

/** Options of {@link TypedNode.update}. */
export interface UpdateOptions extends CallOptions {
  /** Create the znode when there is none; `fn` is called with undefined then. Default: false, and `NO_NODE`. */
  readonly create?: boolean | undefined;
}

/** What `update` resolves with. */
export interface UpdateResult<T> extends WriteResult {
  /** What was written. */
  readonly value: T;
  readonly stat: Stat;
}

/**
 * One znode whose data are values of one type. What is written or read and is none rejects with `INVALID_VALUE`.
 *
 * @example
 * ```ts
 * import { createClient, jsonCodec } from '@zkl/client-sdk';
 *
 * await using client = createClient('zkl://127.0.0.1:7001');
 * const limits = client.node('/config/limits', jsonCodec<{ rps: number }>());
 * await limits.create({ rps: 10 });
 * await limits.update(({ rps }) => ({ rps: rps * 2 }));
 * for await (const { value } of limits.watch()) console.log(value?.rps);
 * ```
 */
export class TypedNode<T> {
  readonly path: string;
  readonly #calls: Calls;
  readonly #codec: Codec<T>;

  /** Made by {@link Calls.node}. */
  constructor(calls: Calls, path: string, codec: Codec<T>) {
    this.path = path;
    this.#calls = calls;
    this.#codec = codec;
  }

  /** Creates the znode. */
  async create(value: T, options: CallOptions & CreateModeOptions = {}): Promise<CreateResult> {
    return this.#calls.create(this.path, await this.#encode(value), options);
  }

  /** Reads the value. */
  async get(options: ReadCallOptions = {}): Promise<TypedValue<T>> {
    const { data, stat, zxid, serverId, leaderId } = await this.#calls.get(this.path, options);
    return { value: await this.#decode(data), stat, zxid, serverId, leaderId };
  }

  /** Replaces the value. */
  async set(value: T, options: ConditionalWriteOptions = {}): Promise<SetResult> {
    return this.#calls.set(this.path, await this.#encode(value), options);
  }

  /**
   * Replaces the value by what `fn` makes of it, by compare-and-set: reads, calls `fn`, writes on condition that nobody wrote meanwhile, and
   * begins again if somebody did. So `fn` may be called several times, and should do nothing else. No update of others is lost.
   *
   * `timeoutMs` and `signal` are of the whole loop.
   */
  async update(
    fn: (value: T, stat: Stat) => T | Promise<T>,
    options?: UpdateOptions & { readonly create?: false },
  ): Promise<UpdateResult<T>>;
  async update(
    fn: (value: T | undefined, stat: Stat | undefined) => T | Promise<T>,
    options: UpdateOptions & { readonly create: true },
  ): Promise<UpdateResult<T>>;
  async update(
    fn: (value: never, stat: never) => T | Promise<T>,
    options: UpdateOptions = {},
  ): Promise<UpdateResult<T>> {
    checkCallOptions('update', options, ['create']);
    const { signal, timeoutMs } = options;
    const isCreated = flag('create', options.create, false);
    const endsAtMs = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
    for (;;) {
      const remainingMs = endsAtMs === undefined ? undefined : Math.max(1, Math.floor(endsAtMs - performance.now()));
      const call = { signal, timeoutMs: remainingMs };
      const before = await this.#read(call, isCreated);
      const value = await fn(before?.value as never, before?.stat as never);
      try {
        const { zxid, stat, serverId, leaderId } =
          before === undefined
            ? await this.create(value, call)
            : await this.set(value, { ...call, version: before.stat.version });
        return { value, stat, zxid, serverId, leaderId };
      } catch (error) {
        const isRaced = isZklError(error, 'BAD_VERSION') || (isCreated && isLostRace(error, before !== undefined));
        // Not for ever, if others are always faster.
        if (!isRaced || (endsAtMs !== undefined && performance.now() >= endsAtMs)) throw error;
      }
    }
  }

  /** The present value, then every change of it, in order; undefined while there is no such znode. For as long as it is iterated. */
  async *watch(
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<TypedEvent<T>, void, undefined> {
    const watch = this.#calls.watch(this.path, { ...options, scope: 'node', data: true, snapshot: true });
    for await (const event of watch) {
      const { zxid } = event;
      if (event.type === 'deleted') yield { value: undefined, zxid };
      else if (event.type !== 'reset') yield { value: await this.#decode(event.data ?? null), zxid };
      else {
        const [node] = event.nodes;
        yield { value: node === undefined ? undefined : await this.#decode(node.data ?? null), zxid };
      }
    }
  }

  async #read(call: CallOptions, mayBeAbsent: boolean): Promise<TypedValue<T> | undefined> {
    try {
      return await this.get(call);
    } catch (error) {
      if (mayBeAbsent && isZklError(error, 'NO_NODE')) return undefined;
      throw error;
    }
  }

  #encode(value: T) {
    return convert(this.path, 'The value cannot be written', () => this.#codec.encode(value));
  }

  #decode(data: Uint8Array | null): Promise<T> {
    return convert(this.path, 'The data are no value', () => this.#codec.decode(data));
  }
}

/** Somebody created it, or deleted it after it was read. */
function isLostRace(error: unknown, wasThere: boolean): boolean {
  return wasThere ? isZklError(error, 'NO_NODE') : isZklError(error, 'NODE_EXISTS');
}
