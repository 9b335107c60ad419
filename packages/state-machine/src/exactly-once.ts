import { ByteWriter, type CommandReader, decodeResult, type ErrorCode, type Result, writeResult } from '@zkl/wire';
import * as c from './client-table.js';
import { ClientTable } from './client-table.js';
import { assert } from './assert.js';
import { CLIENTS_DROPPED_PER_WRITE_MAX, STEADY_STEP_MS_MAX, type StateLimits } from './limits.js';
import { highWord, joinWords, lowWord } from './node-fields.js';
import { ReplyTable } from './reply-table.js';
import { NO_SLOT } from './slot-index.js';
import type { Moment } from './znode-store.js';

/** `apply` the write and `remember` its result; or its result of the first time; or the code it is refused with. */
export type Admission = 'apply' | Result | ErrorCode;

/**
 * The table that applies each named write once. For each client it keeps the results of the requests that were applied and are
 * not known to be answered; a request that comes again gets the first result again, and changes nothing.
 *
 * Why a client is never forgotten to make room for another: a retry of a forgotten write would be applied a second time. So a new client is
 * refused when the table is full, and only one that was silent for the whole retention is dropped. If that one comes back and
 * says that it had answers before, it is told so (CLIENT_FORGOTTEN) rather than believed. At most a few are dropped for each write, so all servers
 * drop the same ones at the same zxid.
 *
 * The time that counts is the *steady* time of the log: the sum of what passed from block to block by the leader's wall clock, of which a step back is
 * nothing and a step ahead STEADY_STEP_MS_MAX at most. By the wall clock itself this could happen: a client's write is applied, and the answer is
 * lost; the leader's clock is set an hour ahead, or a server leads whose clock is; anybody's write drops the client as silent for an hour; and the retry
 * is applied a second time.
 *
 * An ordered write is applied only when the one numbered before it was: writes that a client has sent one after the other without waiting keep their
 * order, however they are lost, repeated and overtaken on the way. What is refused before it is applied (TOO_MANY_REQUESTS, say) holds up those after it.
 */
export class ExactlyOnce {
  readonly clients: ClientTable;
  readonly replies = new ReplyTable();
  readonly #limits: StateLimits;
  readonly #writer = new ByteWriter();
  /** The client of the write that was admitted last. */
  #client = NO_SLOT;
  #beforeChange: ((slot: number) => void) | undefined;
  /** The leader's wall clock at the last block. */
  blockMs = 0;
  /** Milliseconds since the cluster's first block, about: see above. */
  steadyMs = 0;

  constructor(limits: StateLimits, seed: number) {
    this.#limits = limits;
    this.clients = new ClientTable(seed);
  }

  /** Sets or ends what is called before each change of a client or its replies. */
  observe(beforeChange: ((slot: number) => void) | undefined): void {
    this.#beforeChange = beforeChange;
  }

  /** Called for each block, before its writes, with the leader's wall clock. */
  passTime(blockMs: number): void {
    this.steadyMs += Math.min(Math.max(0, blockMs - this.blockMs), STEADY_STEP_MS_MAX);
    this.blockMs = blockMs;
  }

  /** Drops clients that were silent too long: called for every write, named or not. */
  expire(): void {
    const deadlineMs = this.steadyMs - this.#limits.clientRetentionMs;
    for (let i = 0; i < CLIENTS_DROPPED_PER_WRITE_MAX; i++) {
      const oldest = this.clients.oldest;
      if (oldest === NO_SLOT || this.#seenMs(oldest) >= deadlineMs) return;
      this.#drop(oldest);
    }
  }

  /** Decides about a named write. `reader` holds it. */
  admit(reader: CommandReader, moment: Moment): Admission {
    const client = this.clients.find(reader.bytes, reader.clientStart, reader.clientEnd);
    if (client === NO_SLOT) return this.#admitNew(reader, moment);
    this.#client = client;
    this.#beforeChange?.(client);
    this.#hear(client, reader.answeredThrough, moment);
    const { requestId } = reader;
    const answered = this.answeredThrough(client);
    if (requestId <= answered) return 'STALE_REQUEST';
    const last = this.clients.rows.get(client, c.LAST);
    const newest = last === 0 ? 0 : this.replies.requestId(last - 1);
    // A request above all that are kept is new: the usual case.
    const reply = requestId > newest ? NO_SLOT : this.#findReply(client, requestId);
    if (reply !== NO_SLOT) return this.#recall(reply);
    // After the highest request that was applied, or is said to have been answered.
    if (reader.ordered && requestId !== Math.max(answered, newest) + 1) return 'OUT_OF_ORDER';
    return this.#hasRoom(client) ? 'apply' : 'TOO_MANY_REQUESTS';
  }

  /** Keeps the result of the write that was admitted just before. */
  remember(requestId: number, result: Result): void {
    this.#writer.reset();
    writeResult(result, this.#writer);
    this.keep(this.#client, requestId, this.#writer.bytes, 0, this.#writer.length);
  }

  /** As `remember`, of a set's result given as the words that `packSetResult` takes. */
  rememberSet(requestId: number, words: Int32Array): void {
    const client = this.#client;
    const { rows } = this.clients;
    const reply = this.replies.addSet(rows.get(client, c.ID_A), rows.get(client, c.ID_B), requestId, words);
    this.#file(client, requestId, reply + 1);
  }

  /**
   * One that comes again is looked for from the nearer end of the client's list: an index would cost every write, and a client keeps few replies
   * (`repliesPerClientMax`) and seldom asks twice.
   */
  #findReply(client: number, requestId: number): number {
    const { replies } = this;
    const { rows } = this.clients;
    let last = rows.get(client, c.LAST);
    let first = rows.get(client, c.FIRST);
    if (requestId - replies.requestId(first - 1) < replies.requestId(last - 1) - requestId) {
      while (first !== 0 && replies.requestId(first - 1) < requestId) first = replies.next(first - 1);
      return first !== 0 && replies.requestId(first - 1) === requestId ? first - 1 : NO_SLOT;
    }
    while (last !== 0 && replies.requestId(last - 1) > requestId) last = replies.previous(last - 1);
    return last !== 0 && replies.requestId(last - 1) === requestId ? last - 1 : NO_SLOT;
  }

  #admitNew(reader: CommandReader, moment: Moment): Admission {
    if (reader.answeredThrough > 0) return 'CLIENT_FORGOTTEN';
    // Nothing of this client is known to have been applied: its first write is number 1.
    if (reader.ordered && reader.requestId !== 1) return 'OUT_OF_ORDER';
    if (this.clients.count >= this.#limits.clientsMax) return 'TOO_MANY_CLIENTS';
    if (this.replies.chargedBytes >= this.#limits.replyBytesMax) return 'TOO_MANY_CLIENTS';
    const client = this.clients.allocate();
    this.#beforeChange?.(client);
    this.clients.name(client, reader.bytes, reader.clientStart, reader.clientEnd);
    this.#hear(client, 0, moment);
    this.#client = client;
    return 'apply';
  }

  /** A write of a client has come: it is the newest now, and the replies it has answers to go. */
  #hear(client: number, answeredThrough: number, moment: Moment): void {
    const row = this.clients.rows.chunk(client);
    const at = this.clients.rows.at(client);
    row[at + c.SEEN_LOW] = lowWord(this.steadyMs);
    row[at + c.SEEN_HIGH] = highWord(this.steadyMs);
    row[at + c.SEEN_EPOCH] = moment.epoch;
    row[at + c.SEEN_COUNTER] = moment.counter;
    this.clients.touch(client);
    if (answeredThrough > joinWords(row[at + c.ANSWERED_LOW]!, row[at + c.ANSWERED_HIGH]!)) {
      row[at + c.ANSWERED_LOW] = lowWord(answeredThrough);
      row[at + c.ANSWERED_HIGH] = highWord(answeredThrough);
      this.#dropReplies(client, answeredThrough);
    }
    this.clients.noteChange(client);
  }

  answeredThrough(client: number): number {
    const { rows } = this.clients;
    return joinWords(rows.get(client, c.ANSWERED_LOW), rows.get(client, c.ANSWERED_HIGH));
  }

  #seenMs(client: number): number {
    const { rows } = this.clients;
    return joinWords(rows.get(client, c.SEEN_LOW), rows.get(client, c.SEEN_HIGH));
  }

  #hasRoom(client: number): boolean {
    const kept = this.clients.rows.get(client, c.KEPT);
    if (kept >= this.#limits.repliesPerClientMax) return false;
    // One reply is always allowed, so that a client that waits for each answer gets on whatever the others do.
    return kept === 0 || this.replies.chargedBytes < this.#limits.replyBytesMax;
  }

  #recall(reply: number): Result {
    const { replies } = this;
    const result = decodeResult(replies.bytes(reply), replies.offset(reply), replies.length(reply));
    assert(result !== undefined, 'a kept reply does not decode');
    return result;
  }

  /** Keeps the bytes of a result, in the order of request ids: nearly always at the end. */
  keep(client: number, requestId: number, bytes: Uint8Array, start: number, length: number): void {
    const { rows } = this.clients;
    const idA = rows.get(client, c.ID_A);
    const reply = this.replies.add(idA, rows.get(client, c.ID_B), requestId, bytes, start, length);
    this.#file(client, requestId, reply + 1);
  }

  /** Puts a reply, given as slot + 1, into its client's list. */
  #file(client: number, requestId: number, reply: number): void {
    const { replies } = this;
    const row = this.clients.rows.chunk(client);
    const at = this.clients.rows.at(client);
    let before = row[at + c.LAST]!;
    while (before !== 0 && replies.requestId(before - 1) > requestId) before = replies.previous(before - 1);
    const after = before === 0 ? row[at + c.FIRST]! : replies.next(before - 1);
    replies.join(before, reply);
    replies.join(reply, after);
    if (before === 0) row[at + c.FIRST] = reply;
    if (after === 0) row[at + c.LAST] = reply;
    row[at + c.KEPT] = row[at + c.KEPT]! + 1;
  }

  #dropReplies(client: number, through: number): void {
    const { rows } = this.clients;
    let first = rows.get(client, c.FIRST);
    let kept = rows.get(client, c.KEPT);
    while (first !== 0 && this.replies.requestId(first - 1) <= through) {
      const next = this.replies.next(first - 1);
      this.replies.remove(first - 1);
      this.replies.join(0, next);
      first = next;
      kept--;
    }
    rows.set(client, c.FIRST, first);
    if (first === 0) rows.set(client, c.LAST, 0);
    rows.set(client, c.KEPT, kept);
  }

  #drop(client: number): void {
    this.#beforeChange?.(client);
    this.#dropReplies(client, Infinity);
    this.clients.free(client);
  }
}
