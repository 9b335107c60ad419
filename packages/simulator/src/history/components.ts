import { isAnswered, isUnknown, isWrite, type Call, type HistoryRecord } from './record.js';
import { ancestorsOf, sessionKey, touchedBy, type Touched } from './touched-keys.js';

/** Calls that have nothing to do with any other calls of the history: they are judged by themselves. */
export interface Component {
  readonly calls: readonly Call[];
  /** Paths, `register`, `session:ID`. */
  readonly keys: ReadonlySet<string>;
  /** Paths that these calls may create, or find missing: all others were there before. */
  readonly creatable: ReadonlySet<string>;
}

/** What the cluster does by itself, as calls of nobody: it may end a session, and reap a container or a node whose time is over. */
const CLUSTER = 'cluster';

/**
 * Divides a history's calls into components: those that share a key, directly or through others. A node belongs together with its parent only when that
 * matters: when the parent's children are looked at, counted or numbered, or when the parent itself may come and go.
 */
export function divide(history: readonly HistoryRecord[], calls: readonly Call[]): Component[] {
  const all = [...calls, ...impliedCalls(history, calls)].filter(({ failed }) => failed === undefined);
  const touches = all.map((call) => ({ call, touched: touchedBy(call) }));
  const relating = relatingPaths(touches);
  const groups = new Groups();
  for (const { touched } of touches) {
    for (const key of touched.keys) {
      groups.join(touched.keys[0]!, key);
      for (const ancestor of ancestorsOf(key)) if (relating.has(ancestor)) groups.join(key, ancestor);
    }
  }
  const components = new Map<string, { calls: Call[]; keys: Set<string>; creatable: Set<string> }>();
  for (const { call, touched } of touches) {
    const [first] = touched.keys;
    if (first === undefined) continue;
    const root = groups.rootOf(first);
    const component = components.get(root) ?? { calls: [], keys: new Set(), creatable: new Set() };
    components.set(root, component);
    component.calls.push(call);
    for (const key of touched.keys) component.keys.add(key);
    for (const path of [...touched.created, ...touched.missing]) component.creatable.add(path);
  }
  return [...components.values()];
}

interface TouchedCall {
  readonly call: Call;
  readonly touched: Touched;
}

function relatingPaths(touches: readonly TouchedCall[]): Set<string> {
  const relating = new Set<string>();
  for (const { touched } of touches) for (const path of touched.relating) relating.add(path);
  // A subtree that may go takes all that is below it.
  const creators = new Map<string, Call[]>();
  for (const { call, touched } of touches) {
    for (const path of touched.created) creators.set(path, [...(creators.get(path) ?? []), call]);
  }
  const earliest = new Map<string, number>();
  for (const { call, touched } of touches) {
    for (const ancestor of new Set(touched.keys.flatMap(ancestorsOf))) {
      if (creators.has(ancestor)) earliest.set(ancestor, Math.min(earliest.get(ancestor) ?? Infinity, call.start));
    }
  }
  // A parent that was made, once and for all, before anything below it began, is as if it had always been there.
  for (const [path, start] of earliest) {
    const [only, ...others] = creators.get(path)!;
    const isMadeBefore = others.length === 0 && isAnswered(only!) && only!.refused === undefined && only!.end! < start;
    if (!isMadeBefore || only!.kind !== 'create') relating.add(path);
  }
  return relating;
}

/** The cluster's own doings that somebody may have seen. */
function* impliedCalls(history: readonly HistoryRecord[], calls: readonly Call[]): Iterable<Call> {
  const ends = new Map<number, number>();
  for (const record of history) {
    if (record.kind === 'session' && record.event === 'ended') ends.set(record.session, record.zxid);
  }
  const closed = new Set<number>();
  const owners = new Map<number, number>();
  for (const call of calls) {
    if (call.kind === 'sessionClose' && isAnswered(call) && call.refused === undefined) closed.add(call.session);
    const { keys } = touchedBy(call);
    if (call.session === undefined || !keys.includes(sessionKey(call.session))) continue;
    owners.set(call.session, Math.min(owners.get(call.session) ?? Infinity, call.start));
  }
  for (const [session, start] of owners) {
    if (closed.has(session)) continue;
    yield { kind: 'sessionClose', client: CLUSTER, session, start, zxid: ends.get(session) };
  }
  for (const call of calls) {
    if (!isWrite(call) || !(isAnswered(call) || isUnknown(call))) continue;
    const creates =
      call.kind === 'create'
        ? [call]
        : call.kind === 'transaction'
          ? [...call.then, ...(call.else ?? [])].filter((step) => step.kind === 'create')
          : [];
    for (const { path, mode } of creates) {
      if (mode !== 'container' && mode !== 'ttl' && mode !== 'ttlSequential') continue;
      const name = call.kind === 'create' ? call.name : undefined;
      yield { kind: 'delete', client: CLUSTER, path: name ?? path, start: call.start };
    }
  }
}

/** Union and find. */
class Groups {
  readonly #parents = new Map<string, string>();

  rootOf(key: string): string {
    let root = key;
    for (let next = this.#parents.get(root); next !== undefined; next = this.#parents.get(root)) root = next;
    for (let at = key; at !== root;) {
      const next = this.#parents.get(at)!;
      this.#parents.set(at, root);
      at = next;
    }
    return root;
  }

  join(a: string, b: string): void {
    const [first, second] = [this.rootOf(a), this.rootOf(b)];
    if (first !== second) this.#parents.set(second, first);
  }
}
