import { describeOperation, type Operation } from '../history/operation.js';

/**
 * What may be found wrong with a history.
 *
 * - `lost`: an acknowledged write is not there.
 * - `doubled`: a write took effect more than once.
 * - `phantom`: a value is there that nobody wrote, or whose write was certainly rejected.
 * - `shared-zxid`: two writes have one zxid.
 * - `real-time`: an operation stands in the log before one that had ended when it began.
 * - `read`: a read does not return the newest write at or before its zxid.
 * - `version`: versions do not follow the order of the log.
 * - `guess`: a guess does not compare with the newest write before it.
 * - `session`: a client saw less than it had seen before.
 * - `sequence`: the suffixes of sequential znodes do not number their creations.
 * - `search`: the search found no order that explains the history of a register.
 * - `digest`: servers differ in their state at one zxid.
 */
export type Rule =
  | 'lost'
  | 'doubled'
  | 'phantom'
  | 'shared-zxid'
  | 'real-time'
  | 'read'
  | 'version'
  | 'guess'
  | 'session'
  | 'sequence'
  | 'search'
  | 'digest';

/** One thing that is wrong, with the operations that show it. */
export interface Violation {
  readonly rule: Rule;
  readonly message: string;
}

/** Violations of one rule that are kept: one defect often breaks thousands of operations. */
const KEPT_MAX = 20;

/** Collects violations, the first few of each rule whole, and the number of all. */
export class Findings {
  readonly #kept: Violation[] = [];
  readonly #counts = new Map<Rule, number>();

  add(rule: Rule, what: string, ...operations: readonly Operation[]): void {
    const count = (this.#counts.get(rule) ?? 0) + 1;
    this.#counts.set(rule, count);
    if (count > KEPT_MAX) return;
    const shown = operations.map((operation) => `\n    ${describeOperation(operation)}`).join('');
    this.#kept.push({ rule, message: `${what}${shown}` });
  }

  get violations(): readonly Violation[] {
    return this.#kept;
  }

  get counts(): ReadonlyMap<Rule, number> {
    return this.#counts;
  }
}
