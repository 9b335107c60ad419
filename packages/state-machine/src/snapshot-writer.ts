import { ByteWriter } from '@zkl/wire';
import { ChunkWriter } from './chunk-writer.js';
import * as c from './client-table.js';
import type { StateLimits } from './limits.js';
import * as f from './node-fields.js';
import { SAVED as SESSION_SAVED, SESSION_WORDS } from './session-table.js';
import {
  CLIENT_WORDS,
  FORMAT_VERSION,
  MAGIC,
  RECORD_CLIENT,
  RECORD_END,
  RECORD_NODE,
  RECORD_SESSION,
  RECORD_SPECIAL_NODE,
} from './snapshot-format.js';
import type { State } from './state.js';

/** Slots looked at in one step at most: about a millisecond when most of them are free. */
const SLOTS_PER_STEP_MAX = 1 << 14;

/**
 * A snapshot being taken: a walk over the slots of nodes and then of clients, a step for each chunk. What is about to change before
 * the walk has come to it is written first, as it was at the cut; a mark in its row says so, and the walk passes over it.
 */
export class SnapshotWriter implements IterableIterator<Uint8Array> {
  readonly #state: State;
  readonly #mark: number;
  readonly #onEnd: () => void;
  readonly #slotsPerStep: number;
  readonly #chunks = new ChunkWriter();
  readonly #scratch = new ByteWriter(1 << 12);
  readonly #nodesEnd: number;
  readonly #clientsEnd: number;
  readonly #sessionsEnd: number;
  #nodeCursor = 0;
  #clientCursor = 0;
  #sessionCursor = 0;
  #isWalked = false;

  /** `mark` differs from that of every snapshot before; `onEnd` is called when no more rows need to be saved. */
  constructor(state: State, mark: number, onEnd: () => void, slotsPerStep = SLOTS_PER_STEP_MAX) {
    this.#state = state;
    this.#mark = mark;
    this.#onEnd = onEnd;
    this.#slotsPerStep = slotsPerStep;
    this.#nodesEnd = state.store.table.rows.end;
    this.#clientsEnd = state.exactlyOnce.clients.rows.end;
    this.#sessionsEnd = state.store.extras.sessions.rows.end;
    this.#writeHeader();
    state.store.observe((slot) => this.#saveNode(slot));
    state.exactlyOnce.observe((slot) => this.#saveClient(slot));
    state.store.extras.sessions.observe((slot) => this.#saveSession(slot));
  }

  [Symbol.iterator](): this {
    return this;
  }

  /** A chunk's bytes are good until the next call. */
  next(): IteratorResult<Uint8Array, undefined> {
    if (!this.#isWalked && !this.#chunks.hasChunk) this.#step();
    if (this.#chunks.hasChunk) return { done: false, value: this.#chunks.take() };
    return { done: true, value: undefined };
  }

  return(): IteratorResult<Uint8Array, undefined> {
    if (!this.#isWalked) this.#end();
    while (this.#chunks.hasChunk) this.#chunks.take();
    return { done: true, value: undefined };
  }

  /** Walks on until a chunk is full, or for long enough. Leaves at least one chunk. */
  #step(): void {
    let budget = this.#slotsPerStep;
    while (!this.#chunks.hasChunk && budget-- > 0) {
      if (this.#nodeCursor < this.#nodesEnd) {
        const slot = this.#nodeCursor;
        this.#saveNode(slot);
        this.#nodeCursor = slot + 1;
      } else if (this.#clientCursor < this.#clientsEnd) {
        const slot = this.#clientCursor;
        this.#saveClient(slot);
        this.#clientCursor = slot + 1;
      } else if (this.#sessionCursor < this.#sessionsEnd) {
        const slot = this.#sessionCursor;
        this.#saveSession(slot);
        this.#sessionCursor = slot + 1;
      } else {
        this.#scratch.reset();
        this.#scratch.u8(RECORD_END);
        this.#flush();
        this.#end();
        break;
      }
    }
    if (!this.#chunks.hasChunk || this.#isWalked) this.#chunks.seal();
  }

  #end(): void {
    this.#isWalked = true;
    this.#state.store.observe(undefined);
    this.#state.exactlyOnce.observe(undefined);
    this.#state.store.extras.sessions.observe(undefined);
    this.#onEnd();
  }

  #flush(): void {
    this.#chunks.write(this.#scratch.bytes, 0, this.#scratch.length);
  }

  #writeHeader(): void {
    const { store, exactlyOnce, register, limits, epoch, counter, timeMs } = this.#state;
    const out = this.#scratch;
    out.reset();
    out.u32(MAGIC);
    out.u32(FORMAT_VERSION);
    for (const limit of limitsInOrder(limits)) out.u53(limit);
    out.u32(epoch);
    out.u32(counter);
    out.u53(timeMs);
    out.u53(exactlyOnce.blockMs);
    out.u53(exactlyOnce.steadyMs);
    out.u53(register.guesses);
    out.u53(register.hits);
    const digest = this.#state.digest();
    out.u32(Number.parseInt(digest.slice(0, 8), 16));
    out.u32(Number.parseInt(digest.slice(8), 16));
    out.u32(this.#nodesEnd);
    out.u32(store.count);
    out.u32(exactlyOnce.clients.count);
    out.u32(store.extras.sessions.count);
    this.#flush();
  }

  #saveNode(slot: number): void {
    if (slot < this.#nodeCursor || slot >= this.#nodesEnd) return;
    const { store } = this.#state;
    const { table } = store;
    const row = table.rows.chunk(slot);
    const at = table.rows.at(slot);
    if (row[at + f.SAVED] === this.#mark) return;
    row[at + f.SAVED] = this.#mark;
    if (row[at + f.NAME_MARK] === 0) return;
    const nameLength = row[at + f.NAME_MARK]! - 1;
    const out = this.#scratch;
    out.reset();
    const hasQuota = store.quotas.count !== 0 && store.quotas.get(slot) !== undefined;
    const isSpecial = hasQuota || row[at + f.EXTRA] !== 0;
    out.u8(isSpecial ? RECORD_SPECIAL_NODE : RECORD_NODE);
    out.u32(slot);
    out.u32(row[at + f.PARENT]!);
    out.u32(nameLength);
    for (let i = 0; i < f.IMAGE_WORDS; i++) out.u32(row[at + f.IMAGE + i]!);
    if (isSpecial) this.#writeSpecial(slot, row[at + f.EXTRA] !== 0);
    this.#flush();
    const bytes = table.recordBytes(slot);
    this.#chunks.write(bytes, table.nameOffset(slot), nameLength);
    this.#chunks.write(bytes, table.valueOffset(slot), Math.max(0, row[at + f.DATA_LENGTH]!));
  }

  /** What a node is beyond a plain one, and its quota. */
  #writeSpecial(slot: number, hasExtra: boolean): void {
    const { extras, quotas } = this.#state.store;
    const out = this.#scratch;
    const [a, b] = hasExtra ? extras.params(slot) : [0, 0];
    out.u32(extras.mode(slot));
    out.u32(a);
    out.u32(b);
    const quota = quotas.get(slot)?.quota;
    if (quota === undefined) return out.u32(-1);
    const bounds = [quota.countSoft, quota.countHard, quota.bytesSoft, quota.bytesHard];
    out.u32(bounds.reduce<number>((bits, bound, i) => (bound === undefined ? bits : bits | (1 << i)), 0));
    for (const bound of bounds) if (bound !== undefined) out.u53(bound);
  }

  #saveSession(slot: number): void {
    if (slot < this.#sessionCursor || slot >= this.#sessionsEnd) return;
    const { sessions } = this.#state.store.extras;
    if (sessions.rows.get(slot, SESSION_SAVED) === this.#mark) return;
    sessions.rows.set(slot, SESSION_SAVED, this.#mark);
    if (!sessions.isLive(slot)) return;
    const out = this.#scratch;
    out.reset();
    out.u8(RECORD_SESSION);
    out.u32(sessions.epoch(slot));
    out.u32(sessions.counter(slot));
    for (let i = 0; i < SESSION_WORDS; i++) out.u32(sessions.word(slot, i));
    this.#flush();
  }

  #saveClient(slot: number): void {
    if (slot < this.#clientCursor || slot >= this.#clientsEnd) return;
    const { clients, replies } = this.#state.exactlyOnce;
    const { rows } = clients;
    if (rows.get(slot, c.SAVED) === this.#mark) return;
    rows.set(slot, c.SAVED, this.#mark);
    const idLength = rows.get(slot, c.ID_LENGTH);
    if (idLength === 0) return;
    const out = this.#scratch;
    out.reset();
    out.u8(RECORD_CLIENT);
    out.u32(idLength);
    out.u32(rows.get(slot, c.KEPT));
    for (let i = 0; i < CLIENT_WORDS; i++) out.u32(rows.get(slot, c.ANSWERED_LOW + i));
    this.#flush();
    this.#chunks.write(clients.idBytes(slot), clients.idOffset(slot), idLength);
    for (let next = rows.get(slot, c.FIRST); next !== 0; next = replies.next(next - 1)) {
      out.reset();
      out.u53(replies.requestId(next - 1));
      out.u32(replies.length(next - 1));
      this.#flush();
      this.#chunks.write(replies.bytes(next - 1), replies.offset(next - 1), replies.length(next - 1));
    }
  }
}

/** The limits as they stand in the header. */
export function limitsInOrder(limits: StateLimits): readonly number[] {
  return [
    limits.valueBytesMax,
    limits.pathBytesMax,
    limits.repliesPerClientMax,
    limits.clientsMax,
    limits.replyBytesMax,
    limits.clientRetentionMs,
    limits.recursiveNodesMax,
    limits.transactionOperationsMax,
    limits.transactionBytesMax,
    limits.sessionsMax,
    limits.quotasMax,
  ];
}
