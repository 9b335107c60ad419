import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Zxid } from '@zkl/consensus';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What the metrics are read from, at the moment they are asked for. */
export interface MetricsSource {
  readonly serverId: number;
  readonly clusterId: string;
  readonly version: string;
  readonly requestsInFlight: () => number;
  readonly requestBytesInFlight: () => number;
  readonly connections: () => number;
  readonly coordination: () => CoordinationCounts;
  readonly status: () => MetricsStatus;
}

/** What sessions, streams and watches amount to at this moment. */
export interface CoordinationCounts {
  readonly sessions: number;
  /** Streams that serve a session, and all streams. */
  readonly attached: number;
  readonly streams: number;
  readonly watches: number;
  /** Watches that are not told of changes as they come. */
  readonly watchesBehind: number;
  readonly historyChanges: number;
  readonly watchSnapshotBytes: number;
  /** Since this server started. */
  readonly sessionsExpired: number;
  readonly streamOperations: number;
  readonly watchEvents: number;
  readonly watchResets: number;
  readonly watchesFellBehind: number;
}

/** The part of the server's status that becomes metrics. */
interface MetricsStatus {
  readonly role: 'looking' | 'following' | 'leading';
  readonly serving: boolean;
  readonly epoch: number;
  readonly committed: Zxid;
  readonly applied: Zxid;
  readonly znodes: number;
  readonly logBytes: number;
  readonly writesRefused: boolean;
  readonly peers: readonly { readonly id: number; readonly connected: boolean; readonly lagBytes: number }[];
}

/** Histogram buckets in seconds: a write takes about half a millisecond, an election a second. */
const DURATION_BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** How often the event loop's delay is looked at. */
const LOOP_SAMPLE_MS = 10;

/** The metrics of one server. They hold no data of clients and no secrets. */
export class ServerMetrics {
  readonly #registry = new Registry();
  readonly #source: MetricsSource;
  readonly #eventLoopDelay = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });
  readonly #requests: Counter<'method' | 'code'>;
  readonly #durations: Histogram<'method'>;

  constructor(source: MetricsSource) {
    this.#source = source;
    this.#registry.setDefaultLabels({ server_id: String(source.serverId), cluster_id: source.clusterId });
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: 'zkl_requests_total',
      help: 'Requests that ended, by method and code (OK, or an error code).',
      labelNames: ['method', 'code'],
      registers,
    });
    this.#durations = new Histogram({
      name: 'zkl_request_duration_seconds',
      help: 'How long requests took, by method.',
      labelNames: ['method'],
      buckets: DURATION_BUCKETS_S,
      registers,
    });
    this.#addGauges();
    this.#eventLoopDelay.enable();
  }

  /** Counts a request that ended. */
  onRequestEnd(method: string, code: string, durationMs: number): void {
    this.#requests.inc({ method, code });
    this.#durations.observe({ method }, durationMs / 1000);
  }

  /** All metrics in Prometheus' text format. */
  async render(): Promise<{ contentType: string; text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  /** Stops measuring. */
  stop(): void {
    this.#eventLoopDelay.disable();
    this.#registry.clear();
  }

  #addGauges(): void {
    const { serverId: _, ...source } = this.#source;
    const gauge = (name: string, help: string, value: () => number): void => {
      new Gauge({
        name,
        help,
        registers: [this.#registry],
        collect() {
          this.set(value());
        },
      });
    };
    new Gauge({
      name: 'zkl_info',
      help: 'Always 1; the version is a label.',
      labelNames: ['version'],
      registers: [this.#registry],
    }).set({ version: source.version }, 1);
    gauge('zkl_requests_in_flight', 'Requests under way.', source.requestsInFlight);
    gauge('zkl_request_bytes_in_flight', 'Bytes of requests under way.', source.requestBytesInFlight);
    gauge('zkl_connections', 'Open connections, of clients and of servers.', source.connections);
    gauge('zkl_serving', '1 while this server takes part in a quorum.', () => Number(source.status().serving));
    gauge('zkl_leading', '1 while this server leads.', () => Number(source.status().role === 'leading'));
    gauge('zkl_epoch', 'The epoch in force, or the last adopted.', () => source.status().epoch);
    gauge(
      'zkl_committed_counter',
      'The counter of the last committed zxid, within zkl_epoch.',
      () => source.status().committed.counter,
    );
    gauge('zkl_applied_counter', 'The counter of the last applied zxid.', () => source.status().applied.counter);
    gauge('zkl_znodes', 'Znodes in the tree.', () => source.status().znodes);
    gauge('zkl_log_bytes', 'Bytes of log and snapshots on disk.', () => source.status().logBytes);
    gauge('zkl_writes_refused', '1 while writes are refused: the disk is full.', () =>
      Number(source.status().writesRefused),
    );
    this.#addCoordination(gauge);
    this.#addPeerGauges();
    this.#addProcessGauges(gauge);
  }

  #addCoordination(gauge: (name: string, help: string, value: () => number) => void): void {
    const { coordination } = this.#source;
    gauge('zkl_sessions', 'Sessions that are open in the cluster.', () => coordination().sessions);
    gauge('zkl_sessions_attached', 'Sessions that have a stream to this server.', () => coordination().attached);
    gauge('zkl_streams', 'Session streams, with a session or without one.', () => coordination().streams);
    gauge('zkl_watches', 'Watches on this server.', () => coordination().watches);
    gauge('zkl_watches_behind', 'Watches that have not been told everything.', () => coordination().watchesBehind);
    gauge('zkl_history_changes', 'Changes that are kept for watches.', () => coordination().historyChanges);
    gauge('zkl_watch_snapshot_bytes', 'Bytes of snapshots for watches.', () => coordination().watchSnapshotBytes);
    const counter = (name: string, help: string, value: () => number): void => {
      new Counter({
        name,
        help,
        registers: [this.#registry],
        collect() {
          this.reset();
          this.inc(value());
        },
      });
    };
    counter(
      'zkl_sessions_expired_total',
      'Sessions that this server expired as the leader.',
      () => coordination().sessionsExpired,
    );
    counter('zkl_stream_operations_total', 'Operations of session streams.', () => coordination().streamOperations);
    counter('zkl_watch_events_total', 'Events that watches were told of.', () => coordination().watchEvents);
    counter('zkl_watch_resets_total', 'Snapshots that watches were given.', () => coordination().watchResets);
    counter(
      'zkl_watches_fell_behind_total',
      'Times that a watch fell behind because its client did not read.',
      () => coordination().watchesFellBehind,
    );
  }

  #addPeerGauges(): void {
    const { status } = this.#source;
    const perPeer = (name: string, help: string, value: (peer: MetricsStatus['peers'][number]) => number): void => {
      new Gauge({
        name,
        help,
        labelNames: ['peer'],
        registers: [this.#registry],
        collect() {
          this.reset();
          for (const peer of status().peers) this.set({ peer: String(peer.id) }, value(peer));
        },
      });
    };
    perPeer('zkl_peer_connected', '1 while messages go both ways between this server and the peer.', (peer) =>
      Number(peer.connected),
    );
    perPeer(
      'zkl_peer_lag_bytes',
      'Bytes of log that the peer has not made durable; known to the leader.',
      (peer) => peer.lagBytes,
    );
  }

  #addProcessGauges(gauge: (name: string, help: string, value: () => number) => void): void {
    const delay = this.#eventLoopDelay;
    // What Node.js tells is the time from one sample to the next, the wait between them included.
    const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - LOOP_SAMPLE_MS / 1e3);
    // Before the one that begins anew: they are asked in this order.
    gauge('zkl_event_loop_delay_max_seconds', "The event loop's delay since the last scrape, the longest.", () =>
      late(delay.max),
    );
    gauge('zkl_event_loop_delay_p99_seconds', "The event loop's delay since the last scrape, 99th percentile.", () => {
      const seconds = late(delay.percentile(99));
      delay.reset();
      return seconds;
    });
    gauge('process_resident_memory_bytes', 'Resident memory of the process.', () => process.memoryUsage.rss());
    gauge('process_heap_used_bytes', 'JavaScript heap in use.', () => process.memoryUsage().heapUsed);
    new Counter({
      name: 'process_cpu_seconds_total',
      help: 'Processor time used by the process.',
      registers: [this.#registry],
      collect() {
        const { user, system } = process.cpuUsage();
        this.reset();
        this.inc((user + system) / 1e6);
      },
    });
    gauge('process_uptime_seconds', 'Time since the process started.', () => process.uptime());
  }
}
