import { formatZxid, type Operation, type ZxidNumber } from '../history/operation.js';
import { groupBy } from './group-by.js';
import type { Placement } from './placement.js';
import type { Findings, Rule } from './violation.js';

/**
 * What an operation must not miss of all that had ended when it was invoked. `after`: it stands behind all of it (a write). `upTo`: it
 * shows at least that (a read). `nothing`: it may lag, but what it shows, others must not miss later.
 */
type Duty = 'after' | 'upTo' | 'nothing';

/** Writes and linearizable reads respect what ended before they were invoked, whoever did it. */
export function checkRealTimeOrder(operations: readonly Operation[], placement: Placement, findings: Findings): void {
  const dutyOf = (operation: Operation): Duty => {
    if (operation.kind !== 'get') return 'after';
    return operation.consistency === 'linearizable' ? 'upTo' : 'nothing';
  };
  sweep(operations, placement, dutyOf, 'real-time', findings);
}

/** A client's local reads show at least what that same client has seen or done before. */
export function checkSessionOrder(operations: readonly Operation[], placement: Placement, findings: Findings): void {
  const dutyOf = (operation: Operation): Duty => (operation.kind === 'get' ? 'upTo' : 'nothing');
  for (const own of groupBy(operations, ({ client }) => client).values())
    sweep(own, placement, dutyOf, 'session', findings);
}

/** No two writes have one zxid; refusals that were ordered count, for they use a zxid too. */
export function checkUniqueZxids(operations: readonly Operation[], placement: Placement, findings: Findings): void {
  const taken = new Map<ZxidNumber, Operation>();
  for (const operation of operations) {
    if (operation.kind === 'get') continue;
    const zxid = placement.zxidOf(operation);
    if (zxid === undefined) continue;
    const other = taken.get(zxid);
    if (other !== undefined) findings.add('shared-zxid', `two writes at ${formatZxid(zxid)}`, other, operation);
    else taken.set(zxid, operation);
  }
}

/** Goes through all moments in order, and holds each invocation against the furthest place of what had ended by then. */
function sweep(
  operations: readonly Operation[],
  placement: Placement,
  dutyOf: (operation: Operation) => Duty,
  rule: Rule,
  findings: Findings,
): void {
  const placed = operations.flatMap((operation) => {
    const zxid = placement.zxidOf(operation);
    return zxid === undefined ? [] : [{ operation, zxid }];
  });
  // A write of unknown outcome has no end: it may have been applied long after its caller gave up.
  const ends = placed
    .filter(({ operation }) => operation.outcome !== 'unknown')
    .sort((a, b) => a.operation.endedUs - b.operation.endedUs);
  const invocations = placed
    .filter(({ operation }) => dutyOf(operation) !== 'nothing')
    .sort((a, b) => a.operation.invokedUs - b.operation.invokedUs);
  let furthest: (typeof placed)[number] | undefined;
  let next = 0;
  for (const { operation, zxid } of invocations) {
    // Of two moments in the same microsecond nobody knows which was first.
    for (let end = ends[next]; end !== undefined && end.operation.endedUs < operation.invokedUs; end = ends[next]) {
      if (furthest === undefined || end.zxid > furthest.zxid) furthest = end;
      next += 1;
    }
    if (furthest === undefined) continue;
    const kept = dutyOf(operation) === 'after' ? zxid > furthest.zxid : zxid >= furthest.zxid;
    if (!kept) findings.add(rule, 'stands before what had ended when it began', furthest.operation, operation);
  }
}
