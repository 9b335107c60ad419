import { describe, expect, it } from 'vitest';
import { ExpiryClock } from './expiry-clock.js';

describe('the expiry clock', () => {
  it('counts from when the last confirmed sign of life was sent, less a margin for the speed of clocks', () => {
    const clock = new ExpiryClock(1_000, 0);
    expect(clock.expiresAtMs).toBe(950);
    const [first, second, third] = [clock.sent(100), clock.sent(200), clock.sent(300)];
    expect(clock.isWaiting).toBe(true);
    clock.confirmed(second);
    expect(clock.expiresAtMs).toBe(1_150);
    clock.confirmed(first);
    expect(clock.expiresAtMs).toBe(1_150);
    clock.confirmed(third);
    expect(clock.expiresAtMs).toBe(1_250);
    expect(clock.isWaiting).toBe(false);
  });

  it('believes no confirmation of what was not sent, or was sent on a stream that is gone', () => {
    const clock = new ExpiryClock(1_000, 0);
    const lost = clock.sent(500);
    clock.confirmed(lost + 1);
    expect(clock.expiresAtMs).toBe(950);
    clock.detached();
    clock.confirmed(lost);
    expect(clock.expiresAtMs).toBe(950);
    clock.attached(700);
    clock.attached(600);
    expect(clock.expiresAtMs).toBe(1_650);
    clock.confirmed(clock.sent(900));
    expect(clock.expiresAtMs).toBe(1_850);
  });
});
