import { expect, it } from 'vitest';
import { deadlineOf } from './deadline.js';

it.each([
  ['a tenth of a second', 100, 80],
  ['two seconds', 2_000, 1_800],
  ['a minute: no longer than the server allows', 60_000, 29_800],
  ['none: as long as the server allows', undefined, 29_800],
  ['hardly any', 3, 1],
])('keeps a part of the time for the way back, of a deadline of %s', (_name, clientMs, expectedMs) => {
  const beforeMs = performance.now();
  const deadlineMs = deadlineOf(clientMs, 30_000);
  expect(deadlineMs).toBeGreaterThanOrEqual(beforeMs + expectedMs);
  expect(deadlineMs).toBeLessThanOrEqual(performance.now() + expectedMs);
});
