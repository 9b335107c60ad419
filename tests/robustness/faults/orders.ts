import { readFile, rename, writeFile } from 'node:fs/promises';
import type { ProcessCluster } from '@zkl/cli/cluster';
import { obeyedFileOf, ordersFileOf, type Orders } from '../injection/orders.js';
import { until } from './until.js';

/** Gives server processes their orders, and waits until they obey. */
export class OrderDesk {
  readonly #cluster: ProcessCluster;
  #version = 0;

  constructor(cluster: ProcessCluster) {
    this.#cluster = cluster;
  }

  /** In place of what was ordered before. A server that does not run finds its orders when it starts. */
  async give(id: number, orders: Omit<Orders, 'version'>): Promise<void> {
    const version = (this.#version += 1);
    const { dataFolder } = this.#cluster.member(id);
    const file = ordersFileOf(dataFolder);
    await writeFile(`${file}.new`, JSON.stringify({ version, ...orders } satisfies Orders));
    await rename(`${file}.new`, file);
    await until(`server ${id} to obey`, 20_000, async () => {
      if ((await readFile(obeyedFileOf(dataFolder), 'utf8').catch(() => '')) === String(version)) return true;
      const { process } = (await this.#cluster.status()).find((member) => member.id === id) ?? {};
      return process === 'running' ? undefined : true;
    });
  }

  async takeBackAll(): Promise<void> {
    await Promise.all(this.#cluster.members.map(({ id }) => this.give(id, {})));
  }
}
