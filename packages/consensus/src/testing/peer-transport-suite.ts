import { afterEach, describe, expect, it } from 'vitest';
import type { Message } from '../core/messages.js';
import type { ServerId } from '../core/server-id.js';
import type { Zxid } from '../core/zxid.js';
import type { PeerEvents, PeerTransport, SnapshotReader } from '../node/ports.js';
import { comparable, sampleMessages } from './sample-messages.js';

/** Servers to try a transport with. */
export interface PeerTransportCluster {
  /** Made, not started. */
  readonly transports: ReadonlyMap<ServerId, PeerTransport>;
  /** Ends the connection between two servers, once: they may connect again. */
  disconnect(a: ServerId, b: ServerId): void;
  /** Called at the end of each test, after `stop` of each transport. */
  close(): Promise<void>;
}

const DEADLINE_MS = 10_000;

/**
 * What every PeerTransport must do. To be called in a vitest file, with a function that makes the servers of the given ids.
 *
 * @example
 * peerTransportSuite('MyTransport', async (ids) => makeCluster(ids));
 */
export function peerTransportSuite(
  name: string,
  create: (ids: readonly ServerId[]) => Promise<PeerTransportCluster>,
): void {
  describe(`${name} as a PeerTransport`, () => {
    const open: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const close of open.splice(0)) await close();
    });

    async function startAll(...ids: ServerId[]): Promise<Started> {
      const cluster = await create(ids);
      const recorders = new Map(ids.map((id) => [id, new PeerEventRecorder()]));
      open.push(async () => {
        await Promise.all([...cluster.transports.values()].map((transport) => transport.stop()));
        await cluster.close();
      });
      const started = new Started(cluster, recorders);
      await Promise.all(ids.map((id) => started.transport(id).start(started.events(id))));
      await until(() => ids.every((id) => started.events(id).up.size === ids.length - 1), 'all are connected');
      return started;
    }

    messageTests(startAll);
    lossTests(startAll);
    snapshotTests(startAll);
    brokenSnapshotTests(startAll);
  });
}

type StartAll = (...ids: ServerId[]) => Promise<Started>;

function messageTests(startAll: StartAll): void {
  it('connects every pair, and says so once on each side', async () => {
    const servers = await startAll(1, 2, 3);
    for (const id of [1, 2, 3]) {
      const others = [1, 2, 3].filter((other) => other !== id);
      expect(
        servers
          .events(id)
          .log.filter((line) => line.startsWith('up'))
          .sort(),
      ).toEqual(others.map((other) => `up ${other}`));
    }
  });

  it('carries every kind of message unchanged', async () => {
    const servers = await startAll(1, 2);
    const messages = sampleMessages();
    for (const message of messages) servers.transport(1).send(2, message);
    await until(() => servers.events(2).messages.length >= messages.length, 'all have arrived');
    expect(servers.events(2).messages).toEqual(messages.map((message) => ({ from: 1, message: comparable(message) })));
  });

  it('keeps the order of each direction', async () => {
    const servers = await startAll(1, 2);
    for (let request = 1; request <= 2_000; request++) {
      servers.transport(1).send(2, numbered(request));
      servers.transport(2).send(1, numbered(request));
      if (request % 100 === 0) await nextTurn();
    }
    await until(() => [1, 2].every((id) => servers.events(id).messages.length >= 2_000), 'all have arrived');
    const expected = Array.from({ length: 2_000 }, (_, index) => index + 1);
    expect(servers.events(1).numbers()).toEqual(expected);
    expect(servers.events(2).numbers()).toEqual(expected);
  });

  it('drops what goes to a server that is not there', async () => {
    const servers = await startAll(1, 2);
    servers.transport(1).send(77, numbered(1));
    servers.transport(1).send(2, numbered(2));
    await until(() => servers.events(2).messages.length > 0, 'the other has arrived');
    expect(servers.events(2).numbers()).toEqual([2]);
  });
}

function lossTests(startAll: StartAll): void {
  it('tells both sides of a loss, and connects again', async () => {
    const servers = await startAll(1, 2, 3);
    servers.cluster.disconnect(1, 2);
    const line = ['up 2', 'lost 2', 'up 2'];
    await until(
      () => servers.events(1).of(2).length >= 3 && servers.events(2).of(1).length >= 3,
      'they are connected again',
    );
    expect(servers.events(1).of(2)).toEqual(line);
    expect(servers.events(2).of(1)).toEqual(['up 1', 'lost 1', 'up 1']);
    expect(servers.events(3).log.filter((entry) => entry.startsWith('lost'))).toEqual([]);
    servers.transport(1).send(2, numbered(7));
    await until(() => servers.events(2).messages.length > 0, 'a message arrives over the new connection');
    expect(servers.events(2).numbers()).toEqual([7]);
  });

  it('never delivers twice or out of order, whatever is lost', async () => {
    const servers = await startAll(1, 2);
    let sent = 0;
    for (let round = 0; round < 5; round++) {
      for (let count = 0; count < 500; count++) servers.transport(1).send(2, numbered(++sent));
      if (round % 2 === 0) await nextTurn();
      servers.cluster.disconnect(1, 2);
      const seen = 3 + 2 * round;
      await until(
        () => servers.events(1).of(2).length >= seen && servers.events(2).of(1).length >= seen,
        'they are connected again',
      );
    }
    servers.transport(1).send(2, numbered(++sent));
    await until(() => servers.events(2).numbers().at(-1) === sent, 'the last one has arrived');
    const numbers = servers.events(2).numbers();
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  });

  it('ends with stop: the others are told, and nothing is heard here any more', async () => {
    const servers = await startAll(1, 2, 3);
    await servers.transport(2).stop();
    const heard = servers.events(2).log.length;
    await until(() => [1, 3].every((id) => servers.events(id).of(2).at(-1) === 'lost 2'), 'the others have noticed');
    for (let request = 1; request <= 100; request++) servers.transport(1).send(2, numbered(request));
    servers.transport(1).send(3, numbered(1));
    await until(() => servers.events(3).messages.length > 0, 'the others go on');
    expect(servers.events(2).log.length).toBe(heard);
    expect(servers.events(2).messages).toEqual([]);
    expect(() => servers.transport(2).send(1, numbered(1))).not.toThrow();
  });
}

const zxid = { epoch: 3, counter: 9 };

function snapshotTests(startAll: StartAll): void {
  it('carries a snapshot whole, and resolves when it is installed', async () => {
    const servers = await startAll(1, 2);
    const source = new SnapshotSource(zxid, 40, 30_000);
    let installed = false;
    let resolvedFirst = false;
    servers.events(2).install = async (chunks) => {
      const got = await collect(chunks);
      expect(got).toEqual({ bytes: 40 * 30_000, sum: source.sum });
      await nextTurn();
      installed = true;
    };
    await servers
      .transport(1)
      .sendSnapshot(2, 5, source, new AbortController().signal)
      .then(() => (resolvedFirst = !installed));
    expect({ installed, resolvedFirst }).toEqual({ installed: true, resolvedFirst: false });
    expect(servers.events(2).snapshots).toEqual([{ from: 1, attempt: 5, zxid }]);
  });

  it('rejects when the receiver refuses', async () => {
    const servers = await startAll(1, 2);
    servers.events(2).install = () => Promise.reject(new Error('not wanted'));
    const sending = servers
      .transport(1)
      .sendSnapshot(2, 5, new SnapshotSource(zxid, 4, 1_000), new AbortController().signal);
    await expect(sending).rejects.toThrow('not wanted');
  });

  it('rejects when the peer is not there', async () => {
    const servers = await startAll(1, 2);
    await servers.transport(2).stop();
    await until(() => servers.events(1).of(2).at(-1) === 'lost 2', 'the loss is noticed');
    const sending = servers
      .transport(1)
      .sendSnapshot(2, 5, new SnapshotSource(zxid, 4, 1_000), new AbortController().signal);
    await expect(sending).rejects.toThrow();
  });

  it('reads no further ahead of a slow receiver than it must', async () => {
    const servers = await startAll(1, 2);
    const source = new SnapshotSource(zxid, 100_000, 10_000);
    let begun = false;
    servers.events(2).install = async (chunks) => {
      const iterator = chunks[Symbol.asyncIterator]();
      await iterator.next();
      begun = true;
      await new Promise<void>((resolve) => (goOn = resolve));
      throw new Error('enough');
    };
    let goOn = (): void => undefined;
    const sending = servers.transport(1).sendSnapshot(2, 5, source, new AbortController().signal);
    sending.catch(() => undefined);
    await until(() => begun, 'the transfer has begun');
    await standstill(() => source.read);
    expect(source.read * 10_000).toBeLessThan(64 * 1024 * 1024);
    goOn();
    await expect(sending).rejects.toThrow('enough');
  });
}

function brokenSnapshotTests(startAll: StartAll): void {
  it('breaks on both sides when it is aborted', async () => {
    const servers = await startAll(1, 2);
    const abort = new AbortController();
    const broken = breakingInstall(servers.events(2), () => abort.abort());
    const sending = servers.transport(1).sendSnapshot(2, 5, new SnapshotSource(zxid, 100_000, 10_000), abort.signal);
    await expect(sending).rejects.toThrow();
    await expect(broken).resolves.toBeInstanceOf(Error);
  });

  it('breaks on both sides when the snapshot cannot be read on', async () => {
    const servers = await startAll(1, 2);
    const source = new SnapshotSource(zxid, 100_000, 10_000);
    const broken = breakingInstall(servers.events(2), () => (source.failing = true));
    await expect(servers.transport(1).sendSnapshot(2, 5, source, new AbortController().signal)).rejects.toThrow();
    await expect(broken).resolves.toBeInstanceOf(Error);
  });

  it('breaks on both sides when the connection is lost', async () => {
    const servers = await startAll(1, 2);
    const broken = breakingInstall(servers.events(2), () => void servers.transport(1).stop());
    const source = new SnapshotSource(zxid, 100_000, 10_000);
    await expect(servers.transport(1).sendSnapshot(2, 5, source, new AbortController().signal)).rejects.toThrow();
    await expect(broken).resolves.toBeInstanceOf(Error);
  });
}

/** What one server was told. */
class PeerEventRecorder implements PeerEvents {
  /** `up 2`, `lost 2`, `message 2`, `snapshot 2`. */
  readonly log: string[] = [];
  readonly up = new Set<ServerId>();
  readonly messages: { from: ServerId; message: unknown }[] = [];
  readonly snapshots: { from: ServerId; attempt: number; zxid: Zxid }[] = [];
  install: (chunks: AsyncIterable<Uint8Array>) => Promise<void> = async (chunks) => void (await collect(chunks));

  onMessage(from: ServerId, message: Message): void {
    this.log.push(`message ${from}`);
    this.messages.push({ from, message: comparable(message) });
  }

  onPeerUp(peer: ServerId): void {
    this.log.push(`up ${peer}`);
    this.up.add(peer);
  }

  onPeerLost(peer: ServerId): void {
    this.log.push(`lost ${peer}`);
    this.up.delete(peer);
  }

  onSnapshot(from: ServerId, attempt: number, zxid: Zxid, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.log.push(`snapshot ${from}`);
    this.snapshots.push({ from, attempt, zxid });
    return this.install(chunks);
  }

  /** What was said of the connection to one peer, in order. */
  of(peer: ServerId): string[] {
    return this.log.filter((line) => line === `up ${peer}` || line === `lost ${peer}`);
  }

  numbers(): number[] {
    return this.messages.map(({ message }) => (message as { request: number }).request);
  }
}

class Started {
  readonly cluster: PeerTransportCluster;
  readonly #recorders: ReadonlyMap<ServerId, PeerEventRecorder>;

  constructor(cluster: PeerTransportCluster, recorders: ReadonlyMap<ServerId, PeerEventRecorder>) {
    this.cluster = cluster;
    this.#recorders = recorders;
  }

  transport(id: ServerId): PeerTransport {
    return present(this.cluster.transports.get(id));
  }

  events(id: ServerId): PeerEventRecorder {
    return present(this.#recorders.get(id));
  }
}

/** A snapshot made up as it is read. */
class SnapshotSource implements SnapshotReader {
  readonly zxid: Zxid;
  readonly sizeBytes: number;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Chunks that were asked for. */
  read = 0;
  sum = 0;
  failing = false;

  constructor(zxid: Zxid, count: number, chunkBytes: number) {
    this.zxid = zxid;
    this.sizeBytes = count * chunkBytes;
    this.chunks = this.#generate(count, chunkBytes);
  }

  async close(): Promise<void> {}

  async *#generate(count: number, chunkBytes: number): AsyncGenerator<Uint8Array> {
    for (; this.read < count; this.read++) {
      if (this.failing) throw new Error('the disk failed');
      const chunk = new Uint8Array(chunkBytes).fill(this.read % 251);
      this.sum += (this.read % 251) * chunkBytes;
      yield chunk;
    }
  }
}

/** Installs until `trouble`, made after the first chunk, shows; resolves with the error that the stream threw. */
function breakingInstall(events: PeerEventRecorder, trouble: () => void): Promise<unknown> {
  return new Promise((resolve) => {
    events.install = async (chunks) => {
      let first = true;
      try {
        for await (const _ of chunks) {
          if (first) trouble();
          first = false;
        }
        resolve('it ended as if it were whole');
      } catch (error) {
        resolve(error);
        throw error;
      }
    };
  });
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<{ bytes: number; sum: number }> {
  let bytes = 0;
  let sum = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    for (const byte of chunk) sum += byte;
  }
  return { bytes, sum };
}

function numbered(request: number): Message {
  return { kind: 'readRequest', attempt: 1, request };
}

/** Resolves when a number has not changed for a hundred turns. */
async function standstill(read: () => number): Promise<void> {
  let before = read();
  for (let quiet = 0; quiet < 100; quiet++) {
    await nextTurn();
    const now = read();
    if (now !== before) quiet = 0;
    before = now;
  }
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadlineMs = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('no such server');
  return value;
}
