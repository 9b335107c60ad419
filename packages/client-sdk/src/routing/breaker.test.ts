import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { backoffMs } from './backoff.js';
import { Breaker, type Pass } from './breaker.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

it('lets everybody go while nothing is wrong', () => {
  const breaker = new Breaker();
  expect([breaker.tryPass(), breaker.tryPass()]).toEqual(['closed', 'closed']);
});

it('lets one find out at once, then one at a time at growing intervals', () => {
  const breaker = new Breaker();
  breaker.trip();
  expect(breaker.tryPass()).toBe('probe');
  expect(breaker.tryPass()).toBeUndefined();
  const released: [number, Pass][] = [];
  const startedAt = performance.now();
  for (let i = 0; i < 50; i += 1) breaker.wait((pass) => released.push([performance.now() - startedAt, pass]));
  vi.advanceTimersByTime(25);
  expect(released).toHaveLength(1);
  vi.advanceTimersByTime(4_975);
  expect(released.length).toBeGreaterThan(8);
  expect(released.length).toBeLessThan(20);
  expect(new Set(released.map(([, pass]) => pass))).toEqual(new Set(['probe']));
});

it('lets all go when one was served, and those who gave up not', () => {
  const breaker = new Breaker();
  breaker.trip();
  breaker.tryPass();
  const released: string[] = [];
  breaker.wait((pass) => released.push(`a ${pass}`));
  breaker.wait((pass) => released.push(`b ${pass}`))();
  breaker.wait((pass) => released.push(`c ${pass}`));
  breaker.reset();
  expect(released).toEqual(['a closed', 'c closed']);
  expect(breaker.tryPass()).toBe('closed');
  expect(vi.getTimerCount()).toBe(0);
});

it('begins with 10 to 20 ms, and ends near a second', () => {
  const first = Array.from({ length: 200 }, () => backoffMs(1));
  expect(Math.min(...first)).toBeGreaterThanOrEqual(10);
  expect(Math.max(...first)).toBeLessThanOrEqual(20);
  const late = Array.from({ length: 200 }, () => backoffMs(1_000));
  expect(Math.min(...late)).toBeGreaterThanOrEqual(666);
  expect(Math.max(...late)).toBeLessThanOrEqual(1_334);
});
