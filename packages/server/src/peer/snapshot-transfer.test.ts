import type { SnapshotReader } from '@zkl/consensus';
import { afterEach, describe, expect, it } from 'vitest';
import { PeerError } from './peer-error.js';
import type { PeerLimits } from './peer-limits.js';
import { TestCluster, until, type RecordedEvents } from './test-cluster.js';
import { TestProxy } from './test-proxy.js';

const closers: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const MIB = 1024 * 1024;
const zxid = { epoch: 2, counter: 5 };

/** Chunks of 1 MiB, made as they are read. */
class Source implements SnapshotReader {
  readonly zxid = zxid;
  readonly sizeBytes: number;
  readonly chunks: AsyncIterable<Uint8Array>;
  readBytes = 0;
  returned = false;

  constructor(chunks: number, sizeBytes = chunks * MIB) {
    this.sizeBytes = sizeBytes;
    this.chunks = this.#generate(chunks);
  }

  async close(): Promise<void> {}

  async *#generate(chunks: number): AsyncGenerator<Uint8Array> {
    try {
      for (let index = 0; index < chunks; index++) {
        this.readBytes += MIB;
        yield new Uint8Array(MIB).fill(index);
      }
    } finally {
      this.returned = true;
    }
  }
}

async function start(
  limits: PeerLimits = {},
  proxied = false,
): Promise<{ cluster: TestCluster; to: RecordedEvents; proxy: TestProxy | undefined }> {
  const cluster = await TestCluster.open([1, 2], limits);
  closers.push(() => cluster.close());
  let proxy: TestProxy | undefined;
  if (proxied) {
    const opened = await TestProxy.open(cluster.get(2).port.address.port);
    closers.push(() => opened.close());
    cluster.members.set(2, { host: '127.0.0.1', port: opened.port });
    proxy = opened;
  }
  const events = await cluster.start();
  return { cluster, to: events.get(2)!, proxy };
}

function send(cluster: TestCluster, source: Source, signal = new AbortController().signal): Promise<void> {
  return cluster.get(1).transport.sendSnapshot(2, 7, source, signal);
}

async function failureOf(sending: Promise<void>): Promise<PeerError> {
  const error = await sending.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PeerError);
  return error as PeerError;
}

describe('a snapshot transfer', () => {
  it('of 50 MiB to a slow receiver holds little in memory', async () => {
    const { cluster, to } = await start();
    const source = new Source(50);
    let takenBytes = 0;
    let aheadBytesMax = 0;
    const seen: number[] = [];
    to.install = async (chunks, attempt, at) => {
      expect({ attempt, at }).toEqual({ attempt: 7, at: zxid });
      for await (const chunk of chunks) {
        seen[chunk[0]!] = (seen[chunk[0]!] ?? 0) + chunk.byteLength;
        takenBytes += chunk.byteLength;
        await new Promise((resolve) => setImmediate(resolve));
        aheadBytesMax = Math.max(aheadBytesMax, source.readBytes - takenBytes);
      }
    };
    await send(cluster, source);
    expect(takenBytes).toBe(50 * MIB);
    expect(seen).toEqual(Array.from({ length: 50 }, () => MIB));
    // Read ahead here, what the system's socket buffers take, and a chunk.
    expect(aheadBytesMax).toBeLessThan(16 * MIB);
    expect(source.returned).toBe(true);
    await until(() => cluster.get(2).logger.of('snapshot_received').length === 1);
  });

  it('does not hold up messages', async () => {
    const { cluster, to } = await start();
    let sent = 0;
    to.install = async (chunks) => {
      for await (const _ of chunks) {
        cluster.get(1).transport.send(2, { kind: 'readRequest', attempt: 1, request: ++sent });
        await until(() => to.messages.length === sent);
      }
    };
    await send(cluster, new Source(8));
    expect(sent).toBeGreaterThanOrEqual(8);
  });

  it('that is aborted ends at once on both sides', async () => {
    const { cluster, to } = await start();
    const abort = new AbortController();
    let error: unknown;
    to.install = async (chunks) => {
      try {
        for await (const _ of chunks) abort.abort(new Error('changed my mind'));
      } catch (reason) {
        error = reason;
        throw reason;
      }
    };
    const source = new Source(5_000);
    expect(await failureOf(send(cluster, source, abort.signal))).toMatchObject({
      code: 'SNAPSHOT_ABORTED',
      cause: new Error('changed my mind'),
    });
    await until(() => error !== undefined && source.returned);
    expect(error).toMatchObject({ code: 'SNAPSHOT_BROKEN' });
    expect(to.up.has(1)).toBe(true);
    await expect(send(cluster, source, abort.signal)).rejects.toMatchObject({ code: 'SNAPSHOT_ABORTED' });
  });

  it('is given up when the receiver takes nothing in', async () => {
    const { cluster, to } = await start({ snapshotStallMs: 300 });
    let stop = (): void => undefined;
    to.install = () => new Promise((_, reject) => (stop = () => reject(new Error('over'))));
    expect((await failureOf(send(cluster, new Source(100)))).code).toBe('SNAPSHOT_STALLED');
    stop();
  });

  it('is given up when nothing comes from the sender', async () => {
    const { cluster, to } = await start({ snapshotStallMs: 300 });
    const errors: unknown[] = [];
    to.install = async (chunks) => {
      try {
        for await (const _ of chunks);
      } catch (error) {
        errors.push(error);
        throw error;
      }
    };
    const hanging: SnapshotReader = {
      zxid,
      sizeBytes: 5,
      chunks: { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) },
      close: () => Promise.resolve(),
    };
    const error = await failureOf(cluster.get(1).transport.sendSnapshot(2, 7, hanging, new AbortController().signal));
    expect(['SNAPSHOT_STALLED', 'SNAPSHOT_REFUSED']).toContain(error.code);
    await until(() => errors.length === 1);
  });

  it('waits longer for an installation that only takes its time', async () => {
    const { cluster, to } = await start({ snapshotStallMs: 500, snapshotInstallMs: 20_000 });
    let finish: (() => void) | undefined;
    to.install = async (chunks) => {
      for await (const _ of chunks);
      const wholeMs = performance.now();
      await until(() => performance.now() - wholeMs > 1_200);
      finish = () => undefined;
    };
    await send(cluster, new Source(2));
    expect(finish).toBeDefined();
  });

  it('whose size is not what was announced is refused', async () => {
    const { cluster, to } = await start();
    to.install = async (chunks) => {
      for await (const _ of chunks);
    };
    expect((await failureOf(send(cluster, new Source(2, 3 * MIB)))).code).toBe('SNAPSHOT_BROKEN');
    expect((await failureOf(send(cluster, new Source(3, 2 * MIB)))).message).toMatch(
      /larger than announced|not 2097152/,
    );
  });

  it('never passes a damaged byte on', async () => {
    const { cluster, to, proxy } = await start({}, true);
    let intact = true;
    let ended: unknown;
    to.install = async (chunks) => {
      try {
        for await (const chunk of chunks) intact &&= chunk.every((byte) => byte === chunk[0]);
        ended = 'whole';
      } catch (error) {
        ended = error;
        throw error;
      }
    };
    let passed = 0;
    proxy!.onBytes = (bytes) => {
      passed += bytes.length;
      if (passed < 2 * MIB || passed - bytes.length >= 2 * MIB) return bytes;
      const damaged = Buffer.from(bytes);
      damaged[bytes.length >> 1] = (damaged[bytes.length >> 1] ?? 0) ^ 1;
      return damaged;
    };
    await expect(send(cluster, new Source(8))).rejects.toThrow();
    await until(() => ended !== undefined);
    expect(intact).toBe(true);
    expect(ended).toBeInstanceOf(PeerError);
  });

  it('ends when the links between the two are lost', async () => {
    const { cluster, to } = await start();
    let ended: unknown;
    to.install = async (chunks) => {
      try {
        for await (const _ of chunks) {
          // The first connection from server 1 is its link; the second carries the snapshot.
          const [link] = cluster.get(2).sockets.keys();
          link?.destroy();
        }
      } catch (error) {
        ended = error;
        throw error;
      }
    };
    await expect(send(cluster, new Source(5_000))).rejects.toThrow(PeerError);
    await until(() => ended !== undefined);
    expect(ended).toMatchObject({ code: 'SNAPSHOT_BROKEN' });
  });

  it('gives way to a newer one from the same server', async () => {
    const { cluster, to } = await start();
    const ends: string[] = [];
    let newer: Promise<void> | undefined;
    to.install = async (chunks, attempt) => {
      try {
        let first = true;
        for await (const _ of chunks) {
          if (first && attempt === 7) newer = second();
          first = false;
        }
        ends.push(`${attempt} whole`);
      } catch (error) {
        ends.push(`${attempt} broken`);
        throw error;
      }
    };
    const second = (): Promise<void> =>
      cluster.get(1).transport.sendSnapshot(2, 8, new Source(2), new AbortController().signal);
    await expect(send(cluster, new Source(5_000))).rejects.toThrow(PeerError);
    await newer;
    expect(ends).toEqual(['7 broken', '8 whole']);
  });

  it('is refused from a server that is not connected', async () => {
    const { cluster } = await start();
    await cluster.get(2).transport.stop();
    await until(() => !cluster.get(1).transport.isConnected(2));
    expect((await failureOf(send(cluster, new Source(1)))).code).toBe('NOT_CONNECTED');
    await expect(
      cluster.get(1).transport.sendSnapshot(9, 7, new Source(1), new AbortController().signal),
    ).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
  });
});
