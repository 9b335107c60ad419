import type { Clock } from './ports.js';

/** The machine's clocks and the event loop. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  every(periodMs, callback) {
    const timer = setInterval(callback, periodMs);
    return () => clearInterval(timer);
  },
  nextTurn(callback) {
    setImmediate(callback);
  },
};
