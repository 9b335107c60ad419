/** What is compared. */
export type SystemName = 'zkl' | 'etcd' | 'zookeeper';

/** Where one server lives. */
export interface Place {
  /** 1, 2, 3, ... */
  readonly id: number;
  /** Its own, below the folder of the run. */
  readonly folder: string;
  /** All on 127.0.0.1; as many as its kind asks for. */
  readonly ports: readonly number[];
}

/** How a process is started. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

/** What a server says of itself; undefined while it does not serve. */
export type Role = 'leading' | 'following' | undefined;

/** How servers of one system are run: their own defaults wherever the comparison does not force a setting. */
export interface ServerKind {
  readonly system: SystemName;
  readonly portsEach: number;
  /** Makes what the server needs in its folder, and tells how to start it. Called at each start. */
  prepare(place: Place, all: readonly Place[]): Promise<Launch>;
  role(place: Place): Promise<Role>;
  /** `host:port` for clients. */
  endpoint(place: Place): string;
}

/** Answers within this time or not at all. */
export const ASK_TIMEOUT_MS = 1_000;

/** The text behind a URL; empty when nobody answers. */
export async function askHttp(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
    return response.ok ? await response.text() : '';
  } catch {
    return '';
  }
}

/** A gauge or counter in Prometheus's text format, the first of its name; NaN when it is not there. */
export function metricIn(text: string, name: string): number {
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
}
