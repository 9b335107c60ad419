import type { SdkClients } from './clients.js';
import { tell, type Given } from './protocol.js';

/** Opens sessions, each of a client with a connection of its own, and leaves them alone until the input ends: they keep themselves alive. */
export async function runIdle(given: Given, clients: SdkClients): Promise<void> {
  const sessions = given.number('sessions', 1_000);
  const timeoutMs = given.number('timeout-ms', 10_000);
  const kept: unknown[] = [];
  let opened = 0;
  const worker = async (): Promise<void> => {
    while (opened++ < sessions) kept.push(await clients.another().session({ timeoutMs }));
  };
  await Promise.all(Array.from({ length: 32 }, worker));
  tell('ready', { sessions: kept.length });
  await new Promise(() => undefined);
}
