import type { History, Operation } from '../history/operation.js';
import { isSetOk } from './model-history.js';
import type { Rule } from './violation.js';

/** One defect of a cluster, done to the history of a perfect one. */
export interface PlantedAnomaly {
  readonly name: string;
  /** The rule that must report it. */
  readonly rule: Rule;
  /** Whether the search, which knows no zxids, must see it too. */
  readonly foundBySearch: boolean;
  /** Undefined when the history has no place for it. */
  readonly plant: (history: History) => History | undefined;
}

type Ok<K extends Operation['kind']> = Extract<Operation, { kind: K }> & { readonly outcome: 'ok' };

function okOf<K extends Operation['kind']>(history: History, kind: K): Ok<K>[] {
  return history.operations.filter(
    (operation): operation is Ok<K> => operation.kind === kind && operation.outcome === 'ok',
  );
}

/** The history with some operations replaced. */
function replace(history: History, changes: ReadonlyMap<Operation, Operation>): History {
  const operations = history.operations.map((operation) => changes.get(operation) ?? operation);
  return { ...history, operations };
}

function linearizableGets(history: History): Ok<'get'>[] {
  return okOf(history, 'get').filter(({ consistency }) => consistency === 'linearizable');
}

/** A set, and a linearizable read of the same register that was invoked after a later set had ended. */
function staleRead(history: History): { old: Ok<'set'>; get: Ok<'get'> } | undefined {
  for (const get of linearizableGets(history).toReversed()) {
    const sets = history.operations
      .filter(isSetOk)
      .filter(({ path, endedUs }) => path === get.path && endedUs < get.invokedUs)
      .sort((a, b) => a.result.zxid - b.result.zxid);
    const old = sets.at(-3);
    if (old !== undefined) return { old, get };
  }
  return undefined;
}

/** What every rule is tried with. */
export const PLANTED_ANOMALIES: readonly PlantedAnomaly[] = [
  {
    name: 'an acknowledged create is gone',
    rule: 'lost',
    foundBySearch: false,
    plant: (history) => {
      const lost = okOf(history, 'append').at(-1)?.result.name;
      return { ...history, children: history.children.filter(({ name }) => name !== lost) };
    },
  },
  {
    name: 'a create was applied twice',
    rule: 'doubled',
    foundBySearch: false,
    plant: (history) => {
      const [first] = history.children;
      const last = history.children.at(-1);
      if (first === undefined || last === undefined) return undefined;
      const name = `n-${String(history.children.length).padStart(10, '0')}`;
      return { ...history, children: [...history.children, { ...first, name, czxid: last.czxid + 1_000 }] };
    },
  },
  {
    name: 'a create took two numbers',
    rule: 'sequence',
    foundBySearch: false,
    plant: (history) => {
      const children = history.children.map((child, index) =>
        index < 3 ? child : { ...child, name: `n-${String(index + 1).padStart(10, '0')}` },
      );
      return children.length > 3 ? { ...history, children } : undefined;
    },
  },
  {
    name: 'a set was applied twice',
    rule: 'doubled',
    foundBySearch: true,
    plant: (history) => {
      const sets = history.operations.filter(isSetOk).sort((a, b) => a.result.zxid - b.result.zxid);
      const middle = sets[sets.length >>> 1];
      if (middle === undefined) return undefined;
      const changes = new Map<Operation, Operation>();
      for (const operation of history.operations) {
        if (operation.path !== middle.path || operation.outcome !== 'ok' || operation.kind === 'append') continue;
        const { result } = operation;
        if (operation.kind === 'get' ? operation.result.mzxid <= middle.result.zxid : result.zxid <= middle.result.zxid)
          continue;
        changes.set(operation, { ...operation, result: { ...result, version: result.version + 1 } } as Operation);
      }
      return replace(history, changes);
    },
  },
  {
    name: 'an acknowledged set was lost: the next one made the same version',
    rule: 'lost',
    foundBySearch: true,
    plant: (history) => {
      const sets = history.operations.filter(isSetOk).sort((a, b) => a.result.zxid - b.result.zxid);
      const lost = sets.filter(({ path }) => path === sets.at(-1)?.path).at(-2);
      if (lost === undefined) return undefined;
      const changes = new Map<Operation, Operation>();
      for (const operation of sets) {
        if (operation.path !== lost.path || operation.result.zxid <= lost.result.zxid) continue;
        const result = { ...operation.result, version: operation.result.version - 1 };
        changes.set(operation, { ...operation, result });
      }
      return changes.size === 0 ? undefined : replace(history, changes);
    },
  },
  {
    name: 'a linearizable read is stale, and honest about it',
    rule: 'real-time',
    foundBySearch: true,
    plant: (history) => {
      const found = staleRead(history);
      if (found === undefined) return undefined;
      const { value, result } = found.old;
      const { zxid, version } = result;
      return replace(history, new Map([[found.get, { ...found.get, result: { zxid, value, version, mzxid: zxid } }]]));
    },
  },
  {
    name: 'a linearizable read is stale, and lies about its zxid',
    rule: 'read',
    foundBySearch: true,
    plant: (history) => {
      const found = staleRead(history);
      if (found === undefined) return undefined;
      const { value, result } = found.old;
      const { version, zxid: mzxid } = result;
      const { zxid } = found.get.result;
      return replace(history, new Map([[found.get, { ...found.get, result: { zxid, value, version, mzxid } }]]));
    },
  },
  {
    name: 'two writes stand at one zxid',
    rule: 'shared-zxid',
    foundBySearch: false,
    plant: (history) => {
      const [first, second] = okOf(history, 'append');
      if (first === undefined || second === undefined) return undefined;
      const result = { ...second.result, zxid: first.result.zxid };
      return replace(history, new Map([[second, { ...second, result }]]));
    },
  },
  {
    name: 'a write stands in the log before one that had ended when it began',
    rule: 'real-time',
    foundBySearch: false,
    plant: (history) => {
      const guesses = okOf(history, 'guess');
      const [first] = guesses;
      const later = guesses.find(({ invokedUs }) => first !== undefined && invokedUs > first.endedUs);
      if (first === undefined || later === undefined) return undefined;
      return replace(
        history,
        new Map<Operation, Operation>([
          [first, { ...first, result: { ...first.result, zxid: later.result.zxid } }],
          [later, { ...later, result: { ...later.result, zxid: first.result.zxid } }],
        ]),
      );
    },
  },
  {
    name: 'a set that was rejected is read',
    rule: 'phantom',
    foundBySearch: true,
    plant: (history) => {
      const get = linearizableGets(history).at(-1);
      const set = history.operations.find((operation) => isSetOk(operation) && operation.value === get?.result.value);
      if (set?.kind !== 'set') return undefined;
      return replace(history, new Map([[set, { ...set, outcome: 'rejected', code: 'THROTTLED', zxid: undefined }]]));
    },
  },
  {
    name: 'a read returns what nobody wrote',
    rule: 'phantom',
    foundBySearch: true,
    plant: (history) => {
      const get = linearizableGets(history).at(-1);
      if (get === undefined) return undefined;
      return replace(history, new Map([[get, { ...get, result: { ...get.result, value: 'out of nowhere' } }]]));
    },
  },
  {
    name: 'a guess is answered wrongly',
    rule: 'guess',
    foundBySearch: false,
    plant: (history) => {
      const guess = okOf(history, 'guess').at(-1);
      if (guess === undefined) return undefined;
      const result = { ...guess.result, matched: !guess.result.matched };
      return replace(history, new Map([[guess, { ...guess, result }]]));
    },
  },
  {
    name: 'a conditional set was applied on another version',
    rule: 'version',
    foundBySearch: true,
    plant: (history) => {
      const set = history.operations.findLast((operation) => isSetOk(operation) && operation.expected !== undefined);
      if (set?.kind !== 'set') return undefined;
      return replace(history, new Map([[set, { ...set, expected: (set.expected ?? 0) - 1 }]]));
    },
  },
  {
    name: 'a conditional set was refused on the right version',
    rule: 'version',
    foundBySearch: false,
    plant: (history) => {
      const set = history.operations.find(
        (operation) => operation.kind === 'set' && operation.outcome === 'rejected' && operation.code === 'BAD_VERSION',
      );
      if (set?.kind !== 'set') return undefined;
      return replace(history, new Map([[set, { ...set, expected: (set.expected ?? 0) + 1 }]]));
    },
  },
  {
    name: 'a local read goes back in time within its client',
    rule: 'session',
    foundBySearch: false,
    plant: (history) => {
      const get = okOf(history, 'get').findLast(({ consistency }) => consistency === 'local');
      const old = history.operations.filter(isSetOk).find(({ path }) => path === get?.path);
      if (get === undefined || old === undefined) return undefined;
      const { value, result } = old;
      const { zxid, version } = result;
      return replace(history, new Map([[get, { ...get, result: { zxid, value, version, mzxid: zxid } }]]));
    },
  },
];
