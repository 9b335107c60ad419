import type { ProcessCluster } from '@zkl/cli/cluster';
import { serverCpuMs, withCluster } from './bench-cluster.js';
import { WriteLoad } from './write-load.js';

/** Options of `bench writes`. */
export interface BenchWritesOptions {
  readonly servers: number;
  readonly clients: number;
  readonly inFlight: readonly number[];
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly valueBytes: number;
  readonly serverArgs: readonly string[];
}

/** Throughput, latency and CPU of writes through the SDK against server processes, one row for each number in flight. */
export async function benchWrites(options: BenchWritesOptions, print: (line: string) => void): Promise<void> {
  const { servers, clients, seconds, valueBytes } = options;
  await withCluster({ servers, serverArgs: options.serverArgs }, async (cluster) => {
    print(
      `${servers} server processes, ${clients} clients in one process, values of ${valueBytes} bytes, ${seconds} s each`,
    );
    print('in flight   writes/s   p50 ms   p99 ms   max ms   leader µs/write   servers µs/write   client µs/write');
    for (const inFlight of options.inFlight) print(await measure(cluster, options, inFlight));
  });
}

async function measure(cluster: ProcessCluster, options: BenchWritesOptions, inFlight: number): Promise<string> {
  const { clients, valueBytes } = options;
  const load = await WriteLoad.start({ endpoints: cluster.endpoints, clients, inFlight, valueBytes, znodes: 1_000 });
  await using _ = load;
  await load.run(options.warmupSeconds * 1_000);
  const { id: leader } = await cluster.leader();
  const before = await serverCpuMs(cluster);
  const ownBefore = process.cpuUsage();
  const { latencies, elapsedMs } = await load.run(options.seconds * 1_000);
  const own = process.cpuUsage(ownBefore);
  const after = await serverCpuMs(cluster);
  const used = (id: number): number => (after.get(id) ?? Number.NaN) - (before.get(id) ?? Number.NaN);
  const { count } = latencies;
  const micros = (ms: number): string => ((ms * 1_000) / count).toFixed(1);
  const all = cluster.members.reduce((sum, { id }) => sum + used(id), 0);
  const [p50 = 0, p99 = 0, max = 0] = latencies.percentiles(0.5, 0.99, 1);
  const columns: readonly [string | number, number][] = [
    [inFlight, 9],
    [Math.round((count / elapsedMs) * 1_000), 11],
    [p50.toFixed(2), 9],
    [p99.toFixed(2), 9],
    [max.toFixed(1), 9],
    [micros(used(leader)), 18],
    [micros(all), 19],
    [micros((own.user + own.system) / 1_000), 18],
  ];
  return columns.map(([value, width]) => String(value).padStart(width)).join('');
}
