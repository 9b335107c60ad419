import type { ChangeType, WatchOptions as WireOptions } from '@zkl/wire';
import type { Caller } from '../client/caller.js';
import { withResolvers, type Resolvers } from '../calls/with-resolvers.js';
import { toZxid } from '../codec/zxid.js';
import { isZklError, makeError, type ZklError } from '../errors/zkl-error.js';
import { requirePath } from '../options/path.js';
import { badArguments, flag, onlyKnown, show, wholeNumber, zxid } from '../options/validate.js';
import { Callout } from './callout.js';
import type { DirectListener } from './direct-run.js';
import { Handout, type HandoutOwner } from './handout.js';
import type { SharedBatch } from './shared-batch.js';
import { StepBuffer } from './step-buffer.js';
import { WatchBatches } from './watch-batches.js';
import { openWatchSource, type WatchSource, type WatchSourceUser } from './watch-source.js';
import type { Watch, WatchEvent, WatchOptions, WatchStep } from './watch.js';

const OPTION_NAMES = ['scope', 'types', 'from', 'data', 'stat', 'previousData', 'snapshot', 'bufferMax', 'signal'];

const CHANGE_TYPES: ReadonlySet<unknown> = new Set<ChangeType>(['created', 'set', 'deleted']);

/** {@link Watch} */
export class ZklWatch implements Watch, WatchSourceUser, HandoutOwner {
  readonly #caller: Caller;
  readonly #path: string;
  readonly #options: Omit<WireOptions, 'id' | 'from' | 'withSnapshot'>;
  readonly #signal: AbortSignal | undefined;
  readonly #buffer: StepBuffer;
  readonly #batches: WatchBatches;
  #source: WatchSource | undefined;
  #isSuspended = false;
  /** A snapshot is to come first. */
  #wantsSnapshot: boolean;
  /** Everything up to it is in the buffer, or was. */
  #buffered: bigint | undefined;
  #handedOut = 0n;
  #callout: Callout<WatchEvent> | undefined;
  #iterated = false;
  #ended = false;
  #ready: Resolvers<bigint> | undefined;
  #stoodAt: bigint | undefined;
  #error: unknown;

  constructor(caller: Caller, path: string, options: WatchOptions) {
    onlyKnown('watch', options, OPTION_NAMES);
    requirePath(path);
    const { scope = 'node', signal } = options;
    const types: readonly ChangeType[] = options.types ?? [];
    if (!['node', 'children', 'subtree'].includes(scope)) {
      throw badArguments(`scope is ${show(scope)}`, 'There are node, children and subtree');
    }
    if (!Array.isArray(types) || !types.every((type: unknown) => CHANGE_TYPES.has(type))) {
      throw badArguments('types is no list of types', 'There are created, set and deleted');
    }
    const carried = {
      data: flag('data', options.data, false),
      stat: flag('stat', options.stat, false),
      previousData: flag('previousData', options.previousData, false),
      root: caller.root,
    };
    this.#caller = caller;
    this.#path = path;
    this.#signal = signal;
    this.#options = {
      path: caller.rooted(path),
      scope,
      types,
      withData: carried.data,
      withStat: carried.stat,
      withPreviousData: carried.previousData,
    };
    this.#wantsSnapshot = flag('snapshot', options.snapshot, false);
    if (options.from !== undefined) this.#buffered = zxid('from', options.from);
    this.#batches = new WatchBatches(carried);
    this.#buffer = new StepBuffer(wholeNumber('bufferMax', options.bufferMax, 1, 1_000_000, 10_000), {
      onFull: () => {
        this.#isSuspended = true;
        this.#source?.suspend();
      },
      onRoom: () => {
        this.#isSuspended = false;
        this.#source?.resume();
      },
    });
  }

  get zxid(): bigint {
    return this.#source?.handedOut ?? this.#handedOut;
  }

  ready(): Promise<bigint> {
    if (this.#ready === undefined) {
      this.#ready = withResolvers();
      const { promise, resolve, reject } = this.#ready;
      promise.catch(() => undefined);
      if (this.#stoodAt !== undefined) resolve(this.#stoodAt);
      if (this.#ended) reject(this.#error);
    }
    this.#start();
    return this.#ready.promise;
  }

  steps(): AsyncIterableIterator<WatchStep, undefined, undefined> {
    return this.#handout((step) => [step]);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<WatchEvent, undefined, undefined> {
    return this.#handout(eventsOf);
  }

  async forEach(listener: (event: WatchEvent) => void | PromiseLike<void>): Promise<void> {
    if (typeof listener !== 'function')
      throw badArguments(`The listener is ${show(listener)}`, 'Give a function', this.#path);
    this.#consume();
    this.#callout = new Callout(this.#buffer, eventsOf, listener, this);
    this.#start();
    await this.#callout.over;
  }

  #handout<T>(itemsOf: (step: WatchStep) => readonly T[]): Handout<T> {
    this.#consume();
    const handout = new Handout(this.#buffer, itemsOf, this);
    this.#start();
    return handout;
  }

  #consume(): void {
    if (this.#iterated) throw badArguments('A watch is iterated once', 'Make another one', this.#path);
    this.#iterated = true;
  }

  // As whoever hands out wants it.

  onHandedOut(zxid: bigint): void {
    this.#handedOut = zxid;
  }

  onLeft(): void {
    this.#end(undefined);
  }

  // As the source wants it.

  get sameKey(): string {
    const { path, scope, types } = this.#options;
    return `${this.#batches.key} ${scope} ${[...new Set(types)].sort().join()} ${path}`;
  }

  request(): Omit<WireOptions, 'id'> | undefined {
    if (this.#ended || this.#isSuspended) return undefined;
    const from = this.#buffered === undefined ? undefined : toZxid(this.#buffered);
    return { ...this.#options, from, withSnapshot: this.#wantsSnapshot };
  }

  onStanding(at: bigint): void {
    this.#buffered ??= at;
    if (this.#stoodAt !== undefined) return;
    this.#stoodAt = at;
    this.#ready?.resolve(at);
  }

  onBatch(batch: SharedBatch): void {
    if (this.#ended || this.#isSuspended) return;
    // Until its snapshot has come, nothing was told.
    const step = this.#batches.step(batch, this.#wantsSnapshot ? undefined : this.#buffered);
    if (step === undefined) return;
    if (step.kind === 'reset') this.#wantsSnapshot = false;
    this.#buffered = step.zxid;
    this.#buffer.push(step);
  }

  get idleListener(): DirectListener | undefined {
    // Only where all that came was handed out is there one place to write down.
    return this.#ended || this.#wantsSnapshot || this.#buffered !== this.#handedOut ? undefined : this.#callout?.idle;
  }

  stepOf(batch: SharedBatch, told: bigint): WatchStep | undefined {
    return this.#batches.step(batch, told);
  }

  onSingle(handedOut: bigint, isCalled: boolean): void {
    this.#buffered = handedOut;
    this.#handedOut = handedOut;
    if (isCalled) this.#callout?.onCalled();
  }

  onAnswer(answer: unknown): void {
    this.#callout?.onAnswer(answer);
  }

  onThrown(error: unknown): void {
    this.#callout?.onThrown(error);
  }

  onCut(): void {
    this.#batches.cut();
  }

  onEnd(error: ZklError): void {
    this.#end(error);
  }

  #start(): void {
    if (this.#source !== undefined || this.#ended) return;
    if (this.#signal?.aborted === true) return this.#onAbort();
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#source = openWatchSource(this.#caller, this);
  }

  readonly #onAbort = (): void => {
    const cause: unknown = this.#signal?.reason;
    const error = { code: 'ABORTED', message: 'The watch was aborted', outcome: 'rejected', path: this.#path } as const;
    this.#end(makeError({ ...error, cause }));
  };

  #end(error: ZklError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = isZklError(error)
      ? error
      : makeError({ code: 'ABORTED', message: 'The watch has ended', outcome: 'rejected' });
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#source?.close();
    this.#buffer.end(error);
    this.#ready?.reject(this.#error);
  }
}

function eventsOf(step: WatchStep): readonly WatchEvent[] {
  if (step.kind === 'events') return step.events;
  return step.kind === 'reset' ? [step.reset] : [];
}
