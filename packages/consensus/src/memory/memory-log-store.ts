import { endOf, endsAfter, type Block } from '../core/block.js';
import { compareZxid, maxZxid, sameZxid, ZXID_ZERO, type Zxid } from '../core/zxid.js';
import type { HardState, LogRead, LogStore, LogWrite, RecoveredLog, SnapshotReader } from '../node/ports.js';

export interface MemoryLogStoreOptions {
  /** Log bytes kept behind the newest snapshot. Default 1 MiB. */
  readonly retainBytes?: number;
}

/**
 * A log store without a disk: for users' tests, where servers start in a moment and nothing survives the process. What it holds survives
 * `close` and `open`, as a disk would, so a server can be restarted on it.
 */
export class MemoryLogStore implements LogStore {
  readonly #retainBytes: number;
  #blocks: Block[] = [];
  #first: Zxid = ZXID_ZERO;
  #hardState: HardState = { acceptedEpoch: 0, currentEpoch: 0 };
  #snapshot: { zxid: Zxid; bytes: Uint8Array } | undefined;
  #bytesSinceSnapshot = 0;

  constructor(options: MemoryLogStoreOptions = {}) {
    this.#retainBytes = options.retainBytes ?? 1 << 20;
  }

  get bytesSinceSnapshot(): number {
    return this.#bytesSinceSnapshot;
  }

  get sizeBytes(): number {
    const log = this.#blocks.reduce((sum, block) => sum + block.payload.byteLength, 0);
    return log + (this.#snapshot?.bytes.byteLength ?? 0);
  }

  open(): Promise<RecoveredLog> {
    let committedZxid = this.#snapshot?.zxid ?? ZXID_ZERO;
    for (const { committedEpoch: epoch, committedCounter: counter } of this.#blocks) {
      committedZxid = maxZxid(committedZxid, { epoch, counter });
    }
    return Promise.resolve({
      hardState: this.#hardState,
      lastZxid: this.#last,
      firstZxid: this.#first,
      snapshotZxid: this.#snapshot?.zxid,
      committedZxid,
      damage: undefined,
    });
  }

  write(write: LogWrite): Promise<void> {
    if (write.truncateTo !== undefined) this.#truncateTo(write.truncateTo);
    for (const block of write.blocks) {
      if (block.prevEpoch !== this.#last.epoch || block.prevCounter !== this.#last.counter) {
        return Promise.reject(new Error('a block does not follow on the log'));
      }
      this.#blocks.push(block);
      this.#bytesSinceSnapshot += block.payload.byteLength;
    }
    if (write.hardState !== undefined) this.#hardState = write.hardState;
    return Promise.resolve();
  }

  read(after: Zxid, maxBytes: number): Promise<LogRead> {
    if (compareZxid(after, this.#first) < 0) return Promise.resolve({ kind: 'gone' });
    const from = this.#blocks.findIndex((block) => endsAfter(block, after));
    const start = from < 0 ? this.#blocks.length : from;
    const at = start > 0 ? endOf(this.#blocks[start - 1]!) : this.#first;
    if (!sameZxid(at, after)) return Promise.resolve({ kind: 'diverged', at });
    const blocks: Block[] = [];
    let bytes = 0;
    for (let i = start; i < this.#blocks.length && (blocks.length === 0 || bytes < maxBytes); i++) {
      blocks.push(this.#blocks[i]!);
      bytes += this.#blocks[i]!.payload.byteLength;
    }
    return Promise.resolve({ kind: 'blocks', blocks });
  }

  async saveSnapshot(zxid: Zxid, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
    const since = this.#bytesSinceSnapshot;
    this.#snapshot = { zxid, bytes: await collect(chunks) };
    this.#bytesSinceSnapshot -= since;
    this.#purge(zxid);
  }

  openSnapshot(): Promise<SnapshotReader | undefined> {
    const snapshot = this.#snapshot;
    if (snapshot === undefined) return Promise.resolve(undefined);
    return Promise.resolve({
      zxid: snapshot.zxid,
      sizeBytes: snapshot.bytes.byteLength,
      chunks: slices(snapshot.bytes),
      close: () => Promise.resolve(),
    });
  }

  async installSnapshot(zxid: Zxid, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const bytes = await collect(chunks);
    this.#snapshot = { zxid, bytes };
    this.#blocks = [];
    this.#first = zxid;
    this.#bytesSinceSnapshot = 0;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  get #last(): Zxid {
    return this.#blocks.length > 0 ? endOf(this.#blocks[this.#blocks.length - 1]!) : this.#first;
  }

  #truncateTo(zxid: Zxid): void {
    while (this.#blocks.length > 0 && endsAfter(this.#blocks[this.#blocks.length - 1]!, zxid)) this.#blocks.pop();
    if (this.#snapshot !== undefined && compareZxid(this.#snapshot.zxid, zxid) > 0) this.#snapshot = undefined;
  }

  #purge(upTo: Zxid): void {
    let behind = 0;
    let index = this.#blocks.findIndex((block) => endsAfter(block, upTo));
    if (index < 0) index = this.#blocks.length;
    while (index > 0 && behind < this.#retainBytes) behind += this.#blocks[--index]!.payload.byteLength;
    if (index === 0) return;
    this.#first = endOf(this.#blocks[index - 1]!);
    this.#blocks = this.#blocks.slice(index);
  }
}

async function collect(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk.slice());
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}

async function* slices(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  const CHUNK = 64 << 10;
  for (let at = 0; at < bytes.byteLength; at += CHUNK) {
    yield await Promise.resolve(bytes.subarray(at, Math.min(at + CHUNK, bytes.byteLength)));
  }
}
