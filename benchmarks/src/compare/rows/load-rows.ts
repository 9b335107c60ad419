import { measureLoad, withServers, type Bench } from '../bench.js';
import type { GeneratorArgs } from '../generators/generator.js';
import type { Launch, SystemName } from '../systems/system.js';
import type { Metrics, Row, RowGroup } from './row.js';
import { atLeast, clientCpu, duration, leaderCpu, rate, ratioAtMost, serverCpu } from './rules.js';

/**
 * Connections of one client process: zkl's SDK has one. The peers get what costs them the least CPU a call: of 1, 4, 8 and 16, etcd did not differ by more
 * than a sixth up to 8, and ZooKeeper was better the more it had, up to 8.
 */
export const connectionsOf: Readonly<Record<SystemName, number>> = { zkl: 1, etcd: 4, zookeeper: 8 };

/** About how long servers take to start and to end. */
export const STARTING_SECONDS = 5;

interface LoadRow extends Row {
  readonly args: (system: SystemName) => GeneratorArgs;
  readonly launch?: (bench: Bench) => Launch | undefined;
}

/** A group whose rows are runs of load, one after the other on the same servers. */
function loadGroup(group: {
  readonly name: string;
  readonly title: string;
  readonly systems: readonly SystemName[];
  readonly rows: readonly LoadRow[];
}): RowGroup {
  return {
    ...group,
    rows: () => group.rows,
    seconds: ({ settings }) => STARTING_SECONDS + group.rows.length * (settings.seconds + settings.warmupSeconds + 1),
    measure: (bench, system) =>
      withServers(bench, system, async (cluster) => {
        const measured: Record<string, Metrics> = {};
        for (const { id, args, launch: launchOf } of group.rows) {
          const launch = launchOf?.(bench);
          const given = args(system);
          const options = launch ? { launch } : {};
          measured[id] = await measureLoad(bench, cluster, given, options);
          bench.say(`${system} ${id}: ${Math.round(measured[id]?.['rate'] ?? Number.NaN)}/s`);
        }
        return measured;
      }),
  };
}

const ALL: readonly SystemName[] = ['zkl', 'etcd', 'zookeeper'];

function pipelined(op: string, inFlight: number) {
  return (system: SystemName): GeneratorArgs => ({
    op,
    'in-flight': inFlight,
    connections: Math.min(inFlight, connectionsOf[system]),
  });
}

function ownConnections(op: string, clients: number) {
  return (): GeneratorArgs => ({ op, 'in-flight': clients, connections: clients });
}

export const writes = loadGroup({
  name: 'writes',
  title: 'Writes from one client process',
  systems: ALL,
  rows: [
    ...[64, 256, 1_024].map((inFlight) => ({
      id: `writes-${inFlight}`,
      title: `${inFlight.toLocaleString('en')} writes in flight`,
      rules: [
        rate('writes', atLeast(5)),
        serverCpu(ratioAtMost(0.25)),
        leaderCpu,
        clientCpu,
        duration('p50'),
        duration('p99'),
      ],
      args: pipelined('set', inFlight),
    })),
    // Last: so few writes would not warm anybody up.
    {
      id: 'writes-1',
      title: 'one write at a time',
      rules: [duration('p50', ratioAtMost(1)), duration('p99', ratioAtMost(1)), rate('writes')],
      args: pipelined('set', 1),
    },
  ],
});

export const clients = loadGroup({
  name: 'clients',
  title: 'Clients with own connections, one write each in flight',
  systems: ALL,
  rows: [64, 256].map((count) => ({
    id: `clients-${count}`,
    title: `${count} clients`,
    rules: [rate('writes', atLeast(2)), serverCpu(), clientCpu, duration('p50'), duration('p99')],
    args: ownConnections('set', count),
  })),
});

export const reads = loadGroup({
  name: 'reads',
  title: 'Reads from one client process',
  systems: ALL,
  rows: [
    ...[64, 256].map((inFlight) => ({
      id: `reads-linearizable-${inFlight}`,
      title: `linearizable, ${inFlight} in flight`,
      rules: [rate('reads', atLeast(5)), serverCpu(), clientCpu, duration('p50'), duration('p99')],
      args: pipelined('get', inFlight),
    })),
    {
      id: 'reads-local-256',
      title: 'local, 256 in flight',
      rules: [rate('reads', atLeast(3)), serverCpu(), clientCpu, duration('p50'), duration('p99')],
      args: pipelined('get-local', 256),
    },
  ],
});

const notBelow = [rate('calls', atLeast(1)), serverCpu(), clientCpu, duration('p50'), duration('p99')];

/** The same generator with the same windows and connections, on grpc-go, for both. */
export const foreign = loadGroup({
  name: 'foreign',
  title: 'Unary gRPC calls of a foreign client (grpc-go)',
  systems: ['zkl', 'etcd'],
  rows: (['set', 'get'] as const).flatMap((op) =>
    [64, 256].map((inFlight) => ({
      id: `foreign-${op}-${inFlight}`,
      title: `${op === 'set' ? 'set against put' : 'linearizable get against range'}, ${inFlight} in flight`,
      rules: notBelow,
      args: (system: SystemName) => ({ system, op, 'in-flight': inFlight, connections: connectionsOf.etcd }),
      launch: ({ toolbox }: Bench) => toolbox.foreignLoad,
    })),
  ),
});
