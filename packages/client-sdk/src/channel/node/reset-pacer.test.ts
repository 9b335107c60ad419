import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ResetPacer } from './reset-pacer.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

it('resets a few streams at once, and a storm of them at a pace that is no attack', () => {
  const pacer = new ResetPacer();
  let reset = 0;
  const takeBack = Array.from({ length: 1_000 }, () => pacer.reset(() => (reset += 1)));
  expect(reset).toBe(250);
  vi.advanceTimersByTime(2_000);
  expect(reset).toBeGreaterThan(340);
  expect(reset).toBeLessThanOrEqual(351);
  // Streams that end by themselves need none.
  const before = reset;
  for (const each of takeBack.slice(-900)) each();
  vi.advanceTimersByTime(60_000);
  expect(reset).toBe(before);
  expect(vi.getTimerCount()).toBe(0);
});

it('resets nothing after it is closed', () => {
  const pacer = new ResetPacer();
  let reset = 0;
  for (let i = 0; i < 300; i += 1) pacer.reset(() => (reset += 1));
  pacer.close();
  vi.advanceTimersByTime(60_000);
  expect(reset).toBe(250);
  expect(vi.getTimerCount()).toBe(0);
});
