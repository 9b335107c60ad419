import { create } from '@bufbuild/protobuf';
import { SessionRefSchema, type SessionRef } from '@zkl/protocol';
import type { Query, Reply, Result } from '@zkl/wire';
import { readUnary } from '../codec/unary-reads.js';
import { writeUnary, type UnaryCommand } from '../codec/unary-writes.js';
import { toBigint, toZxid } from '../codec/zxid.js';
import type { ZklError } from '../errors/zkl-error.js';
import type { CallOptions } from '../options/call-options.js';
import { zxid } from '../options/validate.js';
import type { Link } from '../stream/link.js';
import { UNSUPPORTED } from '../stream/link-failure.js';
import type { LinkSession } from '../stream/link-session.js';
import { endedError } from '../stream/link-failure.js';
import type { Origin } from '../stream/operation.js';
import type { ReadCallOptions } from './client.js';
import type { Dispatcher } from './dispatcher.js';
import { resolveRead } from './read-options.js';

/** Makes the link of a client or a session; undefined where channels cannot stream. */
export type OpenLink = ((dispatcher: Dispatcher, session: LinkSession | undefined) => Link) | undefined;

/**
 * Says writes and reads to the cluster: on the session stream where there is one, by unary calls elsewhere. Both take and give the same.
 */
export class Caller {
  readonly dispatcher: Dispatcher;
  /** Undefined where, or once it is known that, there are no session streams. */
  link: Link | undefined;
  readonly #session: SessionRef | undefined;
  readonly #openWatchLink: () => Link | undefined;
  #watchLink: Link | undefined;
  #ended: ZklError | undefined;

  constructor(dispatcher: Dispatcher, openLink: OpenLink, session?: LinkSession) {
    this.dispatcher = dispatcher;
    this.#openWatchLink = () => openLink?.(dispatcher, undefined);
    this.link = dispatcher.options.stream ? openLink?.(dispatcher, session) : undefined;
    if (session !== undefined) {
      this.#session = create(SessionRefSchema, { sessionId: toBigint(session.id), secret: session.secret });
    }
  }

  /** Where watches are put: on the calls' own stream, or, where calls are requests of their own, on one for watches alone. */
  watchLink(): Link | undefined {
    return this.link ?? (this.#watchLink ??= this.#openWatchLink());
  }

  /** What stands before every path on the server. */
  get root(): string {
    return this.dispatcher.options.chroot;
  }

  get hasSession(): boolean {
    return this.#session !== undefined;
  }

  get sessionRef(): SessionRef | undefined {
    return this.#session;
  }

  /** A path as the server knows it. */
  rooted(path: string): string {
    const { root } = this;
    if (root === '') return path;
    return path === '/' ? root : root + path;
  }

  /** A path as the caller knows it. */
  unrooted(path: string): string {
    return path.slice(this.root.length) || '/';
  }

  /** Ends it: what waits, and everything later, rejects with this error, or with `CLIENT_CLOSED`. */
  end(error?: ZklError): void {
    this.#ended = error;
    for (const link of [this.link, this.#watchLink]) {
      if (error === undefined) link?.end();
      else link?.end((operation) => endedError(operation, error));
    }
  }

  /** @param path - For errors. @param bytes - What it carries. */
  write<T>(
    command: UnaryCommand,
    path: string | undefined,
    bytes: number,
    toResult: (result: Reply, origin: Origin) => T,
    options: CallOptions,
  ): Promise<T> {
    const { link } = this;
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (link === undefined) return this.#writeUnary(command, path, bytes, toResult, options);
    const call = link.call<T>({ kind: 'write', command }, path, bytes, toResult, options);
    if (link.isOpen) return call;
    return this.#orUnary(call, () => this.#writeUnary(command, path, bytes, toResult, options));
  }

  read<T>(
    query: Query,
    path: string | undefined,
    toResult: (reply: Reply, origin: Origin) => T,
    options: ReadCallOptions,
  ): Promise<T> {
    const { link } = this;
    const unary = () =>
      readUnary(this.dispatcher, query, { path, ...resolveRead(this.dispatcher, options), toResult }, options);
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (link === undefined) return unary();
    const atLeast = options.atLeast === undefined ? undefined : toZxid(zxid('atLeast', options.atLeast));
    if (options.consistency !== undefined && options.consistency !== 'local') resolveRead(this.dispatcher, options);
    const linearizable = options.consistency !== 'local';
    const call = link.call<T>({ kind: 'read', query, linearizable, atLeast }, path, 0, toResult, options);
    if (link.isOpen) return call;
    return this.#orUnary(call, unary);
  }

  #writeUnary<T>(
    command: UnaryCommand,
    path: string | undefined,
    bytes: number,
    toResult: (result: Result, origin: Origin) => T,
    options: CallOptions,
  ): Promise<T> {
    return writeUnary(this.dispatcher, command, { path, bytes, session: this.#session, toResult }, options);
  }

  async #orUnary<T>(call: Promise<T>, unary: () => Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      if (error !== UNSUPPORTED) throw error;
      this.link = undefined;
      return unary();
    }
  }
}
