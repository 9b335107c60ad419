import {
  ChangeHistory,
  ChangeView,
  encodeCommand,
  ZnodeStateMachine,
  type Command,
  type Result,
} from '@zkl/state-machine';
import type { ReadItem, SnapshotNode, WatchedChange } from '../record.js';
import { childPath } from '../tree-model.js';
import { placeNumber, seenIn, toValue, toZxid } from './to-record.js';

const EPOCH = 3;

/** All that one write changed. */
export interface ChangesAt {
  readonly zxid: number;
  readonly at: number;
  readonly changes: readonly Required<WatchedChange>[];
}

/** A perfect cluster for histories: the production state machine, and a second one that lags, for reads that may. */
export class ModelCluster {
  readonly #history = new ChangeHistory({ changesMax: 50_000, bytesMax: 1 << 22 });
  readonly #leader = new ZnodeStateMachine({ history: this.#history });
  readonly #follower = new ZnodeStateMachine();
  readonly #lag: Parameters<ZnodeStateMachine['apply']>[0][] = [];
  readonly changes: ChangesAt[] = [];
  #counter = 0;

  get zxid(): number {
    return EPOCH * 2 ** 32 + this.#counter;
  }

  /** The place up to which the follower has applied everything. */
  get followerZxid(): number {
    return this.zxid - this.#lag.length;
  }

  /** @param at - The moment at which it takes effect. */
  write(command: Command, session: number | undefined, at: number): Result {
    const bytes = encodeCommand(command, session === undefined ? {} : { session: toZxid(session) });
    const payload = new Uint8Array(4 + bytes.length);
    new DataView(payload.buffer).setUint32(0, bytes.length, true);
    payload.set(bytes, 4);
    const first = this.#history.end;
    const block = { epoch: EPOCH, leader: 1, firstCounter: ++this.#counter, count: 1, timeMs: 1_000 + at, payload };
    const [result] = this.#leader.apply(block);
    this.#lag.push(block);
    this.#tell(first, at);
    return result!;
  }

  /** The follower applies all but so many of the writes. */
  catchUp(left: number): void {
    while (this.#lag.length > left) this.#follower.apply(this.#lag.shift()!);
  }

  read(item: ReadItem, isLocal: boolean): ReadItem {
    const machine = isLocal ? this.#follower : this.#leader;
    switch (item.kind) {
      case 'get': {
        const answer = machine.get(item.path);
        if (answer.kind === 'error') return item;
        return { ...item, value: toValue(answer.data), ...seenIn(answer.stat) };
      }
      case 'exists': {
        const answer = machine.exists(item.path);
        return answer.kind === 'exists' && answer.stat !== undefined ? { ...item, ...seenIn(answer.stat) } : item;
      }
      case 'count': {
        const answer = machine.count(item.path);
        return answer.kind === 'count' ? { ...item, count: answer.count } : item;
      }
      case 'children': {
        const answer = machine.children(item.path, { limit: 100, withStat: true, withData: true });
        if (answer.kind === 'error') return item;
        const entries = answer.children.map(({ name, stat, data }) => ({
          name,
          value: toValue(data ?? null),
          ...seenIn(stat!),
        }));
        return { ...item, entries, more: answer.more };
      }
    }
  }

  register(): { value?: string; version: number; mzxid?: number } {
    const { value, version, mzxid } = this.#leader.register();
    if (value === undefined) return { version };
    return { value: toValue(value) ?? '', version, mzxid: placeNumber(mzxid) };
  }

  /** A node and all below it. */
  snapshot(path: string): SnapshotNode[] {
    const answer = this.#leader.get(path);
    if (answer.kind === 'error') return [];
    const children = this.#leader.children(path, { limit: 1_000 });
    const below =
      children.kind === 'error' ? [] : children.children.flatMap(({ name }) => this.snapshot(childPath(path, name)));
    return [{ path, value: toValue(answer.data), ...seenIn(answer.stat) }, ...below];
  }

  ephemerals(session: number): readonly string[] {
    return this.#leader.ephemerals(toZxid(session));
  }

  #tell(first: number, at: number): void {
    const view = new ChangeView();
    const changes: Required<WatchedChange>[] = [];
    for (let position = first; this.#history.read(position, view); position++) {
      const { type, path, stat, data, previousData } = view;
      changes.push({
        type,
        path,
        version: stat.version,
        value: type === 'deleted' ? undefined : toValue(data),
        previous: type === 'created' ? undefined : toValue(previousData),
      });
    }
    if (changes.length > 0) this.changes.push({ zxid: this.zxid, at, changes });
  }
}
