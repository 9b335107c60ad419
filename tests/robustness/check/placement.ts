import {
  formatZxid,
  type AppendOperation,
  type GetOperation,
  type History,
  type Operation,
  type SetOperation,
  type ZxidNumber,
} from '../history/operation.js';
import type { Findings } from './violation.js';

type Write = AppendOperation | SetOperation;
type GetOk = GetOperation & { readonly outcome: 'ok' };

/** Where writes stand in the log: those that were acknowledged, and those of unknown outcome that somebody saw. */
export class Placement {
  readonly #writers = new Map<string, Write>();
  readonly #seen = new Map<Write, { readonly zxid: ZxidNumber; readonly version: number | undefined }>();

  /**
   * Finds the write of every value that was seen, and with it the place of writes whose callers never learned it.
   *
   * @throws Error when two writes have one value: then nothing could be told from what is seen.
   */
  constructor(history: History, findings: Findings) {
    for (const operation of history.operations) {
      if (operation.kind !== 'append' && operation.kind !== 'set') continue;
      if (this.#writers.has(operation.value)) throw new Error(`two writes of the value "${operation.value}"`);
      this.#writers.set(operation.value, operation);
    }
    for (const operation of history.operations) {
      if (operation.kind === 'get' && operation.outcome === 'ok') this.#onSeen(operation, findings);
    }
    for (const child of history.children) this.#onChild(child, findings);
  }

  /** The write of a value; undefined when nobody wrote it. */
  writerOf(value: string): Write | undefined {
    return this.#writers.get(value);
  }

  /** Where an operation stands in the log; undefined when it stands nowhere, or nobody knows. */
  zxidOf(operation: Operation): ZxidNumber | undefined {
    switch (operation.outcome) {
      case 'ok':
        return operation.result.zxid;
      case 'rejected':
        return operation.zxid;
      case 'unknown':
        return operation.kind === 'append' || operation.kind === 'set' ? this.#seen.get(operation)?.zxid : undefined;
    }
  }

  /** The version that a set made, if it is known. */
  versionOf(operation: SetOperation): number | undefined {
    return operation.outcome === 'ok' ? operation.result.version : this.#seen.get(operation)?.version;
  }

  #onSeen(read: GetOk, findings: Findings): void {
    const { value, mzxid, version } = read.result;
    const writer = this.#writers.get(value);
    if (writer?.kind !== 'set' || writer.path !== read.path) {
      return findings.add('phantom', `the value "${value}" of ${read.path} was never written there`, read);
    }
    if (writer.outcome === 'rejected') return findings.add('phantom', 'a rejected set was read', writer, read);
    const place = this.#placeOf(writer, mzxid, version);
    if (place.zxid === mzxid && place.version === version) return undefined;
    const where = `v${place.version} at ${formatZxid(place.zxid)} and v${version} at ${formatZxid(mzxid)}`;
    return findings.add('doubled', `one set stands in the log twice: ${where}`, writer, read);
  }

  #onChild(child: History['children'][number], findings: Findings): void {
    const writer = this.#writers.get(child.value);
    const name = `${child.path}/${child.name}`;
    if (writer?.kind !== 'append' || writer.path !== child.path) {
      return findings.add('phantom', `${name} holds "${child.value}", which was never created there`);
    }
    if (writer.outcome === 'rejected') return findings.add('phantom', `a rejected create made ${name}`, writer);
    const place = this.#placeOf(writer, child.czxid, undefined);
    const sameName = writer.outcome === 'unknown' || writer.result.name === child.name;
    if (place.zxid === child.czxid && sameName) return undefined;
    return findings.add('doubled', `one create also made ${name} at ${formatZxid(child.czxid)}`, writer);
  }

  #placeOf(
    writer: Write & { readonly outcome: 'ok' | 'unknown' },
    zxid: ZxidNumber,
    version: number | undefined,
  ): { readonly zxid: ZxidNumber; readonly version: number | undefined } {
    if (writer.outcome === 'ok') {
      return { zxid: writer.result.zxid, version: writer.kind === 'set' ? writer.result.version : undefined };
    }
    const seen = this.#seen.get(writer) ?? { zxid, version };
    this.#seen.set(writer, seen);
    return seen;
  }
}
