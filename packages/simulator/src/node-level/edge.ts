import type { RefusalReason, ServerId, Zxid } from '@zkl/consensus';
import type { NodeAnswer, ReadError, RegisterAnswer, Result } from '@zkl/state-machine';
import type { Consistency } from '../history/record.js';
import type { ServerRun } from './server-run.js';

/** What a server answers to a write. `refused` and `redirected`: certainly not applied. */
export type WriteAnswer =
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
  | { readonly kind: 'redirected'; readonly leader: ServerId | undefined }
  | { readonly kind: 'unknown' };

export type ReadAnswer =
  | { readonly kind: 'read'; readonly zxid: Zxid; readonly answer: NodeAnswer | ReadError | RegisterAnswer }
  | { readonly kind: 'refused' };

export interface ReadQuestion {
  /** A path, or `register`. */
  readonly key: string;
  readonly consistency: Consistency;
  readonly atLeast: Zxid;
}

/** What a server does with a client's write, as the server's write path does: the leader proposes it, another says who leads. */
export function submitWrite({ node }: ServerRun, operation: Uint8Array, done: (answer: WriteAnswer) => void): void {
  const { role, serving, leader } = node.status;
  if (role !== 'leading' || !serving) return done({ kind: 'redirected', leader });
  node.propose(operation, (outcome) => {
    if (outcome.kind === 'applied') done({ kind: 'done', result: outcome.result });
    else done(outcome);
  });
}

/** What a server does with a client's read, as the server's read path does. The state is read in the very call that allows it. */
export function submitRead(
  run: ServerRun,
  question: ReadQuestion,
  plantedBugs: ReadonlySet<string>,
  done: (answer: ReadAnswer) => void,
): void {
  const read = (): void => done({ kind: 'read', zxid: run.machine.state.appliedZxid, answer: look(run, question.key) });
  const isWeak = plantedBugs.has('edge-reads-without-barrier');
  if (question.consistency === 'local' || (isWeak && question.consistency === 'linearizable')) return read();
  if (question.consistency === 'atLeast') {
    if (plantedBugs.has('edge-ignores-at-least')) return read();
    run.node.whenApplied(question.atLeast, read);
    return;
  }
  run.node.readBarrier((refusal) => {
    if (refusal === undefined) read();
    else done({ kind: 'refused' });
  });
}

function look({ machine }: ServerRun, key: string): NodeAnswer | ReadError | RegisterAnswer {
  return key === 'register' ? machine.state.register() : machine.state.get(key);
}
