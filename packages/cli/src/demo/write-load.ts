import type { Client } from '@zkl/client-sdk';
import { waitUntil } from '../cluster/wait-until.js';

/** Writers at work at the same time. */
const WRITERS = 16;

/** One write that the cluster has acknowledged. */
export interface Acknowledged {
  readonly payload: string;
  readonly path: string;
  readonly atMs: number;
}

/**
 * A steady load: 16 writers, each creating one sequential znode after the other, with a payload that no other has. What was acknowledged is
 * remembered, so that it can be looked for afterwards.
 */
export class WriteLoad {
  readonly #client: Client;
  readonly #prefix: string;
  readonly #acknowledged: Acknowledged[] = [];
  readonly #stop = new AbortController();
  readonly #writers: Promise<unknown>;
  #failure: Error | undefined;

  /** @param prefix - The path of the sequential znodes; its parent exists. */
  constructor(client: Client, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
    this.#writers = Promise.all(Array.from({ length: WRITERS }, (_, writer) => this.#run(writer)));
  }

  get acknowledged(): readonly Acknowledged[] {
    return this.#acknowledged;
  }

  /** Waits until `count` more writes than now were acknowledged. @throws What a writer failed with. */
  async more(count: number, signal: AbortSignal): Promise<void> {
    const target = this.#acknowledged.length + count;
    const look = (): true | undefined => {
      if (this.#failure !== undefined) throw this.#failure;
      return this.#acknowledged.length >= target || undefined;
    };
    await waitUntil(look, { what: `${count} more writes`, timeoutMs: 30_000, intervalMs: 5, signal });
  }

  /** Lets every writer finish the write that it has begun. @throws What a writer failed with. */
  async finish(): Promise<readonly Acknowledged[]> {
    this.#stop.abort();
    await this.#writers;
    if (this.#failure !== undefined) throw this.#failure;
    return this.#acknowledged;
  }

  /** The longest time without an acknowledgement, in ms. */
  longestGapMs(): number {
    let longest = 0;
    for (const [index, { atMs }] of this.#acknowledged.entries()) {
      longest = Math.max(longest, atMs - (this.#acknowledged[index - 1]?.atMs ?? atMs));
    }
    return longest;
  }

  async #run(writer: number): Promise<void> {
    try {
      for (let number = 0; !this.#stop.signal.aborted; number += 1) {
        const payload = `writer ${writer}, write ${number}`;
        const { path } = await this.#client.create(this.#prefix, payload, { sequential: true, timeoutMs: 30_000 });
        this.#acknowledged.push({ payload, path, atMs: performance.now() });
      }
    } catch (error) {
      this.#failure ??= error as Error;
      this.#stop.abort();
    }
  }
}

/** What became of acknowledged writes: each must be there, once, at the path that was told. */
export interface Audit {
  readonly lost: readonly Acknowledged[];
  /** Payloads that stand in more than one znode. */
  readonly doubled: readonly string[];
  readonly found: number;
}

/** Looks for every acknowledged write under `parent`, with a linearizable read. */
export async function audit(client: Client, parent: string, acknowledged: readonly Acknowledged[]): Promise<Audit> {
  const paths = new Map<string, string>();
  const doubled: string[] = [];
  const decoder = new TextDecoder();
  let found = 0;
  for await (const { path, data } of client.children(parent, { withData: true })) {
    const payload = decoder.decode(data ?? new Uint8Array());
    if (paths.has(payload)) doubled.push(payload);
    paths.set(payload, path);
    found += 1;
  }
  return { lost: acknowledged.filter(({ payload, path }) => paths.get(payload) !== path), doubled, found };
}
