import { describe, expect, it } from 'vitest';
import { Pacer } from './pacer.js';
import { TestClock } from './test-clock.js';

const MB = 1_000_000;

/** A pace of 10 MB/s over a log that grows by a byte a millisecond, unless it rests. */
function setUp(options: { readonly isAtRest?: boolean } = {}) {
  const clock = new TestClock();
  const log = { bytes: 0 };
  const logBytes = (): number => log.bytes + (options.isAtRest === true ? 0 : clock.nowMs);
  const pacer = new Pacer({ clock, bytesPerSecond: 10 * MB, logBytes });
  return { clock, log, pacer };
}

/** Pays for pieces of 100 kB one after another, and counts those that were paid for. */
function keepPaying(pacer: Pacer, workMs = 0): { readonly paid: () => number } {
  let paid = 0;
  void (async (): Promise<void> => {
    for (;;) {
      await pacer.pay(100_000, workMs);
      paid += 1;
    }
  })();
  return { paid: () => paid };
}

describe('the pacer', () => {
  it('lets so many bytes a second pass while the log grows', async () => {
    const { clock, pacer } = setUp();
    const { paid } = keepPaying(pacer);
    await clock.pass(1_000);
    expect(paid()).toBeGreaterThanOrEqual(95);
    expect(paid()).toBeLessThanOrEqual(105);
  });

  it('gives all who share it one budget', async () => {
    const { clock, pacer } = setUp();
    const [one, other] = [keepPaying(pacer), keepPaying(pacer)];
    await clock.pass(1_000);
    expect(one.paid() + other.paid()).toBeLessThanOrEqual(105);
    expect(Math.min(one.paid(), other.paid())).toBeGreaterThanOrEqual(45);
  });

  it('is four times as fast when the log rests', async () => {
    const { clock, pacer } = setUp({ isAtRest: true });
    await clock.pass(300);
    const { paid } = keepPaying(pacer);
    await clock.pass(1_000);
    expect(paid()).toBeGreaterThanOrEqual(380);
    expect(paid()).toBeLessThanOrEqual(420);
  });

  it('lets as many more bytes pass as the log grows by, also when that falls to nothing in between', async () => {
    const { clock, log, pacer } = setUp();
    const { paid } = keepPaying(pacer);
    for (let i = 0; i < 100; i++) {
      log.bytes += 0.1 * MB;
      await clock.pass(10);
      if (i === 50) log.bytes = -clock.nowMs;
    }
    expect(paid()).toBeGreaterThanOrEqual(185);
    expect(paid()).toBeLessThanOrEqual(205);
  });

  it('leaves four fifths of the time to others, however few the bytes', async () => {
    const { clock, pacer } = setUp();
    await pacer.pay(0);
    let isPaid = false;
    void pacer.pay(1, 50).then(() => (isPaid = true));
    await clock.pass(90);
    expect(isPaid).toBe(false);
    await clock.pass(20);
    expect(isPaid).toBe(true);
  });

  it('takes no pause of the machine for work', async () => {
    const { clock, pacer } = setUp();
    let isPaid = false;
    void pacer.pay(1, 60_000).then(() => (isPaid = true));
    await clock.pass(110);
    expect(isPaid).toBe(true);
  });

  it('makes up for little of the time in which nothing was done', async () => {
    const { clock, pacer } = setUp();
    await clock.pass(1_000);
    const { paid } = keepPaying(pacer);
    await clock.pass(100);
    expect(paid()).toBeLessThanOrEqual(14);
  });

  it('ends all waits when woken', async () => {
    const { clock, pacer } = setUp();
    const waits = Promise.all([pacer.pay(10 * MB), pacer.pay(10 * MB)]);
    await clock.pass(10);
    pacer.wake();
    await waits;
  });
});
