import type { PlantedBug } from '../planted-bugs.js';
import { WORLD_WEIGHTS_MAX, type WorldFaultWeights, type WorldSettings } from './world-settings.js';

/** A bug around sessions, watches, retries, transactions and recipes. */
export interface PlantedWorldBug extends PlantedBug {
  /** Settings that lead to where the bug is. */
  readonly override: Partial<WorldSettings>;
  /** The property that it breaks, of those that may notice it. */
  readonly by: readonly string[];
}

const bug = (
  name: string,
  within: number,
  by: readonly string[],
  override: Partial<WorldSettings> = {},
  from = 1,
): PlantedWorldBug => ({ switches: [name], from, within, knownAs: '', by, override: { ...SMALL, ...override } });

/** Faults of these kinds only. */
function only(...kinds: (keyof WorldFaultWeights)[]): WorldFaultWeights {
  const weights = Object.keys(WORLD_WEIGHTS_MAX).map((kind) => [
    kind,
    kinds.includes(kind as keyof WorldFaultWeights) ? 1 : 0,
  ]);
  return Object.fromEntries(weights) as WorldFaultWeights;
}

/** So that a run is short. */
const SMALL: Partial<WorldSettings> = { servers: 1, clients: 2, safetyMs: 3_000, hands: 1, thinkMs: 30, unaryShare: 0 };
const WATCHING: Partial<WorldSettings> = { watches: 2, locks: false, elections: false, mirrors: false };
const HOLDING: Partial<WorldSettings> = {
  watches: 0,
  locks: true,
  mirrors: false,
  elections: false,
  sessionTimeoutMs: 500,
  clients: 3,
};

/** Each with the seeds within which the simulation of the world must notice it. docs/testing.md tells what each does. */
export const PLANTED_WORLD_BUGS: readonly PlantedWorldBug[] = [
  bug('watch-resume-skips', 20, ['watches-are-slices'], { ...WATCHING, faults: only('clientBreaks'), faultEvery: 800 }),
  bug('watch-tells-after-the-reply', 10, ['events-come-first'], WATCHING),
  bug('watch-splits-a-transaction', 10, ['watches-are-slices'], WATCHING),
  bug('watch-tells-another-previous-value', 20, ['watches-are-slices'], WATCHING),
  bug('watch-resets-without-snapshot', 20, ['watches-are-slices'], WATCHING),
  bug('slow-reader-loses-events', 10, ['watches-are-slices', 'events-come-first'], WATCHING),
  bug('mirror-applies-half-a-batch', 20, ['mirror-is-state'], { ...WATCHING, watches: 0, mirrors: true }),
  bug('session-confirmed-by-nobody', 30, ['client-knows-first'], {
    watches: 2,
    servers: 3,
    sessionTimeoutMs: 500,
    faults: only('clientOneWay', 'isolate'),
    faultEvery: 1_000,
    faultLasts: 4_000,
    attemptTimeoutMs: 2_000,
  }),
  bug('session-timeout-never-renewed', 10, ['client-knows-first'], { sessionTimeoutMs: 500 }),
  bug('new-leader-grants-no-timeout', 20, ['client-knows-first'], {
    servers: 3,
    faults: only('kill'),
    faultEvery: 1_000,
    aimAtLeader: 0.8,
  }),
  bug('expiry-lost', 20, ['liveness', 'sessions-end-in-time'], { faults: only('clientDies'), faultEvery: 1_000 }),
  bug('reply-cache-lost', 40, ['exactly-once', 'answers-are-history', 'no-unexpected-error'], {
    servers: 3,
    hands: 4,
    thinkMs: 5,
    faults: only('kill', 'breakLink', 'clientBreaks'),
    faultEvery: 600,
    aimAtLeader: 0.8,
    callTimeoutMs: 10_000,
  }),
  bug('transaction-in-part', 10, ['answers-are-history', 'exactly-once']),
  bug(
    'reads-are-local',
    30,
    ['real-time-order'],
    { servers: 3, clients: 4, keys: 1, thinkMs: 5, pinnedShare: 0.8, faultEvery: 0 },
    14,
  ),
  bug('lock-outlives-its-session', 20, ['one-holder'], {
    ...HOLDING,
    faults: only('clientSleeps', 'clientCutOff'),
    faultEvery: 800,
    thinkMs: 100,
  }),
  bug('token-does-not-grow', 10, ['one-holder'], HOLDING),
];
