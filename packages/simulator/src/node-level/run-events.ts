import type { EventQueue } from '../event-queue.js';

/**
 * Lets events happen, up to `until`, each with all that its promises lead to before the next one. Between two events nothing but the queue decides:
 * Node.js runs the queue of `nextTick` only when no microtask is left, so a tick that is asked for by a microtask comes after all of them, however
 * many more they make. That is what makes the production driver, with all its promises, deterministic. `goesOn` is asked after every event.
 */
export function runEvents(queue: EventQueue, until: number, goesOn: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (): void => {
      try {
        if (!goesOn() || !queue.runNext(until)) return resolve();
      } catch (error) {
        return reject(error instanceof Error ? error : new Error(String(error)));
      }
      queueMicrotask(() => process.nextTick(next));
    };
    queueMicrotask(() => process.nextTick(next));
  });
}
