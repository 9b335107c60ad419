import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withCluster } from './bench-cluster.js';
import { functionNameOf, largestCosts, partNameOf, readCpuProfile, type Cost } from './cpu-profile.js';
import { WriteLoad } from './write-load.js';

/** Options of `bench profile`. */
export interface BenchProfileOptions {
  readonly servers: number;
  readonly clients: number;
  readonly inFlight: number;
  readonly seconds: number;
  readonly valueBytes: number;
}

const WARMUP_MS = 3_000;
/** Writing a profile takes the server a moment. */
const PROFILE_TIMEOUT_MS = 10_000;

/** Where the leader's time goes under a load of writes: the largest costs by part of the program and by function. */
export async function benchProfile(options: BenchProfileOptions, print: (line: string) => void): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'zkl-profile-'));
  try {
    const hook = new URL('./profile-hook.mjs', import.meta.url).href;
    const environment = { NODE_OPTIONS: `--import=${hook}`, PROFILE_FOLDER: folder };
    const profile = await withCluster({ servers: options.servers, environment }, async (cluster) => {
      const { seconds, ...load } = options;
      await using writes = await WriteLoad.start({ ...load, endpoints: cluster.endpoints, znodes: 1_000 });
      await writes.run(WARMUP_MS);
      const leader = await cluster.leader();
      await cluster.kill(leader.id, 'SIGUSR2');
      const { latencies, elapsedMs } = await writes.run(seconds * 1_000);
      await cluster.kill(leader.id, 'SIGUSR2');
      print(`${Math.round((latencies.count / elapsedMs) * 1_000)} writes/s while the profiler ran`);
      return await readCpuProfile(join(folder, `${leader.pid}.cpuprofile`), PROFILE_TIMEOUT_MS);
    });
    print('\nby part of the program (self time, of the time that the leader was busy)');
    for (const cost of largestCosts(profile, partNameOf, 12)) print(line(cost));
    print('\nby function');
    for (const cost of largestCosts(profile, functionNameOf, 20)) print(line(cost));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function line({ name, part }: Cost): string {
  return `${(part * 100).toFixed(1).padStart(6)} %  ${name}`;
}
