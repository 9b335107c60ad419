import type { SdkClients } from './clients.js';
import { folderOf, keyOf, tell, type Given } from './protocol.js';

/** Makes `count` writes: each of a new znode (op=create), or round and round on some (op=set). */
export async function runFill(given: Given, clients: SdkClients): Promise<void> {
  const count = given.number('count', 1_000);
  const inFlight = given.number('in-flight', 256);
  const perFolder = given.number('per-folder', 1_000);
  const fromMs = performance.now();
  tell('start');
  if (given.text('op', 'create') === 'set') {
    const keys = await clients.prepareKeys(given.number('keys', 1_000));
    await parallel(inFlight, count, (i) => clients.of(i).set(keys[i % keys.length] as string, clients.value));
  } else {
    await parallel(inFlight, Math.ceil(count / perFolder), (i) => clients.of(i).create(folderOf(i)));
    const pathOf = (i: number): string => `${folderOf(Math.floor(i / perFolder))}${keyOf(i % perFolder).slice(6)}`;
    await parallel(inFlight, count, (i) => clients.of(i).create(pathOf(i), clients.value));
  }
  tell('end', { ops: count, ms: performance.now() - fromMs });
}

async function parallel(workers: number, count: number, run: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: workers }, worker));
}
