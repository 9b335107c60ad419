import { create } from '@bufbuild/protobuf';
import { ChangeType, WatchRequestSchema, WatchScope, WatchService } from '@zkl/protocol';
import type { ChangeType as WireType, WatchOptions as WireOptions, WatchScope as WireScope } from '@zkl/wire';
import type { Caller } from '../client/caller.js';
import { toBigint } from '../codec/zxid.js';
import { refusalError, type Failure } from '../calls/call-failure.js';
import { makeError, isZklError, type ZklError } from '../errors/zkl-error.js';
import type { StreamEnd } from '../channel/channel.js';
import type { Endpoint } from '../routing/endpoint.js';
import { backoffMs } from '../routing/backoff.js';
import type { LinkWatch } from '../stream/wire-watch.js';
import type { Link } from '../stream/link.js';
import type { DirectListener, DirectOwner, DirectRun } from './direct-run.js';
import { SharedBatch } from './shared-batch.js';
import type { WatchStep } from './watch.js';

/** What a source needs of its watch. */
export interface WatchSourceUser {
  /** Watches of one client that have the same are told the same of every change. */
  readonly sameKey: string;
  /** From where to go on; undefined while it is not to be watched. */
  request(): Omit<WireOptions, 'id'> | undefined;
  onStanding(at: bigint): void;
  onBatch(batch: SharedBatch): void;
  /** Everything up to this zxid was handed to the consumer. */
  readonly zxid: bigint;
  /** The listener, when the consumer is one that waits for nothing, and has been told all that came. */
  readonly idleListener: DirectListener | undefined;
  /** What it makes of a batch, if it was told everything up to `told`. */
  stepOf(batch: SharedBatch, told: bigint): WatchStep | undefined;
  /** See {@link DirectOwner}, as the next two. */
  onSingle(handedOut: bigint, isCalled: boolean): void;
  onAnswer(answer: unknown): void;
  onThrown(error: unknown): void;
  /** The stream is lost, and another one will be opened. */
  onCut(): void;
  onEnd(error: ZklError): void;
}

/** Where the batches of a watch come from, for as long as it is not closed. */
export interface WatchSource {
  /** Everything up to this zxid was handed to the consumer; undefined: the watch itself knows. */
  readonly handedOut: bigint | undefined;
  suspend(): void;
  resume(): void;
  close(): void;
}

/** On the session stream of the client; by a stream of its own where there is none. */
export function openWatchSource(caller: Caller, user: WatchSourceUser): WatchSource {
  const link = caller.watchLink();
  return link === undefined ? new CallSource(caller, user) : new StreamSource(link, user);
}

/** A watch on the session stream. */
class StreamSource implements WatchSource, LinkWatch, DirectOwner {
  wire: LinkWatch['wire'];
  place = 0;
  readonly #link: Link;
  readonly #user: WatchSourceUser;
  #run: DirectRun | undefined;

  constructor(link: Link, user: WatchSourceUser) {
    this.#link = link;
    this.#user = user;
    link.addWatch(this);
  }

  get sameKey(): string {
    return this.#user.sameKey;
  }

  get handedOut(): bigint | undefined {
    return this.#run?.handedOut(this.place);
  }

  suspend(): void {
    this.#link.removeWatch(this);
  }

  /** Under another id: what was on its way under the one before may leave something out. */
  resume(): void {
    this.#link.addWatch(this);
  }

  close(): void {
    this.#link.removeWatch(this);
  }

  request(): Omit<WireOptions, 'id'> | undefined {
    return this.#user.request();
  }

  onStanding(at: bigint): void {
    this.#user.onStanding(at);
  }

  onBatch(batch: SharedBatch): void {
    this.#user.onBatch(batch);
  }

  joinRun(run: DirectRun): boolean {
    const listener = this.#user.idleListener;
    if (listener === undefined || !run.add(this, listener, this.#user.zxid)) return false;
    this.#run = run;
    return true;
  }

  leaveRun(): void {
    this.#run?.remove(this.place);
  }

  stepOf(batch: SharedBatch, told: bigint): WatchStep | undefined {
    return this.#user.stepOf(batch, told);
  }

  onSingle(handedOut: bigint, isCalled: boolean): void {
    this.#run = undefined;
    this.wire?.singly.add(this);
    this.#user.onSingle(handedOut, isCalled);
  }

  onAnswer(answer: unknown): void {
    this.#user.onAnswer(answer);
  }

  onThrown(error: unknown): void {
    this.#user.onThrown(error);
  }

  onCut(): void {
    this.#user.onCut();
  }

  onEnd(error: unknown): void {
    this.#user.onEnd(isZklError(error) ? error : unsupportedError());
  }
}

/** A watch by a call of its own, which is made again whenever it is lost. */
class CallSource implements WatchSource {
  /** Each has a stream of its own. */
  readonly handedOut = undefined;
  readonly #caller: Caller;
  readonly #user: WatchSourceUser;
  readonly #tried = new Set<Endpoint>();
  #cancel: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #closed = false;
  #suspended: Promise<void> | undefined;
  #onRoom: (() => void) | undefined;

  constructor(caller: Caller, user: WatchSourceUser) {
    this.#caller = caller;
    this.#user = user;
    caller.dispatcher.sources.add(this);
    this.#open();
  }

  /** The next message is not read meanwhile: the connection's flow control does the rest. */
  suspend(): void {
    this.#suspended ??= new Promise((resolve) => {
      this.#onRoom = resolve;
    });
  }

  resume(): void {
    this.#suspended = undefined;
    this.#onRoom?.();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#cancel?.();
    this.resume();
    this.#caller.dispatcher.sources.delete(this);
  }

  /** The client is closed. */
  end(error: ZklError): void {
    this.#user.onEnd(error);
  }

  #open(): void {
    const { router } = this.#caller.dispatcher;
    const endpoint = router.pick({ kind: 'any' }, this.#tried);
    const request = this.#user.request();
    if (this.#closed || request === undefined) return;
    if (endpoint === undefined) return this.#pause();
    const { channel } = endpoint;
    if (channel.serverStream === undefined) return this.#user.onEnd(unsupportedError());
    this.#user.onCut();
    this.#cancel = channel.serverStream(
      WatchService.method.watch,
      toRequest(request),
      ({ header, batch }) => {
        this.#failures = 0;
        this.#tried.clear();
        router.succeeded(endpoint);
        if (batch === undefined) this.#user.onStanding(header?.zxid ?? 0n);
        else this.#user.onBatch(new SharedBatch(batch));
        return this.#suspended;
      },
      (end) => this.#onEnd(endpoint, end),
    );
  }

  #onEnd(endpoint: Endpoint, end: StreamEnd): void {
    if (this.#closed) return;
    this.#cancel = undefined;
    if (end.kind === 'unimplemented') return this.#user.onEnd(unsupportedError());
    if (end.kind === 'refused' && end.detail?.retryable === false && end.detail.code !== '') {
      return this.#user.onEnd(refusalOf(end, endpoint.address));
    }
    this.#tried.add(endpoint);
    this.#caller.dispatcher.router.failed(endpoint);
    this.#open();
  }

  #pause(): void {
    this.#tried.clear();
    this.#failures += 1;
    this.#timer = setTimeout(() => this.#open(), backoffMs(this.#failures));
  }
}

function refusalOf(refusal: Failure & { kind: 'refused' }, address: string): ZklError {
  return refusalError(
    { kind: 'read', path: undefined, attempts: 1, unsettled: false, last: undefined },
    refusal,
    address,
  );
}

function unsupportedError(): ZklError {
  return makeError({
    code: 'UNIMPLEMENTED',
    message: 'The servers do not know watches',
    outcome: 'rejected',
    hint: 'Upgrade them',
  });
}

const SCOPES: Readonly<Record<WireScope, WatchScope>> = {
  node: WatchScope.NODE,
  children: WatchScope.CHILDREN,
  subtree: WatchScope.SUBTREE,
};

const TYPES: Readonly<Record<WireType, ChangeType>> = {
  created: ChangeType.CREATED,
  set: ChangeType.SET,
  deleted: ChangeType.DELETED,
};

function toRequest(options: Omit<WireOptions, 'id'>) {
  const { path, scope, types = [], from, withData, withStat, withPreviousData, withSnapshot } = options;
  return create(WatchRequestSchema, {
    path,
    scope: SCOPES[scope],
    types: types.map((type) => TYPES[type]),
    withData: withData === true,
    withStat: withStat === true,
    withPreviousData: withPreviousData === true,
    withSnapshot: withSnapshot === true,
    ...(from !== undefined && { fromZxid: toBigint(from) }),
  });
}
