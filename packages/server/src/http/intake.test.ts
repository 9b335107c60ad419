import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Intake } from './intake.js';

const FREE = 16 * 1024;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

describe('requests on their way', () => {
  it('make room, the oldest first, when they hold too much; small ones never', () => {
    const intake = new Intake({ bytesMax: 1_000, timeoutMs: 1_000 });
    const told: string[] = [];
    const arrivals = ['small', 'oldest', 'old', 'new'].map((name) =>
      intake.begin((why) => told.push(`${name} ${why}`)),
    );
    arrivals[0]!.hold(FREE);
    arrivals[1]!.hold(FREE + 500);
    arrivals[2]!.hold(FREE + 500);
    expect(told).toEqual([]);
    arrivals[3]!.hold(FREE + 1);
    expect(told).toEqual(['oldest THROTTLED']);
    expect(intake).toMatchObject({ bytes: 501, size: 3 });
    for (const arrival of arrivals) arrival.end();
    expect(intake).toMatchObject({ bytes: 0, size: 0 });
  });

  it('gives up the one that is too large alone', () => {
    const intake = new Intake({ bytesMax: 1_000, timeoutMs: 1_000 });
    const told: string[] = [];
    const arrival = intake.begin((why) => told.push(why));
    arrival.hold(FREE + 1_001);
    arrival.hold(FREE + 2_000);
    arrival.end();
    expect(told).toEqual(['THROTTLED']);
    expect(intake).toMatchObject({ bytes: 0, size: 0 });
  });

  it('does not wait for ever', () => {
    const intake = new Intake({ bytesMax: 1_000, timeoutMs: 1_000 });
    const told: string[] = [];
    intake.begin((why) => told.push(`first ${why}`)).hold(5);
    vi.advanceTimersByTime(600);
    intake.begin((why) => told.push(`second ${why}`));
    vi.advanceTimersByTime(650);
    expect(told).toEqual(['first REQUEST_TIMEOUT']);
    vi.advanceTimersByTime(600);
    expect(told).toEqual(['first REQUEST_TIMEOUT', 'second REQUEST_TIMEOUT']);
    expect(intake.size).toBe(0);
  });
});
