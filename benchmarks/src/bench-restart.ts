import type { ProcessCluster } from '@zkl/cli/cluster';
import { createClient } from '@zkl/client-sdk';
import { withCluster } from './bench-cluster.js';
import { WriteLoad } from './write-load.js';

/** Options of `bench restart`. */
export interface BenchRestartOptions {
  readonly servers: number;
  readonly entries: number;
  readonly valueBytes: number;
  /** False: no snapshot is taken, and the whole log is replayed. */
  readonly snapshots: boolean;
}

/** How long a cluster takes from the start of its processes, after kill -9 of all, until it serves with a long log. */
export async function benchRestart(options: BenchRestartOptions, print: (line: string) => void): Promise<void> {
  const { servers, entries, valueBytes } = options;
  const serverArgs = options.snapshots ? [] : ['--limits-snapshot-every-bytes', String(64 * 1024 ** 3)];
  await withCluster({ servers, serverArgs }, async (cluster) => {
    await fill(cluster, entries, valueBytes);
    const statuses = await cluster.status();
    for (const { id, status } of statuses) {
      print(`server ${id}: ${status?.logBytes} bytes of log, snapshot at ${status?.snapshotZxid}`);
    }
    await cluster.stop({ force: true });
    const startedMs = performance.now();
    const since = (): string => `${(performance.now() - startedMs).toFixed(0)} ms`;
    await cluster.spawn();
    const spawned = since();
    await using client = createClient({ endpoints: cluster.endpoints, timeoutMs: 120_000 });
    const written = client.set('/bench/node-0', 'first').then(() => since());
    const leader = cluster.leader({ timeoutMs: 120_000 }).then(() => since());
    const all = cluster.serving(undefined, { timeoutMs: 120_000 }).then(() => since());
    print(`${entries} entries, from the start of the processes:`);
    print(`processes started      ${spawned}`);
    print(`a leader serves        ${await leader}`);
    print(`first write acknowledged ${await written}`);
    print(`all servers serve      ${await all}`);
    print(
      `recovery, as each server tells: ${(await cluster.status()).map(({ status }) => `up ${status?.uptimeMs} ms`).join(', ')}`,
    );
  });
}

async function fill(cluster: ProcessCluster, entries: number, valueBytes: number): Promise<void> {
  const znodes = 1_000;
  await using load = await WriteLoad.start({
    endpoints: cluster.endpoints,
    clients: 4,
    inFlight: 256,
    valueBytes,
    znodes,
  });
  await load.write(entries);
}
