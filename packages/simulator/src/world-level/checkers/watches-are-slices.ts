import type { ChangeEvent, ResetEvent } from '@zkl/client-sdk';
import { textOf, type Change } from '../chronicle.js';
import { showZxid, type WatchRecord, type WorldChecker, type WorldView } from '../world-checker.js';

/**
 * What a watch tells is a slice of the history: every change of its scope once, in order, none missing, with what was before it, and all that one write did at
 * once; a reset is the whole state at its zxid.
 */
export function watchesAreSlices(world: WorldView): WorldChecker {
  const { chronicle } = world;
  const fail = (watch: WatchRecord, why: string): void =>
    world.violate('watches-are-slices', `${watch.client.name} ${watch.name} (${watch.scope} ${watch.path}): ${why}`);

  const reset = (watch: WatchRecord, event: ResetEvent): void => {
    const zxid = Number(event.zxid);
    if (watch.told !== undefined && zxid < watch.told)
      fail(watch, `a reset at ${showZxid(zxid)} after ${showZxid(watch.told)} was told`);
    const expected = chronicle.allAt(watch, zxid);
    for (const { path, stat, data } of event.nodes) {
      const znode = expected.get(path);
      if (znode === undefined) return fail(watch, `a reset at ${showZxid(zxid)} shows ${path}, which is not there`);
      if (znode.version !== stat.version || (data !== undefined && textOf(data) !== znode.data))
        return fail(watch, `a reset at ${showZxid(zxid)} shows another ${path}`);
    }
    if (event.nodes.length !== expected.size)
      fail(watch, `a reset at ${showZxid(zxid)} shows ${event.nodes.length} znodes of ${expected.size}`);
  };

  return {
    onStep: (watch, step) => {
      const zxid = Number(step.zxid);
      if (step.kind === 'reset') return reset(watch, step.reset);
      if (zxid > chronicle.last)
        return fail(watch, `told of ${showZxid(zxid)}, and the history ends at ${showZxid(chronicle.last)}`);
      if (watch.told === undefined) return fail(watch, 'told something before it stood');
      if (zxid < watch.told || (step.kind === 'events' && zxid === watch.told))
        return fail(watch, `told of ${showZxid(zxid)} after ${showZxid(watch.told)}`);
      const expected = chronicle.between(watch, watch.told, zxid);
      const told = step.kind === 'events' ? step.events : [];
      const missing = expected.length - told.length;
      if (missing !== 0) {
        const words = expected.map((change) => `${change.type} ${change.path} at ${showZxid(change.zxid)}`).join(', ');
        return fail(watch, `${told.length} events up to ${showZxid(zxid)}, where there were: ${words || 'none'}`);
      }
      told.forEach((event, index) => {
        const why = differenceOf(event, expected[index]!);
        if (why !== undefined) fail(watch, `at ${showZxid(zxid)}, event ${index}: ${why}`);
      });
      return undefined;
    },
    onHealed: (watches) => {
      for (const watch of watches) {
        if (watch.isOver || watch.told === undefined) continue;
        const missing = chronicle.between(watch, watch.told, chronicle.last);
        if (missing.length > 0) fail(watch, `${missing.length} changes were never told`);
      }
    },
  };
}

function differenceOf(event: ChangeEvent, change: Change): string | undefined {
  if (event.type !== change.type || event.path !== change.path)
    return `${event.type} ${event.path} in place of ${change.type} ${change.path}`;
  if (Number(event.zxid) !== change.zxid)
    return `at ${showZxid(Number(event.zxid))} in place of ${showZxid(change.zxid)}`;
  if (event.stat !== undefined && event.stat.version !== change.version)
    return `version ${event.stat.version}, not ${change.version}`;
  if (event.data !== undefined && textOf(event.data) !== change.data)
    return `data ${textOf(event.data)}, not ${change.data}`;
  if (event.previousData !== undefined && textOf(event.previousData) !== change.previous)
    return `previous data ${textOf(event.previousData)}, not ${change.previous}`;
  return undefined;
}
