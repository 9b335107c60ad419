import { performAndCompare } from './answers.js';
import type { Component } from './components.js';
import { isAnswered, isLinearizable, type Call } from './record.js';
import { TreeModel } from './tree-model.js';

export type Verdict =
  | { readonly kind: 'linearizable' }
  /** `longest`: the most calls that any order could explain before it got stuck; `stuck`: one that it could not. */
  | { readonly kind: 'violation'; readonly longest: number; readonly stuck: Call | undefined }
  /** The search grew beyond its bound: nothing is known. */
  | { readonly kind: 'undecided' };

/** A call, or its answer, in a doubly linked list in the order of time. */
interface Entry {
  readonly call: Call;
  readonly index: number;
  /** Of a call: its answer, unless there is none. */
  answer: Entry | undefined;
  readonly isCall: boolean;
  before: Entry | undefined;
  after: Entry | undefined;
}

/** Characters of states and configurations that are made, at most: seconds, not minutes, and some tens of megabytes. */
const WORK_MAX = 20_000_000;

/**
 * Whether the calls of a component fit into one order that respects real time and the sequential specification, with no regard to the zxids that the cluster
 * told. The search is that of Wing and Gong (1993) with Lowe's memory of configurations ("Testing for linearizability", 2017): a set of calls with the
 * state that they lead to is tried once. A call without an answer may be placed anywhere after its start, or left out.
 */
export function searchOrder(component: Component, workMax = WORK_MAX): Verdict {
  const calls = component.calls.filter(isLinearizable).sort((a, b) => a.start - b.start);
  return new Search(calls, new TreeModel(component.creatable), workMax).run();
}

class Search {
  readonly #head: Entry;
  readonly #calls: readonly Call[];
  readonly #model: TreeModel;
  readonly #answered: number;
  readonly #placed: Uint8Array;
  readonly #tried = new Set<string>();
  readonly #stack: {
    readonly entry: Entry;
    readonly mark: number;
    readonly firstOpen: number;
    readonly last: number;
  }[] = [];
  #work: number;
  /** All calls before this one are placed. */
  #firstOpen = 0;
  /** No call after this one is placed. */
  #last = -1;
  #answeredPlaced = 0;
  #longest = 0;
  #stuck: Call | undefined;

  constructor(calls: readonly Call[], model: TreeModel, workMax: number) {
    this.#calls = calls;
    this.#model = model;
    this.#work = workMax;
    this.#head = listOf(calls);
    this.#answered = calls.filter(isAnswered).length;
    this.#placed = new Uint8Array(calls.length);
  }

  run(): Verdict {
    let entry = this.#head.after;
    while (this.#work-- > 0) {
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
    const { call, index } = entry;
    const mark = this.#model.mark();
    const problem = performAndCompare(this.#model, call, { withPlaces: false });
    // One without an answer and without an effect explains nothing.
    const isIdle = !isAnswered(call) && this.#model.mark() === mark;
    if (problem !== undefined || isIdle) {
      this.#model.undo(mark);
      return false;
    }
    this.#placed[index] = 1;
    const last = Math.max(this.#last, index);
    const { fingerprint, next } = this.#configuration(last);
    this.#work -= fingerprint.length;
    if (this.#tried.has(fingerprint)) {
      this.#placed[index] = 0;
      this.#model.undo(mark);
      return false;
    }
    this.#tried.add(fingerprint);
    this.#stack.push({ entry, mark, firstOpen: this.#firstOpen, last: this.#last });
    this.#last = last;
    this.#firstOpen = next;
    if (isAnswered(call)) this.#answeredPlaced++;
    unlink(entry);
    if (entry.answer !== undefined) unlink(entry.answer);
    return true;
  }

  /** The state, and which calls led there: all before `next`, and some after it. */
  #configuration(last: number): { fingerprint: string; next: number } {
    let next = this.#firstOpen;
    while (this.#placed[next] === 1) next++;
    let text = `${next}`;
    for (let at = next; at <= last; at += 16) {
      let word = 0;
      for (let i = at; i < at + 16 && i <= last; i++) word |= this.#placed[i]! << (i - at);
      text += `,${word.toString(36)}`;
    }
    return { fingerprint: `${text}|${this.#model.fingerprint()}`, next };
  }

  /** An answer came before which nothing more can be placed. */
  #note(entry: Entry | undefined): void {
    if (this.#stack.length < this.#longest) return;
    this.#longest = this.#stack.length;
    this.#stuck = entry?.call ?? this.#calls.find((_, index) => this.#placed[index] === 0);
  }

  #undo(): Entry | undefined {
    const last = this.#stack.pop();
    if (last === undefined) return undefined;
    const { entry, mark, firstOpen } = last;
    this.#last = last.last;
    this.#model.undo(mark);
    this.#placed[entry.index] = 0;
    this.#firstOpen = firstOpen;
    if (isAnswered(entry.call)) this.#answeredPlaced--;
    if (entry.answer !== undefined) relink(entry.answer);
    relink(entry);
    return entry;
  }
}

/** Calls before answers at the same moment: they may have overlapped. */
function listOf(calls: readonly Call[]): Entry {
  const entries: { at: number; entry: Entry }[] = [];
  const make = (call: Call, index: number, isCall: boolean): Entry => ({
    call,
    index,
    isCall,
    answer: undefined,
    before: undefined,
    after: undefined,
  });
  for (const [index, call] of calls.entries()) {
    const entry = make(call, index, true);
    entries.push({ at: call.start, entry });
    if (!isAnswered(call)) continue;
    entry.answer = make(call, index, false);
    entries.push({ at: call.end!, entry: entry.answer });
  }
  entries.sort((a, b) => a.at - b.at || Number(b.entry.isCall) - Number(a.entry.isCall));
  const head = make(calls[0]!, -1, true);
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
