import type { HardState } from '@zkl/consensus';
import { checksum, getWhole, setWhole, viewOf } from './bytes.js';
import { type Disk, type DiskFile, readWhole, writeAtomically } from './disk.js';
import {
  END_MARK,
  HARD_STATE_FILE,
  HARD_STATE_FILE_BYTES,
  HARD_STATE_MAGIC,
  HARD_STATE_SLOT_AT,
  HARD_STATE_SLOT_BYTES,
} from './format.js';
import type { LogPosition } from './segment-file.js';

/**
 * The hard state: one record in two slots.
 *
 * A write goes to one slot and, once that is durable, to the other, and resolves after both. The reason: with a single write to the
 * older slot, an unreadable slot could be a torn write that nobody was told of, or a rotten promise that others count on, and
 * nothing tells them apart. With both slots written, the readable slot is always at least as new as anything that was
 * acknowledged: a torn first write leaves the other slot as it was, and rot leaves its twin. Only when both are unreadable are
 * the promises lost, and that is damage. It costs a second small write an election.
 *
 * Each record also marks how far the log was durable: a log that ends before that was damaged, however clean its end looks.
 *
 * Slot: 0 magic   4 crc of the rest   8 number of the write   16 accepted epoch   20 current epoch
 *       24 the log's end: segment sequence   32 offset in it   60 end mark
 */
export interface HardStateRecord extends HardState {
  /** Counts writes; the higher one is newer. */
  readonly number: number;
  readonly logEnd: LogPosition;
}

export interface HardStateSlots {
  readonly slots: readonly (HardStateRecord | undefined)[];
  /** The newest whole one. */
  readonly newest: HardStateRecord | undefined;
  /** False when a slot is unreadable or behind the other. */
  readonly whole: boolean;
}

export const HARD_STATE_ZERO: HardStateRecord = {
  number: 0,
  acceptedEpoch: 0,
  currentEpoch: 0,
  logEnd: { sequence: 0, offset: 0 },
};

/** Reads both slots, without changing anything. Rejects with ENOENT when there is no such file. */
export async function readHardState(disk: Disk, folder: string): Promise<HardStateSlots> {
  const { bytes } = await readWhole(disk, `${folder}/${HARD_STATE_FILE}`, HARD_STATE_FILE_BYTES);
  return decodeSlots(bytes);
}

export function decodeSlots(bytes: Uint8Array): HardStateSlots {
  const slots = HARD_STATE_SLOT_AT.map((at) => decodeSlot(bytes.subarray(at, at + HARD_STATE_SLOT_BYTES)));
  const [first, second] = slots;
  const newest = first !== undefined && (second === undefined || first.number >= second.number) ? first : second;
  return { slots, newest, whole: first !== undefined && first.number === second?.number };
}

/** Creates or replaces the file, both slots alike. */
export async function createHardState(disk: Disk, folder: string, record: HardStateRecord): Promise<void> {
  const bytes = new Uint8Array(HARD_STATE_FILE_BYTES);
  for (const at of HARD_STATE_SLOT_AT) bytes.set(encodeSlot(record), at);
  await writeAtomically(disk, folder, HARD_STATE_FILE, bytes);
}

/** The open file of a running store. */
export class HardStateFile {
  readonly #file: DiskFile;
  #newest: HardStateRecord;

  private constructor(file: DiskFile, newest: HardStateRecord) {
    this.#file = file;
    this.#newest = newest;
  }

  static async open(disk: Disk, folder: string, newest: HardStateRecord): Promise<HardStateFile> {
    return new HardStateFile(await disk.open(`${folder}/${HARD_STATE_FILE}`, 'durable'), newest);
  }

  /** Resolves when both slots are durable. */
  async write(hardState: HardState, logEnd: LogPosition): Promise<void> {
    const { acceptedEpoch, currentEpoch } = hardState;
    const record: HardStateRecord = { number: this.#newest.number + 1, acceptedEpoch, currentEpoch, logEnd };
    const slot = encodeSlot(record);
    for (const at of HARD_STATE_SLOT_AT) await this.#file.write(slot, at);
    this.#newest = record;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function encodeSlot(record: HardStateRecord): Uint8Array {
  const bytes = new Uint8Array(HARD_STATE_SLOT_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, HARD_STATE_MAGIC, true);
  setWhole(view, 8, record.number);
  view.setUint32(16, record.acceptedEpoch, true);
  view.setUint32(20, record.currentEpoch, true);
  setWhole(view, 24, record.logEnd.sequence);
  setWhole(view, 32, record.logEnd.offset);
  view.setUint32(60, END_MARK, true);
  view.setUint32(4, checksum(bytes, 8, HARD_STATE_SLOT_BYTES), true);
  return bytes;
}

function decodeSlot(bytes: Uint8Array): HardStateRecord | undefined {
  const view = viewOf(bytes);
  if (
    view.getUint32(0, true) !== HARD_STATE_MAGIC ||
    view.getUint32(4, true) !== checksum(bytes, 8, HARD_STATE_SLOT_BYTES)
  )
    return undefined;
  return {
    number: getWhole(view, 8),
    acceptedEpoch: view.getUint32(16, true),
    currentEpoch: view.getUint32(20, true),
    logEnd: { sequence: getWhole(view, 24), offset: getWhole(view, 32) },
  };
}
