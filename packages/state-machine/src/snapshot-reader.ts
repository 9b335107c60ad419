import { ByteReader, CLIENT_ID_CHARS_MAX, countCodePoints, decodeResult } from '@zkl/wire';
import * as c from './client-table.js';
import { ColumnStore } from './column-store.js';
import { FrameReader } from './frame-reader.js';
import type { StateLimits } from './limits.js';
import { NodeRestorer } from './node-restorer.js';
import {
  CLIENT_WORDS,
  FORMAT_VERSION,
  HEADER_BYTES,
  MAGIC,
  RECORD_CLIENT,
  RECORD_END,
  RECORD_NODE,
  RECORD_SESSION,
  RECORD_SPECIAL_NODE,
  SnapshotDamagedError,
} from './snapshot-format.js';
import { limitsInOrder } from './snapshot-writer.js';
import { hexOf } from './hash.js';
import { SESSION_WORDS } from './session-table.js';
import { NO_SLOT } from './slot-index.js';
import { State } from './state.js';

/** What the header promises, to be held against what came. */
interface Promised {
  readonly digest: string;
  readonly nodes: number;
  readonly clients: number;
  readonly sessions: number;
}

/** Makes a state from the chunks of a snapshot. Everything is checked: chunk by chunk, record by record, and the digest of the whole. */
export class SnapshotReader {
  readonly #state: State;
  readonly #frames = new FrameReader();
  readonly #nodes: NodeRestorer;
  #pending = new Uint8Array(1 << 16);
  #pendingLength = 0;
  #promised: Promised | undefined;
  #isEnded = false;

  constructor(limits: StateLimits, seed: number) {
    this.#state = new State(limits, seed, new ColumnStore(seed));
    this.#nodes = new NodeRestorer(this.#state.store, limits);
  }

  push(chunk: Uint8Array): void {
    this.#frames.push(chunk, (body) => this.#onBody(body));
  }

  /** The state, when the snapshot was whole. */
  finish(): State {
    const promised = this.#promised;
    if (!this.#isEnded || promised === undefined || !this.#frames.isEmpty)
      throw new SnapshotDamagedError('it is cut off');
    this.#nodes.finish();
    const state = this.#state;
    state.exactlyOnce.clients.restoreOrder();
    const isWhole =
      state.store.count === promised.nodes &&
      state.exactlyOnce.clients.count === promised.clients &&
      state.store.extras.sessions.count === promised.sessions;
    if (!isWhole) throw new SnapshotDamagedError('records are missing');
    if (state.digest() !== promised.digest) throw new SnapshotDamagedError('the state does not match its digest');
    return state;
  }

  #onBody(body: Uint8Array): void {
    this.#append(body);
    const reader = new ByteReader(this.#pending, 0, this.#pendingLength);
    let consumed = 0;
    while (this.#readRecord(reader)) consumed = reader.at;
    this.#pending.copyWithin(0, consumed, this.#pendingLength);
    this.#pendingLength -= consumed;
    if (this.#isEnded && this.#pendingLength > 0) throw new SnapshotDamagedError('something follows its end');
  }

  #append(body: Uint8Array): void {
    const needed = this.#pendingLength + body.length;
    if (needed > this.#pending.length) {
      const larger = new Uint8Array(Math.max(needed, this.#pending.length * 2));
      larger.set(this.#pending.subarray(0, this.#pendingLength));
      this.#pending = larger;
    }
    this.#pending.set(body, this.#pendingLength);
    this.#pendingLength = needed;
  }

  /** Takes one record in; false when it is not whole yet, or none is left. */
  #readRecord(reader: ByteReader): boolean {
    if (this.#isEnded) return false;
    if (this.#promised === undefined) return this.#readHeader(reader);
    if (reader.at >= reader.end) return false;
    switch (reader.u8()) {
      case RECORD_NODE:
        return this.#nodes.read(reader, false);
      case RECORD_SPECIAL_NODE:
        return this.#nodes.read(reader, true);
      case RECORD_SESSION:
        return this.#readSession(reader);
      case RECORD_CLIENT:
        return this.#readClient(reader);
      case RECORD_END:
        this.#isEnded = true;
        return true;
      default:
        throw new SnapshotDamagedError('a record is of no known kind');
    }
  }

  #readHeader(reader: ByteReader): boolean {
    if (reader.end - reader.at < HEADER_BYTES) return false;
    const state = this.#state;
    if (reader.u32() !== MAGIC) throw new SnapshotDamagedError('it is no snapshot of zkl');
    const version = reader.u32();
    if (version !== FORMAT_VERSION)
      throw new SnapshotDamagedError(`it is of format ${version}, and this is ${FORMAT_VERSION}`);
    for (const limit of limitsInOrder(state.limits)) {
      if (reader.u53() !== limit) throw new SnapshotDamagedError('it was made under other limits');
    }
    state.epoch = reader.u32();
    state.counter = reader.u32();
    state.timeMs = reader.u53();
    state.exactlyOnce.blockMs = reader.u53();
    state.exactlyOnce.steadyMs = reader.u53();
    state.register.guesses = reader.u53();
    state.register.hits = reader.u53();
    const digest = hexOf(reader.u32(), reader.u32());
    this.#nodes.begin(reader.u32());
    this.#promised = { digest, nodes: reader.u32(), clients: reader.u32(), sessions: reader.u32() };
    if (reader.failed) throw new SnapshotDamagedError('its header is malformed');
    return true;
  }

  #readSession(reader: ByteReader): boolean {
    const epoch = reader.u32();
    const counter = reader.u32();
    const words = Array.from({ length: SESSION_WORDS }, () => reader.i32());
    if (reader.failed) return false;
    const { sessions } = this.#state.store.extras;
    const isNew = epoch > 0 && counter > 0 && sessions.find(epoch, counter) === NO_SLOT;
    if (!isNew || words[0]! < 1) throw new SnapshotDamagedError('a session is there twice, or impossible');
    sessions.add(epoch, counter, (i) => words[i]!);
    return true;
  }

  #readClient(reader: ByteReader): boolean {
    const idLength = reader.u32();
    const kept = reader.u32();
    const words = Array.from({ length: CLIENT_WORDS }, () => reader.u32());
    if (reader.failed) return false;
    // Before anything is waited for: all that comes until the record is whole is kept in memory.
    const isPossible = idLength <= 4 * CLIENT_ID_CHARS_MAX && kept <= this.#state.limits.repliesPerClientMax;
    if (!isPossible) throw new SnapshotDamagedError('a client has an impossible id, or too many replies');
    const idStart = reader.skip(idLength);
    const repliesStart = reader.at;
    // The record is taken in only once it is whole.
    for (let i = 0; i < kept && !reader.failed; i++) {
      reader.u53();
      reader.skip(reader.u32());
    }
    if (reader.failed) return false;
    this.#addClient(reader, idStart, idLength, words, new ByteReader(reader.bytes, repliesStart, reader.at), kept);
    return true;
  }

  #addClient(
    reader: ByteReader,
    idStart: number,
    idLength: number,
    words: readonly number[],
    replies: ByteReader,
    kept: number,
  ): void {
    const { exactlyOnce } = this.#state;
    const { clients } = exactlyOnce;
    const isId = countCodePoints(reader.bytes, idStart, idStart + idLength) > 0;
    const isNew = isId && clients.find(reader.bytes, idStart, idStart + idLength) < 0;
    if (!isNew) throw new SnapshotDamagedError('a client is there twice, or has no id');
    const client = clients.allocate();
    clients.name(client, reader.bytes, idStart, idStart + idLength);
    words.forEach((word, i) => clients.rows.set(client, c.ANSWERED_LOW + i, word));
    clients.noteChange(client);
    let last = exactlyOnce.answeredThrough(client);
    for (let i = 0; i < kept; i++) {
      const requestId = replies.u53();
      const length = replies.u32();
      const start = replies.skip(length);
      const isReply = requestId > last && decodeResult(reader.bytes, start, length) !== undefined;
      if (!isReply) throw new SnapshotDamagedError('a kept reply is malformed or out of order');
      exactlyOnce.keep(client, requestId, reader.bytes, start, length);
      last = requestId;
    }
  }
}
