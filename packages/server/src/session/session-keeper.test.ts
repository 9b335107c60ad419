import { describe, expect, it } from 'vitest';
import { KEEPER_TICK_MS, SessionKeeper } from './session-keeper.js';

const id = (counter: number): { epoch: number; counter: number } => ({ epoch: 1, counter });
const nobody = (): void => undefined;

/** A keeper on a clock that runs evenly. */
function running(): { keeper: SessionKeeper; pass: (ms: number) => number[] } {
  const keeper = new SessionKeeper();
  let nowMs = 1_000;
  keeper.advance(nowMs);
  return {
    keeper,
    pass: (ms) => {
      const expired: number[] = [];
      for (const endMs = nowMs + ms; nowMs < endMs;) {
        nowMs = Math.min(endMs, nowMs + KEEPER_TICK_MS);
        expired.push(...keeper.advance(nowMs).map(({ counter }) => counter));
      }
      return expired;
    },
  };
}

describe('the keeper of sessions', () => {
  it('expires a session that is silent for its timeout, not before, and soon after', () => {
    const { keeper, pass } = running();
    keeper.add(id(1), 1_000);
    keeper.add(id(2), 2_000);
    expect(pass(1_000)).toEqual([]);
    expect(pass(2 * KEEPER_TICK_MS)).toEqual([1]);
    expect(pass(1_000 - 2 * KEEPER_TICK_MS)).toEqual([]);
    expect(pass(2 * KEEPER_TICK_MS)).toEqual([2]);
  });

  it('gives a full timeout from each touch, wherever in a tick it falls', () => {
    for (let offsetMs = 0; offsetMs < KEEPER_TICK_MS; offsetMs += 1) {
      const keeper = new SessionKeeper();
      keeper.advance(0);
      keeper.add(id(1), 500);
      keeper.advance(KEEPER_TICK_MS);
      const touchedMs = KEEPER_TICK_MS + offsetMs;
      expect(keeper.touch({ session: id(1), attachment: 0 }, 1, nobody)).toBe('alive');
      let expiredMs: number | undefined;
      for (let nowMs = 2 * KEEPER_TICK_MS; expiredMs === undefined; nowMs += KEEPER_TICK_MS) {
        if (keeper.advance(nowMs).length > 0) expiredMs = nowMs;
      }
      expect(expiredMs - touchedMs).toBeGreaterThanOrEqual(500);
      expect(expiredMs - touchedMs).toBeLessThanOrEqual(500 + 2 * KEEPER_TICK_MS);
    }
  });

  it('never expires a session that is touched in time', () => {
    const { keeper, pass } = running();
    keeper.add(id(1), 500);
    for (let round = 0; round < 200; round += 1) {
      expect(pass(499)).toEqual([]);
      expect(keeper.touch({ session: id(1), attachment: 1 }, 1, nobody)).toBe('alive');
    }
    expect(pass(600)).toEqual([1]);
  });

  it('does not call a session alive that is in the course of being expired', () => {
    const { keeper, pass } = running();
    keeper.add(id(1), 500);
    expect(pass(600)).toEqual([1]);
    expect(keeper.touch({ session: id(1), attachment: 1 }, 1, nobody)).toBe('expiring');
    keeper.remove(id(1));
    expect(keeper.touch({ session: id(1), attachment: 1 }, 1, nobody)).toBe('unknown');
    expect(pass(5_000)).toEqual([]);
    expect(keeper.size).toBe(0);
  });

  it('holds a pause of its own process against nobody', () => {
    const keeper = new SessionKeeper();
    keeper.advance(0);
    keeper.add(id(1), 500);
    expect(keeper.advance(60_000)).toEqual([]);
    expect(keeper.advance(60_001)).toEqual([]);
    expect(keeper.touch({ session: id(1), attachment: 0 }, 1, nobody)).toBe('alive');
    let nowMs = 60_001;
    while (nowMs < 60_500) expect(keeper.advance((nowMs += 10))).toEqual([]);
  });

  it('serves the highest attachment, and tells whose place it takes', () => {
    const { keeper } = running();
    keeper.add(id(1), 500);
    const superseded: unknown[] = [];
    const note = (server: number, attachment: number): void => void superseded.push([server, attachment]);
    expect(keeper.touch({ session: id(1), attachment: 1 }, 1, note)).toBe('alive');
    expect(keeper.touch({ session: id(1), attachment: 3 }, 2, note)).toBe('alive');
    expect(keeper.touch({ session: id(1), attachment: 1 }, 1, note)).toBe('moved');
    // A call that is no stream speaks for whoever is attached.
    expect(keeper.touch({ session: id(1), attachment: 0 }, 3, note)).toBe('alive');
    expect(keeper.touch({ session: id(1), attachment: 4 }, 1, note)).toBe('alive');
    expect(superseded).toEqual([
      [1, 1],
      [2, 3],
    ]);
  });

  it('a refused touch gives nobody more time', () => {
    const { keeper, pass } = running();
    keeper.add(id(1), 500);
    keeper.touch({ session: id(1), attachment: 2 }, 1, nobody);
    expect(pass(400)).toEqual([]);
    expect(keeper.touch({ session: id(1), attachment: 1 }, 2, nobody)).toBe('moved');
    expect(pass(200)).toEqual([1]);
  });

  it('forgets all when the role ends, and begins anew with full timeouts', () => {
    const { keeper, pass } = running();
    keeper.add(id(1), 500);
    pass(400);
    keeper.clear();
    expect(pass(1_000)).toEqual([]);
    keeper.add(id(1), 500);
    expect(pass(500)).toEqual([]);
    expect(pass(50)).toEqual([1]);
  });

  it('keeps ten thousand sessions for the price of their touches', () => {
    const { keeper, pass } = running();
    for (let counter = 1; counter <= 10_000; counter += 1) keeper.add(id(counter), 10_000);
    for (let round = 0; round < 30; round += 1) {
      expect(pass(3_000)).toEqual([]);
      for (let counter = 1; counter <= 10_000; counter += 1) {
        keeper.touch({ session: id(counter), attachment: 1 }, 1, nobody);
      }
    }
    expect(pass(10_100)).toHaveLength(10_000);
  });
});
