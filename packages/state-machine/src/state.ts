import type { ColumnStore } from './column-store.js';
import { ExactlyOnce } from './exactly-once.js';
import { hexOf, WordHasher } from './hash.js';
import type { StateLimits } from './limits.js';
import { highWord, lowWord } from './node-fields.js';
import { Register } from './register.js';

/** Tells the digest of the counters from those of nodes, clients and replies. */
const COUNTERS_TAG = 101;

/** Everything that is replicated, in one place: what a snapshot holds, and what restoring replaces. */
export class State {
  readonly limits: StateLimits;
  readonly store: ColumnStore;
  readonly register: Register;
  readonly exactlyOnce: ExactlyOnce;
  epoch = 0;
  counter = 0;
  /** The time of the log. */
  timeMs = 0;
  readonly #counters = new Int32Array(10);
  readonly #hasher = new WordHasher();

  constructor(limits: StateLimits, seed: number, store: ColumnStore) {
    this.limits = limits;
    this.store = store;
    this.register = new Register(store, seed);
    this.exactlyOnce = new ExactlyOnce(limits, seed);
  }

  /** Two lanes as 16 hexadecimal digits: the sum of all parts, of which only the counters are hashed here. */
  digest(): string {
    const { table } = this.store;
    const { clients, replies, blockMs, steadyMs } = this.exactlyOnce;
    const { extras, quotas } = this.store;
    const { sessions } = extras;
    const words = [this.timeMs, this.register.guesses, this.register.hits, blockMs, steadyMs];
    words.forEach((value, i) => {
      this.#counters[2 * i] = lowWord(value);
      this.#counters[2 * i + 1] = highWord(value);
    });
    this.#hasher.hash(this.#counters, 0, this.#counters.length, COUNTERS_TAG, 0, 0);
    return hexOf(
      sum(
        this.#hasher.a,
        table.digestA,
        clients.digestA,
        replies.digestA,
        extras.table.digestA,
        sessions.digestA,
        quotas.digestA,
      ),
      sum(
        this.#hasher.b,
        table.digestB,
        clients.digestB,
        replies.digestB,
        extras.table.digestB,
        sessions.digestB,
        quotas.digestB,
      ),
    );
  }
}

/** Modulo 2^32. */
function sum(...lanes: readonly number[]): number {
  return lanes.reduce((total, lane) => (total + lane) | 0, 0);
}
