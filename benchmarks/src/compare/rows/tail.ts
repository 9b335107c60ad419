import { measureLoad, withServers, type Bench } from '../bench.js';
import type { SystemName } from '../systems/system.js';
import { connectionsOf, STARTING_SECONDS } from './load-rows.js';
import type { RowGroup } from './row.js';
import { duration, ratioAtMost, serverCpu } from './rules.js';

const IN_FLIGHT_MOST = 1_024;
/** Where no peer is there to tell. */
const RATE_ALONE = 5_000;
const KEPT = 'tail: the better peer at most';

/** Every system is asked for the same number of writes a second: half of what the better peer can do. */
export const tail: RowGroup = {
  name: 'tail',
  title: "Writes at half of the better peer's maximum rate, in an open loop",
  systems: ['zkl', 'etcd', 'zookeeper'],
  rows: ({ kept }) => [
    {
      id: 'tail',
      title: `${kept.get(KEPT) === undefined ? 'half the rate' : `${(rateOf(kept) ?? 0).toLocaleString('en')} writes/s`}`,
      rules: [
        duration('p99', ratioAtMost(1)),
        duration('p999', ratioAtMost(1)),
        duration('p50'),
        duration('max'),
        { metric: 'rate', label: 'writes', unit: '/s', better: 'higher', digits: 0 },
        serverCpu(),
      ],
    },
  ],
  // The probe of the first round is spread over all.
  seconds: ({ settings }) =>
    STARTING_SECONDS + settings.seconds + settings.warmupSeconds + (20 + settings.seconds) / settings.rounds,
  measure: async (bench, system) => {
    await probe(bench);
    const rate = rateOf(bench.kept) ?? RATE_ALONE;
    const args = { op: 'set', rate, connections: connectionsOf[system] };
    return withServers(bench, system, async (cluster) => ({ tail: await measureLoad(bench, cluster, args) }));
  },
};

function rateOf(kept: ReadonlyMap<string, number>): number | undefined {
  const most = kept.get(KEPT);
  return most === undefined ? undefined : Math.max(100, Math.round(most / 200) * 100);
}

/** Once in a run: what the peers can do. */
async function probe(bench: Bench): Promise<void> {
  if (bench.kept.has(KEPT)) return;
  const peers = bench.toolbox.systems.filter((system): system is Exclude<SystemName, 'zkl'> => system !== 'zkl');
  let most = 0;
  for (const peer of peers) {
    const args = { op: 'set', 'in-flight': IN_FLIGHT_MOST, connections: connectionsOf[peer] };
    const { rate = 0 } = await withServers(bench, peer, (cluster) => measureLoad(bench, cluster, args));
    bench.say(`${peer} at most: ${Math.round(rate)} writes/s`);
    most = Math.max(most, rate);
  }
  bench.kept.set(KEPT, most === 0 ? RATE_ALONE * 2 : most);
}
