import { setTimeout as delay } from 'node:timers/promises';
import { TestClusterError } from './errors.js';

/** Waits until `condition` answers with something. Rejects with DEADLINE_EXCEEDED after `timeoutMs`. */
export async function waitUntil<T>(what: string, timeoutMs: number, condition: () => T | undefined): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const value = condition();
    if (value !== undefined) return value;
    if (performance.now() > deadlineMs) {
      throw new TestClusterError('DEADLINE_EXCEEDED', `waited ${timeoutMs} ms in vain for ${what}`);
    }
    await delay(1);
  }
}
