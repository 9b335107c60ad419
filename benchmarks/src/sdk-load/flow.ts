import { setTimeout as delay } from 'node:timers/promises';
import { Latencies } from '../latencies.js';
import type { SdkClients } from './clients.js';
import { epochMs, summaryOf, tell, type Given } from './protocol.js';

/** Writes at a steady rate until the input ends, and tells of every time without an acknowledgement, and of the durations in each window. */
export async function runFlow(given: Given, clients: SdkClients): Promise<void> {
  const keys = await clients.prepareKeys(given.number('keys', 1_000));
  const [rate, gapMs] = [given.number('rate', 1_000), given.number('gap-ms', 10)];
  let window = new Latencies();
  let errors = 0;
  let lastMs = epochMs();
  const once = async (dueMs: number, index: number): Promise<void> => {
    try {
      await clients.of(index).set(keys[index % keys.length] as string, clients.value);
    } catch {
      errors += 1;
      return;
    }
    const nowMs = epochMs();
    if (nowMs - lastMs >= gapMs) tell('gap', { from: lastMs, to: nowMs });
    lastMs = nowMs;
    window.add(performance.now() - dueMs);
  };
  setInterval(
    () => {
      const [full, failed] = [window, errors];
      [window, errors] = [new Latencies(), 0];
      tell('window', { ...summaryOf(full), errors: failed, at: epochMs() });
    },
    given.number('window-ms', 1_000),
  );
  tell('ready');
  const fromMs = performance.now();
  for (let number = 0; ;) {
    const due = Math.floor(((performance.now() - fromMs) / 1_000) * rate);
    for (; number < due; number += 1) void once(fromMs + (number / rate) * 1_000, number);
    await delay(1);
  }
}
