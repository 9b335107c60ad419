import type { Consistency } from '@zkl/simulator/history';
import { repeat, type Actor, type Stage } from '../actor.js';
import { isDone, type Caller, type ReadWish } from '../caller.js';

/** Znodes that come and go, and are fought for. */
const KEYS = 6;
const HOUR_MS = 3_600_000;

/** What a caller last saw of each key: what conditional writes are made from. */
type Seen = Map<string, number>;

/** Creates of all modes that stay, sets and deletes with and without versions, and reads of each consistency, of a few keys that all fight for. */
export const keys: Actor = async (stage, caller) => {
  const seen: Seen = new Map();
  await repeat(stage, () => actOnKey(stage, caller, seen));
};

async function actOnKey(stage: Stage, caller: Caller, seen: Seen): Promise<void> {
  const { random } = stage;
  const path = `${stage.root}/keys/k${random.below(KEYS)}`;
  const expected = random.below(2) === 0 ? seen.get(path) : undefined;
  switch (random.below(10)) {
    case 0:
    case 1: {
      const mode = random.pick([{}, {}, {}, {}, {}, {}, { mode: 'container' as const }, { ttlMs: HOUR_MS }]);
      await caller.create(path, {
        ...mode,
        ifAbsent: random.below(4) === 0,
        ...(random.below(8) === 0 ? { value: null } : {}),
      });
      return;
    }
    case 2:
      await caller.delete(path, expected);
      return;
    case 3:
    case 4:
    case 5: {
      const set = await caller.set(path, { expected });
      if (isDone(set) && set.version !== undefined) seen.set(path, set.version);
      return;
    }
    case 6:
      await caller.children(`${stage.root}/keys`, { ...wish(stage), withData: random.below(2) === 0 });
      return;
    default: {
      const get = await caller.get(path, wish(stage));
      if (get.version === undefined) seen.delete(path);
      else seen.set(path, get.version);
    }
  }
}

/** Questions that a server has before it at any time. */
const READS_IN_FLIGHT = 6;
const READ_PAUSE_MS_MAX = 300;

/** Linearizable reads, several under way at a time: when a server stands still, they wait for it in its socket. */
export const readers: Actor = async (stage, caller) => {
  const slow = { ...stage, pauseMsMax: READ_PAUSE_MS_MAX };
  const read = () => caller.get(`${stage.root}/keys/k${stage.random.below(KEYS)}`);
  await Promise.all(Array.from({ length: READS_IN_FLIGHT }, () => repeat(slow, read)));
};

/** A read of any consistency. */
export function wish({ random, recorder }: Stage): ReadWish {
  const consistency = random.pick<Consistency>(['linearizable', 'linearizable', 'local', 'atLeast']);
  return consistency === 'atLeast' ? { consistency, atLeast: BigInt(recorder.acknowledged) } : { consistency };
}

/** The replicated value: writes, guesses and reads. */
export const register: Actor = async (stage, caller) => {
  let value = 'nothing';
  await repeat(stage, async () => {
    switch (stage.random.below(4)) {
      case 0:
        await caller.registerWrite();
        return;
      case 1:
        await caller.registerGuess(value);
        return;
      default:
        value = (await caller.registerRead(wish(stage))).value ?? value;
    }
  });
};

/** Sequential znodes: every one of them must be there in the end, once. */
export const sequence: Actor = (stage, caller) =>
  repeat(stage, () => caller.create(`${stage.root}/sequence/n-`, { sequential: true }));

/** A whole number, raised by compare-and-set: no acknowledged step may be lost, and none be taken twice. */
export const increments: Actor = async (stage, caller) => {
  const path = `${stage.root}/counter`;
  await repeat(stage, async () => {
    const { value, version } = await caller.get(path);
    if (typeof value === 'string') await caller.set(path, { value: String(Number(value) + 1), expected: version });
  });
};
