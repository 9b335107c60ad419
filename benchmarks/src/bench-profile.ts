import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Generator } from './compare/generators/generator.js';
import { Cluster } from './compare/systems/cluster.js';
import type { ServerKind } from './compare/systems/system.js';
import { Toolbox } from './compare/toolbox.js';
import {
  busyPart,
  functionNameOf,
  largestCosts,
  partNameOf,
  readCpuProfile,
  toSources,
  type Cost,
  type CpuProfile,
} from './cpu-profile.js';
import { flameGraph } from './flame-graph.js';

/** Options of `bench profile`. */
export interface BenchProfileOptions {
  readonly servers: number;
  readonly clients: number;
  readonly inFlight: number;
  readonly seconds: number;
  readonly valueBytes: number;
  readonly op: string;
  /** A folder for flame graphs; undefined: none are drawn. */
  readonly graphs?: string | undefined;
}

const WARMUP_MS = 4_000;
/** Writing a profile takes a process a moment. */
const PROFILE_TIMEOUT_MS = 20_000;

/** Where the time of the leader, of a follower and of the client goes at full load: the largest costs by part of the program and by function. */
export async function benchProfile(options: BenchProfileOptions, print: (line: string) => void): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'zkl-profile-'));
  const hook = new URL('./profile-hook.mjs', import.meta.url).href;
  const environment = { NODE_OPTIONS: `--import=${hook}`, PROFILE_FOLDER: folder };
  try {
    await using toolbox = await Toolbox.build({ etcd: undefined, zookeeper: undefined, grpcLoad: undefined });
    const servers = toolbox.servers('zkl');
    const kind: ServerKind = {
      ...servers,
      prepare: async (place, all) => ({ ...(await servers.prepare(place, all)), environment }),
    };
    await using cluster = await Cluster.start(kind, options.servers);
    const load = { ...toolbox.load('zkl'), environment };
    const profiles = await profileAll(cluster, options, (args) =>
      Generator.start(load, args, join(folder, 'generator.log')),
    );
    print(`${profiles.rate} writes/s while the profilers ran`);
    for (const [name, pid] of profiles.pids) {
      const program = name === 'client' ? toolbox.load('zkl').args[0] : toolbox.serverProgram;
      const raw = await readCpuProfile(join(folder, `${pid}.cpuprofile`), PROFILE_TIMEOUT_MS);
      await show(name, await toSources(raw, program ?? ''), options.graphs, print);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs the load, and the profilers within it. */
async function profileAll(
  cluster: Cluster,
  { clients, inFlight, seconds, valueBytes, op }: BenchProfileOptions,
  start: (args: Readonly<Record<string, string | number>>) => Generator,
): Promise<{ readonly rate: number; readonly pids: readonly (readonly [string, number])[] }> {
  const ms = seconds * 1_000;
  const args = { mode: 'load', op, connections: clients, 'in-flight': inFlight, 'value-bytes': valueBytes };
  const times = { 'warmup-ms': WARMUP_MS, ms: ms + 1_000, endpoints: (await cluster.endpoints()).join(',') };
  await using generator = start({ ...args, ...times });
  await generator.next('start');
  const leader = await cluster.leader();
  const follower = cluster.ids.find((id) => id !== leader) ?? leader;
  const pids = (
    [
      ['leader', cluster.pidOf(leader)],
      ['follower', cluster.pidOf(follower)],
      ['client', generator.pid],
    ] as const
  ).filter((each): each is readonly [(typeof each)[0], number] => each[1] !== undefined);
  for (const [, pid] of pids) process.kill(pid, 'SIGUSR2');
  await delay(ms);
  for (const [, pid] of pids) process.kill(pid, 'SIGUSR2');
  const end = await generator.next('end');
  // The generator must live until its profile is written.
  await delay(1_000);
  return { rate: Math.round((Number(end['ops']) / Number(end['ms'])) * 1_000), pids };
}

async function show(
  name: string,
  profile: CpuProfile,
  graphs: string | undefined,
  print: (line: string) => void,
): Promise<void> {
  print(`\n${name}: busy for ${(busyPart(profile) * 100).toFixed(0)} % of the time; of that (self time)`);
  print('\nby part of the program');
  for (const cost of largestCosts(profile, partNameOf, 14)) print(line(cost));
  print('\nby function');
  for (const cost of largestCosts(profile, functionNameOf, 24)) print(line(cost));
  if (graphs === undefined) return;
  await mkdir(graphs, { recursive: true });
  await writeFile(join(graphs, `profile-${name}.svg`), flameGraph(profile, `zkl, ${name}`));
}

function line({ name, part }: Cost): string {
  return `${(part * 100).toFixed(1).padStart(6)} %  ${name}`;
}
