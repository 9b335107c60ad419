import {
  ZXID_ZERO,
  type Command,
  encodeResult,
  type ErrorCode,
  type Result,
  type Stat,
  type WriteId,
  type Zxid,
} from '@zkl/wire';
import { CLIENTS_DROPPED_PER_WRITE_MAX, type StateLimits } from '../limits.js';
import type { Write } from './blocks.js';

interface ModelNode {
  data: Uint8Array | null;
  stat: Stat;
  creates: number;
  readonly children: Set<string>;
}

interface ModelClient {
  answeredThrough: number;
  seenMs: number;
  readonly replies: Map<number, Result>;
}

interface Now {
  readonly zxid: Zxid;
  readonly timeMs: number;
  readonly leader: number;
}

/** The rules again, as plainly as they can be said: maps of objects, strings for paths, nothing shared with what it is held against. */
export class Model {
  readonly nodes = new Map<string, ModelNode>();
  /** In the order of last writes. */
  readonly clients = new Map<string, ModelClient>();
  guesses = 0;
  hits = 0;
  timeMs = 0;
  readonly #limits: StateLimits;

  constructor(limits: StateLimits) {
    this.#limits = limits;
    const zero = { epoch: 0, counter: 0 };
    this.nodes.set('/', { data: new Uint8Array(0), stat: statAt(zero, 0, 0), creates: 0, children: new Set() });
  }

  apply(writes: readonly Write[], epoch: number, firstCounter: number, timeMs: number, leader: number): Result[] {
    this.timeMs = Math.max(this.timeMs, timeMs);
    return writes.map(({ command, writeId }, i) => {
      const now = { zxid: { epoch, counter: firstCounter + i }, timeMs: this.timeMs, leader };
      this.#expire();
      return writeId === undefined ? this.#execute(command, now) : this.#once(command, writeId, now);
    });
  }

  #expire(): void {
    const idle = [...this.clients].filter(([, client]) => client.seenMs < this.timeMs - this.#limits.clientRetentionMs);
    for (const [id] of idle.slice(0, CLIENTS_DROPPED_PER_WRITE_MAX)) this.clients.delete(id);
  }

  #once(command: Command, writeId: WriteId, now: Now): Result {
    const { clientId, requestId, answeredThrough } = writeId;
    const path = 'path' in command ? command.path : undefined;
    const refuse = (code: ErrorCode): Result => ({ kind: 'error', zxid: now.zxid, code, path });
    const known = this.clients.get(clientId);
    if (known === undefined && answeredThrough > 0) return refuse('CLIENT_FORGOTTEN');
    if (known === undefined && this.clients.size >= this.#limits.clientsMax) return refuse('TOO_MANY_CLIENTS');
    if (known === undefined && this.#replyBytes() >= this.#limits.replyBytesMax) return refuse('TOO_MANY_CLIENTS');
    const client = known ?? { answeredThrough: 0, seenMs: 0, replies: new Map<number, Result>() };
    this.clients.delete(clientId);
    this.clients.set(clientId, client);
    client.seenMs = now.timeMs;
    client.answeredThrough = Math.max(client.answeredThrough, answeredThrough);
    for (const id of client.replies.keys()) if (id <= client.answeredThrough) client.replies.delete(id);
    if (requestId <= client.answeredThrough) return refuse('STALE_REQUEST');
    const reply = client.replies.get(requestId);
    if (reply !== undefined) return reply;
    const isFull = client.replies.size > 0 && this.#replyBytes() >= this.#limits.replyBytesMax;
    if (isFull || client.replies.size >= this.#limits.repliesPerClientMax) return refuse('TOO_MANY_REQUESTS');
    const result = this.#execute(command, now);
    client.replies.set(requestId, result);
    return result;
  }

  #replyBytes(): number {
    const replies = [...this.clients.values()].flatMap((client) => [...client.replies.values()]);
    return replies.reduce((sum, reply) => sum + encodeResult(reply).length + 64, 0);
  }

  #execute(command: Command, now: Now): Result {
    const { zxid } = now;
    switch (command.kind) {
      case 'registerWrite':
        return this.#writeRegister(command.value, now);
      case 'registerGuess': {
        const node = this.nodes.get('/zkl/register');
        const matched = sameBytes(node?.data, command.value);
        this.guesses += 1;
        this.hits += matched ? 1 : 0;
        return {
          kind: 'guessed',
          zxid,
          matched,
          version: node === undefined ? 0 : node.stat.version + 1,
          leader: now.leader,
        };
      }
      case 'create':
        return this.#create(command.path, command.data, command.mode === 'persistentSequential', now);
      case 'set':
        return this.#set(command.path, command.data, command.expectedVersion, now);
      case 'delete':
        return this.#delete(command.path, command.expectedVersion, now);
      default:
        return { kind: 'error', zxid, code: 'UNIMPLEMENTED', path: undefined };
    }
  }

  #create(asked: string, data: Uint8Array | null, sequential: boolean, now: Now): Result {
    const refuse = (code: ErrorCode, path = asked): Result => ({ kind: 'error', zxid: now.zxid, code, path });
    if (!isModelPath(sequential ? `${asked}0000000000` : asked)) return refuse('BAD_ARGUMENTS');
    if (data !== null && data.length > this.#limits.valueBytesMax) return refuse('VALUE_TOO_LARGE');
    if (asked === '/' && !sequential) return refuse('NODE_EXISTS');
    const parent = this.nodes.get(parentOf(asked));
    if (parent === undefined) return refuse('NO_NODE');
    const path = sequential ? asked + String(parent.creates).padStart(10, '0') : asked;
    if (this.nodes.has(path)) return refuse('NODE_EXISTS', path);
    return { kind: 'created', zxid: now.zxid, path, stat: this.#insert(path, parent, data, now), created: true };
  }

  #insert(path: string, parent: ModelNode, data: Uint8Array | null, now: Now): Stat {
    const stat = statAt(now.zxid, now.timeMs, data?.length ?? 0);
    this.nodes.set(path, { data: data === null ? null : data.slice(), stat, creates: 0, children: new Set() });
    parent.children.add(path.slice(path.lastIndexOf('/') + 1));
    parent.creates += 1;
    this.#touchParent(parent, now.zxid);
    return stat;
  }

  #touchParent(parent: ModelNode, pzxid: Zxid): void {
    parent.stat = { ...parent.stat, cversion: parent.stat.cversion + 1, pzxid, numChildren: parent.children.size };
  }

  #set(path: string, data: Uint8Array | null, expectedVersion: number, now: Now): Result {
    const refuse = (code: ErrorCode): Result => ({ kind: 'error', zxid: now.zxid, code, path });
    if (!isModelPath(path)) return refuse('BAD_ARGUMENTS');
    if (data !== null && data.length > this.#limits.valueBytesMax) return refuse('VALUE_TOO_LARGE');
    const node = this.nodes.get(path);
    if (node === undefined) return refuse('NO_NODE');
    if (expectedVersion !== -1 && expectedVersion !== node.stat.version) return refuse('BAD_VERSION');
    this.#replace(node, data, now);
    return { kind: 'set', zxid: now.zxid, stat: node.stat };
  }

  #replace(node: ModelNode, data: Uint8Array | null, now: Now): void {
    node.data = data === null ? null : data.slice();
    const dataLength = data?.length ?? 0;
    node.stat = { ...node.stat, version: node.stat.version + 1, mzxid: now.zxid, mtimeMs: now.timeMs, dataLength };
  }

  #delete(path: string, expectedVersion: number, now: Now): Result {
    const refuse = (code: ErrorCode): Result => ({ kind: 'error', zxid: now.zxid, code, path });
    if (!isModelPath(path) || path === '/') return refuse('BAD_ARGUMENTS');
    const node = this.nodes.get(path);
    if (node === undefined) return refuse('NO_NODE');
    if (expectedVersion !== -1 && expectedVersion !== node.stat.version) return refuse('BAD_VERSION');
    if (node.children.size > 0) return refuse('NOT_EMPTY');
    const parent = this.nodes.get(parentOf(path))!;
    this.nodes.delete(path);
    parent.children.delete(path.slice(path.lastIndexOf('/') + 1));
    this.#touchParent(parent, now.zxid);
    return { kind: 'deleted', zxid: now.zxid };
  }

  #writeRegister(value: Uint8Array, now: Now): Result {
    if (value.length > this.#limits.valueBytesMax) {
      return { kind: 'error', zxid: now.zxid, code: 'VALUE_TOO_LARGE', path: undefined };
    }
    if (!this.nodes.has('/zkl')) this.#insert('/zkl', this.nodes.get('/')!, null, now);
    const node = this.nodes.get('/zkl/register');
    if (node === undefined) this.#insert('/zkl/register', this.nodes.get('/zkl')!, value, now);
    else this.#replace(node, value, now);
    const version = this.nodes.get('/zkl/register')!.stat.version + 1;
    return { kind: 'registerWritten', zxid: now.zxid, version };
  }
}

function statAt(zxid: Zxid, timeMs: number, dataLength: number): Stat {
  return {
    czxid: zxid,
    mzxid: zxid,
    pzxid: zxid,
    ctimeMs: timeMs,
    mtimeMs: timeMs,
    version: 0,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: ZXID_ZERO,
    dataLength,
    numChildren: 0,
  };
}

function sameBytes(own: Uint8Array | null | undefined, asked: Uint8Array): boolean {
  return own instanceof Uint8Array && own.length === asked.length && own.every((byte, i) => byte === asked[i]);
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** The rules of paths, with a regular expression. */
export function isModelPath(path: string): boolean {
  if (path === '/') return true;
  if (!path.startsWith('/') || path.endsWith('/')) return false;
  // eslint-disable-next-line no-control-regex -- these are the characters that are refused
  if (/[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/.test(path)) return false;
  return path
    .slice(1)
    .split('/')
    .every((name) => name !== '' && name !== '.' && name !== '..');
}
