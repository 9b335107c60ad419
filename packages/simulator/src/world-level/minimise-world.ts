import { UNITS_PER_TICK } from '../event-queue.js';
import { runWorldSeed } from './run-world-seed.js';
import { drawWorldSettings, WORLD_WEIGHTS_MAX, type DrawWorldOptions, type WorldSettings } from './world-settings.js';

type Override = Partial<WorldSettings>;

/** As `minimise` of the level of nodes: milder settings, one at a time, with which the same property still fails. Undefined when the seed does not fail. */
export async function minimiseWorld(
  seed: number,
  options: DrawWorldOptions,
  tell: (line: string) => void,
): Promise<Override | undefined> {
  const given = options.override ?? {};
  const failing = await propertyThatFails(seed, options, given);
  if (failing === undefined) return undefined;
  tell(`fails: ${failing}`);
  let best: Override = given;
  for (let improved = true; improved;) {
    improved = false;
    for (const milder of milderThan(drawWorldSettings(seed, { ...options, override: best }))) {
      const candidate = { ...best, ...milder };
      if ((await propertyThatFails(seed, options, candidate)) !== failing) continue;
      tell(`still fails with ${JSON.stringify(milder)}`);
      best = candidate;
      improved = true;
      break;
    }
  }
  return best;
}

/** The part of a violation's message before the colon: what failed, without the details. */
async function propertyThatFails(
  seed: number,
  options: DrawWorldOptions,
  override: Override,
): Promise<string | undefined> {
  const { failure } = await runWorldSeed(seed, { ...options, override });
  return failure === undefined ? undefined : failure.message.split(':')[0];
}

/** Each differs in one respect, and what saves most comes first. */
function* milderThan(settings: WorldSettings): Iterable<Override> {
  if (settings.safetyMs > 500) yield { safetyMs: Math.floor(settings.safetyMs * 0.7) };
  if (settings.servers > 3) yield { servers: settings.servers - 2 };
  if (settings.servers === 3) yield { servers: 1 };
  if (settings.clients > 1) yield { clients: settings.clients - 1 };
  for (const kind of Object.keys(WORLD_WEIGHTS_MAX) as (keyof WorldSettings['faults'])[]) {
    if (settings.faults[kind] > 0) yield { faults: { ...settings.faults, [kind]: 0 } };
  }
  if (settings.hands > 1) yield { hands: 1 };
  if (settings.watches > 0) yield { watches: settings.watches - 1 };
  if (settings.mirrors) yield { mirrors: false };
  if (settings.locks) yield { locks: false };
  if (settings.elections) yield { elections: false };
  if (settings.keys > 1) yield { keys: 1 };
  if (settings.skew > 0) yield { skew: 0 };
  if (settings.lateMax > 1) yield { lateMax: 1 };
  if (settings.aimAtLeader > 0) yield { aimAtLeader: 0 };
  if (settings.unaryShare > 0) yield { unaryShare: 0 };
  if (settings.network.splitRate > 0) yield { network: { ...settings.network, splitRate: 0 } };
  if (settings.network.latencySpread > 1) yield { network: { ...settings.network, latencySpread: 1 } };
  if (settings.disk.stallRate > 0) yield { disk: { ...settings.disk, stallRate: 0 } };
  if (settings.snapshotEveryBytes < 1 << 20) yield { snapshotEveryBytes: 1 << 20 };
  if (settings.thinkMs < 100) yield { thinkMs: 100 };
  if (settings.faultEvery > 0 && settings.faultEvery < 100 * UNITS_PER_TICK)
    yield { faultEvery: settings.faultEvery * 2 };
}
