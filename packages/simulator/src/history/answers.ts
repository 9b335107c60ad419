import { perform, type Outcome } from './perform.js';
import {
  isWrite,
  type Call,
  type ChildEntry,
  type ChildrenItem,
  type ReadCall,
  type ReadItem,
  type Seen,
  type SnapshotNode,
  type StepResult,
  type Value,
  type WriteCall,
} from './record.js';
import { byBytes, childPath, REGISTER, type ModelNode, type TreeModel } from './tree-model.js';

/** What is expected of an answer beyond values and versions. */
export interface AnswerOptions {
  /** Places are the cluster's word: a search without trust in them leaves them out. */
  readonly withPlaces: boolean;
}

/**
 * Does a call on a model, and holds its answer against what the model says. Undefined when they agree; else what the model has, in words; the model is
 * then in the state after the call all the same.
 */
export function performAndCompare(model: TreeModel, call: Call, options: AnswerOptions): string | undefined {
  if (!isWrite(call)) return compareRead(model, call, options);
  const outcome = perform(model, call, options.withPlaces ? call.zxid : undefined);
  return call.end === undefined ? undefined : compareWrite(call, outcome);
}

/** Does a call whose caller was not told, in the place where others saw it: so it must have had an effect, and the name that was seen. */
export function performSeen(model: TreeModel, call: WriteCall): string | undefined {
  const outcome = perform(model, call, call.zxid);
  if (outcome.kind === 'failed') return `it is refused: ${outcome.code}`;
  if (outcome.kind === 'transaction' && !outcome.committed) return 'it is rolled back';
  return call.kind === 'create' && outcome.kind === 'created' ? differ(call.name, outcome.name, 'name') : undefined;
}

/** Holds what a stat shows of a znode, or of the register, against the model. */
export function compareShown(model: TreeModel, path: string, seen: Seen): string | undefined {
  const node = model.get(path);
  return node === undefined ? 'no node' : compareNode(seen, undefined, node, { withPlaces: true });
}

/** Holds the state of a scope, at one zxid, against the model, as far as these keys go. */
export function compareSnapshot(
  model: TreeModel,
  keys: ReadonlySet<string>,
  isInScope: (path: string) => boolean,
  nodes: readonly SnapshotNode[],
): string | undefined {
  const told = new Map(nodes.filter(({ path }) => keys.has(path)).map((node) => [node.path, node]));
  for (const key of keys) {
    if (!key.startsWith('/') || !isInScope(key)) continue;
    const [own, seen] = [model.get(key), told.get(key)];
    // What no call creates was there before.
    if (own === undefined && seen !== undefined && !model.isParent(key)) return `no node ${key}`;
    if (own !== undefined && seen === undefined) return `${key}: ${shown(own)}`;
    const problem = seen === undefined ? undefined : compareNode(seen, seen.value, own, { withPlaces: true });
    if (problem !== undefined) return `${key}: ${problem}`;
  }
  return undefined;
}

function compareWrite(call: WriteCall, outcome: Outcome): string | undefined {
  const refusal = refusalOf(outcome, call);
  if (call.refused !== refusal) return refusal === undefined ? 'it is not refused' : `it is refused: ${refusal}`;
  if (refusal !== undefined) return undefined;
  switch (outcome.kind) {
    case 'transaction':
      return call.kind === 'transaction' ? compareTransaction(call, outcome) : 'a transaction';
    case 'created':
      return call.kind === 'create' ? compareCreated(call, outcome) : undefined;
    case 'set':
    case 'registerWritten':
      return differ('version' in call ? call.version : undefined, outcome.version, 'version');
    case 'deleted':
      return differ('deleted' in call ? call.deleted : undefined, outcome.deleted, 'count of deleted nodes');
    case 'guessed':
      if (call.kind !== 'registerGuess') return undefined;
      return differ(call.matched, outcome.matched, 'match') ?? differ(call.version, outcome.version, 'version');
    default:
      return undefined;
  }
}

/** A transaction that failed at a step is told by its results, or by that step's code. */
function refusalOf(outcome: Outcome, call: WriteCall): string | undefined {
  if (outcome.kind === 'failed') return outcome.code;
  if (outcome.kind !== 'transaction' || call.refused === undefined) return undefined;
  const failed = outcome.results.find((result) => result.kind === 'failed');
  return failed?.kind === 'failed' ? failed.code : undefined;
}

function compareTransaction(
  call: WriteCall & { kind: 'transaction' },
  outcome: Outcome & { kind: 'transaction' },
): string | undefined {
  const wrong =
    differ(call.branch, outcome.branch, 'branch') ?? differ(call.committed, outcome.committed, 'being committed');
  if (wrong !== undefined) return wrong;
  const { results } = call;
  if (results === undefined) return undefined;
  if (results.length !== outcome.results.length) return `${outcome.results.length} results`;
  for (const [index, told] of results.entries()) {
    const problem = compareStep(told, outcome.results[index]!);
    if (problem !== undefined) return `at step ${index + 1}: ${problem}`;
  }
  return undefined;
}

function compareStep(told: StepResult, own: StepResult): string | undefined {
  if (told.kind !== own.kind) return own.kind === 'failed' ? `failed: ${own.code}` : own.kind;
  switch (own.kind) {
    case 'created':
      return compareCreated(told as typeof own, own);
    case 'set':
      return differ((told as typeof own).version, own.version, 'version');
    case 'deleted':
      return differ((told as typeof own).deleted, own.deleted, 'count of deleted nodes');
    case 'got':
      return (
        differ((told as typeof own).value, own.value, 'value') ??
        differ((told as typeof own).version, own.version, 'version')
      );
    case 'existed':
      return (told as typeof own).version === own.version ? undefined : `version ${own.version}`;
    case 'failed':
      return differ((told as typeof own).code, own.code, 'code');
    case 'ok':
      return undefined;
  }
}

function compareCreated(
  told: { readonly name?: string | undefined; readonly existed?: boolean | undefined },
  own: StepResult & { kind: 'created' },
): string | undefined {
  return differ(told.name, own.name, 'name') ?? differ(told.existed ?? false, own.existed, 'having existed');
}

/** What was not told is not compared; what the model does not know neither. */
function differ<T>(told: T | undefined, own: T | undefined, what: string): string | undefined {
  if (told === undefined || own === undefined || told === own) return undefined;
  return `${what} ${JSON.stringify(own)}`;
}

function compareRead(model: TreeModel, call: ReadCall, options: AnswerOptions): string | undefined {
  switch (call.kind) {
    case 'sync':
      return undefined;
    case 'registerRead': {
      const register = model.get(REGISTER);
      if (register?.value !== call.value) return `value ${JSON.stringify(register?.value)}`;
      return differ(call.version, register?.version ?? 0, 'version');
    }
    case 'multiRead':
      for (const [index, item] of call.reads.entries()) {
        const problem = compareItem(model, item, options);
        if (problem !== undefined) return `at read ${index + 1}: ${problem}`;
      }
      return undefined;
    default:
      return compareItem(model, call, options);
  }
}

function compareItem(model: TreeModel, item: ReadItem, options: AnswerOptions): string | undefined {
  const node = model.get(item.path);
  switch (item.kind) {
    case 'get':
      if ((item.value === undefined) !== (node === undefined)) return node === undefined ? 'no node' : shown(node);
      return compareNode(item, item.value, node, options);
    case 'exists':
      if ((item.version === undefined) !== (node === undefined)) return node === undefined ? 'no node' : shown(node);
      return compareNode(item, undefined, node, options);
    case 'count': {
      // Of what no call creates nobody knows whether it was there.
      if (item.count === undefined) return node === undefined ? undefined : shown(node);
      if (!model.isParent(item.path)) return 'no node';
      return differ(item.count, model.below(item.path).length, 'count');
    }
    case 'children':
      return compareChildren(model, item, options);
  }
}

function compareNode(
  seen: Seen,
  value: Value | undefined,
  node: ModelNode | undefined,
  { withPlaces }: AnswerOptions,
): string | undefined {
  if (node === undefined) return undefined;
  const isOther =
    differ(value, node.value, 'value') ??
    differ(seen.version, node.version, 'version') ??
    (withPlaces && (isElsewhere(seen.czxid, node.czxid) || isElsewhere(seen.mzxid, node.mzxid)) ? 'place' : undefined);
  return isOther === undefined ? undefined : shown(node);
}

/** A place that was shown is some write's, and that write is in the model with its place: one without is another. */
function isElsewhere(seen: number | undefined, own: number | undefined): boolean {
  return seen !== undefined && seen !== own;
}

function compareChildren(model: TreeModel, item: ChildrenItem, options: AnswerOptions): string | undefined {
  const { path, entries, startAfter = '', more = false } = item;
  if (entries === undefined) return model.get(path) === undefined ? undefined : 'a node';
  if (!model.isParent(path)) return 'no node';
  const names = model.childNames(path).filter((name) => startAfter === '' || byBytes(name, startAfter) > 0);
  const own = more ? names.slice(0, entries.length) : names;
  if (own.length !== entries.length) return `${own.length} children`;
  for (const [index, told] of entries.entries()) {
    const entry: ChildEntry = typeof told === 'string' ? { name: told } : told;
    if (entry.name !== own[index]) return `child ${own[index]} in place of ${entry.name}`;
    const problem = compareNode(entry, entry.value, model.get(childPath(path, entry.name)), options);
    if (problem !== undefined) return `${entry.name}: ${problem}`;
  }
  return undefined;
}

function shown({ value, version, czxid, mzxid }: ModelNode): string {
  return JSON.stringify({ value, version, czxid, mzxid });
}
