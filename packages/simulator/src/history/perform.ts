import type { Compare, Step, StepResult, WriteCall } from './record.js';
import { parentOf, REGISTER, type ModelNode, type TreeModel } from './tree-model.js';

/**
 * Refusals that depend on what the model does not hold (limits, quotas, arguments). They are taken at their word: no effect.
 */
const MODELLED: ReadonlySet<string> = new Set([
  'NO_NODE',
  'NODE_EXISTS',
  'BAD_VERSION',
  'NOT_EMPTY',
  'NO_CHILDREN_FOR_EPHEMERALS',
  'SESSION_EXPIRED',
]);

/** What a write comes to on a model. */
export type Outcome =
  | StepResult
  | { readonly kind: 'registerWritten'; readonly version: number }
  | { readonly kind: 'guessed'; readonly matched: boolean; readonly version: number }
  | {
      readonly kind: 'transaction';
      readonly branch: 'then' | 'else';
      readonly committed: boolean;
      readonly results: readonly StepResult[];
    };

/**
 * Does a write, on a model, and says what its caller must be told. `zxid`: its place, where it is known.
 */
export function perform(model: TreeModel, call: WriteCall, zxid: number | undefined): Outcome {
  model.zxid = zxid;
  if (call.refused !== undefined && !MODELLED.has(call.refused)) return { kind: 'failed', code: call.refused };
  const isOver = call.session !== undefined && call.kind !== 'sessionOpen' && model.hasEnded(call.session);
  if (isOver) return { kind: 'failed', code: 'SESSION_EXPIRED' };
  switch (call.kind) {
    case 'transaction':
      return transact(model, call);
    case 'registerWrite':
      model.setRegister(call.value);
      return { kind: 'registerWritten', version: model.get(REGISTER)!.version };
    case 'registerGuess': {
      const { value, version } = model.get(REGISTER) ?? { value: undefined, version: 0 };
      return { kind: 'guessed', matched: value === call.value, version };
    }
    case 'setQuota':
    case 'sessionOpen':
      return { kind: 'ok' };
    case 'sessionClose':
      return { kind: 'deleted', deleted: model.endSession(call.session) };
    default:
      return performStep(model, call, call.session ?? 0, call.kind === 'create' ? call.name : undefined);
  }
}

/** `name`: the answer there is, which decides what the model cannot know (a sequential name below a parent that was there before). */
function performStep(model: TreeModel, step: Step, session: number, name: string | undefined): StepResult {
  if (step.kind === 'create') return create(model, step, session, name);
  const node = model.get(step.path);
  switch (step.kind) {
    case 'exists':
      return { kind: 'existed', version: node?.version };
    case 'checkAbsent':
      return node === undefined ? { kind: 'ok' } : failed('NODE_EXISTS');
    default:
      break;
  }
  if (node === undefined) return failed('NO_NODE');
  if (step.kind === 'get') return { kind: 'got', value: node.value, version: node.version };
  if ('expected' in step && step.expected !== undefined && step.expected !== -1 && step.expected !== node.version)
    return failed('BAD_VERSION');
  switch (step.kind) {
    case 'check':
      return { kind: 'ok' };
    case 'set':
      model.set(step.path, step.value);
      return { kind: 'set', version: model.get(step.path)!.version };
    case 'delete':
      if (model.hasChildren(step.path)) return failed('NOT_EMPTY');
      model.remove(step.path);
      return { kind: 'deleted' };
    case 'deleteRecursive': {
      const all = [...model.below(step.path), step.path];
      for (const path of all) model.remove(path);
      return { kind: 'deleted', deleted: all.length };
    }
  }
}

function create(
  model: TreeModel,
  step: Step & { kind: 'create' },
  session: number,
  name: string | undefined,
): StepResult {
  const { mode = 'persistent' } = step;
  const parent = parentOf(step.path);
  if (!model.isParent(parent)) return failed('NO_NODE');
  const number = mode.endsWith('Sequential') ? (model.nextNumber(parent) ?? numberIn(step.path, name) ?? 0) : undefined;
  const path = number === undefined ? step.path : step.path + String(number).padStart(10, '0');
  const there = model.get(path);
  if (there !== undefined) {
    return step.ifAbsent === true ? { kind: 'created', name: path, existed: true } : failed('NODE_EXISTS');
  }
  if (model.get(parent)?.kind === 'ephemeral') return failed('NO_CHILDREN_FOR_EPHEMERALS');
  model.create(path, step.value, mode, session, number);
  return { kind: 'created', name: path, existed: false };
}

function numberIn(prefix: string, name: string | undefined): number | undefined {
  if (name === undefined || !name.startsWith(prefix)) return undefined;
  const number = Number(name.slice(prefix.length));
  return Number.isInteger(number) ? number : undefined;
}

function failed(code: string): StepResult {
  return { kind: 'failed', code };
}

function transact(model: TreeModel, call: WriteCall & { kind: 'transaction' }): Outcome & { kind: 'transaction' } {
  const branch = branchOf(model, call);
  const steps = (branch === 'then' ? call.then : call.else) ?? [];
  const mark = model.mark();
  const results: StepResult[] = [];
  for (const [index, step] of steps.entries()) {
    const told = call.results?.[index];
    // What depends on limits is taken at its word.
    const isForeign = told?.kind === 'failed' && !MODELLED.has(told.code) && told.code !== 'RUNTIME_INCONSISTENCY';
    const name = told?.kind === 'created' ? told.name : undefined;
    results.push(isForeign ? told : performStep(model, step, call.session ?? 0, name));
    if (results.at(-1)!.kind === 'failed') break;
  }
  const committed = results.at(-1)?.kind !== 'failed';
  if (committed) return { kind: 'transaction', branch, committed, results };
  model.undo(mark);
  const shown = steps.map((_, index): StepResult => {
    if (index < results.length - 1) return { kind: 'ok' };
    return results[index] ?? failed('RUNTIME_INCONSISTENCY');
  });
  return { kind: 'transaction', branch, committed, results: shown };
}

function branchOf(model: TreeModel, call: WriteCall & { kind: 'transaction' }): 'then' | 'else' {
  const verdicts = (call.compares ?? []).map((compare) => holds(compare, model.get(compare.path)));
  if (verdicts.includes(false)) return 'else';
  // A place that is not known: the answer may be either.
  return verdicts.includes(undefined) ? (call.branch ?? 'then') : 'then';
}

/** Undefined when it depends on the place of a write that is not known. */
function holds(compare: Compare, node: ModelNode | undefined): boolean | undefined {
  const relate = (difference: number): boolean =>
    ({ '=': difference === 0, '!=': difference !== 0, '<': difference < 0, '>': difference > 0 })[
      compare.operator ?? '='
    ];
  if (compare.target === 'exists') return relate(Number(node !== undefined) - Number(compare.operand));
  if (node === undefined) return false;
  if (compare.target === 'value') return relate(compareValues(node.value, compare.operand));
  const own = node[compare.target];
  return own === undefined ? undefined : relate(own - compare.operand);
}

function compareValues(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
