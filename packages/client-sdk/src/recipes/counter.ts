/**
 * A counter and an atomic value, on one znode each.
 *
 * Guarantees: every change is applied exactly once and on top of the one before; reads are linearizable.
 *
 * Not guaranteed: speed under contention: of many that change it at once one succeeds at a time, and the others try again. It is not for counting thousands of events a second.
 */
import type { Calls, ReadCallOptions } from '../client/client.js';
import { type Codec, type StandardSchema } from '../node/codec.js';
import type { TypedNode, TypedValue, UpdateOptions, UpdateResult } from '../node/typed-node.js';
import { isZklError } from '../errors/zkl-error.js';

const integers: Codec<bigint> = {
  encode: (value) => String(value),
  decode: (data) => {
    const text = new TextDecoder().decode(data ?? new Uint8Array(0));
    if (!/^-?\d+$/.test(text)) throw new TypeError('not a whole number');
    return BigInt(text);
  },
};

/** A whole number of any size, 0 at first, on a path whose parent exists: see the guarantees above. */
export class Counter {
  readonly #node: TypedNode<bigint>;

  /** @param calls - A client, or a session. */
  constructor(calls: Calls, path: string) {
    this.#node = calls.node(path, integers);
  }

  async get(options: ReadCallOptions = {}): Promise<bigint> {
    try {
      return (await this.#node.get(options)).value;
    } catch (error) {
      if (isZklError(error, 'NO_NODE')) return 0n;
      throw error;
    }
  }

  /** Adds, and resolves with the sum. */
  async add(by: bigint | number = 1n, options: Omit<UpdateOptions, 'create'> = {}): Promise<bigint> {
    const { value } = await this.#node.update((now) => (now ?? 0n) + BigInt(by), { ...options, create: true });
    return value;
  }
}

/** A value of any type, on a path whose parent exists: see the guarantees above. */
export class AtomicValue<T> {
  readonly #node: TypedNode<T>;

  /** @param codec - As of `client.node`. */
  constructor(calls: Calls, path: string, codec: Codec<T> | StandardSchema<T>) {
    this.#node = calls.node(path, codec);
  }

  /** Undefined while it was never set. */
  async get(options: ReadCallOptions = {}): Promise<TypedValue<T> | undefined> {
    try {
      return await this.#node.get(options);
    } catch (error) {
      if (isZklError(error, 'NO_NODE')) return undefined;
      throw error;
    }
  }

  /** Replaces it by what `fn` makes of it, which may be called several times; undefined while it was never set. */
  update(
    fn: (value: T | undefined) => T | Promise<T>,
    options: Omit<UpdateOptions, 'create'> = {},
  ): Promise<UpdateResult<T>> {
    return this.#node.update(fn, { ...options, create: true });
  }

  /** Sets it if it still is what `get` showed. False when somebody was faster. */
  async compareAndSet(seen: Pick<TypedValue<T>, 'stat'> | undefined, value: T): Promise<boolean> {
    try {
      if (seen === undefined) await this.#node.create(value);
      else await this.#node.set(value, { version: seen.stat.version });
      return true;
    } catch (error) {
      if (isZklError(error, 'BAD_VERSION') || isZklError(error, 'NODE_EXISTS') || isZklError(error, 'NO_NODE'))
        return false;
      throw error;
    }
  }
}
