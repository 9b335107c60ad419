import { createHash, randomBytes } from 'node:crypto';
import { createClient, type Client, type Transport } from '@connectrpc/connect';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  AttachRequestSchema,
  SessionService,
  type AttachHello,
  type AttachLeader,
  type AttachRequest,
  type AttachResponse,
  type ErrorDetail,
  type SessionRef,
  type WatchBatch,
} from '@zkl/protocol';
import {
  appendOperation,
  appendWrite,
  ByteWriter,
  decodeReplies,
  type Command,
  type CommandTags,
  type Reply,
  type StreamOperation,
} from '@zkl/wire';
import { until } from './support.js';

/** What came on a stream, in the order of its steps: of one step the events before the replies. */
export type Arrival =
  { readonly kind: 'events'; readonly batch: WatchBatch } | { readonly kind: 'reply'; readonly reply: Reply };

/** A session stream, by hand: says what the test says, and keeps what comes. */
export class StreamClient {
  readonly arrivals: Arrival[] = [];
  readonly replies: Reply[] = [];
  readonly batches: WatchBatch[] = [];
  /** Every time that the server told of another leader, or another epoch. */
  readonly leaders: AttachLeader[] = [];
  pong = 0n;
  welcome: AttachResponse['welcome'];
  goodbye: ErrorDetail | undefined;
  closed = false;
  readonly #queue: AttachRequest[] = [];
  #wake: () => void = () => undefined;
  #ended = false;
  #ping = 0n;
  /** While true nothing is read of what comes. */
  paused = false;
  #resume: () => void = () => undefined;
  readonly #abort = new AbortController();

  constructor(transport: Transport, hello: Partial<AttachHello> = {}) {
    const client: Client<typeof SessionService> = createClient(SessionService, transport);
    this.send({ hello: { $typeName: 'zkl.v1.AttachHello', attachment: 0n, lastSeenZxid: 0n, layout: 1, ...hello } });
    void this.#read(client);
  }

  /** A stream that has been welcomed. */
  static async open(transport: Transport, hello: Partial<AttachHello> = {}): Promise<StreamClient> {
    const stream = new StreamClient(transport, hello);
    await until('a welcome', () => stream.welcome !== undefined || stream.closed);
    if (stream.welcome === undefined) throw new Error(`no welcome: ${stream.goodbye?.code ?? 'closed'}`);
    return stream;
  }

  send(message: MessageInitShape<typeof AttachRequestSchema>): void {
    this.#queue.push(create(AttachRequestSchema, message));
    this.#wake();
  }

  /** Sends writes in one message. */
  write(...writes: { readonly command: Command; readonly tags?: CommandTags }[]): void {
    const writer = new ByteWriter();
    for (const { command, tags = {} } of writes) appendWrite(command, tags, writer);
    this.send({ operations: writer.content() });
  }

  operate(...operations: StreamOperation[]): void {
    const writer = new ByteWriter();
    for (const operation of operations) appendOperation(operation, writer);
    this.send({ operations: writer.content() });
  }

  ping(): bigint {
    this.#ping += 1n;
    this.send({ ping: this.#ping });
    return this.#ping;
  }

  async nextReplies(count: number, timeoutMs?: number): Promise<readonly Reply[]> {
    await until(
      `${count} replies`,
      () => {
        if (this.closed && this.replies.length < count) {
          throw new Error(`the stream ended after ${this.replies.length} replies: ${this.goodbye?.code ?? 'closed'}`);
        }
        return this.replies.length >= count;
      },
      timeoutMs,
    );
    return this.replies.splice(0, count);
  }

  resume(): void {
    this.paused = false;
    this.#resume();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** As a client that is killed. */
  kill(): void {
    this.resume();
    this.#abort.abort();
  }

  async #read(client: Client<typeof SessionService>): Promise<void> {
    try {
      for await (const response of client.attach(this.#requests(), { signal: this.#abort.signal })) {
        this.#take(response);
        if (this.paused) {
          await new Promise<void>((resolve) => {
            this.#resume = resolve;
          });
        }
      }
    } catch {
      // Whoever waits finds it closed.
    }
    this.closed = true;
  }

  #take({ welcome, leader, events, replies, pong, goodbye }: AttachResponse): void {
    if (welcome !== undefined) this.welcome = welcome;
    if (leader !== undefined) this.leaders.push(leader);
    for (const batch of events) {
      this.batches.push(batch);
      this.arrivals.push({ kind: 'events', batch });
    }
    for (const reply of decodeReplies(replies) ?? []) {
      this.replies.push(reply);
      this.arrivals.push({ kind: 'reply', reply });
    }
    if (pong > this.pong) this.pong = pong;
    if (goodbye !== undefined) this.goodbye = goodbye;
  }

  async *#requests(): AsyncGenerator<AttachRequest> {
    while (!this.#ended) {
      const next = this.#queue.shift();
      if (next !== undefined) {
        yield next;
        continue;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** A session with its secret. */
export interface TestSession {
  readonly id: bigint;
  readonly ref: SessionRef;
  readonly timeoutMs: number;
}

/** Opens a session. */
export async function openSession(client: Client<typeof SessionService>, timeoutMs: number): Promise<TestSession> {
  const secret = randomBytes(16);
  const secretHash = createHash('sha256').update(secret).digest();
  const opened = await client.open({ timeoutMs, secretHash });
  const ref: SessionRef = { $typeName: 'zkl.v1.SessionRef', sessionId: opened.sessionId, secret };
  return { id: opened.sessionId, ref, timeoutMs: opened.timeoutMs };
}

/** Pings the stream every so often until it is closed; answers with what stops it. */
export function keepPinging(stream: StreamClient, everyMs: number): () => void {
  const timer = setInterval(() => {
    if (!stream.closed) stream.ping();
  }, everyMs);
  return () => clearInterval(timer);
}
