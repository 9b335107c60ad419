import { initialState, step, type KeyState } from './key-model.js';
import type { Operation } from './operation.js';

export type Verdict =
  | { readonly kind: 'linearizable' }
  /** `longest`: the most operations that any order could explain before it got stuck; `stuck`: one that it could not. */
  | { readonly kind: 'violation'; readonly longest: number; readonly stuck: Operation | undefined }
  /** The search grew beyond its bound: nothing is known. */
  | { readonly kind: 'undecided' };

/** A call, or its answer, in a doubly linked list in the order of time. */
interface Entry {
  readonly operation: Operation;
  readonly index: number;
  /** Of a call: its answer, unless there is none. */
  answer: Entry | undefined;
  readonly isCall: boolean;
  before: Entry | undefined;
  after: Entry | undefined;
}

/** Steps of the search, at most: seconds, not minutes. */
const STEPS_MAX = 500_000;

/**
 * Whether the operations on one key fit into one order that respects real time and the sequential specification. The search is that of Wing and Gong (1993)
 * with Lowe's memory of configurations ("Testing for linearizability", 2017): a set of operations with the state that they lead to is tried once.
 * An operation without an answer may be placed anywhere after its call, or left out.
 */
export function checkKey(operations: readonly Operation[], stepsMax = STEPS_MAX): Verdict {
  const head = listOf(operations);
  const answered = operations.filter((operation) => operation.end !== undefined).length;
  return new Search(head, operations, answered, stepsMax).run();
}

class Search {
  readonly #head: Entry;
  readonly #operations: readonly Operation[];
  readonly #answered: number;
  readonly #stepsMax: number;
  readonly #placed: Uint8Array;
  readonly #tried = new Set<string>();
  readonly #stack: { entry: Entry; state: KeyState }[] = [];
  #state: KeyState;
  #answeredPlaced = 0;
  #longest = 0;
  #stuck: Operation | undefined;

  constructor(head: Entry, operations: readonly Operation[], answered: number, stepsMax: number) {
    this.#head = head;
    this.#operations = operations;
    this.#answered = answered;
    this.#stepsMax = stepsMax;
    this.#placed = new Uint8Array(operations.length);
    this.#state = initialState(operations[0]?.key ?? '');
  }

  run(): Verdict {
    let entry = this.#head.after;
    for (let steps = 0; steps < this.#stepsMax; steps++) {
      if (this.#answeredPlaced === this.#answered) return { kind: 'linearizable' };
      if (entry === undefined || !entry.isCall) {
        this.#note(entry);
        const undone = this.#undo();
        if (undone === undefined) return { kind: 'violation', longest: this.#longest, stuck: this.#stuck };
        entry = undone.after;
      } else entry = this.#place(entry) ? this.#head.after : entry.after;
    }
    return { kind: 'undecided' };
  }

  /** Places the call next, if its answer allows that and it was not tried before. */
  #place(entry: Entry): boolean {
    const { operation, index } = entry;
    const next = step(this.#state, operation);
    if (next === undefined) return false;
    // One without an answer and without an effect explains nothing.
    if (operation.end === undefined && next === this.#state) return false;
    this.#placed[index] = 1;
    const configuration = `${next.version}:${next.value ?? ''}|${bits(this.#placed)}`;
    if (this.#tried.has(configuration)) {
      this.#placed[index] = 0;
      return false;
    }
    this.#tried.add(configuration);
    this.#stack.push({ entry, state: this.#state });
    this.#state = next;
    if (operation.end !== undefined) this.#answeredPlaced++;
    unlink(entry);
    if (entry.answer !== undefined) unlink(entry.answer);
    return true;
  }

  /** An answer came before which nothing more can be placed. */
  #note(entry: Entry | undefined): void {
    if (this.#stack.length < this.#longest) return;
    this.#longest = this.#stack.length;
    this.#stuck = entry?.operation ?? this.#operations.find((_, index) => this.#placed[index] === 0);
  }

  #undo(): Entry | undefined {
    const last = this.#stack.pop();
    if (last === undefined) return undefined;
    const { entry, state } = last;
    this.#state = state;
    this.#placed[entry.index] = 0;
    if (entry.operation.end !== undefined) this.#answeredPlaced--;
    if (entry.answer !== undefined) relink(entry.answer);
    relink(entry);
    return entry;
  }
}

/** Calls before answers at the same moment: they may have overlapped. */
function listOf(operations: readonly Operation[]): Entry {
  const entries: { at: number; entry: Entry }[] = [];
  operations.forEach((operation, index) => {
    const make = (isCall: boolean): Entry => ({
      operation,
      index,
      isCall,
      answer: undefined,
      before: undefined,
      after: undefined,
    });
    const call = make(true);
    entries.push({ at: operation.start, entry: call });
    if (operation.end === undefined) return;
    call.answer = make(false);
    entries.push({ at: operation.end, entry: call.answer });
  });
  entries.sort((a, b) => a.at - b.at || Number(b.entry.isCall) - Number(a.entry.isCall));
  const head: Entry = {
    operation: operations[0]!,
    index: -1,
    isCall: true,
    answer: undefined,
    before: undefined,
    after: undefined,
  };
  let last = head;
  for (const { entry } of entries) {
    last.after = entry;
    entry.before = last;
    last = entry;
  }
  return head;
}

function unlink({ before, after }: Entry): void {
  before!.after = after;
  if (after !== undefined) after.before = before;
}

/** In the reverse order of `unlink`, each finds its place again. */
function relink(entry: Entry): void {
  entry.before!.after = entry;
  if (entry.after !== undefined) entry.after.before = entry;
}

function bits(placed: Uint8Array): string {
  let text = '';
  for (let at = 0; at < placed.length; at += 16) {
    let word = 0;
    for (let i = at; i < Math.min(at + 16, placed.length); i++) word = (word << 1) | placed[i]!;
    text += String.fromCharCode(word);
  }
  return text;
}
