import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { AttachRequestSchema, AttachResponseSchema } from '@zkl/protocol';
import {
  appendReply,
  ByteWriter,
  CLASS_READ,
  CLASS_WRITE,
  decodeCommand,
  OperationReader,
  type ErrorCode,
  type Reply,
} from '@zkl/wire';
import type { Channel, ChannelStream, OpenChannel, StreamListener } from '../channel/channel.js';

/** The zxid that every reply carries: what these tests look at has no other. */
const ZXID = { epoch: 1, counter: 1 };

/**
 * One server behind a channel of this process, without a network: it takes the numbered writes of session streams as a server does (in order, each number once, none after
 * a gap), but keeps no tree: every delete finds its znode, every read finds none. A disk that is full is a matter of one call, and so is a server that lets clients wait.
 */
export class StreamServer {
  /** The paths of the deletes that were applied, in order. */
  readonly applied: string[] = [];
  /** Writes that were refused. */
  refused = 0;
  /** Streams that are not welcomed yet. */
  readonly waiting = new Set<() => void>();
  #isFull = false;
  /** The last number of each client that was applied. */
  readonly #numbers = new Map<string, number>();

  readonly open: OpenChannel = () => this.#channel();

  /** From here on the disk is full: a write is refused, and a stream that comes after a refusal is not welcomed before `recover`. */
  fill(): void {
    this.#isFull = true;
  }

  /** There is room again, and those who wait are welcome. */
  recover(): void {
    this.#isFull = false;
    for (const welcome of this.waiting) welcome();
    this.waiting.clear();
  }

  #channel(): Channel {
    const streams = new Set<ChannelStream>();
    const lost = { kind: 'lost', sent: false, reason: 'Only session streams are served', cause: undefined } as const;
    return {
      aliveAtMs: 0,
      unary: (_method, _request, _timeoutMs, onResult) => {
        queueMicrotask(() => onResult(lost));
        return () => false;
      },
      openStream: (_method, listener) => {
        const stream = this.#stream(listener);
        streams.add(stream);
        return stream;
      },
      probe: () => undefined,
      close: () => {
        for (const stream of streams) stream.close();
      },
    };
  }

  #stream(listener: StreamListener): ChannelStream {
    let isOver = false;
    const say = (response: MessageInitShape<typeof AttachResponseSchema>): void => {
      const message = toBinary(AttachResponseSchema, create(AttachResponseSchema, response));
      setImmediate(() => {
        if (!isOver) listener.onMessage(message);
      });
    };
    const header = { zxid: 1n, serverId: 1, leaderId: 1, epoch: 1 };
    const welcome = (): void => say({ welcome: { layout: 1, header } });
    return {
      send: (bytes) => {
        const { hello, operations } = fromBinary(AttachRequestSchema, bytes);
        if (hello !== undefined && this.refused > 0 && this.#isFull) this.waiting.add(welcome);
        else if (hello !== undefined) welcome();
        if (operations.length > 0 && !isOver) say({ replies: this.#replies(operations) });
        return true;
      },
      defer: (callback) => void setImmediate(callback),
      keepAlive: () => undefined,
      close: () => {
        isOver = true;
        this.waiting.delete(welcome);
      },
    };
  }

  #replies(operations: Uint8Array): Uint8Array {
    const reader = new OperationReader();
    const writer = new ByteWriter();
    reader.reset(operations);
    while (reader.next()) {
      if (reader.operationClass === CLASS_WRITE)
        appendReply(this.#write(reader.bytes.subarray(reader.bodyStart, reader.bodyEnd)), writer);
      else if (reader.operationClass === CLASS_READ)
        appendReply({ kind: 'exists', zxid: ZXID, stat: undefined }, writer);
      else throw new Error(`an operation of class ${reader.operationClass}`);
    }
    if (reader.failed) throw new Error('operations that cannot be read');
    return writer.content();
  }

  #write(bytes: Uint8Array): Reply {
    const { command, writeId } = decodeCommand(bytes) ?? {};
    if (command?.kind !== 'delete' || writeId === undefined) throw new Error(`an unexpected ${command?.kind}`);
    const { clientId, requestId } = writeId;
    const last = this.#numbers.get(clientId) ?? 0;
    if (requestId <= last) return { kind: 'deleted', zxid: ZXID };
    if (requestId > last + 1) return this.#refuse('OUT_OF_ORDER');
    if (this.#isFull) return this.#refuse('DISK_FULL');
    this.#numbers.set(clientId, requestId);
    this.applied.push(command.path);
    return { kind: 'deleted', zxid: ZXID };
  }

  #refuse(code: ErrorCode): Reply {
    this.refused += 1;
    const outcome = 'rejected';
    return { kind: 'refused', zxid: ZXID, code, outcome, retryable: true, path: undefined, leaderId: 1 };
  }
}
