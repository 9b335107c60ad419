import type { AppendOperation, FinalChild, History } from '../history/operation.js';
import { groupBy } from './group-by.js';
import type { Findings } from './violation.js';

/**
 * Holds the sequential znodes that are there in the end against the creates: every acknowledged one is there, once, by the name that
 * its caller was told, and the suffixes number all creations from 0 in the order of the log. (That nobody created what is there, and
 * that one create made two, is found by the Placement.)
 */
export function checkAppends(history: History, findings: Findings): void {
  const parents = groupBy(history.children, ({ path }) => path);
  const appends = history.operations.filter((operation): operation is AppendOperation => operation.kind === 'append');
  for (const [path, own] of groupBy(appends, ({ path }) => path)) {
    const children = parents.get(path) ?? [];
    checkAllThere(own, children, findings);
    checkNumbers(path, children, findings);
  }
}

function checkAllThere(appends: readonly AppendOperation[], children: readonly FinalChild[], findings: Findings): void {
  const byName = new Map(children.map((child) => [child.name, child]));
  for (const append of appends) {
    if (append.outcome !== 'ok') continue;
    const { name, zxid } = append.result;
    const child = byName.get(name);
    if (child === undefined) findings.add('lost', `${append.path}/${name} was acknowledged and is not there`, append);
    else if (child.value !== append.value || child.czxid !== zxid) {
      findings.add('lost', `${append.path}/${name} holds "${child.value}", which is somebody else's`, append);
    }
  }
}

/** The parent counts every creation: a number left out or out of turn is a creation that was lost, doubled or moved. */
function checkNumbers(path: string, children: readonly FinalChild[], findings: Findings): void {
  const inLogOrder = children.toSorted((a, b) => a.czxid - b.czxid);
  for (const [index, { name }] of inLogOrder.entries()) {
    const suffix = Number(/\d{10}$/.exec(name)?.[0] ?? Number.NaN);
    if (suffix === index) continue;
    // Those behind it are shifted with it.
    findings.add('sequence', `${path}/${name} is creation ${index} in the log, of ${children.length}`);
    return;
  }
}
