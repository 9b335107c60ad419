import type { Component } from './components.js';
import type { Placement } from './placement.js';
import { isAnswered, isUnknown, isWrite, type Call, type HistoryRecord, type Seen, type WriteCall } from './record.js';
import type { ScopeSnapshot } from './replay.js';
import { childPath, REGISTER } from './tree-model.js';

/** A write as a stat shows it: its place, what it did to one znode, and how that was then. Whose it was, the stat does not tell. */
export interface ShownWrite {
  /** Of the znode, or `register`. */
  readonly path: string;
  readonly zxid: number;
  /** `created`: the stat's czxid tells of it. `written`: its mzxid, so it created the znode or set its data. */
  readonly what: 'created' | 'written';
  /** What is known of the stat right after it. */
  readonly after: Seen;
  /** Who was shown it first, and when. */
  readonly witness: HistoryRecord;
  readonly at: number;
}

/** The places of all writes of a history whose places are known: each place has one write. */
export function takenPlaces(history: readonly HistoryRecord[], placement: Placement): ReadonlySet<number> {
  const taken = new Set<number>();
  for (const record of history) {
    if (record.kind === 'session' && record.event === 'ended') taken.add(record.zxid);
    if (!isWrite(record)) continue;
    const zxid = record.zxid ?? placement.sightingOf(record)?.zxid;
    if (zxid !== undefined) taken.add(zxid);
  }
  return taken;
}

/** All that the stats of a component show of writes to what calls of the history created: the rest was there before. Each once, by place. */
export function shownWrites(
  { calls, keys, creatable }: Component,
  snapshots: readonly ScopeSnapshot[],
): Map<number, ShownWrite[]> {
  const unknown = calls.filter((call): call is WriteCall => isWrite(call) && isUnknown(call));
  const found = new Map<string, ShownWrite>();
  for (const shown of shownStats(calls, keys, snapshots)) {
    const { path } = shown;
    const isOfCalls =
      path === REGISTER || creatable.has(path) || unknown.some((call) => mayWrite(call, path, 'created'));
    if (!isOfCalls) continue;
    for (const write of writesOf(shown)) {
      const { what, zxid, after } = write;
      const key = [path, what, zxid, after.version, after.czxid].join(' ');
      if (write.at < (found.get(key)?.at ?? Infinity)) found.set(key, write);
    }
  }
  const byPlace = new Map<number, ShownWrite[]>();
  for (const write of found.values()) {
    const known = byPlace.get(write.zxid);
    if (known === undefined) byPlace.set(write.zxid, [write]);
    else known.push(write);
  }
  return byPlace;
}

/** Whether a write, if it took effect, can have done this to the znode. */
export function mayWrite(call: WriteCall, path: string, what: ShownWrite['what']): boolean {
  if (call.kind === 'registerWrite') return path === REGISTER;
  const steps = call.kind === 'transaction' ? [...call.then, ...(call.else ?? [])] : [call];
  return steps.some((step) => {
    if (step.kind === 'set') return what === 'written' && step.path === path;
    if (step.kind !== 'create') return false;
    const isSequential = step.mode?.endsWith('Sequential') ?? false;
    return step.path === (isSequential ? path.slice(0, -10) : path);
  });
}

interface ShownStat extends Pick<ShownWrite, 'path' | 'witness' | 'at'> {
  readonly stat: Seen;
}

/** The znode's creation, and the last change of its data, which may be one and the same. */
function* writesOf({ stat, ...shown }: ShownStat): Iterable<ShownWrite> {
  const { version, czxid, mzxid = version === 0 ? czxid : undefined } = stat;
  if (czxid !== undefined && czxid !== mzxid) yield { ...shown, what: 'created', zxid: czxid, after: { czxid } };
  if (mzxid === undefined) return;
  yield { ...shown, what: czxid === mzxid ? 'created' : 'written', zxid: mzxid, after: { version, czxid, mzxid } };
}

function* shownStats(
  calls: readonly Call[],
  keys: ReadonlySet<string>,
  snapshots: readonly ScopeSnapshot[],
): Iterable<ShownStat> {
  for (const call of calls) {
    if (!isAnswered(call) || isWrite(call) || call.zxid === undefined) continue;
    const by = { witness: call, at: call.end! };
    if (call.kind === 'registerRead') {
      const { version, mzxid } = call;
      yield { path: REGISTER, stat: { version, mzxid }, ...by };
      continue;
    }
    for (const item of call.kind === 'multiRead' ? call.reads : [call]) {
      if (item.kind === 'get' || item.kind === 'exists') yield { path: item.path, stat: item, ...by };
      if (item.kind !== 'children') continue;
      for (const entry of item.entries ?? [])
        if (typeof entry !== 'string') yield { path: childPath(item.path, entry.name), stat: entry, ...by };
    }
  }
  for (const { reset } of snapshots) {
    for (const node of reset.nodes)
      if (keys.has(node.path)) yield { path: node.path, stat: node, witness: reset, at: reset.at };
  }
}
