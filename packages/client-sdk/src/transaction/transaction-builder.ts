import {
  ERROR_CODES,
  isSequential,
  type Compare,
  type OperationResult,
  type Reply,
  type TransactionOperation,
} from '@zkl/wire';
import { checkCallOptions } from '../client/call-arguments.js';
import type { Caller } from '../client/caller.js';
import type { DataInput } from '../client/client.js';
import { resolveCreateMode } from '../client/create-mode.js';
import { requireIfAbsent, requireSessionFor, requireVersion } from '../client/znode-calls.js';
import { decodeText, encodeData, ownBytes } from '../codec/data.js';
import { expectKind, toStat } from '../codec/results.js';
import { toBigint, toZxid } from '../codec/zxid.js';
import { makeError } from '../errors/zkl-error.js';
import type { CallOptions } from '../options/call-options.js';
import { requirePath } from '../options/path.js';
import { badArguments, flag, onlyKnown, show, wholeNumber, zxid } from '../options/validate.js';
import type { Origin } from '../stream/operation.js';
import type { Condition, StepResult, Transaction, TransactionCreateOptions, TransactionResult } from './transaction.js';

/** Comparisons and steps of one transaction, at most. */
const PARTS_MAX = 1_024;
const OPERATORS = ['=', '!=', '<', '>'];

/** {@link Transaction}. What is malformed is thrown where it is said. */
export class TransactionBuilder implements Transaction {
  readonly #caller: Caller;
  readonly #compares: Compare[] = [];
  readonly #then: TransactionOperation[] = [];
  readonly #else: TransactionOperation[] = [];
  #steps = this.#then;
  #bytes = 0;
  #sent = false;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  when(path: string, condition: Condition): Transaction {
    this.#mayGrow();
    const rooted = this.#rooted(path);
    const [[name, given] = [], ...others] = Object.entries(condition ?? {}) as [keyof Condition, unknown][];
    if (name === undefined || others.length > 0)
      throw badArguments('A comparison has exactly one field', undefined, path);
    const isRelation = Array.isArray(given) && given.length === 2 && OPERATORS.includes(given[0] as string);
    const operator = isRelation ? (given[0] as Compare['operator']) : '=';
    const operand: unknown = isRelation ? given[1] : given;
    this.#compares.push(this.#compare(rooted, operator, name, operand));
    return this;
  }

  otherwise(): Transaction {
    if (this.#steps === this.#else) throw badArguments('The transaction has its other branch already');
    this.#steps = this.#else;
    return this;
  }

  create(path: string, data?: DataInput, options: TransactionCreateOptions = {}): Transaction {
    onlyKnown('create', options, ['mode', 'sequential', 'ttlMs', 'ifAbsent']);
    const { mode, ttlMs } = resolveCreateMode(options);
    requireSessionFor(this.#caller, mode);
    const ifAbsent = requireIfAbsent(options.ifAbsent, mode);
    const rooted = this.#rooted(path, isSequential(mode));
    return this.#add({ kind: 'create', path: rooted, data: this.#data(data, path), mode, ttlMs, ifAbsent });
  }

  set(path: string, data: DataInput, options: { readonly version?: number | undefined } = {}): Transaction {
    const expectedVersion = versionOf(options);
    return this.#add({ kind: 'set', path: this.#rooted(path), data: this.#data(data, path), expectedVersion });
  }

  delete(path: string, options: { readonly version?: number | undefined } = {}): Transaction {
    return this.#add({ kind: 'delete', path: this.#rooted(path), expectedVersion: versionOf(options) });
  }

  deleteRecursive(path: string, options: { readonly version?: number | undefined } = {}): Transaction {
    return this.#add({ kind: 'deleteRecursive', path: this.#rooted(path), expectedVersion: versionOf(options) });
  }

  check(path: string, version?: number): Transaction {
    return this.#add({ kind: 'check', path: this.#rooted(path), expectedVersion: requireVersion(version) });
  }

  checkAbsent(path: string): Transaction {
    return this.#add({ kind: 'checkAbsent', path: this.#rooted(path) });
  }

  get(path: string): Transaction {
    return this.#add({ kind: 'get', path: this.#rooted(path) });
  }

  exists(path: string): Transaction {
    return this.#add({ kind: 'exists', path: this.#rooted(path) });
  }

  async commit(options: CallOptions = {}): Promise<TransactionResult> {
    const result = await this.run(options);
    if (result.committed) return result;
    for (const step of result.results) {
      if (step.kind !== 'failed' || step.code === 'RUNTIME_INCONSISTENCY') continue;
      const { number: _, retryable, hint } = ERROR_CODES[step.code];
      throw makeError({
        code: step.code,
        message: `A step of the transaction failed, and nothing was done`,
        outcome: 'rejected',
        retryable,
        path: step.path,
        zxid: result.zxid,
        hint,
      });
    }
    throw makeError({ code: 'PROTOCOL', message: 'A transaction failed without a reason', outcome: 'rejected' });
  }

  async run(options: CallOptions = {}): Promise<TransactionResult> {
    checkCallOptions('transaction', options, []);
    this.#mayGrow();
    this.#sent = true;
    const command = { kind: 'transaction', compares: this.#compares, then: this.#then, else: this.#else } as const;
    const toResult = (reply: Reply, origin: Origin) => this.#toResult(reply, origin);
    return this.#caller.write(command, undefined, this.#bytes, toResult, options);
  }

  #add(operation: TransactionOperation): this {
    this.#mayGrow();
    this.#steps.push(operation);
    return this;
  }

  #mayGrow(): void {
    if (this.#sent) throw badArguments('The transaction was sent already', 'Begin another one');
    if (this.#compares.length + this.#then.length + this.#else.length <= PARTS_MAX) return;
    throw badArguments(`The transaction has more than ${PARTS_MAX} comparisons and steps`);
  }

  #rooted(path: string, prefix = false): string {
    return this.#caller.rooted(requirePath(path, prefix));
  }

  #data(data: DataInput | undefined, path: string): Uint8Array | null {
    const bytes = encodeData(data, this.#caller.dispatcher.options.messageBytesMax, path) ?? null;
    this.#bytes += bytes?.byteLength ?? 0;
    return bytes;
  }

  #compare(path: string, operator: Compare['operator'], target: string, operand: unknown): Compare {
    switch (target) {
      case 'version':
      case 'cversion':
        return { path, operator, target, operand: wholeNumber(target, operand, -0x8000_0000, 0x7fff_ffff, 0) };
      case 'czxid':
      case 'mzxid':
        return { path, operator, target, operand: toZxid(zxid(target, operand)) };
      case 'value':
        return { path, operator, target, operand: this.#data(operand as DataInput, path) };
      case 'exists':
        return { path, operator, target, operand: flag(target, operand, true) };
      default:
        throw badArguments(
          `A comparison has no field ${show(target)}`,
          'There are version, cversion, czxid, mzxid, value, exists',
        );
    }
  }

  #toResult(reply: Reply, { serverId, leaderId }: Origin): TransactionResult {
    const { branch, committed, results, zxid: at } = expectKind(reply, 'transaction');
    const steps = results.map((result) => this.#toStep(result));
    return { branch, committed, results: steps, zxid: toBigint(at), serverId, leaderId };
  }

  #toStep(result: OperationResult): StepResult {
    switch (result.kind) {
      case 'created': {
        const { path, stat, created } = result;
        return { kind: 'created', path: this.#caller.unrooted(path), stat: toStat(stat), created };
      }
      case 'set':
        return { kind: 'set', stat: toStat(result.stat) };
      case 'deleted':
        return { kind: 'deleted', deleted: 1 };
      case 'deletedRecursive':
        return { kind: 'deleted', deleted: result.count };
      case 'got': {
        const data = ownBytes(result.data ?? undefined);
        return { kind: 'got', data, stat: toStat(result.stat), text: () => decodeText(data) };
      }
      case 'existed':
        return { kind: 'existed', stat: result.stat && toStat(result.stat) };
      case 'ok':
        return { kind: 'ok' };
      case 'error':
        return {
          kind: 'failed',
          code: result.code,
          path: result.path === undefined ? undefined : this.#caller.unrooted(result.path),
        };
    }
  }
}

function versionOf(options: { readonly version?: number | undefined }): number {
  onlyKnown('the step', options, ['version']);
  return requireVersion(options.version);
}
