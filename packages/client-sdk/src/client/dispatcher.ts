import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import {
  ClusterService,
  ListMembersRequestSchema,
  type ListMembersResponseSchema,
  type Member,
  type WriteId,
  WriteIdSchema,
} from '@zkl/protocol';
import { AdmissionQueue } from '../calls/admission-queue.js';
import { AbortListeners } from '../calls/abort-listeners.js';
import { CallContext, type CallOwner } from '../calls/call-context.js';
import { interruptedError, overloadedError, deadlineError, type CallHistory } from '../calls/call-failure.js';
import { CallRun, type CallRunOptions } from '../calls/call-run.js';
import type { Operation, ReplyView } from '../calls/operation.js';
import type { OpenChannel, UnaryMethod } from '../channel/channel.js';
import type { CallOptions } from '../options/call-options.js';
import { requireTimeout, type ResolvedOptions } from '../options/resolve-options.js';
import { makeError, type ZklError } from '../errors/zkl-error.js';
import { badArguments } from '../options/validate.js';
import { Breaker } from '../routing/breaker.js';
import { Discovery } from '../routing/discovery.js';
import type { Endpoint } from '../routing/endpoint.js';
import { Router, type Route } from '../routing/router.js';
import { toBigint, toZxid } from '../codec/zxid.js';
import type { LinkOptions } from '../stream/link.js';
import type { LinkSession } from '../stream/link-session.js';
import { SeenZxid } from '../stream/seen-zxid.js';
import { WriteIdentity } from '../writes/write-identity.js';

/** One kind of request of the surface. */
interface CallSpec<I extends DescMessage, O extends DescMessage, T> {
  readonly method: UnaryMethod<I, O>;
  readonly path?: string;
  readonly view: (reply: MessageShape<O>) => ReplyView;
  readonly result: (reply: MessageShape<O>, address: string) => T;
}

/** A write: its request carries the number. */
export interface WriteSpec<I extends DescMessage, O extends DescMessage, T> extends CallSpec<I, O, T> {
  /** What it carries, in bytes. */
  readonly bytes: number;
  readonly request: (writeId: WriteId) => MessageShape<I>;
}

/** A read, for a server that was chosen by `route`. */
export interface ReadSpec<I extends DescMessage, O extends DescMessage, T> extends CallSpec<I, O, T> {
  readonly route: Route;
  readonly request: () => MessageShape<I>;
}

/** Bytes of writes that are sent and not answered, at most: what a server takes on one connection, with room to spare. */
const WRITE_BYTES_IN_FLIGHT_MAX = 16_777_216;
/** Bytes of writes that wait in the client, at most. */
const WRITE_BYTES_QUEUED_MAX = 268_435_456;

/** Joins what a call goes through: the queue, the number of a write, the route, the attempts, and what is learned from the reply. */
export class Dispatcher {
  readonly options: ResolvedOptions;
  readonly router: Router;
  readonly #discovery: Discovery;
  readonly #breakers: Readonly<Record<Route['kind'], Breaker>> = {
    leader: new Breaker(),
    any: new Breaker(),
    server: new Breaker(),
  };
  readonly #calls: CallOwner = { active: new Set(), abortListeners: new AbortListeners() };
  readonly #identity = new WriteIdentity();
  readonly #writes: AdmissionQueue;
  readonly #reads: AdmissionQueue;
  #pinned: number | undefined;
  readonly seen = new SeenZxid();
  /** Watches by calls of their own: they end with the client. */
  readonly sources = new Set<{ readonly end: (error: ZklError) => void }>();
  #closed = false;

  constructor(options: ResolvedOptions, open: OpenChannel) {
    this.options = options;
    this.router = new Router({ endpoints: options.endpoints, open, messageBytesMax: options.messageBytesMax });
    this.#discovery = new Discovery(this.router);
    this.#pinned = options.server;
    this.#writes = new AdmissionQueue({
      inFlightMax: options.writesInFlightMax,
      bytesInFlightMax: WRITE_BYTES_IN_FLIGHT_MAX,
      queuedMax: options.writesQueuedMax,
      bytesQueuedMax: WRITE_BYTES_QUEUED_MAX,
      mayEnter: () => this.#identity.numbers.span < options.writeSpanMax,
    });
    // Reads carry nothing.
    this.#reads = new AdmissionQueue({
      inFlightMax: options.readsInFlightMax,
      bytesInFlightMax: 0,
      queuedMax: options.readsQueuedMax,
      bytesQueuedMax: 0,
    });
  }

  /** Where calls go that do not say: to the leader, or to the one server that the client is pinned to. */
  get route(): Route {
    return this.#routeOf({ kind: 'leader' });
  }

  get abortListeners(): AbortListeners {
    return this.#calls.abortListeners;
  }

  /** What a link shares with the client. */
  linkOptions(session: LinkSession | undefined): LinkOptions {
    return {
      options: this.options,
      router: this.router,
      seen: this.seen,
      abortListeners: this.abortListeners,
      session,
      route: () => this.route,
      onView: (endpoint, view) => this.#onView(endpoint, view),
      learnMembers: () => this.learnMembers({}),
      askAnother: (silent, onTold) => this.#discovery.askAnother(silent, onTold),
    };
  }

  /** The newest state that this client has seen. */
  get lastSeenZxid(): bigint {
    return toBigint(this.seen.zxid);
  }

  /** Has every later call sent to one server, or (undefined) to whichever serves best. */
  pin(serverId: number | undefined): void {
    if (this.#pinned === serverId) return;
    this.#pinned = serverId;
    this.#breakers.server.reset();
  }

  async write<I extends DescMessage, O extends DescMessage, T>(
    spec: WriteSpec<I, O, T>,
    options: CallOptions,
  ): Promise<T> {
    return this.#inQueue({ kind: 'write', path: spec.path, bytes: spec.bytes }, options, async (context) => {
      let numbers = this.#identity.numbersForNextWrite();
      let number = numbers.take();
      let repaired = false;
      const operation: Operation<I, O, T> = {
        ...spec,
        kind: 'write',
        route: { kind: 'leader' },
        path: spec.path,
        request: () => spec.request(create(WriteIdSchema, numbers.writeId(number))),
        repair: (code) => {
          if (code !== 'CLIENT_FORGOTTEN' || repaired) return false;
          repaired = true;
          numbers.settle(number);
          this.#identity.replace(numbers);
          numbers = this.#identity.numbersForNextWrite();
          number = numbers.take();
          return true;
        },
      };
      try {
        return await this.#run(operation, context);
      } finally {
        numbers.settle(number);
      }
    });
  }

  async read<I extends DescMessage, O extends DescMessage, T>(
    spec: ReadSpec<I, O, T>,
    options: CallOptions,
  ): Promise<T> {
    return this.#inQueue({ kind: 'read', path: spec.path, bytes: 0 }, options, (context) =>
      this.#run({ ...spec, kind: 'read', path: spec.path }, context),
    );
  }

  /** Asks one server, once. */
  async ask<I extends DescMessage, O extends DescMessage, T>(
    endpoint: Endpoint,
    spec: Omit<ReadSpec<I, O, T>, 'route'>,
    options: CallOptions,
  ): Promise<T> {
    return this.#inQueue({ kind: 'read', path: spec.path, bytes: 0 }, options, (context) => {
      const operation = { ...spec, kind: 'read', route: { kind: 'any' }, path: spec.path } as const;
      const runOptions = this.#runOptions('any');
      // It may be of another cluster altogether.
      const foreign = !this.router.endpoints.includes(endpoint);
      return new CallRun(operation, context, foreign ? { ...runOptions, onView: () => undefined } : runOptions).askOnce(
        endpoint,
      );
    });
  }

  /** The endpoint of a server, found out by asking others if it is not known. @throws {@link BadArgumentsError} */
  async find(serverId: number, options: CallOptions): Promise<Endpoint> {
    const known = this.router.byServerId(serverId);
    if (known !== undefined) return known;
    return this.#inQueue({ kind: 'read', path: undefined, bytes: 0 }, options, (context) =>
      this.#find(serverId, context),
    );
  }

  /** Learns where all the servers are. */
  async learnMembers(options: CallOptions): Promise<void> {
    await this.#inQueue({ kind: 'read', path: undefined, bytes: 0 }, options, (context) => this.#listMembers(context));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const context of [...this.#calls.active]) context.interrupt('closed');
    for (const source of [...this.sources]) {
      source.end(makeError({ code: 'CLIENT_CLOSED', message: 'The client was closed', outcome: 'rejected' }));
    }
    this.#discovery.close();
    this.router.close();
  }

  async #inQueue<T>(
    { kind, path, bytes }: { kind: CallHistory['kind']; path: string | undefined; bytes: number },
    options: CallOptions,
    body: (context: CallContext) => Promise<T>,
  ): Promise<T> {
    const queue = kind === 'write' ? this.#writes : this.#reads;
    const timeoutMs = requireTimeout('timeoutMs', options.timeoutMs, this.options.timeoutMs);
    const context = new CallContext(timeoutMs, options.signal, this.#calls);
    const history: CallHistory = { kind, path, attempts: 0, unsettled: false, last: undefined };
    try {
      if (this.#closed) context.interrupt('closed');
      if (context.interrupted !== undefined) throw interruptedError(history, context, context.interrupted);
      const entered = queue.tryEnter(bytes) ? 'entered' : await queue.enter(context, bytes);
      if (entered === 'full') throw overloadedError(history);
      if (entered === 'elapsed') throw deadlineError(history, context, this.#breakers.leader.problem);
      if (entered !== 'entered') throw interruptedError(history, context, entered);
      try {
        return await body(context);
      } finally {
        queue.leave(bytes);
      }
    } finally {
      context.dispose();
    }
  }

  async #run<I extends DescMessage, O extends DescMessage, T>(
    operation: Operation<I, O, T>,
    context: CallContext,
  ): Promise<T> {
    const route = this.#routeOf(operation.route);
    if (route.kind === 'server' && this.router.byServerId(route.serverId) === undefined) {
      await this.#find(route.serverId, context);
    }
    return new CallRun({ ...operation, route }, context, this.#runOptions(route.kind)).run();
  }

  #routeOf(route: Route): Route {
    if (route.kind === 'server' || this.#pinned === undefined) return route;
    return { kind: 'server', serverId: this.#pinned };
  }

  #runOptions(route: Route['kind']): CallRunOptions {
    return {
      router: this.router,
      breaker: this.#breakers[route],
      attemptTimeoutMs: this.options.attemptTimeoutMs,
      root: this.options.chroot,
      onServed: () => {
        this.#breakers[route].reset();
        if (route === 'leader') this.#breakers.any.reset();
      },
      onView: (endpoint, view) => this.#onView(endpoint, view),
      onOrdered: (zxid) => this.#onSeen(zxid),
      askAnother: (silent) => this.#discovery.askAnother(silent, () => undefined),
    };
  }

  #onView(endpoint: Endpoint, view: ReplyView): void {
    this.#onSeen(view.zxid ?? 0n);
    this.router.learn(endpoint, view);
    if (this.options.discover) this.#discovery.afterReply(endpoint);
  }

  /** Refusals count: who was told BAD_VERSION must find that other version in the next local read. */
  #onSeen(zxid: bigint): void {
    if (zxid > 0n) this.seen.note(toZxid(zxid));
  }

  async #find(serverId: number, context: CallContext): Promise<Endpoint> {
    const members = await this.#listMembers(context);
    const endpoint = this.router.byServerId(serverId);
    if (endpoint !== undefined) return endpoint;
    const ids = members.map((member) => member.serverId).join(', ');
    throw badArguments(`There is no server ${serverId} in the cluster`, `There are ${ids}`);
  }

  /** Asks whoever answers, also when the client is pinned: the one server may be down. */
  async #listMembers(context: CallContext): Promise<readonly Member[]> {
    const list: Operation<typeof ListMembersRequestSchema, typeof ListMembersResponseSchema, readonly Member[]> = {
      kind: 'read',
      route: { kind: 'any' },
      method: ClusterService.method.listMembers,
      path: undefined,
      request: () => create(ListMembersRequestSchema),
      view: (reply) => reply,
      result: (reply) => reply.members,
    };
    const members = await new CallRun(list, context, this.#runOptions('any')).run();
    this.router.learnMembers(members);
    return members;
  }
}
