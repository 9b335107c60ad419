import type { Call, ReadItem, Step } from './record.js';
import { childPath, parentOf, REGISTER } from './tree-model.js';

/** What a call has to do with a tree. */
export interface Touched {
  /** Paths, `register`, and `session:ID`. */
  readonly keys: readonly string[];
  /** Paths whose children the call looks at, counts, numbers or takes away: what is below them belongs together with them. */
  readonly relating: readonly string[];
  /** Paths that it may create. */
  readonly created: readonly string[];
  /** Paths that its answer says to be missing: parents of what it was to create. */
  readonly missing: readonly string[];
}

export function sessionKey(session: number): string {
  return `session:${session}`;
}

/** All that a call depends on or changes, but for the parents of what it creates: `groupByKeys` knows when these matter. */
export function touchedBy(call: Call): Touched {
  const touched = { keys: [] as string[], relating: [] as string[], created: [] as string[], missing: [] as string[] };
  collect(call, touched);
  if (call.session !== undefined && dependsOnSession(call)) touched.keys.push(sessionKey(call.session));
  return touched;
}

function dependsOnSession(call: Call): boolean {
  if (call.kind === 'sessionClose' || call.refused === 'SESSION_EXPIRED') return true;
  if (call.kind === 'create') return call.mode?.startsWith('ephemeral') ?? false;
  if (call.kind !== 'transaction') return false;
  const steps = [...call.then, ...(call.else ?? [])];
  return steps.some((step) => step.kind === 'create' && (step.mode?.startsWith('ephemeral') ?? false));
}

interface Collected {
  readonly keys: string[];
  readonly relating: string[];
  readonly created: string[];
  readonly missing: string[];
}

function collect(call: Call, into: Collected): void {
  switch (call.kind) {
    case 'transaction':
      for (const { path, target } of call.compares ?? []) {
        into.keys.push(path);
        if (target === 'cversion') into.relating.push(path);
      }
      for (const step of [...call.then, ...(call.else ?? [])]) collectStep(step, undefined, into);
      for (const [index, result] of (call.results ?? []).entries()) {
        const step = (call.branch === 'else' ? call.else : call.then)?.[index];
        if (result.kind === 'failed') collectRefusal(step, result.code, into);
        if (result.kind === 'created' && result.name !== undefined) {
          into.keys.push(result.name);
          into.created.push(result.name);
        }
      }
      return;
    case 'registerWrite':
    case 'registerGuess':
    case 'registerRead':
      into.keys.push(REGISTER);
      return;
    case 'multiRead':
      for (const item of call.reads) collectItem(item, into);
      return;
    case 'get':
    case 'exists':
    case 'children':
    case 'count':
      return collectItem(call, into);
    case 'sync':
    case 'sessionOpen':
    case 'sessionClose':
      return;
    case 'setQuota':
      into.keys.push(call.path);
      return;
    default:
      collectStep(call, call.kind === 'create' ? call.name : undefined, into);
      collectRefusal(call, call.refused, into);
  }
}

/** That the parent was not there, or may have no children, is an answer about the parent. */
function collectRefusal(step: Step | undefined, code: string | undefined, into: Collected): void {
  if (step?.kind !== 'create' || code === undefined || code === 'NODE_EXISTS') return;
  const parent = parentOf(step.path);
  into.relating.push(parent);
  if (code === 'NO_NODE') into.missing.push(parent);
}

function collectStep(step: Step, name: string | undefined, into: Collected): void {
  if (step.kind === 'delete' || step.kind === 'deleteRecursive') into.relating.push(step.path);
  if (step.kind !== 'create') {
    into.keys.push(step.path);
    return;
  }
  const { mode = 'persistent' } = step;
  const path = mode.endsWith('Sequential') ? name : step.path;
  if (mode.endsWith('Sequential')) {
    into.keys.push(parentOf(step.path));
    into.relating.push(parentOf(step.path));
  } else if (mode !== 'persistent') into.relating.push(step.path);
  if (path === undefined) return;
  into.keys.push(path);
  into.created.push(path);
}

function collectItem(item: ReadItem, into: Collected): void {
  into.keys.push(item.path);
  if (item.kind === 'children' || item.kind === 'count') into.relating.push(item.path);
  if (item.kind !== 'children') return;
  for (const entry of item.entries ?? []) {
    into.keys.push(childPath(item.path, typeof entry === 'string' ? entry : entry.name));
  }
}

/** A path's ancestors, the nearest first, `/` the last. None of what is no path. */
export function ancestorsOf(key: string): string[] {
  if (!key.startsWith('/') || key === '/') return [];
  const parent = parentOf(key);
  return [parent, ...ancestorsOf(parent)];
}
