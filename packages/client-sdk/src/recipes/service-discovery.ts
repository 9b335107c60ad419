/**
 * Service discovery: instances announce where they are, callers pick one.
 *
 * Guarantees: as `group`. An instance is announced again by itself after its session expired.
 *
 * Not guaranteed: as `group`: an instance that is picked may have died: try another one.
 */
import type { Calls, Client } from '../client/client.js';
import { jsonCodec, toCodec, type StandardSchema } from '../node/codec.js';
import { PersistentEphemeral } from './persistent-ephemeral.js';

/** An instance of a service. */
export interface Instance<T> {
  readonly id: string;
  readonly value: T;
}

/** The instances of a service, as they are followed. */
export interface ServiceView<T> extends AsyncDisposable {
  /** In the order of their ids. Those whose data are no value are left out. */
  instances(): readonly Instance<T>[];
  /** Any; undefined when there is none. */
  pickRandom(): Instance<T> | undefined;
  /** One after the other. */
  pickNext(): Instance<T> | undefined;
  /** Calls back when they have changed. */
  onChange(callback: (instances: readonly Instance<T>[]) => void): () => void;
  close(): Promise<void>;
}

/**
 * The services below a path: see the guarantees above.
 *
 * @example
 * ```ts
 * import { createClient } from '@zkl/client-sdk';
 * import { ServiceDirectory } from '@zkl/client-sdk/recipes/service-discovery';
 *
 * await using client = createClient('zkl://127.0.0.1:7001');
 * const services = new ServiceDirectory<{ url: string }>(client, '/services');
 * await using own = services.announce('mail', 'host-1', { url: 'http://10.0.0.1' });
 * await own.ready;
 * await using mail = await services.follow('mail');
 * console.log(mail.pickRandom()?.value.url);
 * ```
 */
export class ServiceDirectory<T> {
  readonly path: string;
  readonly #client: Client;
  readonly #schema: StandardSchema<T> | undefined;

  /** @param schema - Checks what instances say of themselves. Default: it is believed. */
  constructor(client: Client, path: string, schema?: StandardSchema<T>) {
    this.#client = client;
    this.path = path;
    this.#schema = schema;
  }

  /** Announces an instance for as long as this process lives, or until `close`. */
  announce(service: string, id: string, value: T): PersistentEphemeral {
    return new PersistentEphemeral(this.#client, `${this.path}/${service}/${id}`, JSON.stringify(value));
  }

  /** Follows a service. */
  async follow(service: string, calls: Calls = this.#client): Promise<ServiceView<T>> {
    const path = `${this.path}/${service}`;
    const codec = this.#schema === undefined ? jsonCodec<T>() : toCodec(this.#schema);
    const mirror = await calls.mirror(path);
    let instances: readonly Instance<T>[] = [];
    let next = 0;
    const callbacks = new Set<(instances: readonly Instance<T>[]) => void>();
    const read = async (): Promise<void> => {
      const all = await Promise.all(
        mirror.children(path).map(async (id) => {
          try {
            return [{ id, value: await codec.decode(mirror.get(`${path}/${id}`)?.data ?? null) }];
          } catch {
            return [];
          }
        }),
      );
      instances = all.flat();
    };
    let reading = read();
    mirror.onChange(() => {
      reading = reading.then(read).then(() => {
        for (const callback of [...callbacks]) callback(instances);
      });
    });
    await reading;
    const close = () => mirror.close();
    return {
      instances: () => instances,
      pickRandom: () => instances[Math.floor(Math.random() * instances.length)],
      pickNext: () => instances[(next = (next + 1) % Math.max(1, instances.length))],
      onChange: (callback) => {
        const own = (all: readonly Instance<T>[]): void => callback(all);
        callbacks.add(own);
        return () => callbacks.delete(own);
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  }
}
