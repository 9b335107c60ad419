import { Cursor, MODE_CONTAINER, MODE_TTL, SESSION_TIMEOUT_MS_MAX, type CommandReader, type Result } from '@zkl/wire';
import type { ColumnStore } from './column-store.js';
import type { StateLimits } from './limits.js';
import { joinWords } from './node-fields.js';
import { secretWord } from './session-table.js';
import { NO_SLOT } from './slot-index.js';
import { errorAt, zxidOf, type TreeWriter } from './tree-writer.js';
import type { Moment } from './znode-store.js';

/** The rules of what begins and ends: sessions with their ephemerals, and nodes that go by themselves. */
export class SessionApplier {
  readonly #store: ColumnStore;
  readonly #limits: StateLimits;
  readonly #writer: TreeWriter;
  readonly #cursor = new Cursor();

  constructor(store: ColumnStore, limits: StateLimits, writer: TreeWriter) {
    this.#store = store;
    this.#limits = limits;
    this.#writer = writer;
  }

  open(reader: CommandReader, moment: Moment): Result {
    const { bytes, timeoutMs, hashStart } = reader;
    const { sessions } = this.#store.extras;
    if (timeoutMs < 1 || timeoutMs > SESSION_TIMEOUT_MS_MAX) return errorAt(moment, 'BAD_ARGUMENTS');
    if (sessions.count >= this.#limits.sessionsMax) return errorAt(moment, 'TOO_MANY_SESSIONS');
    const { epoch, counter } = moment;
    sessions.add(epoch, counter, (i) => (i === 0 ? timeoutMs : secretWord(bytes, hashStart, i - 1)));
    const zxid = zxidOf(moment);
    return { kind: 'sessionOpened', zxid, session: zxid, timeoutMs };
  }

  /** The session was looked up before: it is open. */
  close(reader: CommandReader, moment: Moment): Result {
    const session = this.#store.extras.sessions.find(reader.sessionEpoch, reader.sessionCounter);
    return { kind: 'sessionClosed', zxid: zxidOf(moment), deleted: this.#end(session, moment) };
  }

  expire(reader: CommandReader, moment: Moment): Result {
    const { sessions } = this.#store.extras;
    const cursor = this.#cursor;
    cursor.reset(reader.bytes, reader.listStart, reader.bytes.length);
    let count = 0;
    for (let i = 0; i < reader.listCount; i++) {
      const epoch = cursor.uint32();
      const session = sessions.find(epoch, cursor.uint32());
      if (session === NO_SLOT) continue;
      this.#end(session, moment);
      count++;
    }
    return { kind: 'sessionsExpired', zxid: zxidOf(moment), count };
  }

  /** Removes a session and what it owns, the first made first: the same order on every server, also after a restore. */
  #end(session: number, moment: Moment): number {
    const { extras } = this.#store;
    const nodes = this.#store.inOrderOfCreation(extras.ephemerals(session));
    for (const node of nodes) this.#writer.removeNode(node, moment);
    extras.sessions.remove(session);
    return nodes.length;
  }

  reap(reader: CommandReader, moment: Moment): Result {
    const cursor = this.#cursor;
    const nowMs = joinWords(moment.timeLow, moment.timeHigh);
    cursor.reset(reader.bytes, reader.listStart, reader.bytes.length);
    let count = 0;
    for (let i = 0; i < reader.listCount; i++) {
      const start = cursor.skip(cursor.varint());
      const node = this.#writer.find(cursor.bytes, start, cursor.at);
      const epoch = cursor.uint32();
      const counter = cursor.uint32();
      if (node === undefined || node === NO_SLOT || !this.#store.wasCreatedBy(node, epoch, counter)) continue;
      if (!this.#isOver(node, nowMs)) continue;
      this.#writer.removeNode(node, moment);
      count++;
    }
    return { kind: 'reaped', zxid: zxidOf(moment), count };
  }

  #isOver(node: number, nowMs: number): boolean {
    const { extras } = this.#store;
    const mode = extras.mode(node);
    return (mode === MODE_CONTAINER && extras.isEmptied(node)) || (mode === MODE_TTL && extras.isOver(node, nowMs));
  }
}
