import { UNITS_PER_TICK } from '../event-queue.js';
import { drawNodeSettings, WEIGHTS_MAX, type DrawNodeOptions, type NodeSettings } from './node-settings.js';
import { runNodeSeed } from './run-node-seed.js';

type Override = Partial<NodeSettings>;

/**
 * Makes a failing seed's settings milder, one at a time, for as long as the same property still fails: fewer kinds of faults, fewer servers and clients, a shorter
 * time, fewer limits that matter. The seed's chance stays, but whatever it is asked for differs, so this is a search, not a proof: what comes out is
 * small, not smallest. Undefined when the seed does not fail.
 */
export async function minimise(
  seed: number,
  options: DrawNodeOptions,
  tell: (line: string) => void,
): Promise<Override | undefined> {
  const failing = await propertyThatFails(seed, options, {});
  if (failing === undefined) return undefined;
  tell(`fails: ${failing}`);
  const drawn = drawNodeSettings(seed, options);
  let best: Override = {};
  for (let improved = true; improved;) {
    improved = false;
    for (const milder of milderThan({ ...drawn, ...best })) {
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
  options: DrawNodeOptions,
  override: Override,
): Promise<string | undefined> {
  const { failure } = await runNodeSeed(seed, { ...options, override });
  return failure === undefined ? undefined : failure.message.split(':')[0];
}

/** Each differs in one respect, and what saves most comes first. */
function* milderThan(settings: NodeSettings): Iterable<Override> {
  for (const kind of Object.keys(WEIGHTS_MAX) as (keyof NodeSettings['faults'])[]) {
    if (settings.faults[kind] > 0) yield { faults: { ...settings.faults, [kind]: 0 } };
  }
  if (settings.servers > 3) yield { servers: settings.servers - 2 };
  if (settings.clients > 1) yield { clients: 1 };
  if (settings.keys > 1) yield { keys: 1 };
  if (settings.lateServers > 0) yield { lateServers: 0 };
  if (settings.safetyTicks > 40) yield { safetyTicks: Math.floor(settings.safetyTicks * 0.7) };
  if (settings.skew > 0) yield { skew: 0 };
  if (settings.aimAtLeader > 0) yield { aimAtLeader: 0 };
  if (settings.turnDelayMax > 1) yield { turnDelayMax: 1 };
  if (settings.disk.stallRate > 0) yield { disk: { ...settings.disk, stallRate: 0 } };
  if (settings.network.latencySpread > 1) yield { network: { ...settings.network, latencySpread: 1 } };
  if (settings.thinkTime < 1_000) yield { thinkTime: 1_000 };
  if (settings.snapshotEveryBytes < 1 << 20) yield { snapshotEveryBytes: 1 << 20 };
  if (settings.cacheBytes < 1 << 20) yield { cacheBytes: 1 << 20 };
  if (settings.windowBytes < 1 << 20) yield { windowBytes: 1 << 20 };
  if (settings.valueBytes > 8) yield { valueBytes: 8 };
  if (settings.faultEvery > 0 && settings.faultEvery < 100 * UNITS_PER_TICK)
    yield { faultEvery: settings.faultEvery * 2 };
}
