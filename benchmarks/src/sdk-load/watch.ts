import type { Client } from '@zkl/client-sdk';
import { Latencies } from '../latencies.js';
import type { SdkClients } from './clients.js';
import { keyOf, summaryOf, tell, type Given } from './protocol.js';

/**
 * Many watchers of one znode, spread over the clients, and one change after another, each when all watchers heard of the one before. A listener each, as in the
 * peers' own.
 */
export async function runWatch(given: Given, clients: SdkClients): Promise<void> {
  const watchers = given.number('watchers', 1_000);
  await clients.prepareKeys(1);
  let heard = 0;
  let all: (() => void) | undefined;
  const follow = async (client: Client): Promise<void> => {
    const watch = client.watch(keyOf(0), { data: true });
    await watch.ready();
    const over = watch.forEach((event) => {
      if (event.type === 'set' && ++heard === watchers) all?.();
    });
    over.catch((error: unknown) => {
      process.stderr.write(`a watch ended: ${String(error)}\n`);
      process.exit(1);
    });
  };
  await Promise.all(Array.from({ length: watchers }, (_, index) => follow(clients.of(index))));
  tell('ready');
  const writer = clients.another();
  await writer.get(keyOf(0));
  const latencies = new Latencies();
  const warmupMs = given.number('warmup-ms', 2_000);
  const beginMs = performance.now() + warmupMs;
  const endMs = beginMs + given.number('ms', 5_000);
  setTimeout(() => tell('start'), warmupMs);
  for (let sentMs = performance.now(); sentMs < endMs; sentMs = performance.now()) {
    heard = 0;
    const everybody = new Promise<void>((resolve) => (all = resolve));
    await writer.set(keyOf(0), clients.value);
    await everybody;
    const nowMs = performance.now();
    if (sentMs > beginMs && nowMs < endMs) latencies.add(nowMs - sentMs);
  }
  const { ops = 0, ...durations } = summaryOf(latencies);
  tell('end', { ...durations, ops: ops * watchers, ms: endMs - beginMs });
}
