import { createClient, type Client } from '@zkl/client-sdk';
import { keyOf, type Given } from './protocol.js';

/** SDK clients, each with a connection of its own, and the znodes that they work on. */
export class SdkClients {
  readonly all: readonly Client[];
  readonly value: Uint8Array;
  readonly #endpoints: readonly string[];

  constructor(given: Given) {
    this.#endpoints = given.text('endpoints', '').split(',');
    this.all = Array.from({ length: given.number('connections', 1) }, () => this.another());
    this.value = new Uint8Array(given.number('value-bytes', 256)).fill(122);
  }

  another(): Client {
    return createClient({ endpoints: this.#endpoints, timeoutMs: 30_000 });
  }

  of(index: number): Client {
    return this.all[index % this.all.length] as Client;
  }

  /** Makes the znodes that a load goes round on. */
  async prepareKeys(count: number): Promise<string[]> {
    const client = this.of(0);
    await client.create('/bench', null, { ifAbsent: true });
    const keys = Array.from({ length: count }, (_, index) => keyOf(index));
    await Promise.all(keys.map((key) => client.create(key, this.value, { ifAbsent: true })));
    // Each client connects before anything is measured.
    await Promise.all(this.all.map((each) => each.get(keyOf(0))));
    return keys;
  }
}

/** One call of a load. */
export type Call = (client: Client, key: string) => Promise<unknown>;

/** @throws RangeError for an unknown operation. */
export function callOf(op: string, value: Uint8Array): Call {
  switch (op) {
    case 'set':
      return (client, key) => client.set(key, value);
    case 'get':
      return (client, key) => client.get(key);
    case 'get-local':
      return (client, key) => client.get(key, { consistency: 'local' });
    default:
      throw new RangeError(`unknown op "${op}"`);
  }
}
