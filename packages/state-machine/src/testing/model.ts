// over 400 lines: one model of all the rules, which is read beside them from top to bottom.
import {
  compareZxids,
  encodeResult,
  isSequential,
  TTL_MS_MAX,
  ZXID_ZERO,
  type Command,
  type Compare,
  type CreateCommand,
  type ErrorCode,
  type OperationResult,
  type Quota,
  type Result,
  type SessionId,
  type Stat,
  type TransactionCommand,
  type TransactionOperation,
  type WriteId,
  type Zxid,
} from '@zkl/wire';
import { CLIENTS_DROPPED_PER_WRITE_MAX, STEADY_STEP_MS_MAX, type StateLimits } from '../limits.js';
import type { Write } from './blocks.js';

interface ModelNode {
  data: Uint8Array | null;
  stat: Stat;
  creates: number;
  readonly children: Set<string>;
  readonly kind: 'plain' | 'ephemeral' | 'container' | 'ttl';
  readonly ttlMs: number;
  quota: Quota | undefined;
}

interface ModelClient {
  answeredThrough: number;
  seenMs: number;
  highest: number;
  readonly replies: Map<number, Result>;
}

interface Now {
  readonly zxid: Zxid;
  readonly timeMs: number;
  readonly leader: number;
  readonly session: SessionId | undefined;
}

/** What happened to a node, as the history tells it. */
export interface ModelChange {
  readonly type: 'created' | 'set' | 'deleted';
  readonly path: string;
  readonly zxid: Zxid;
  readonly stat: Stat;
  readonly data: Uint8Array | null;
  readonly previousData: Uint8Array | null;
}

type Refusal = { readonly code: ErrorCode; readonly path?: string | undefined };

/** The rules again, as plainly as they can be said: maps of objects, strings for paths, nothing shared with what it is held against. */
export class Model {
  nodes = new Map<string, ModelNode>();
  /** In the order of last writes. */
  readonly clients = new Map<string, ModelClient>();
  readonly sessions = new Map<string, { timeoutMs: number; secretHash: Uint8Array }>();
  changes: ModelChange[] = [];
  guesses = 0;
  hits = 0;
  timeMs = 0;
  #blockMs = 0;
  #steadyMs = 0;
  readonly #limits: StateLimits;

  constructor(limits: StateLimits) {
    this.#limits = limits;
    this.nodes.set('/', nodeOf(new Uint8Array(0), statAt(ZXID_ZERO, 0, 0)));
  }

  apply(writes: readonly Write[], epoch: number, firstCounter: number, timeMs: number, leader: number): Result[] {
    this.timeMs = Math.max(this.timeMs, timeMs);
    this.#steadyMs += Math.min(Math.max(0, timeMs - this.#blockMs), STEADY_STEP_MS_MAX);
    this.#blockMs = timeMs;
    return writes.map((write, i) => {
      const zxid = { epoch, counter: firstCounter + i };
      const now = { zxid, timeMs: this.timeMs, leader, session: write.session };
      this.#expire();
      return write.writeId === undefined ? this.#execute(write.command, now) : this.#once(write, write.writeId, now);
    });
  }

  #expire(): void {
    const idle = [...this.clients].filter(
      ([, client]) => client.seenMs < this.#steadyMs - this.#limits.clientRetentionMs,
    );
    for (const [id] of idle.slice(0, CLIENTS_DROPPED_PER_WRITE_MAX)) this.clients.delete(id);
  }

  #once({ command, ordered }: Write, writeId: WriteId, now: Now): Result {
    const { clientId, requestId, answeredThrough } = writeId;
    const path = 'path' in command ? command.path : undefined;
    const refuse = (code: ErrorCode): Result => ({ kind: 'error', zxid: now.zxid, code, path });
    const known = this.clients.get(clientId);
    if (known === undefined && answeredThrough > 0) return refuse('CLIENT_FORGOTTEN');
    if (known === undefined && ordered === true && requestId !== 1) return refuse('OUT_OF_ORDER');
    if (known === undefined && this.clients.size >= this.#limits.clientsMax) return refuse('TOO_MANY_CLIENTS');
    if (known === undefined && this.#replyBytes() >= this.#limits.replyBytesMax) return refuse('TOO_MANY_CLIENTS');
    const client = known ?? { answeredThrough: 0, seenMs: 0, highest: 0, replies: new Map<number, Result>() };
    this.clients.delete(clientId);
    this.clients.set(clientId, client);
    client.seenMs = this.#steadyMs;
    client.answeredThrough = Math.max(client.answeredThrough, answeredThrough);
    client.highest = Math.max(client.highest, answeredThrough);
    for (const id of client.replies.keys()) if (id <= client.answeredThrough) client.replies.delete(id);
    if (requestId <= client.answeredThrough) return refuse('STALE_REQUEST');
    const reply = client.replies.get(requestId);
    if (reply !== undefined) return reply;
    if (ordered === true && requestId !== client.highest + 1) return refuse('OUT_OF_ORDER');
    const isFull = client.replies.size > 0 && this.#replyBytes() >= this.#limits.replyBytesMax;
    if (isFull || client.replies.size >= this.#limits.repliesPerClientMax) return refuse('TOO_MANY_REQUESTS');
    const result = this.#execute(command, now);
    client.replies.set(requestId, result);
    client.highest = Math.max(client.highest, requestId);
    return result;
  }

  #replyBytes(): number {
    const replies = [...this.clients.values()].flatMap((client) => [...client.replies.values()]);
    return replies.reduce((sum, reply) => sum + encodeResult(reply).length + 64, 0);
  }

  #execute(command: Command, now: Now): Result {
    const { zxid } = now;
    const path = 'path' in command ? command.path : undefined;
    if (now.session !== undefined && !this.sessions.has(keyOf(now.session))) {
      return { kind: 'error', zxid, code: 'SESSION_EXPIRED', path };
    }
    const refuse = ({ code, path: other = path }: Refusal): Result => ({ kind: 'error', zxid, code, path: other });
    switch (command.kind) {
      case 'registerWrite':
        return this.#writeRegister(command.value, now);
      case 'registerGuess': {
        const node = this.nodes.get('/zkl/register');
        const matched = sameBytes(node?.data, command.value);
        this.guesses += 1;
        this.hits += matched ? 1 : 0;
        const version = node === undefined ? 0 : node.stat.version + 1;
        return { kind: 'guessed', zxid, matched, version, leader: now.leader };
      }
      case 'transaction':
        return this.#transact(command, now);
      case 'setQuota': {
        if (!isModelPath(command.path)) return refuse({ code: 'BAD_ARGUMENTS' });
        const node = this.nodes.get(command.path);
        if (node === undefined) return refuse({ code: 'NO_NODE' });
        const others = [...this.nodes.values()].filter((one) => one.quota !== undefined).length;
        const isTooMuch = command.quota !== null && node.quota === undefined && others >= this.#limits.quotasMax;
        if (isTooMuch) return refuse({ code: 'TOO_MANY_NODES' });
        node.quota = command.quota ?? undefined;
        return { kind: 'quotaSet', zxid };
      }
      case 'reap': {
        const isOver = ({ kind, ttlMs, stat, children, creates }: ModelNode): boolean =>
          children.size === 0 &&
          ((kind === 'container' && creates > 0) || (kind === 'ttl' && now.timeMs - stat.mtimeMs >= ttlMs));
        let count = 0;
        for (const { path: at, czxid } of command.nodes) {
          const node = this.nodes.get(at);
          if (node === undefined || compareZxids(node.stat.czxid, czxid) !== 0 || !isOver(node)) continue;
          this.#remove(at, now);
          count++;
        }
        return { kind: 'reaped', zxid, count };
      }
      case 'sessionOpen': {
        const { timeoutMs, secretHash } = command;
        if (timeoutMs < 1 || timeoutMs > 86_400_000) return refuse({ code: 'BAD_ARGUMENTS' });
        if (this.sessions.size >= this.#limits.sessionsMax) return refuse({ code: 'TOO_MANY_SESSIONS' });
        this.sessions.set(keyOf(zxid), { timeoutMs, secretHash });
        return { kind: 'sessionOpened', zxid, session: zxid, timeoutMs };
      }
      case 'sessionClose':
        return { kind: 'sessionClosed', zxid, deleted: this.#endSession(now.session!, now) };
      case 'sessionsExpire': {
        const open = new Set(command.sessions.map(keyOf).filter((key) => this.sessions.has(key)));
        for (const session of command.sessions) if (this.sessions.has(keyOf(session))) this.#endSession(session, now);
        return { kind: 'sessionsExpired', zxid, count: open.size };
      }
      default:
        return this.#executeTree(command, now) as Result;
    }
  }

  #executeTree(command: TransactionOperation, now: Now): OperationResult {
    const { zxid } = now;
    const { path } = command;
    const refuse = (code: ErrorCode): OperationResult => ({ kind: 'error', zxid, code, path });
    if (command.kind === 'create') return this.#create(command, now);
    if (!isModelPath(path)) return refuse('BAD_ARGUMENTS');
    const node = this.nodes.get(path);
    switch (command.kind) {
      case 'exists':
        return { kind: 'existed', zxid, stat: node?.stat };
      case 'checkAbsent':
        return node === undefined ? { kind: 'ok', zxid } : refuse('NODE_EXISTS');
      case 'get':
        return node === undefined ? refuse('NO_NODE') : { kind: 'got', zxid, data: node.data, stat: node.stat };
      case 'set':
        return this.#set(path, command.data, command.expectedVersion, now);
      default:
        break;
    }
    if (path === '/' && command.kind !== 'check') return refuse('BAD_ARGUMENTS');
    if (node === undefined) return refuse('NO_NODE');
    const { expectedVersion } = command;
    if (expectedVersion !== -1 && expectedVersion !== node.stat.version) return refuse('BAD_VERSION');
    if (command.kind === 'check') return { kind: 'ok', zxid };
    if (command.kind === 'delete') {
      if (node.children.size > 0) return refuse('NOT_EMPTY');
      this.#remove(path, now);
      return { kind: 'deleted', zxid };
    }
    const all = this.#below(path);
    if (all.length + 1 > this.#limits.recursiveNodesMax) return refuse('TOO_MANY_NODES');
    // The lowest first: a longer path is never above a shorter one.
    for (const one of [...all, path].sort((a, b) => depthOf(b) - depthOf(a))) this.#remove(one, now);
    return { kind: 'deletedRecursive', zxid, count: all.length + 1 };
  }

  #below(path: string): string[] {
    const prefix = path === '/' ? '/' : `${path}/`;
    return [...this.nodes.keys()].filter((one) => one !== path && one.startsWith(prefix));
  }

  #create(command: CreateCommand, now: Now): OperationResult {
    const { path: asked, data, mode, ttlMs = 0, ifAbsent = false } = command;
    const refuse = (code: ErrorCode, path = asked): OperationResult => ({ kind: 'error', zxid: now.zxid, code, path });
    const sequential = isSequential(mode);
    const kind = mode.startsWith('ephemeral')
      ? 'ephemeral'
      : mode.startsWith('ttl')
        ? 'ttl'
        : mode === 'container'
          ? 'container'
          : 'plain';
    if (sequential && ifAbsent) return refuse('BAD_ARGUMENTS');
    if (kind === 'ephemeral' && now.session === undefined) return refuse('BAD_ARGUMENTS');
    if (kind === 'ttl' && (ttlMs < 1 || ttlMs > TTL_MS_MAX)) return refuse('BAD_ARGUMENTS');
    if (!isModelPath(sequential ? `${asked}0000000000` : asked)) return refuse('BAD_ARGUMENTS');
    if (data !== null && data.length > this.#limits.valueBytesMax) return refuse('VALUE_TOO_LARGE');
    const found = (path: string): OperationResult =>
      ifAbsent
        ? { kind: 'created', zxid: now.zxid, path, stat: this.nodes.get(path)!.stat, created: false }
        : refuse('NODE_EXISTS', path);
    if (asked === '/' && !sequential) return found('/');
    const parent = this.nodes.get(parentOf(asked));
    if (parent === undefined) return refuse('NO_NODE');
    const path = sequential ? asked + String(parent.creates).padStart(10, '0') : asked;
    if (this.nodes.has(path)) return found(path);
    if (parent.kind === 'ephemeral') return refuse('NO_CHILDREN_FOR_EPHEMERALS', path);
    if (this.#exceeds(parentOf(path), 1, data?.length ?? 0)) return refuse('QUOTA_EXCEEDED', path);
    const owner = kind === 'ephemeral' ? now.session! : ZXID_ZERO;
    const stat = this.#insert(path, data, now, { kind, ttlMs, owner });
    return { kind: 'created', zxid: now.zxid, path, stat, created: true };
  }

  #insert(
    path: string,
    data: Uint8Array | null,
    now: Now,
    more: { kind: ModelNode['kind']; ttlMs: number; owner: SessionId } = { kind: 'plain', ttlMs: 0, owner: ZXID_ZERO },
  ): Stat {
    const parent = this.nodes.get(parentOf(path))!;
    const stat = { ...statAt(now.zxid, now.timeMs, data?.length ?? 0), ephemeralOwner: more.owner };
    this.nodes.set(path, nodeOf(data === null ? null : data.slice(), stat, more.kind, more.ttlMs));
    parent.children.add(path.slice(path.lastIndexOf('/') + 1));
    parent.creates += 1;
    touchParent(parent, now.zxid);
    this.#tell('created', path, now, stat, data, null);
    return stat;
  }

  #set(path: string, data: Uint8Array | null, expectedVersion: number, now: Now): OperationResult {
    const refuse = (code: ErrorCode): OperationResult => ({ kind: 'error', zxid: now.zxid, code, path });
    if (data !== null && data.length > this.#limits.valueBytesMax) return refuse('VALUE_TOO_LARGE');
    const node = this.nodes.get(path);
    if (node === undefined) return refuse('NO_NODE');
    if (expectedVersion !== -1 && expectedVersion !== node.stat.version) return refuse('BAD_VERSION');
    if (this.#exceeds(path, 0, (data?.length ?? 0) - node.stat.dataLength)) return refuse('QUOTA_EXCEEDED');
    this.#replace(path, node, data, now);
    return { kind: 'set', zxid: now.zxid, stat: node.stat };
  }

  #replace(path: string, node: ModelNode, data: Uint8Array | null, now: Now): void {
    const previous = node.data;
    node.data = data === null ? null : data.slice();
    const dataLength = data?.length ?? 0;
    node.stat = { ...node.stat, version: node.stat.version + 1, mzxid: now.zxid, mtimeMs: now.timeMs, dataLength };
    this.#tell('set', path, now, node.stat, node.data, previous);
  }

  #remove(path: string, now: Now): void {
    const node = this.nodes.get(path)!;
    const parent = this.nodes.get(parentOf(path))!;
    this.#tell('deleted', path, now, node.stat, null, node.data);
    this.nodes.delete(path);
    parent.children.delete(path.slice(path.lastIndexOf('/') + 1));
    touchParent(parent, now.zxid);
  }

  #tell(
    type: ModelChange['type'],
    path: string,
    { zxid }: Now,
    stat: Stat,
    data: Uint8Array | null,
    previousData: Uint8Array | null,
  ): void {
    this.changes.push({ type, path, zxid, stat, data, previousData });
  }

  #endSession(session: SessionId, now: Now): number {
    const owned = [...this.nodes].filter(([, { stat }]) => compareZxids(stat.ephemeralOwner, session) === 0);
    for (const [path] of owned) this.#remove(path, now);
    this.sessions.delete(keyOf(session));
    return owned.length;
  }

  /** What a subtree uses, its top included. */
  usage(path: string): { count: number; bytes: number } {
    const all = [path, ...this.#below(path)];
    return { count: all.length, bytes: all.reduce((sum, one) => sum + this.nodes.get(one)!.stat.dataLength, 0) };
  }

  #exceeds(from: string, count: number, bytes: number): boolean {
    for (let path = from; ; path = parentOf(path)) {
      const { quota } = this.nodes.get(path)!;
      if (quota !== undefined) {
        const used = this.usage(path);
        if (count > 0 && used.count + count > (quota.countHard ?? Infinity)) return true;
        if (bytes > 0 && used.bytes + bytes > (quota.bytesHard ?? Infinity)) return true;
      }
      if (path === '/') return false;
    }
  }

  #transact(command: TransactionCommand, now: Now): Result {
    const { zxid } = now;
    const max = this.#limits.transactionOperationsMax;
    const isTooMuch = [command.compares, command.then, command.else].some((list) => list.length > max);
    if (isTooMuch) return { kind: 'error', zxid, code: 'BAD_ARGUMENTS', path: undefined };
    const bad = command.compares.find((compare) => !isModelPath(compare.path));
    if (bad !== undefined) return { kind: 'error', zxid, code: 'BAD_ARGUMENTS', path: bad.path };
    const branch = command.compares.every((compare) => holds(compare, this.nodes.get(compare.path))) ? 'then' : 'else';
    // All or nothing, the plain way: keep a copy of everything.
    const kept = new Map([...this.nodes].map(([path, node]) => [path, { ...node, children: new Set(node.children) }]));
    const told = this.changes.length;
    const results: OperationResult[] = [];
    for (const operation of command[branch]) {
      results.push(this.#executeTree(operation, now));
      if (results.at(-1)!.kind === 'error') break;
    }
    const committed = results.at(-1)?.kind !== 'error';
    if (committed) return { kind: 'transaction', zxid, branch, committed, results };
    this.nodes = kept;
    this.changes.length = told;
    const shown = command[branch].map(({ path }, i): OperationResult => {
      if (i < results.length - 1) return { kind: 'ok', zxid };
      return results[i] ?? { kind: 'error', zxid, code: 'RUNTIME_INCONSISTENCY', path };
    });
    return { kind: 'transaction', zxid, branch, committed, results: shown };
  }

  #writeRegister(value: Uint8Array, now: Now): Result {
    const refuse = (code: ErrorCode): Result => ({ kind: 'error', zxid: now.zxid, code, path: undefined });
    if (value.length > this.#limits.valueBytesMax) return refuse('VALUE_TOO_LARGE');
    const node = this.nodes.get('/zkl/register');
    const parent = this.nodes.get('/zkl');
    if (node !== undefined) {
      if (this.#exceeds('/zkl/register', 0, value.length - node.stat.dataLength)) return refuse('QUOTA_EXCEEDED');
      this.#replace('/zkl/register', node, value, now);
    } else {
      if (parent?.kind === 'ephemeral') return refuse('NO_CHILDREN_FOR_EPHEMERALS');
      const isTooMuch = this.#exceeds(parent === undefined ? '/' : '/zkl', parent === undefined ? 2 : 1, value.length);
      if (isTooMuch) return refuse('QUOTA_EXCEEDED');
      if (parent === undefined) this.#insert('/zkl', null, now);
      this.#insert('/zkl/register', value, now);
    }
    return { kind: 'registerWritten', zxid: now.zxid, version: this.nodes.get('/zkl/register')!.stat.version + 1 };
  }
}

function nodeOf(data: Uint8Array | null, stat: Stat, kind: ModelNode['kind'] = 'plain', ttlMs = 0): ModelNode {
  return { data, stat, creates: 0, children: new Set(), kind, ttlMs, quota: undefined };
}

function touchParent(parent: ModelNode, pzxid: Zxid): void {
  parent.stat = { ...parent.stat, cversion: parent.stat.cversion + 1, pzxid, numChildren: parent.children.size };
}

function holds(compare: Compare, node: ModelNode | undefined): boolean {
  const relate = (difference: number): boolean =>
    ({ '=': difference === 0, '!=': difference !== 0, '<': difference < 0, '>': difference > 0 })[compare.operator];
  if (compare.target === 'exists') return relate(Number(node !== undefined) - Number(compare.operand));
  if (node === undefined) return false;
  switch (compare.target) {
    case 'version':
    case 'cversion':
      return relate(node.stat[compare.target] - compare.operand);
    case 'czxid':
    case 'mzxid':
      return relate(compareZxids(node.stat[compare.target], compare.operand));
    case 'value': {
      const [own, asked] = [orderOf(node.data), orderOf(compare.operand)];
      return relate(own === asked ? 0 : own < asked ? -1 : 1);
    }
  }
}

/** A text that sorts as the bytes do; null before all. */
function orderOf(data: Uint8Array | null): string {
  return data === null ? '' : `x${[...data].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
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

export function keyOf(session: SessionId): string {
  return `${session.epoch}:${session.counter}`;
}

function depthOf(path: string): number {
  return path.split('/').length;
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
