import type { DiskFile } from './disk.js';
import type { DiskOperation } from './memory-disk.js';
import { SECTOR_BYTES } from './format.js';

interface PendingState {
  /** Given up by a failed write or sync: it may be found after a crash, but no sync makes it durable. */
  isLost: boolean;
  /** Not completed yet. */
  isUnderWay: boolean;
}

/** A write or truncation that is not durable yet. */
type Pending = PendingState &
  (
    | { readonly kind: 'write'; readonly position: number; readonly bytes: Uint8Array }
    | { readonly kind: 'truncate'; readonly size: number }
  );

/** What a loss of power leaves. */
export interface CrashFate {
  /** Whether what was written and not synced is there; names that were not synced too. */
  readonly keepsUnsynced: boolean;
  /** Of the write under way: its first so many bytes, or all but one of its sectors. Without it, as what was not synced. */
  readonly under?:
    | { readonly kind: 'bytes'; readonly count: number }
    | { readonly kind: 'sectors'; readonly missing: number }
    | undefined;
}

export interface HandleOptions {
  readonly path: string;
  readonly isDurable: boolean;
  readonly isWritable: boolean;
  readonly run: <T>(operation: DiskOperation, work: () => T, fail?: () => void) => Promise<T>;
  readonly room: () => number;
  /** False once the process that opened it is gone. */
  readonly isAlive: () => boolean;
}

/** Bytes that grow. */
class Contents {
  #bytes = new Uint8Array(0);
  size = 0;

  static of(bytes: Uint8Array): Contents {
    const contents = new Contents();
    contents.write(0, bytes);
    return contents;
  }

  view(): Uint8Array {
    return this.#bytes.subarray(0, this.size);
  }

  write(position: number, bytes: Uint8Array): void {
    this.#grow(position + bytes.byteLength);
    this.#bytes.set(bytes, position);
  }

  truncate(size: number): void {
    if (size > this.size) this.#grow(size);
    this.#bytes.fill(0, size, Math.max(size, this.size));
    this.size = size;
  }

  #grow(size: number): void {
    if (size > this.#bytes.byteLength) {
      const larger = new Uint8Array(Math.max(size, this.#bytes.byteLength * 2));
      larger.set(this.view());
      this.#bytes = larger;
    }
    this.size = Math.max(this.size, size);
  }
}

/** A file of a MemoryDisk: what readers see, what is durable, and what lies between. */
export class MemoryFile {
  #seen = new Contents();
  #durable = new Contents();
  #pending: Pending[] = [];

  static of(contents: Uint8Array): MemoryFile {
    const file = new MemoryFile();
    file.#seen = Contents.of(contents);
    file.#durable = Contents.of(contents);
    return file;
  }

  get size(): number {
    return this.#seen.size;
  }

  contents(): Uint8Array {
    return this.#seen.view().slice();
  }

  flipBit(offset: number, bit: number): void {
    for (const contents of [this.#seen, this.#durable]) {
      const bytes = contents.view();
      if (offset < bytes.byteLength) bytes[offset] = (bytes[offset] ?? 0) ^ (1 << bit);
    }
  }

  fork(): MemoryFile {
    const copy = new MemoryFile();
    copy.#seen = Contents.of(this.#seen.view());
    copy.#durable = Contents.of(this.#durable.view());
    copy.#pending = this.#pending.map((pending) => ({ ...pending }));
    return copy;
  }

  truncate(size: number): void {
    this.#pending.push({ kind: 'truncate', size, isLost: false, isUnderWay: false });
    this.#seen.truncate(size);
  }

  /** The process died: what was on its way did not happen, or reached the cache and no further. */
  kill(random: () => number = () => 0): void {
    this.#pending = this.#pending.filter((pending) => !pending.isUnderWay || random() >= 0.5);
    for (const pending of this.#pending) {
      if (!pending.isUnderWay || pending.kind !== 'write') continue;
      pending.isUnderWay = false;
      this.#seen.write(pending.position, pending.bytes);
    }
  }

  crash(random: () => number): void {
    for (const pending of this.#pending) {
      const fate = random();
      if (fate < 0.3) continue;
      if (pending.kind === 'truncate') this.#durable.truncate(pending.size);
      else if (fate < 0.5) this.#durable.write(pending.position, pending.bytes);
      else if (fate < 0.75)
        this.#durable.write(
          pending.position,
          pending.bytes.subarray(0, Math.floor(random() * pending.bytes.byteLength)),
        );
      else this.#tear(pending.position, pending.bytes, random);
    }
    this.#pending = [];
    this.#seen = Contents.of(this.#durable.view());
  }

  /** As `crash`, but said and not drawn: what is not durable is kept or lost; of the write under way there come its first bytes, or one sector does not. */
  crashAt({ keepsUnsynced, under }: CrashFate, isHit: boolean): void {
    const last = this.#pending.findLast(({ kind, isUnderWay }) => kind === 'write' && isUnderWay);
    for (const pending of this.#pending) {
      if (isHit && pending === last && pending.kind === 'write' && under !== undefined) this.#cut(pending, under);
      else if (!keepsUnsynced) continue;
      else if (pending.kind === 'truncate') this.#durable.truncate(pending.size);
      else this.#durable.write(pending.position, pending.bytes);
    }
    this.#pending = [];
    this.#seen = Contents.of(this.#durable.view());
  }

  #cut(
    { position, bytes }: { readonly position: number; readonly bytes: Uint8Array },
    under: NonNullable<CrashFate['under']>,
  ): void {
    if (under.kind === 'bytes') return this.#durable.write(position, bytes.subarray(0, under.count));
    const sectorOf = (at: number): number => Math.floor((position + at) / SECTOR_BYTES);
    for (let at = 0; at < bytes.byteLength; at += 1) {
      if (sectorOf(at) - sectorOf(0) !== under.missing) this.#durable.write(position + at, bytes.subarray(at, at + 1));
    }
  }

  #tear(position: number, bytes: Uint8Array, random: () => number): void {
    let from = 0;
    while (from < bytes.byteLength) {
      const to = Math.min(from + SECTOR_BYTES - ((position + from) % SECTOR_BYTES), bytes.byteLength);
      if (random() < 0.5) this.#durable.write(position + from, bytes.subarray(from, to));
      from = to;
    }
  }

  handle(options: HandleOptions): DiskFile {
    const { path, run } = options;
    return {
      size: () => run({ kind: 'size', path }, () => this.#seen.size),
      read: (target, position) =>
        run({ kind: 'read', path, position, bytes: target.byteLength }, () => this.#read(target, position)),
      write: (source, position) => this.#write(source, position, options),
      sync: () =>
        run(
          { kind: 'sync', path },
          () => this.#settle(),
          () => this.#lose(),
        ),
      truncate: (size) => run({ kind: 'truncate', path }, () => this.truncate(size)),
      close: () => run({ kind: 'close', path }, () => undefined),
    };
  }

  #read(target: Uint8Array, position: number): number {
    const source = this.#seen.view().subarray(position, position + target.byteLength);
    target.set(source);
    return source.byteLength;
  }

  /** On its way from the call on: a crash before it completes tears it. */
  #write(source: Uint8Array, position: number, options: HandleOptions): Promise<void> {
    const pending: Pending = { kind: 'write', position, bytes: source.slice(), isLost: false, isUnderWay: true };
    const operation: DiskOperation = { kind: 'write', path: options.path, position, bytes: source.byteLength };
    // What a process does in the turn in which it dies reaches no disk, not even half.
    if (!options.isAlive()) return options.run(operation, () => undefined);
    const grows = Math.max(0, position + source.byteLength - this.#seen.size);
    if (!options.isWritable) return options.run(operation, () => fail('EBADF', options.path));
    if (grows > 0 && grows > options.room()) return options.run(operation, () => fail('ENOSPC', options.path));
    this.#pending.push(pending);
    const complete = (): void => {
      pending.isUnderWay = false;
      this.#seen.write(position, pending.bytes);
      if (options.isDurable) this.#makeDurable(pending);
    };
    return options.run(operation, complete, () => {
      // The page is marked clean, and what was to be written is read from it from here on.
      this.#seen.write(position, pending.bytes);
      pending.isLost = true;
      pending.isUnderWay = false;
    });
  }

  #makeDurable(pending: Pending): void {
    this.#pending = this.#pending.filter((other) => other !== pending);
    this.#apply(pending);
  }

  /** Newer than anything that was given up in the same place before. */
  #apply(pending: Pending): void {
    if (pending.kind === 'truncate') return this.#durable.truncate(pending.size);
    const { position, bytes } = pending;
    this.#durable.write(position, bytes);
    this.#pending = this.#pending.filter(
      (other) =>
        !other.isLost ||
        other.kind !== 'write' ||
        other.position >= position + bytes.byteLength ||
        position >= other.position + other.bytes.byteLength,
    );
  }

  /** A sync makes durable what was written before it, but for what an earlier, failed one gave up. */
  #settle(): void {
    const settled = this.#pending.filter((pending) => !pending.isLost);
    this.#pending = this.#pending.filter((pending) => pending.isLost);
    for (const pending of settled) this.#apply(pending);
  }

  #lose(): void {
    for (const pending of this.#pending) pending.isLost = true;
  }
}

function fail(code: string, path: string): never {
  throw Object.assign(new Error(`${code}: write '${path}'`), { code });
}
