import type { CallOptions } from '../options/call-options.js';
import type { Transaction } from '../transaction/transaction.js';
import { TransactionBuilder } from '../transaction/transaction-builder.js';
import { toCodec, type Codec, type StandardSchema } from '../node/codec.js';
import { TypedNode } from '../node/typed-node.js';
import { requirePath } from '../options/path.js';
import { openMirror, type Mirror, type MirrorOptions } from '../watch/mirror.js';
import type { Watch, WatchOptions } from '../watch/watch.js';
import { ZklWatch } from '../watch/zkl-watch.js';
import { attempt } from './attempt.js';
import type { Caller } from './caller.js';
import { iterateChildren } from './children.js';
import type {
  Calls,
  ChildrenOptions,
  ConditionalWriteOptions,
  CreateOptions,
  DataInput,
  ReadCallOptions,
} from './client.js';
import { multiRead, type MultiReadItem, type MultiReadResult } from './multi-read.js';
import type {
  Child,
  ChildrenPage,
  CountResult,
  CreateResult,
  DeleteRecursiveResult,
  GetResult,
  Quota,
  QuotaResult,
  SetResult,
  Stat,
  WriteResult,
} from './results.js';
import * as calls from './znode-calls.js';

/** The calls that a client and a session have in common: both are this, so that whatever takes the one takes the other. */
export abstract class ZklCalls implements Calls {
  /** Where they go. */
  protected abstract readonly caller: Caller;

  create(path: string, data?: DataInput, options: CreateOptions = {}): Promise<CreateResult> {
    return attempt(() => calls.createZnode(this.caller, path, data, options));
  }

  get(path: string, options: ReadCallOptions = {}): Promise<GetResult> {
    return attempt(() => calls.getZnode(this.caller, path, options));
  }

  set(path: string, data: DataInput, options: ConditionalWriteOptions = {}): Promise<SetResult> {
    return attempt(() => calls.setZnode(this.caller, path, data, options));
  }

  delete(path: string, options: ConditionalWriteOptions = {}): Promise<WriteResult> {
    return attempt(() => calls.deleteZnode(this.caller, path, options));
  }

  deleteRecursive(path: string, options: ConditionalWriteOptions = {}): Promise<DeleteRecursiveResult> {
    return attempt(() => calls.deleteSubtree(this.caller, path, options));
  }

  exists(path: string, options: ReadCallOptions = {}): Promise<Stat | undefined> {
    return attempt(() => calls.statZnode(this.caller, path, options));
  }

  children(path: string, options: ChildrenOptions = {}): AsyncIterable<Child> {
    return iterateChildren(this.caller, path, options);
  }

  listChildren(path: string, options: ChildrenOptions = {}): Promise<ChildrenPage> {
    return attempt(() => calls.listChildren(this.caller, path, options));
  }

  count(path: string, options: ReadCallOptions = {}): Promise<CountResult> {
    return attempt(() => calls.countZnodes(this.caller, path, options));
  }

  quota(path: string, options: ReadCallOptions = {}): Promise<QuotaResult> {
    return attempt(() => calls.readQuota(this.caller, path, options));
  }

  setQuota(path: string, quota: Quota | null, options: CallOptions = {}): Promise<WriteResult> {
    return attempt(() => calls.writeQuota(this.caller, path, quota, options));
  }

  transaction(): Transaction {
    return new TransactionBuilder(this.caller);
  }

  multiRead<const R extends readonly MultiReadItem[]>(
    reads: R,
    options: ReadCallOptions = {},
  ): Promise<MultiReadResult<R>> {
    return attempt(() => multiRead(this.caller, reads, options));
  }

  watch(path: string, options: WatchOptions = {}): Watch {
    return new ZklWatch(this.caller, path, options);
  }

  mirror(path: string, options: MirrorOptions = {}): Promise<Mirror> {
    return attempt(() => openMirror(this, path, options));
  }

  node<T>(path: string, codec: Codec<T> | StandardSchema<T>): TypedNode<T> {
    return new TypedNode(this, requirePath(path), toCodec(codec));
  }
}
