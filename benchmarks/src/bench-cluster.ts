import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProcessCluster, type ProcessCluster } from '@zkl/cli/cluster';
import { buildProgram } from '../../tests/build/build-program.js';
import { cpuTimeMs } from './cpu-time.js';

/** Server processes in a temporary folder, which is removed at the end. */
export async function withCluster<T>(
  options: {
    readonly servers: number;
    readonly serverArgs?: readonly string[] | undefined;
    readonly environment?: Readonly<Record<string, string>> | undefined;
  },
  body: (cluster: ProcessCluster) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'zkl-bench-'));
  const { servers: size, serverArgs = [], environment } = options;
  const server = await buildProgram('@zkl/server', 'zkl-server');
  try {
    const cluster = await startProcessCluster({
      folder,
      size,
      environment,
      serverProgram: server.program,
      serverArgs: ['--log-level', 'warn', ...serverArgs],
    });
    try {
      return await body(cluster);
    } finally {
      await cluster.destroy();
    }
  } finally {
    await server.remove();
  }
}

/** The CPU time of each server since it started, by its id. */
export async function serverCpuMs(cluster: ProcessCluster): Promise<Map<number, number>> {
  const times = await Promise.all(
    cluster.members.map(
      async ({ id, pid }) => [id, (pid === undefined ? undefined : await cpuTimeMs(pid)) ?? Number.NaN] as const,
    ),
  );
  return new Map(times);
}
