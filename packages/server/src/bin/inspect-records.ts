import { formatZxid, type Block, type Zxid } from '@zkl/consensus';
import type { InspectOptions } from '@zkl/log-store';
import { decodeCommand, type Command, type DecodedCommand } from '@zkl/state-machine';

/** One write of the log, as it is printed. Data are counted, not shown: they may be secret, and large. */
interface WriteRecord {
  readonly zxid: string;
  /** The leader's clock when it was proposed. */
  readonly time: string;
  readonly leader: number;
  /** The kind of command, or `malformed`. */
  readonly kind: string;
  readonly path?: string;
  /** Null for null data. */
  readonly dataBytes?: number | null;
  readonly clientId?: string;
  readonly requestId?: number;
}

/** Prints every write of the log as it is read, and where the log was cut back. */
export function recordPrinter(asJson: boolean): Pick<InspectOptions, 'onBlock' | 'onTruncate'> {
  const print = (record: object, line: string): void => console.log(asJson ? JSON.stringify(record) : line);
  return {
    onBlock: (block) => {
      for (const record of recordsOf(block)) print(record, lineOf(record));
    },
    onTruncate: (to) => print({ truncatedTo: formatZxid(to) }, `-- cut back: what was after ${formatZxid(to)} is void`),
  };
}

/** The writes of a block, in order. */
export function recordsOf(block: Block): WriteRecord[] {
  const { payload, epoch, leader } = block;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const time = new Date(block.timeMs).toISOString();
  const records: WriteRecord[] = [];
  for (let i = 0, at = 0; i < block.count; i++) {
    const length = at + 4 <= payload.byteLength ? view.getUint32(at, true) : 0;
    const zxid: Zxid = { epoch, counter: block.firstCounter + i };
    records.push({ zxid: formatZxid(zxid), time, leader, ...describe(decodeCommand(payload, at + 4, length)) });
    at += 4 + length;
  }
  return records;
}

function describe(decoded: DecodedCommand | undefined): Omit<WriteRecord, 'zxid' | 'time' | 'leader'> {
  if (decoded === undefined) return { kind: 'malformed' };
  const { command, writeId } = decoded;
  const client = writeId && { clientId: writeId.clientId, requestId: writeId.requestId };
  return { kind: command.kind, ...pathOf(command), ...dataOf(command), ...client };
}

function pathOf(command: Command): { path?: string } {
  return 'path' in command ? { path: command.path } : {};
}

function dataOf(command: Command): { dataBytes?: number | null } {
  if ('value' in command) return { dataBytes: command.value.byteLength };
  return 'data' in command ? { dataBytes: command.data?.byteLength ?? null } : {};
}

function lineOf({ zxid, time, leader, kind, path, dataBytes, clientId, requestId }: WriteRecord): string {
  const size = dataBytes === undefined ? undefined : dataBytes === null ? 'null' : `${dataBytes} bytes`;
  const client = clientId === undefined ? undefined : `${clientId}#${requestId}`;
  return [zxid, time, `leader ${leader}`, kind, path === undefined ? undefined : JSON.stringify(path), size, client]
    .filter((part) => part !== undefined)
    .join('  ');
}
