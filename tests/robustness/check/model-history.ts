import type { FinalChild, GetOperation, History, Operation, SetOperation, ZxidNumber } from '../history/operation.js';
import { Random } from '../workload/random.js';

/** How a {@link modelHistory} comes about. */
export interface ModelOptions {
  readonly seed: number;
  /** Default 8. */
  readonly clients?: number | undefined;
  /** Calls a client. Default 40. */
  readonly calls?: number | undefined;
  /** Of a hundred writes these end as unknown; every other one of them was applied. Default 0. */
  readonly unknownPercent?: number | undefined;
}

const ROOT = '/model/appends';
const REGISTERS = ['/model/register-0', '/model/register-1'];
const EPOCH = 3 * 2 ** 32;

interface Call {
  readonly client: number;
  readonly op: number;
  readonly invokedUs: number;
  /** When it takes effect. */
  readonly atUs: number;
  readonly endedUs: number;
}

interface Cell {
  value: string;
  version: number;
  mzxid: ZxidNumber;
}

/**
 * A history of clients of a perfect cluster: one log, each call taking effect at one moment between its beginning and its end, local reads
 * lagging. What the checker is tried with: it must find nothing here, and everything that is planted in it.
 */
export function modelHistory(options: ModelOptions): History {
  const random = new Random(options.seed);
  const model = new Model(random, options.unknownPercent ?? 0);
  const calls: Call[] = [];
  for (let client = 1; client <= (options.clients ?? 8); client += 1) {
    let nowUs = 1_000 + random.below(1_000);
    for (let op = 0; op < (options.calls ?? 40); op += 1) {
      const invokedUs = nowUs + 1 + random.below(300);
      const atUs = invokedUs + random.below(1_000);
      const endedUs = atUs + random.below(1_000);
      calls.push({ client, op, invokedUs, atUs, endedUs });
      nowUs = endedUs;
    }
  }
  calls.sort((a, b) => a.atUs - b.atUs);
  for (const call of calls) model.perform(call);
  return model.history();
}

class Model {
  readonly #random: Random;
  readonly #unknownPercent: number;
  readonly #operations: Operation[] = [];
  readonly #children: FinalChild[] = [];
  /** The state of every register at every zxid, from 0. */
  readonly #states: ReadonlyMap<string, Cell>[] = [new Map()];
  readonly #seen = new Map<number, number>();

  constructor(random: Random, unknownPercent: number) {
    this.#random = random;
    this.#unknownPercent = unknownPercent;
    for (const [op, path] of REGISTERS.entries()) {
      const call = { client: 0, op, invokedUs: op * 10, atUs: op * 10 + 1, endedUs: op * 10 + 2 };
      this.#set(call, path, undefined, false);
    }
  }

  history(): History {
    this.#operations.sort((a, b) => a.endedUs - b.endedUs);
    return { operations: this.#operations, children: this.#children };
  }

  perform(call: Call): void {
    const path = this.#random.pick(REGISTERS);
    const unknown = this.#random.below(100) < this.#unknownPercent;
    switch (this.#random.below(6)) {
      case 0:
        return this.#append(call, unknown);
      case 1:
        return this.#set(call, path, undefined, unknown);
      case 2:
        return this.#set(call, path, this.#cell(path).version - this.#random.below(2), unknown);
      case 3:
        return this.#get(call, path, 'local');
      case 4:
        return this.#guess(call, path);
      default:
        return this.#get(call, path, 'linearizable');
    }
  }

  #cell(path: string, at = this.#states.length - 1): Cell {
    return this.#states[at]?.get(path) ?? { value: '', version: -1, mzxid: 0 };
  }

  /** One more state, with a change in one register or none. */
  #log(path?: string, value?: string): ZxidNumber {
    const state = new Map(this.#states.at(-1));
    const zxid = EPOCH + this.#states.length;
    if (path !== undefined && value !== undefined) {
      state.set(path, { value, version: this.#cell(path).version + 1, mzxid: zxid });
    }
    this.#states.push(state);
    return zxid;
  }

  /** Every other write of unknown outcome is never applied. */
  #isDropped(unknown: boolean): boolean {
    return unknown && this.#random.below(2) === 0;
  }

  #append({ client, op, invokedUs, endedUs }: Call, unknown: boolean): void {
    const base = { kind: 'append', client, op, path: ROOT, invokedUs, endedUs, value: `a${client}:${op}` } as const;
    if (this.#isDropped(unknown)) return this.#add({ ...base, outcome: 'unknown', code: 'TIMEOUT' });
    const zxid = this.#log();
    const name = `n-${String(this.#children.length).padStart(10, '0')}`;
    this.#children.push({ kind: 'child', path: ROOT, name, value: base.value, czxid: zxid });
    if (unknown) return this.#add({ ...base, outcome: 'unknown', code: 'TIMEOUT' });
    return this.#add({ ...base, outcome: 'ok', result: { zxid, name } });
  }

  #set({ client, op, invokedUs, endedUs }: Call, path: string, expected: number | undefined, unknown: boolean): void {
    const base = { kind: 'set', client, op, path, invokedUs, endedUs, value: `s${client}:${op}`, expected } as const;
    if (this.#isDropped(unknown)) return this.#add({ ...base, outcome: 'unknown', code: 'TIMEOUT' });
    const refused = expected !== undefined && expected !== this.#cell(path).version;
    const zxid = refused ? this.#log() : this.#log(path, base.value);
    if (unknown) return this.#add({ ...base, outcome: 'unknown', code: 'TIMEOUT' });
    if (refused) return this.#add({ ...base, outcome: 'rejected', code: 'BAD_VERSION', zxid });
    return this.#add({ ...base, outcome: 'ok', result: { zxid, version: this.#cell(path).version } });
  }

  #get({ client, op, invokedUs, endedUs }: Call, path: string, consistency: GetOperation['consistency']): void {
    const newest = this.#states.length - 1;
    const lag = consistency === 'local' ? this.#random.below(10) : 0;
    const at = Math.max(this.#seen.get(client) ?? REGISTERS.length, newest - lag);
    const { value, version, mzxid } = this.#cell(path, at);
    const result = { zxid: EPOCH + at, value, version, mzxid };
    this.#add({ kind: 'get', client, op, path, invokedUs, endedUs, consistency, outcome: 'ok', result });
  }

  #guess({ client, op, invokedUs, endedUs }: Call, path: string): void {
    const { value, version } = this.#cell(path);
    const guessed = this.#random.below(2) === 0 ? value : 'something else';
    const result = { zxid: this.#log(), matched: guessed === value, version };
    this.#add({ kind: 'guess', client, op, path, invokedUs, endedUs, value: guessed, outcome: 'ok', result });
  }

  #add(operation: Operation): void {
    this.#operations.push(operation);
    const zxid =
      operation.outcome === 'ok'
        ? operation.result.zxid
        : operation.outcome === 'rejected'
          ? operation.zxid
          : undefined;
    if (zxid !== undefined) this.#seen.set(operation.client, zxid - EPOCH);
  }
}

/** A set that was acknowledged, for planting. */
export function isSetOk(operation: Operation): operation is SetOperation & { readonly outcome: 'ok' } {
  return operation.kind === 'set' && operation.outcome === 'ok';
}
