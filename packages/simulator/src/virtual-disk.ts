import { compareZxid, endOf, endsAfter, follows, formatZxid, maxZxid, sameZxid, ZXID_ZERO } from '@zkl/consensus';
import type { Block, ConsensusCore, HistoryResult, PersistBatch, Zxid } from '@zkl/consensus';
import type { Random } from './random.js';
import { Violation } from './violation.js';

type CoreRecovery = ConstructorParameters<typeof ConsensusCore>[1];

/** The state machine's whole state: how many blocks were applied, and the last of them. All that blocks do is to be applied in order. */
export interface MachineState {
  readonly zxid: Zxid;
  /** How many blocks of the one history were applied. */
  readonly position: number;
}

export const EMPTY_STATE: MachineState = { zxid: ZXID_ZERO, position: 0 };

type Part =
  | { readonly kind: 'truncate'; readonly to: Zxid }
  | { readonly kind: 'block'; readonly block: Block }
  | { readonly kind: 'hardState'; readonly accepted: number; readonly current: number }
  | { readonly kind: 'repaired' };

export interface DiskEvents {
  onTruncated(removed: Block): void;
  onHardState(accepted: number, current: number): void;
}

/**
 * One server's disk: what is durable, and the persist batches on their way. One flush at a time takes everything that waits; a crash loses
 * what was on its way, save a random number of its parts from the front, as the port allows (`LogWrite`: its parts take effect in this order).
 */
export class VirtualDisk {
  accepted = 0;
  current = 0;
  damaged = false;
  blocks: Block[] = [];
  snapshot: MachineState = EMPTY_STATE;
  readonly #events: DiskEvents;
  readonly #planted: ReadonlySet<string>;
  /** The log begins after this zxid. */
  #first: Zxid = ZXID_ZERO;
  #queue: PersistBatch[] = [];
  #flushing: PersistBatch[] | undefined;
  #held = false;

  constructor(events: DiskEvents, planted: ReadonlySet<string>) {
    this.#events = events;
    this.#planted = planted;
  }

  get first(): Zxid {
    return this.#first;
  }

  get last(): Zxid {
    const { blocks } = this;
    const end = blocks.length > 0 ? endOf(blocks[blocks.length - 1]!) : this.#first;
    return maxZxid(end, this.snapshot.zxid);
  }

  /** True while a flush is under way. */
  get busy(): boolean {
    return this.#flushing !== undefined;
  }

  add(batch: PersistBatch): void {
    this.#queue.push(batch);
  }

  /** While held, no flush begins: a snapshot comes in. */
  hold(held: boolean): void {
    this.#held = held;
  }

  /** Begins a flush of all that waits; false when nothing does or one is under way. */
  beginFlush(): boolean {
    if (this.#held || this.#flushing !== undefined || this.#queue.length === 0) return false;
    this.#flushing = this.#queue;
    this.#queue = [];
    return true;
  }

  /** The flush is done: its batches, now durable. */
  endFlush(): readonly PersistBatch[] {
    const batches = this.#flushing!;
    this.#flushing = undefined;
    for (const batch of batches) for (const part of this.#partsOf(batch)) this.#write(part);
    return batches;
  }

  /** The power is gone. What was on its way is lost, or in part. */
  crash(random: Random): void {
    const parts = (this.#flushing ?? []).flatMap((batch) => this.#partsOf(batch));
    if (this.#planted.has('disk-hard-state-first')) parts.sort((a, b) => rank(a) - rank(b));
    const kept = parts.slice(0, random.below(parts.length + 1));
    for (const part of kept) this.#write(part);
    this.#flushing = undefined;
    this.#queue = [];
    this.#held = false;
  }

  /** What is durable now, to look at later. */
  copy(): VirtualDisk {
    const copy = new VirtualDisk(this.#events, this.#planted);
    copy.blocks = [...this.blocks];
    copy.snapshot = this.snapshot;
    copy.#first = this.#first;
    return copy;
  }

  /** All is gone: a new disk. */
  wipe(): void {
    this.accepted = 0;
    this.current = 0;
    this.damaged = false;
    this.blocks = [];
    this.snapshot = EMPTY_STATE;
    this.#first = ZXID_ZERO;
  }

  /** The last `count` blocks after the newest snapshot are unreadable. */
  damage(count: number): void {
    for (let i = 0; i < count && this.blocks.length > 0; i++) {
      if (!endsAfter(this.blocks[this.blocks.length - 1]!, this.snapshot.zxid)) break;
      this.blocks.pop();
    }
    this.damaged = !this.#planted.has('disk-damage-taken-for-torn-tail');
  }

  /** What a log store would find here when it is opened. */
  recover(): CoreRecovery {
    this.#dropLogBehindSnapshot();
    let committed = this.snapshot.zxid;
    for (const block of this.blocks) {
      committed = maxZxid(committed, { epoch: block.committedEpoch, counter: block.committedCounter });
    }
    if (this.#planted.has('disk-takes-log-for-committed')) committed = this.last;
    const { accepted: acceptedEpoch, current: currentEpoch, damaged } = this;
    return { acceptedEpoch, currentEpoch, lastZxid: this.last, committed, damaged };
  }

  /** Blocks that follow on `after`. */
  read(after: Zxid, maxBlocks: number): HistoryResult {
    if (compareZxid(after, this.#first) < 0) return { kind: 'gone' };
    const start = this.#indexAfter(after);
    const at = start > 0 ? endOf(this.blocks[start - 1]!) : this.#first;
    if (!sameZxid(at, after)) return { kind: 'diverged', at };
    return { kind: 'blocks', blocks: this.blocks.slice(start, start + maxBlocks) };
  }

  /** True when the block is durable here, itself or in a snapshot. */
  holds(block: Block): boolean {
    if (!endsAfter(block, this.snapshot.zxid) || !endsAfter(block, this.#first)) return true;
    const index = this.#indexAfter({ epoch: block.epoch, counter: block.firstCounter + block.count - 2 });
    return this.blocks[index] === block;
  }

  /** Saves a snapshot and drops the log behind it, save `keepBlocks`. */
  saveSnapshot(state: MachineState, keepBlocks: number): void {
    if (compareZxid(state.zxid, this.snapshot.zxid) <= 0) return;
    this.snapshot = state;
    const drop = this.#indexAfter(state.zxid) - keepBlocks;
    if (drop <= 0) return;
    this.#first = endOf(this.blocks[drop - 1]!);
    this.blocks = this.blocks.slice(drop);
  }

  /** Log and snapshots are replaced by a leader's snapshot, at once. Damage is not mended by it: blocks that were lost may follow only after it. */
  install(state: MachineState): void {
    this.snapshot = state;
    this.#first = state.zxid;
    this.blocks = [];
  }

  /** Half of it: what a store without the rename would leave behind after a crash (ZOOKEEPER-3104). */
  installHalf(): void {
    this.snapshot = EMPTY_STATE;
    this.#first = ZXID_ZERO;
    this.blocks = [];
  }

  /** The parts of a batch, in the order in which they take effect. */
  #partsOf(batch: PersistBatch): Part[] {
    const parts: Part[] = [];
    if (batch.truncateTo !== undefined) parts.push({ kind: 'truncate', to: batch.truncateTo });
    if (!this.#planted.has('disk-loses-a-flush') || batch.batch % 5 !== 0) {
      for (const block of batch.blocks) parts.push({ kind: 'block', block });
    }
    if (batch.hardState !== undefined) {
      parts.push({ kind: 'hardState', accepted: batch.hardState.acceptedEpoch, current: batch.hardState.currentEpoch });
    }
    if (batch.repaired) parts.push({ kind: 'repaired' });
    return parts;
  }

  #write(part: Part): void {
    switch (part.kind) {
      case 'truncate':
        return this.#truncateTo(part.to);
      case 'block':
        return this.#append(part.block);
      case 'hardState':
        this.#events.onHardState(part.accepted, part.current);
        this.accepted = part.accepted;
        this.current = part.current;
        return;
      case 'repaired':
        this.damaged = false;
        return;
    }
  }

  #append(block: Block): void {
    const { blocks } = this;
    const end = blocks.length > 0 ? endOf(blocks[blocks.length - 1]!) : this.#first;
    if (!follows(block, end) && !this.#planted.has('disk-loses-a-flush')) {
      throw new Violation('log-without-gaps', `${formatZxid(endOf(block))} was written after ${formatZxid(end)}`);
    }
    blocks.push(block);
  }

  #truncateTo(zxid: Zxid): void {
    if (this.#planted.has('disk-truncates-nothing')) return;
    while (this.blocks.length > 0 && endsAfter(this.blocks[this.blocks.length - 1]!, zxid)) {
      this.#events.onTruncated(this.blocks.pop()!);
    }
    if (compareZxid(zxid, this.#first) < 0 || compareZxid(zxid, this.snapshot.zxid) < 0) {
      throw new Violation('committed-is-never-truncated', `a cut at ${formatZxid(zxid)}, below a snapshot`);
    }
  }

  /** A crash may have left the log shorter than the snapshot: it goes on from there. */
  #dropLogBehindSnapshot(): void {
    const end = this.blocks.length > 0 ? endOf(this.blocks[this.blocks.length - 1]!) : this.#first;
    if (compareZxid(end, this.snapshot.zxid) >= 0) return;
    this.blocks = [];
    this.#first = this.snapshot.zxid;
  }

  /** The index of the first block that ends after `zxid`. */
  #indexAfter(zxid: Zxid): number {
    let low = 0;
    let high = this.blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (endsAfter(this.blocks[middle]!, zxid)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** ZOOKEEPER-4643: the epoch before the history. */
function rank(part: Part): number {
  return part.kind === 'hardState' ? 0 : 1;
}
