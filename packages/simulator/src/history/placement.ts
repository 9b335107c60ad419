import {
  isCall,
  isUnknown,
  isWrite,
  type Call,
  type HistoryRecord,
  type ReadItem,
  type Seen,
  type WriteCall,
} from './record.js';
import { describeRecord } from './describe.js';
import type { HistoryFault } from './fault.js';
import { childPath, REGISTER } from './tree-model.js';

/** Where others saw a write whose caller was not told. */
export interface Sighting {
  readonly zxid: number;
  /** The name of what a sequential create made. */
  readonly name: string | undefined;
}

/**
 * Finds, for every value that only one write can have written, where it was seen: so writes of unknown outcome get their places, and one write that is seen in
 * two places shows. Told of every value that a read or a watch shows together with the zxid of its write.
 */
export class Placement {
  readonly #writers = new Map<string, WriteCall | 'several'>();
  readonly #sightings = new Map<WriteCall, Sighting>();
  readonly faults: HistoryFault[] = [];

  constructor(history: readonly HistoryRecord[]) {
    for (const record of history) if (isWrite(record)) this.#addWriter(record);
    for (const record of history) {
      if (isCall(record)) this.#lookAt(record);
      if (record.kind !== 'watch' || record.event !== 'batch') continue;
      for (const { path, type, value } of record.events) {
        if (type !== 'deleted') this.#see(path, value, record.zxid, record);
      }
    }
  }

  sightingOf(call: WriteCall): Sighting | undefined {
    return this.#sightings.get(call);
  }

  #addWriter(call: WriteCall): void {
    if (call.kind === 'registerWrite') return this.#claim(REGISTER, call.value, call);
    const steps = call.kind === 'transaction' ? [...call.then, ...(call.else ?? [])] : [call];
    for (const step of steps) {
      if (step.kind !== 'create' && step.kind !== 'set') continue;
      const isSequential = step.kind === 'create' && (step.mode?.endsWith('Sequential') ?? false);
      this.#claim(isSequential ? `${step.path}#` : step.path, step.value, call);
    }
  }

  #claim(path: string, value: string | null, call: WriteCall): void {
    if (value === null) return;
    const key = `${path}\u0000${value}`;
    this.#writers.set(key, this.#writers.has(key) ? 'several' : call);
  }

  #lookAt(call: Call): void {
    if (call.kind === 'registerRead') this.#see(REGISTER, call.value, call.mzxid, call);
    if (call.kind === 'multiRead') for (const item of call.reads) this.#lookAtItem(item, call);
    if (call.kind === 'get' || call.kind === 'children') this.#lookAtItem(call, call);
  }

  #lookAtItem(item: ReadItem, seenBy: HistoryRecord): void {
    if (item.kind === 'get') this.#see(item.path, item.value, placeIn(item), seenBy);
    if (item.kind !== 'children') return;
    for (const entry of item.entries ?? []) {
      if (typeof entry === 'string') continue;
      this.#see(childPath(item.path, entry.name), entry.value, placeIn(entry), seenBy);
    }
  }

  #see(path: string, value: string | null | undefined, zxid: number | undefined, seenBy: HistoryRecord): void {
    if (value === undefined || value === null) return;
    const plain = this.#writers.get(`${path}\u0000${value}`);
    const numbered = /\d{10}$/.test(path) ? this.#writers.get(`${path.slice(0, -10)}#\u0000${value}`) : undefined;
    const writer = plain ?? numbered;
    if (writer === undefined || writer === 'several' || (plain !== undefined && numbered !== undefined)) return;
    this.#place(writer, zxid, plain === undefined ? path : undefined, seenBy);
  }

  #place(writer: WriteCall, zxid: number | undefined, name: string | undefined, seenBy: HistoryRecord): void {
    const by = `\n    ${describeRecord(writer)}\n    ${describeRecord(seenBy)}`;
    if (writer.failed !== undefined || writer.refused !== undefined)
      return this.#fault('phantom', `what certainly had no effect was seen${by}`);
    if (zxid === undefined) return;
    const known = isUnknown(writer) ? this.#sightings.get(writer)?.zxid : writer.zxid;
    if (known !== undefined && known !== zxid)
      return this.#fault('exactly-once', `one write stands in two places: ${known} and ${zxid}${by}`);
    if (isUnknown(writer) && known === undefined) this.#sightings.set(writer, { zxid, name });
  }

  #fault(property: HistoryFault['property'], message: string): void {
    this.faults.push({ property, message });
  }
}

/** The place of the write that is shown. */
function placeIn({ mzxid, czxid, version }: Seen): number | undefined {
  return mzxid ?? (version === undefined || version === 0 ? czxid : undefined);
}
